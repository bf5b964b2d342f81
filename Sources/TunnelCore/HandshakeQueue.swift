public import NetworkTypes

/// A handshake or cookie datagram as it came from the network.
public struct HandshakeDatagram: Sendable {
    /// The largest that can be valid: an initiation (whitepaper section 5.4.2).
    public static let maximumSize = 148

    /// The datagram, zeros behind it.
    public var bytes: InlineArray<148, UInt8>
    /// Bytes of the datagram.
    public var count: Int
    /// Who sent it; not proven.
    public var sender: Endpoint
    /// Where it arrived, so that the answer leaves from there.
    public var source: EndpointSource?

    /// Copies the datagram; nil if it is too long to be a handshake message.
    public init?(_ datagram: UnsafeRawBufferPointer, from sender: Endpoint, at source: EndpointSource?) {
        guard datagram.count <= Self.maximumSize else { return nil }
        bytes = InlineArray(repeating: 0)
        count = datagram.count
        self.sender = sender
        self.source = source
        for i in 0..<datagram.count {
            bytes[i] = unsafe datagram[i]
        }
    }

    /// Calls `body` with the datagram's bytes.
    public func withUnsafeBytes<R: ~Copyable, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let span = bytes.span
        return unsafe try span.withUnsafeBytes { (whole) throws(E) -> R in
            unsafe try body(UnsafeRawBufferPointer(rebasing: whole[..<count]))
        }
    }
}

/// Handshake datagrams that wait for their turn, and the judgement whether they come faster than they can be answered.
///
/// Bounded: a flood of initiations fills it and is dropped here, before any of it costs a scalar multiplication.
public struct HandshakeQueue: ~Copyable {
    /// As many as wireguard-go lets wait.
    public static let capacity = 1024
    /// From this fill on the receiver is under load and asks for cookies (WireGuard: an eighth).
    static let loadThreshold = capacity / 8
    /// How long it stays under load after the queue was last that full.
    static let loadLinger = Interval.seconds(1)

    private var storage: [HandshakeDatagram] = []
    /// The next to take; everything before it has been taken.
    private var head = 0
    private var underLoadUntil = Instant(nanoseconds: 0)

    /// Nothing waits.
    public init() {}

    /// Datagrams that wait.
    public var count: Int { storage.count - head }

    /// Whether another datagram fits.
    public var hasRoom: Bool { count < Self.capacity }

    /// Adds a datagram at the end.
    /// - Returns: false if the queue is full; the datagram is dropped.
    public mutating func append(_ datagram: HandshakeDatagram, now: Instant) -> Bool {
        guard hasRoom else { return false }
        storage.append(datagram)
        if count >= Self.loadThreshold { underLoadUntil = now + Self.loadLinger }
        return true
    }

    /// The oldest datagram.
    public mutating func popFirst() -> HandshakeDatagram? {
        guard head < storage.count else { return nil }
        let first = storage[head]
        head += 1
        if head == storage.count {
            // A queue that a flood had grown gives its memory back.
            storage.removeAll(keepingCapacity: storage.count <= 32)
            head = 0
        } else if head >= Self.capacity {
            storage.removeFirst(head)
            head = 0
        }
        return first
    }

    /// Whether handshakes must prove their source with a cookie first.
    public func isUnderLoad(at now: Instant) -> Bool {
        count >= Self.loadThreshold || now < underLoadUntil
    }
}
