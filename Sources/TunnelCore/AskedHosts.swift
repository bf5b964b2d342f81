public import NetworkTypes

/// What asks a host for an answer, whatever program sent it.
public enum Question: UInt8, Hashable, Sendable, CaseIterable {
    /// An ICMP echo request.
    case echo = 1
    /// The first packet of a TCP connection.
    case connection = 2
    /// A query to a name server.
    case query = 4

    /// What a packet asks; nil for the many that ask for nothing, or don't begin to.
    init?(_ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader) {
        guard !header.destination.isMulticast, !header.destination.isLinkLocal,
            let payload = unsafe AskedHosts.payload(packet, header)
        else { return nil }
        switch unsafe (header.protocolNumber, payload[0]) {
        case (1, 8) where !header.isIPv6, (58, 128) where header.isIPv6: self = .echo
        case (6, _) where unsafe payload[13] & AskedHosts.synAndACK == AskedHosts.syn: self = .connection
        case (17, _) where unsafe payload[2] == 0 && payload[3] == 53: self = .query
        default: return nil
        }
    }
}

/// A host behind a peer that was asked something.
public struct AskedHost: Hashable, Sendable {
    /// Its address inside the tunnel.
    public let address: IPAddress
    /// What it was asked last.
    public var question: Question
    /// Questions since it answered last, or since the peer was away last.
    public var unanswered: UInt64 = 0
    /// When the first of them was sent; nil for none.
    public var since: Instant?
    /// When it was asked last.
    public var last: Instant
    /// The kinds of question that it has answered, as bits of ``Question``'s values.
    public var answered: UInt8 = 0
}

/// The hosts behind one peer that were asked last, and whether they answer: what shows that packets come back, or don't, for a peer can
/// live and decrypt and answer itself with keepalives while nothing comes back of what it passes on.
///
/// Traffic of one way (a log, a stream, what is sent to everybody) asks for nothing, and then the same silence is as it should be.
struct AskedHosts {
    private static let capacity = 6
    /// Of them, how many that answer: they are the proof that others could, so that questions without end don't drive them out.
    private static let answering = 3

    /// At most ``capacity``; memory is taken with the first question, since of thousands of peers most are never asked anything.
    private(set) var hosts: [AskedHost] = []
    /// Whether an answer is waited for.
    private(set) var isWaiting = false

    fileprivate static let syn: UInt8 = 0x02
    fileprivate static let synAndACK: UInt8 = 0x12

    /// Notes what a packet to a host asks, or that it goes on with what must have been answered by another way.
    mutating func sent(_ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader, at now: Instant) {
        if let question = unsafe Question(packet, header) { return ask(header.destination, question, at: now) }
        guard isWaiting, header.protocolNumber == 6, let payload = unsafe Self.payload(packet, header),
            unsafe payload[13] & Self.synAndACK == 0x10
        else { return }
        answer(header.destination, .connection)
    }

    /// Notes that a packet came from a host. Where somebody on the way says what is wrong, whoever asked hears of it.
    mutating func received(_ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader) {
        if let payload = unsafe Self.payload(packet, header), unsafe Self.isError(payload[0], header) { return startAgain() }
        answer(header.source, nil)
    }

    /// Forgets what was asked while nobody could answer: the peer was away.
    mutating func startAgain() {
        guard isWaiting else { return }
        for index in hosts.indices { hosts[index].startAgain() }
        isWaiting = false
    }

    private mutating func ask(_ address: IPAddress, _ question: Question, at now: Instant) {
        let index = hosts.firstIndex { $0.address == address } ?? place(of: AskedHost(address: address, question: question, last: now))
        hosts[index].ask(question, at: now)
        isWaiting = true
    }

    private mutating func answer(_ address: IPAddress, _ question: Question?) {
        if let index = hosts.firstIndex(where: { $0.address == address }) { hosts[index].answer(question) }
        isWaiting = hosts.contains { $0.unanswered > 0 }
    }

    /// Where a new host is from now on: behind the others, else in the place of one asked longest ago.
    private mutating func place(of host: AskedHost) -> Int {
        guard hosts.count == Self.capacity else {
            hosts.reserveCapacity(Self.capacity)
            hosts.append(host)
            return hosts.count - 1
        }
        let isFull = hosts.count { $0.unanswered == 0 } > Self.answering
        func order(_ index: Int) -> (Int, UInt64) { ((hosts[index].unanswered == 0) == isFull ? 0 : 1, hosts[index].last.nanoseconds) }
        let oldest = hosts.indices.min { order($0) < order($1) } ?? 0
        hosts[oldest] = host
        return oldest
    }

    /// What is behind the IP header of a packet that is no later fragment; nil if that is too short to tell.
    fileprivate static func payload(_ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader) -> UnsafeRawBufferPointer? {
        let least = header.protocolNumber == 6 ? 20 : 8
        guard packet.count >= header.totalLength, header.totalLength >= header.headerLength + least else { return nil }
        // SAFETY: within the packet, as just looked at; an IPv4 header has 20 bytes at least.
        guard unsafe header.isIPv6 || (packet[6] & 0x1f == 0 && packet[7] == 0) else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: packet[header.headerLength..<header.totalLength])
    }

    /// Destination unreachable, time exceeded and their like.
    private static func isError(_ type: UInt8, _ header: IPPacketHeader) -> Bool {
        switch (header.protocolNumber, header.isIPv6) {
        case (1, false): [3, 5, 11, 12].contains(type)
        case (58, true): type < 128
        default: false
        }
    }
}

extension AskedHost {
    mutating func ask(_ question: Question, at now: Instant) {
        self.question = question
        if unanswered == 0 { since = now }
        unanswered += 1
        last = now
    }

    /// - Parameter question: what was answered; nil: what was asked last.
    mutating func answer(_ question: Question?) {
        guard unanswered > 0 else { return }
        answered |= (question ?? self.question).rawValue
        startAgain()
    }

    mutating func startAgain() {
        unanswered = 0
        since = nil
    }
}
