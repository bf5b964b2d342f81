internal import CLinuxShims
internal import Glibc

/// A route netlink socket: asks the kernel about links, addresses, routes and rules of one network namespace, and changes them.
///
/// It stays in the namespace of the thread that opened it. One request at a time; errors carry the kernel's own explanation
/// where it gives one. Source: rtnetlink(7).
public struct NetlinkSocket: ~Copyable, Sendable {
    let descriptor: FileDescriptor
    private var lastSequence: UInt32 = 0

    /// Takes over a socket that another process opened in its network namespace, with ``open(monitoring:)``.
    public init(owning socket: consuming FileDescriptor) {
        descriptor = socket
    }

    /// Opens a socket in the calling thread's network namespace, for another process.
    /// - Parameter groups: what it hears of, without blocking, for ``NetlinkMonitor/init(owning:)``; nil for one that asks and changes.
    public static func open(monitoring groups: NetlinkMonitor.Groups?) throws(SystemError) -> FileDescriptor {
        try open(groups: groups?.rawValue ?? 0, nonBlocking: groups != nil)
    }

    /// A socket in the calling thread's network namespace.
    public init() throws(SystemError) {
        try self.init(groups: 0)
    }

    /// - Parameter groups: a bit for each multicast group (RTMGRP_…) to listen to.
    init(groups: UInt32, nonBlocking: Bool = false) throws(SystemError) {
        descriptor = try Self.open(groups: groups, nonBlocking: nonBlocking)
    }

    /// - Parameter family: of netlink: routes, or the packet filter.
    static func open(groups: UInt32, nonBlocking: Bool, family: Int32 = NETLINK_ROUTE) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        let number = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | flags, family)
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

    /// Sends `request` and waits until the kernel has acknowledged it.
    /// - Parameter body: called with each message of the answer.
    mutating func perform(_ request: borrowing NetlinkRequest, _ body: (NetlinkMessage) -> Void = { _ in }) throws(SystemError) {
        try ask(request, flags: NLM_F_ACK, body).get(request)
    }

    /// Asks for everything of a kind, as `read` makes it of the answer's messages.
    ///
    /// What changes while the kernel lists makes it begin again, so that the result is a state that there was.
    /// - Throws: EINTR when it changed each time.
    mutating func list<Element>(
        _ request: borrowing NetlinkRequest, _ read: (NetlinkMessage) -> Element?
    ) throws(SystemError) -> [Element] {
        for _ in 0..<Self.listingAttempts {
            var elements: [Element] = []
            let outcome = try ask(request, flags: NLM_F_DUMP) { message in
                if let element = read(message) { elements.append(element) }
            }
            guard outcome == .interrupted else {
                try outcome.get(request)
                return elements
            }
        }
        throw SystemError(
            errno: EINTR, operation: request.operation, subject: request.subject, detail: "they changed while they were listed, each time")
    }

    /// A listing takes milliseconds; what changes in each of so many is being changed without pause.
    private static let listingAttempts = 32

    private mutating func ask(
        _ request: borrowing NetlinkRequest, flags: Int32, _ body: (NetlinkMessage) -> Void
    ) throws(SystemError) -> NetlinkAnswer.Outcome {
        lastSequence &+= 1
        var answer = NetlinkAnswer(sequence: lastSequence)
        let bytes = unsafe request.seal(sequence: lastSequence, flags: flags)
        guard try unsafe descriptor.write(bytes) == bytes.count else {
            throw SystemError(errno: EMSGSIZE, operation: request.operation, subject: request.subject)
        }
        while true {
            try receive { message in
                if answer.take(message) { body(message) }
            }
            if let outcome = answer.outcome { return outcome }
        }
    }

    /// Receives one datagram of messages, waiting for it, and calls `body` with each. What doesn't come from the kernel is passed over.
    /// - Throws: ENOBUFS when messages were lost.
    func receive(_ body: (NetlinkMessage) -> Void) throws(SystemError) {
        let descriptor = descriptor.rawValue
        let failure: SystemError? = unsafe withHeapBuffer(byteCount: 1 << 16) { buffer in
            var sender = sockaddr_nl()
            var count: Int
            repeat {
                var size = socklen_t(MemoryLayout<sockaddr_nl>.size)
                // SAFETY: recvfrom fills at most the buffer, and a sockaddr_nl of that size. MSG_TRUNC has it return what there was.
                count = unsafe withUnsafeMutablePointer(to: &sender) { pointer in
                    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe recvfrom(descriptor, buffer.baseAddress, buffer.count, CLINUX_MSG_TRUNC, $0, &size)
                    }
                }
            } while count < 0 && Glibc.errno == EINTR
            guard count >= 0 else { return SystemError(operation: "recv", subject: "netlink") }
            // Any process of the namespace may send here with the right privilege; only the kernel is number 0.
            guard sender.nl_pid == 0 else { return nil }
            guard count <= buffer.count else { return SystemError(errno: ENOBUFS, operation: "recv", subject: "netlink") }
            unsafe NetlinkMessage.visit(UnsafeRawBufferPointer(rebasing: buffer[..<count]), body)
            return nil
        }
        if let failure { throw failure }
    }
}

extension NetlinkAnswer.Outcome {
    fileprivate func get(_ request: borrowing NetlinkRequest) throws(SystemError) {
        guard case .failed(let errno, let detail) = self else { return }
        throw SystemError(errno: errno, operation: request.operation, subject: request.subject, detail: detail)
    }
}
