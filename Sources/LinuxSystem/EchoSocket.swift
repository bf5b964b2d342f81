internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Sends ICMP echo requests of chosen sizes out of one interface and hears their replies. Needs CAP_NET_RAW.
/// Source: RFC 792, RFC 4443; raw(7).
public struct EchoSocket: ~Copyable {
    private let descriptor: FileDescriptor
    private let family: AddressFamily
    /// Told apart from other programs' by this.
    private let identifier: UInt16

    /// Bytes of the IP header and of ICMP's.
    private static let messageHeader = 8

    /// - Parameter interface: the only one that requests leave by and replies count from.
    public init(family: AddressFamily, interface: String) throws(SystemError) {
        let number = unsafe interface.withCString { unsafe clinux_open_echo(family.rawValue, $0) }
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "ICMP") }
        descriptor = FileDescriptor(owning: number)
        self.family = family
        identifier = UInt16(truncatingIfNeeded: getpid())
    }

    /// For polling.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Sends a request.
    /// - Parameter size: bytes of the whole packet, IP header included.
    /// - Returns: whether the kernel took it.
    public func send(to destination: IPAddress, sequence: UInt16, size: Int) -> Bool {
        let header = family == .v4 ? 20 : 40
        var message = [UInt8](repeating: 0, count: max(Self.messageHeader, size - header))
        message[0] = family == .v4 ? 8 : 128
        (message[4], message[5]) = (UInt8(identifier >> 8), UInt8(truncatingIfNeeded: identifier))
        (message[6], message[7]) = (UInt8(sequence >> 8), UInt8(truncatingIfNeeded: sequence))
        // Of ICMPv6 the kernel fills the checksum in.
        if family == .v4 { setChecksum(of: &message) }
        var address = sockaddr_in6()
        // SAFETY: sockaddr_in6 is the larger of the two addresses; both buffers live across the call.
        let sent = unsafe withUnsafeMutableBytes(of: &address) { memory in
            let length = unsafe SocketAddress.write(Endpoint(address: destination, port: 0), to: memory.baseAddress!)
            return unsafe sendto(
                descriptor.rawValue, message, message.count, 0, memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), length)
        }
        return sent == message.count
    }

    private func setChecksum(of message: inout [UInt8]) {
        var sum: UInt32 = 0
        for i in stride(from: 0, to: message.count - 1, by: 2) { sum += UInt32(message[i]) << 8 | UInt32(message[i + 1]) }
        if message.count % 2 == 1 { sum += UInt32(message[message.count - 1]) << 8 }
        while sum >> 16 != 0 { sum = (sum & 0xffff) + sum >> 16 }
        let checksum = ~UInt16(truncatingIfNeeded: sum)
        (message[2], message[3]) = (UInt8(checksum >> 8), UInt8(truncatingIfNeeded: checksum))
    }

    /// The sequence number of the next reply to us, without waiting; nil when none waits.
    public func nextReply() -> UInt16? {
        unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { buffer in
            while true {
                let count = unsafe recv(descriptor.rawValue, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC))
                guard count > 0 else { return nil }
                // SAFETY: no byte beyond those that were received, nor beyond the buffer, is looked at.
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)])
                if let sequence = unsafe Self.sequence(ofReply: bytes, family: family, identifier: identifier) { return sequence }
            }
        }
    }

    /// The sequence number of a reply, of which there may be only the beginning; nil for anything else that a raw socket gives.
    static func sequence(ofReply bytes: UnsafeRawBufferPointer, family: AddressFamily, identifier: UInt16) -> UInt16? {
        // IPv4's raw sockets give the IP header as well.
        let start = unsafe family == .v4 ? Int((bytes.first ?? 0) & 0xf) * 4 : 0
        // SAFETY: all that is looked at is within the eight bytes that are there.
        guard bytes.count >= start + messageHeader, unsafe bytes[start] == (family == .v4 ? 0 : 129),
            unsafe UInt16(bytes[start + 4]) << 8 | UInt16(bytes[start + 5]) == identifier
        else { return nil }
        return unsafe UInt16(bytes[start + 6]) << 8 | UInt16(bytes[start + 7])
    }
}
