/// Makes a pcapng file of packets: what Wireshark, tshark and tcpdump read.
///
/// The bytes are taken away by ``take()`` as they come, a whole number of blocks each time, so that what was written up to any moment is a
/// file that can be read. Source: draft-ietf-opsawg-pcapng.
public struct CaptureEncoder: Sendable {
    /// What the capture says of itself.
    public struct Section: Hashable, Sendable {
        /// The tunnel's interface.
        public var interface: String
        /// The program that writes it, with its version.
        public var application: String
        /// The system that it runs on; empty: not said.
        public var system: String
        /// What was asked for, as it was written; empty: everything.
        public var filter: String

        /// A section without a filter.
        public init(interface: String, application: String, system: String = "", filter: String = "") {
            self.interface = interface
            self.application = application
            self.system = system
            self.filter = filter
        }
    }

    /// What one side of the capture comes to.
    public struct Statistics: Hashable, Sendable {
        /// Packets in the file.
        public var written: UInt64 = 0
        /// Packets that didn't fit on their way here.
        public var missed: UInt64 = 0

        /// Nothing yet.
        public init() {}
    }

    /// LINKTYPE_RAW: packets begin with an IPv4 or IPv6 header.
    static let linkType: UInt16 = 101
    /// "WGKL", the type of secrets that are a WireGuard key log.
    static let wireGuardKeyLog: UInt32 = 0x5747_4b4c

    private enum OptionCode {
        static let comment: UInt16 = 1
        static let sectionSystem: UInt16 = 3
        static let sectionApplication: UInt16 = 4
        static let interfaceName: UInt16 = 2
        static let interfaceDescription: UInt16 = 3
        static let timestampResolution: UInt16 = 9
        static let interfaceFilter: UInt16 = 11
        static let packetFlags: UInt16 = 2
        static let packetDropCount: UInt16 = 4
        static let packetIdentity: UInt16 = 5
        static let statisticsStart: UInt16 = 2
        static let statisticsEnd: UInt16 = 3
        static let statisticsReceived: UInt16 = 4
        static let statisticsDropped: UInt16 = 5
        static let statisticsDelivered: UInt16 = 8
    }

    /// Bytes that ``take()`` will give.
    public private(set) var pending: [UInt8] = []
    /// What was written of the side that programs see.
    public private(set) var inner = Statistics()
    /// What was written of the side that the network sees.
    public private(set) var outer = Statistics()
    private let begin: UInt64

    /// Begins a capture: a section with its two interfaces.
    /// - Parameter unixNanoseconds: when it begins.
    public init(_ section: Section, at unixNanoseconds: UInt64) {
        begin = unixNanoseconds
        var header = PcapngBlock(.sectionHeader)
        header.append(UInt32(0x1a2b_3c4d))
        header.append(UInt16(1))
        header.append(UInt16(0))
        // The section's length isn't known: it ends with the file.
        header.append(UInt64.max)
        if !section.system.isEmpty { header.append(option: OptionCode.sectionSystem, section.system) }
        header.append(option: OptionCode.sectionApplication, section.application)
        header.endOptions()
        pending = header.finished()
        describe(section, "inner", "the packets that programs send and receive through \(section.interface)")
        describe(section, "outer", "the datagrams of \(section.interface), with headers made from its sockets' addresses")
    }

    private mutating func describe(_ section: Section, _ name: String, _ description: String) {
        var block = PcapngBlock(.interfaceDescription)
        block.append(Self.linkType)
        block.append(UInt16(0))
        // No limit to a packet's bytes.
        block.append(UInt32(0))
        block.append(option: OptionCode.interfaceName, "\(section.interface)-\(name)")
        block.append(option: OptionCode.interfaceDescription, description)
        // Nanoseconds.
        block.append(option: OptionCode.timestampResolution, number: UInt8(9))
        // Code 0 in front: the text of a filter.
        if !section.filter.isEmpty { block.append(option: OptionCode.interfaceFilter, [0] + Array(section.filter.utf8)) }
        block.endOptions()
        pending += block.finished()
    }

    /// Adds a packet.
    /// - Parameter missed: packets of its side that are missing just in front of it.
    public mutating func add(_ packet: CapturedPacket, missed: UInt64 = 0) {
        var block = PcapngBlock(.enhancedPacket, bodyCount: packet.bytes.count + packet.comment.utf8.count + 64)
        block.append(packet.side.rawValue)
        block.append(timestamp: packet.unixNanoseconds)
        block.append(UInt32(packet.bytes.count))
        block.append(UInt32(clamping: packet.originalCount))
        block.append(packet.bytes)
        if !packet.comment.isEmpty { block.append(option: OptionCode.comment, packet.comment) }
        block.append(option: OptionCode.packetFlags, number: packet.direction.rawValue)
        if missed > 0 { block.append(option: OptionCode.packetDropCount, number: missed) }
        if let identity = packet.identity { block.append(option: OptionCode.packetIdentity, number: identity) }
        block.endOptions()
        pending += block.finished()
        count(packet.side) { statistics in
            statistics.written += 1
            statistics.missed += missed
        }
    }

    /// Counts packets of a side that are missing, behind the last of its packets that are there.
    public mutating func addMissed(_ missed: UInt64, of side: CapturedPacket.Side) {
        count(side) { $0.missed += missed }
    }

    /// Adds lines of a key log, for the packets behind it. They are secrets.
    public mutating func add(_ keyLog: KeyLog) {
        var block = PcapngBlock(.decryptionSecrets, bodyCount: keyLog.text.utf8.count)
        block.append(Self.wireGuardKeyLog)
        block.append(UInt32(keyLog.text.utf8.count))
        block.append(keyLog.text.utf8)
        pending += block.finished()
    }

    /// Ends the capture with each side's statistics.
    /// - Parameter unixNanoseconds: when it ends.
    public mutating func finish(at unixNanoseconds: UInt64) {
        for side in CapturedPacket.Side.allCases {
            let statistics = side == .inner ? inner : outer
            var block = PcapngBlock(.interfaceStatistics)
            block.append(side.rawValue)
            block.append(timestamp: unixNanoseconds)
            // Only here a timestamp is an option, and its halves are in the same order as elsewhere.
            block.append(option: OptionCode.statisticsStart, number: Self.swappedHalves(begin))
            block.append(option: OptionCode.statisticsEnd, number: Self.swappedHalves(unixNanoseconds))
            block.append(option: OptionCode.statisticsReceived, number: statistics.written + statistics.missed)
            block.append(option: OptionCode.statisticsDropped, number: statistics.missed)
            block.append(option: OptionCode.statisticsDelivered, number: statistics.written)
            block.endOptions()
            pending += block.finished()
        }
    }

    /// Takes what is to be written next: whole blocks.
    public mutating func take() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &pending)
        return taken
    }

    private mutating func count(_ side: CapturedPacket.Side, _ change: (inout Statistics) -> Void) {
        switch side {
        case .inner: change(&inner)
        case .outer: change(&outer)
        }
    }

    private static func swappedHalves(_ number: UInt64) -> UInt64 { number << 32 | number >> 32 }
}
