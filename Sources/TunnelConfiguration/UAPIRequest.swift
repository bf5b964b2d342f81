public import TunnelCore

/// One request of the cross-platform userspace interface.
public enum UAPIRequest: Sendable {
    /// `get=1`: the whole state is wanted.
    case get
    /// `set=1`: a change, complete and valid.
    case set(TunnelUpdate)
    /// A request that can't be carried out; nothing of it is.
    case refused(UAPIOperation?, UAPIError)
}

/// What a request asks for.
public enum UAPIOperation: Hashable, Sendable {
    case get, set
}

/// Why a request failed, in the numbers that the interface speaks (Linux errno values).
public struct UAPIError: Error, Hashable, Sendable {
    /// A positive errno value.
    public var errno: Int32
    /// What was wrong, for our log; the interface has no words. Holds no secrets.
    public var reason: String

    public init(errno: Int32, reason: String) {
        self.errno = errno
        self.reason = reason
    }

    static func invalid(_ reason: String) -> UAPIError { UAPIError(errno: 22, reason: reason) }
    static func protocolViolation(_ reason: String) -> UAPIError { UAPIError(errno: 71, reason: reason) }
    static func tooLong(_ reason: String) -> UAPIError { UAPIError(errno: 90, reason: reason) }
}

/// Reads requests from a connection whose writes may be split at any byte.
///
/// A `set` grows with what it changes and with nothing else; it is delivered when its empty line arrives, so a client that
/// goes away in the middle changes nothing. After the first mistake the rest of a request is read over and dropped.
/// Source: WireGuard cross-platform userspace interface.
public struct UAPIRequestParser: Sendable {
    /// Bytes of the longest request: a million prefixes with room to spare.
    public static let maximumRequestSize = 256 << 20

    private var lines = UAPILines()
    private var operation: UAPIOperation?
    private var update = TunnelUpdate()
    private var failure: UAPIError?
    private var isWithin = false
    private var size = 0
    private let zoneIndex: @Sendable (String) -> UInt32?

    /// - Parameter zoneIndex: the index of the interface that a link-local endpoint's zone names, as `fe80::1%eth0`.
    public init(zoneIndex: @escaping @Sendable (String) -> UInt32? = { UInt32($0) }) {
        self.zoneIndex = zoneIndex
    }

    /// Reads on, and gives each request to `deliver` as it becomes complete.
    public mutating func consume(_ bytes: ArraySlice<UInt8>, _ deliver: (UAPIRequest) -> Void) {
        // The two are one storage to the compiler otherwise.
        var lines = self.lines
        self.lines = UAPILines()
        lines.consume(bytes) { line in read(line, deliver) }
        self.lines = lines
    }

    private mutating func read(_ line: ArraySlice<UInt8>?, _ deliver: (UAPIRequest) -> Void) {
        guard let line else {
            isWithin = true
            failure = failure ?? .tooLong("a line is longer than \(UAPILines.maximumLength) bytes")
            return
        }
        if line.isEmpty {
            if isWithin { deliver(finish()) }
            return
        }
        defer { isWithin = true }
        size += line.count + 1
        guard failure == nil else { return }
        guard size <= Self.maximumRequestSize else {
            failure = .tooLong("the request is longer than \(Self.maximumRequestSize) bytes")
            update = TunnelUpdate()
            return
        }
        do {
            try read(line)
        } catch {
            failure = error
            update = TunnelUpdate()
        }
    }

    private mutating func finish() -> UAPIRequest {
        let request: UAPIRequest
        switch (operation, failure) {
        case (let operation, let failure?): request = .refused(operation, failure)
        case (.get, nil): request = .get
        case (.set, nil): request = .set(update)
        case (nil, nil): request = .refused(nil, .protocolViolation("neither get=1 nor set=1"))
        }
        (operation, update, failure, isWithin, size) = (nil, TunnelUpdate(), nil, false, 0)
        return request
    }

    private mutating func read(_ line: ArraySlice<UInt8>) throws(UAPIError) {
        guard isWithin else {
            if line.equals("get=1") {
                operation = .get
            } else if line.equals("set=1") {
                operation = .set
            } else {
                throw .protocolViolation("a request begins with get=1 or set=1")
            }
            return
        }
        guard operation == .set else { throw .protocolViolation("get=1 takes no further line") }
        guard let (key, value) = line.keyAndValue else { throw .protocolViolation("a line has no `=`") }
        if key.equals("public_key") {
            do {
                update.peers.append(PeerUpdate(publicKey: try .init(hex: value)))
            } catch {
                throw .invalid("public_key is not 64 hexadecimal digits")
            }
        } else if update.peers.isEmpty {
            try update.read(key: key, value: value)
        } else {
            try update.peers[update.peers.count - 1].read(key: key, value: value, zoneIndex)
        }
    }
}
