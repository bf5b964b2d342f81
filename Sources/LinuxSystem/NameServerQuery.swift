internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Asks a name server something that every one answers, to see whether it does. Source: RFC 1035.
public enum NameServerQuery {
    /// The name servers of the root, asked for recursively.
    private static let question: [UInt8] = [0x57, 0x47, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]

    /// Sends one query to port 53 and waits for the answer, whatever it says.
    /// - Parameters:
    ///   - interface: the only one that the query may leave by; nil: as it is routed.
    ///   - patience: how long to wait.
    /// - Returns: how long the answer took; nil without one.
    /// - Throws: what the kernel refuses the query with, ECONNREFUSED if nobody listens there.
    public static func ask(_ server: IPAddress, through interface: String?, patience: Interval) throws(SystemError) -> Interval? {
        let family: AddressFamily = server.bitWidth == 32 ? .v4 : .v6
        let number = socket(family.rawValue, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "UDP") }
        let descriptor = FileDescriptor(owning: number)
        if let interface {
            let bound = unsafe interface.withCString { unsafe setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, $0, socklen_t(strlen($0))) }
            guard bound == 0 else { throw SystemError(operation: "use", subject: interface) }
        }
        var address = sockaddr_in6()
        // SAFETY: sockaddr_in6 is the larger of the two addresses and lives across the call.
        let connected = unsafe withUnsafeMutableBytes(of: &address) { memory in
            let length = unsafe SocketAddress.write(Endpoint(address: server, port: 53), to: memory.baseAddress!)
            return unsafe connect(number, memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), length)
        }
        guard connected == 0 else { throw SystemError(operation: "send to", subject: "\(server)") }
        let start = Clock.now
        guard unsafe send(number, question, question.count, 0) == question.count else {
            throw SystemError(operation: "send to", subject: "\(server)")
        }
        let end = start + patience
        while Clock.now < end {
            guard DescriptorPoll.wait([.init(descriptor.rawValue)], for: end.since(Clock.now)) == [true] else { return nil }
            var answer = [UInt8](repeating: 0, count: 512)
            let count = unsafe recv(number, &answer, answer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { throw SystemError(operation: "ask", subject: "\(server)") }
            if count >= 12, answer[0] == question[0], answer[1] == question[1], answer[2] & 0x80 != 0 { return Clock.now.since(start) }
        }
        return nil
    }
}
