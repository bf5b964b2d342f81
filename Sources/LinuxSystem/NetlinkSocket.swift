internal import CLinuxShims
internal import CMnl
internal import Glibc

/// A route netlink socket: asks the kernel about links, addresses, routes and rules of one network namespace, and changes them.
///
/// It stays in the namespace of the thread that opened it. One request at a time; errors carry the kernel's own explanation
/// where it gives one. Source: rtnetlink(7).
public struct NetlinkSocket: ~Copyable, Sendable {
    let descriptor: FileDescriptor
    private var lastSequence: UInt32 = 0

    /// A socket in the calling thread's network namespace.
    public init() throws(SystemError) {
        try self.init(groups: 0)
    }

    /// - Parameter groups: a bit for each multicast group (RTMGRP_…) to listen to.
    init(groups: UInt32, nonBlocking: Bool = false) throws(SystemError) {
        descriptor = try Self.open(groups: groups, nonBlocking: nonBlocking)
    }

    private static func open(groups: UInt32, nonBlocking: Bool) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        let number = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | flags, NETLINK_ROUTE)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "netlink") }
        let descriptor = FileDescriptor(owning: number)
        // Explanations and strict filters came with kernels 4.12 and 4.20; without them errors are terse and dumps long.
        for option in [CLINUX_NETLINK_EXT_ACK, CLINUX_NETLINK_CAP_ACK, CLINUX_NETLINK_GET_STRICT_CHK] {
            var on: Int32 = 1
            unsafe setsockopt(number, CLINUX_SOL_NETLINK, option, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = groups
        // SAFETY: bind reads a sockaddr_nl of that size, alive across the call.
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard bound == 0 else { throw SystemError(operation: "bind", subject: "netlink") }
        return descriptor
    }

    /// Sends `request` and waits until the kernel has acknowledged it or listed everything.
    /// - Parameter body: called with each message of the answer.
    mutating func perform(_ request: borrowing NetlinkRequest, _ body: (NetlinkMessage) -> Void = { _ in }) throws(SystemError) {
        lastSequence &+= 1
        let sequence = lastSequence
        let bytes = unsafe request.seal(sequence: sequence)
        guard try unsafe descriptor.write(bytes) == bytes.count else {
            throw SystemError(errno: EMSGSIZE, operation: request.operation, subject: request.subject)
        }
        var isOver = false
        while !isOver {
            try receive { message in
                // An answer to a request that was given up is not ours.
                guard !isOver, message.sequence == sequence else { return nil }
                switch message.type {
                case Int(CLINUX_NLMSG_ERROR), Int(CLINUX_NLMSG_DONE):
                    isOver = true
                    return Self.failure(in: message, request.operation, request.subject)
                case Int(CLINUX_NLMSG_NOOP): return nil
                default:
                    body(message)
                    return nil
                }
            }
        }
    }

    /// Receives one datagram of messages, waiting for it, and calls `body` with each until it gives an error to throw.
    func receive(_ body: (NetlinkMessage) -> SystemError?) throws(SystemError) {
        var failure: SystemError?
        let descriptor = descriptor.rawValue
        unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            var count: Int
            repeat {
                count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            } while count < 0 && Glibc.errno == EINTR
            guard count >= 0 else {
                failure = SystemError(operation: "recv", subject: "netlink")
                return
            }
            var left = Int32(count)
            // SAFETY: mnl_nlmsg_ok keeps each message inside of the bytes received.
            var header = unsafe UnsafePointer(buffer.baseAddress!.assumingMemoryBound(to: nlmsghdr.self))
            while unsafe failure == nil && mnl_nlmsg_ok(header, left) {
                failure = body(unsafe NetlinkMessage(header))
                unsafe header = UnsafePointer(mnl_nlmsg_next(header, &left))
            }
        }
        if let failure { throw failure }
    }

    /// The error in an acknowledgement, or in the end of a listing: a negative errno, and behind it perhaps the kernel's words.
    private static func failure(in message: NetlinkMessage, _ operation: String, _ subject: String) -> SystemError? {
        guard let code = message.fixedPart(as: Int32.self), code < 0 else { return nil }
        var detail = ""
        if message.flags & CLINUX_NLM_F_ACK_TLVS != 0 {
            // An acknowledgement repeats the header of the request (all of it, when it isn't capped: then nothing is found here).
            let isError = message.type == Int(CLINUX_NLMSG_ERROR)
            let size = isError ? MemoryLayout<nlmsgerr>.size : MemoryLayout<Int32>.size
            detail = message.attributes(after: size)[Int(CLINUX_NLMSGERR_ATTR_MSG)]?.string ?? ""
        }
        return SystemError(errno: -code, operation: operation, subject: subject, detail: detail)
    }
}
