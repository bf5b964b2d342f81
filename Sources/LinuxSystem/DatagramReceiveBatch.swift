internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Room for the datagrams of one `recvmmsg`, made once and filled again and again.
///
/// With UDP_GRO a message is a *super-datagram*: consecutive datagrams of one sender, all of ``Message/segmentSize`` bytes but
/// the last, which may be shorter. The bytes stay valid until the next receive into the same batch.
@safe
public struct DatagramReceiveBatch: ~Copyable {
    /// One received message.
    @safe
    public struct Message {
        /// Its bytes.
        @unsafe public let bytes: UnsafeMutableRawBufferPointer
        /// The size of each datagram in it but the last.
        public let segmentSize: Int
        /// The outer traffic class (IPv4 TOS, IPv6 traffic class); its low two bits are ECN.
        public let trafficClass: UInt8
    }

    /// A merged message can have all 65,535 bytes of an IP packet; a smaller buffer would lose its tail.
    private static let bufferSize = 1 << 16
    private static let controlSize = 160
    /// How often a receive that fails is tried.
    private static let attempts = 4

    private let capacity: Int
    private var filled = 0
    private let buffers: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer
    private let addresses: UnsafeMutableRawPointer
    private let vectors: UnsafeMutablePointer<iovec>
    private let messages: UnsafeMutablePointer<clinux_mmsghdr>

    /// Makes room for `capacity` messages; memory is touched only as traffic fills it.
    public init(capacity: Int) {
        self.capacity = capacity
        unsafe buffers = .allocate(byteCount: capacity * Self.bufferSize, alignment: 64)
        unsafe controls = .allocate(byteCount: capacity * Self.controlSize, alignment: 8)
        unsafe addresses = .allocate(byteCount: capacity * SocketAddress.capacity, alignment: 8)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe messages = .allocate(capacity: capacity)
        for i in 0..<capacity {
            unsafe vectors[i] = iovec(iov_base: buffers + i * Self.bufferSize, iov_len: Self.bufferSize)
            unsafe messages[i] = clinux_mmsghdr()
            unsafe messages[i].header.msg_iov = vectors + i
            unsafe messages[i].header.msg_iovlen = 1
            unsafe messages[i].header.msg_name = addresses + i * SocketAddress.capacity
            unsafe messages[i].header.msg_control = controls + i * Self.controlSize
        }
    }

    deinit {
        unsafe buffers.deallocate()
        unsafe controls.deallocate()
        unsafe addresses.deallocate()
        unsafe vectors.deallocate()
        unsafe messages.deallocate()
    }

    /// How many messages the last receive brought.
    public var count: Int { filled }

    /// The errno with which the last receive failed; 0 if it didn't, or if there was nothing to receive.
    public private(set) var error: Int32 = 0

    /// Receives what waits at `socket`, without blocking.
    /// - Parameter limit: the most messages to take; no more than this batch's capacity.
    ///
    /// An error of an earlier send is reported once by whatever is done next with a socket: then it is asked again.
    /// - Returns: the number of messages; 0 when nothing waits, or with ``error``.
    @discardableResult
    public mutating func receive(from socket: UDPSocket, atMost limit: Int = .max) -> Int {
        let wanted = min(limit, capacity)
        for i in 0..<wanted {
            // SAFETY: the arrays hold `capacity` elements; the kernel overwrote these lengths in the last receive.
            unsafe messages[i].header.msg_namelen = socklen_t(SocketAddress.capacity)
            unsafe messages[i].header.msg_controllen = Self.controlSize
        }
        var result: Int32
        var failures = 0
        repeat {
            result = unsafe clinux_recvmmsg(socket.descriptor, messages, UInt32(wanted), Int32(MSG_DONTWAIT))
            error = result < 0 && errno != EAGAIN ? errno : 0
            if error != 0 && error != EINTR { failures += 1 }
        } while error != 0 && failures < Self.attempts
        filled = max(0, Int(result))
        return filled
    }

    /// The message at `index`, below ``count``.
    public func message(at index: Int) -> Message {
        precondition(index < filled)
        let length = unsafe Int(messages[index].length)
        let control = self.control(at: index)
        // UDP_GRO's control message is absent for a lone datagram.
        let segment = control.segment_size > 0 ? Int(control.segment_size) : length
        return unsafe Message(
            bytes: UnsafeMutableRawBufferPointer(start: buffers + index * Self.bufferSize, count: length),
            segmentSize: max(1, segment), trafficClass: control.traffic_class)
    }

    /// Who sent the message at `index`.
    public func sender(at index: Int) -> Endpoint {
        precondition(index < filled)
        return unsafe SocketAddress.read(from: addresses + index * SocketAddress.capacity)
    }

    /// The local address and interface that the message at `index` reached.
    public func localSource(at index: Int) -> EndpointSource? {
        precondition(index < filled)
        var control = self.control(at: index)
        guard control.has_local_address != 0 else { return nil }
        let isV4 = unsafe (addresses + index * SocketAddress.capacity).load(as: sa_family_t.self) == sa_family_t(AF_INET)
        // SAFETY: local_address is 16 bytes, of which an IPv4 address uses the first 4.
        let address: IPAddress = unsafe withUnsafeBytes(of: &control.local_address) { bytes in
            unsafe isV4 ? .v4(IPv4Address(bytes: bytes.baseAddress!)) : .v6(IPv6Address(bytes: bytes.baseAddress!))
        }
        return EndpointSource(address: address, interfaceIndex: control.interface_index)
    }

    private func control(at index: Int) -> clinux_datagram_control {
        var control = clinux_datagram_control()
        // SAFETY: the kernel filled this header's control space and left its length there.
        unsafe clinux_read_datagram_control(&messages[index].header, &control)
        return control
    }
}
