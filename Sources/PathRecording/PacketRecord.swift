public import TunnelCore

/// One packet's way, as far as it went: what was noted of it, and as many of its bytes as were asked for.
public struct PacketRecord: Sendable, Hashable {
    /// What the stages noted.
    public var notes: PacketNotes
    /// The beginning of the inner packet: its headers, or all of it where payload was asked for. Empty where none was seen.
    public var packet: [UInt8]
    /// The beginning of the datagram (UDP payload): a data message's header, or all of it where payload was asked for; handshake messages
    /// are whole. Empty if there was none.
    public var datagram: [UInt8]

    public init(_ notes: PacketNotes, packet: [UInt8] = [], datagram: [UInt8] = []) {
        self.notes = notes
        self.packet = packet
        self.datagram = datagram
    }

    /// The inner packet's addresses and ports, as far as they are recorded.
    public var addresses: PacketAddresses? {
        unsafe packet.withUnsafeBytes { unsafe PacketAddresses(beginning: $0) }
    }

    /// The name of the stage at which its way ended.
    public var lastStage: String {
        if let drop = notes.drop { return drop.place.name }
        guard let last = notes.stages.last else { return notes.direction.stageNames[0] }
        return notes.direction.stageNames[last]
    }
}

/// What is recorded of which packets.
public struct RecordingRequest: Sendable, Hashable {
    /// Which packets.
    public var filter: RecordingFilter
    /// After so many the recording ends; nil: when its reader does.
    public var count: UInt64?
    /// Whether packets and datagrams are recorded whole, not only their headers.
    public var payload = false
    /// Whether handshake messages are recorded whatever the filter says: without them nobody can decrypt.
    public var handshakes = false
    /// Whether the keys of sessions are told (``RecordingFrame/secret(_:)``).
    public var keys = false

    public init(_ filter: RecordingFilter = RecordingFilter(), count: UInt64? = nil) {
        self.filter = filter
        self.count = count
    }

    /// Bytes of an inner packet that are recorded without ``payload``: an IPv6 header, two extension headers and TCP with options.
    public static let headerBytes = 128
    /// Bytes of a datagram that are recorded without ``payload``: WireGuard's header.
    public static let datagramHeaderBytes = 16
}

extension RecordingRequest: LosslessStringConvertible {
    /// As it goes over the control channel: `COUNT payload|headers handshakes|matching keys|nokeys FILTER…`, 0 for no count.
    public var description: String {
        "\(count ?? 0) \(payload ? "payload" : "headers") \(handshakes ? "handshakes" : "matching") \(keys ? "keys" : "nokeys") \(filter)"
    }

    /// Reads what ``description`` wrote.
    public init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count == 5, let count = UInt64(words[0]), ["payload", "headers"].contains(words[1]),
            ["handshakes", "matching"].contains(words[2]), ["keys", "nokeys"].contains(words[3]),
            let filter = try? RecordingFilter(String(words[4]))
        else { return nil }
        self.init(filter, count: count == 0 ? nil : count)
        payload = words[1] == "payload"
        handshakes = words[2] == "handshakes"
        keys = words[3] == "keys"
    }
}
