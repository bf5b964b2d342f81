internal import CLinuxShims
internal import Glibc

/// Something that changed in the namespace.
public enum NetlinkEvent: Hashable, Sendable {
    /// A link is new or changed.
    case linkChanged(LinkInfo)
    /// A link has gone, or has left this namespace.
    case linkRemoved(LinkInfo)
    /// An address came or went.
    case addressesChanged(link: UInt32)
    /// A route came, perhaps in place of another, or went.
    case routeChanged(RouteSpecification)
    /// A policy rule went.
    case ruleRemoved(RuleSpecification)
    /// More happened than the socket could hold: look at everything again.
    case missed
}

/// Hears what changes in the network namespace of the thread that opened it; sleep on its ``descriptor``.
public struct NetlinkMonitor: ~Copyable, Sendable {
    /// What to hear of.
    public struct Groups: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// ``NetlinkEvent/linkChanged(_:)``, ``NetlinkEvent/linkRemoved(_:)``.
        public static let links = Groups(rawValue: 0x1)
        /// Of IPv4 and IPv6.
        public static let addresses = Groups(rawValue: 0x10 | 0x100)
        /// Of IPv4 and IPv6, in all tables.
        public static let routes = Groups(rawValue: 0x40 | 0x400)
        /// Policy rules.
        public static let rules = Groups(rawValue: 0x80 | 0x4_0000)
    }

    private let socket: NetlinkSocket

    /// Hears all of `groups` from now on.
    public init(_ groups: Groups) throws(SystemError) {
        socket = try NetlinkSocket(groups: groups.rawValue, nonBlocking: true)
    }

    /// Takes over a socket that another process opened in its network namespace.
    public init(owning socket: consuming FileDescriptor) {
        self.socket = NetlinkSocket(owning: socket)
    }

    /// Readable while events wait. It belongs to this value.
    public var descriptor: Int32 { socket.descriptor.rawValue }

    /// The events that wait, without blocking, in order.
    public func events() throws(SystemError) -> [NetlinkEvent] {
        var events: [NetlinkEvent] = []
        while true {
            do {
                try socket.receive { message in
                    if let event = Self.event(message) { events.append(event) }
                }
            } catch {
                if error.isWouldBlock { return events }
                guard error.errno == ENOBUFS else { throw error }
                events.append(.missed)
            }
        }
    }

    /// Takes the events that wait, without blocking, whatever they are about: cheap however many there are.
    /// - Returns: whether there were any.
    @discardableResult
    public func drain() throws(SystemError) -> Bool {
        var hadSome = false
        while true {
            do {
                try socket.receive { _ in hadSome = true }
            } catch {
                if error.isWouldBlock { return hadSome }
                // More happened than the socket could hold.
                guard error.errno == ENOBUFS else { throw error }
                hadSome = true
            }
        }
    }

    /// What a message tells; nil for what nobody asked for.
    static func event(_ message: NetlinkMessage) -> NetlinkEvent? {
        switch message.type {
        case Int(RTM_NEWLINK): LinkInfo(message).map { .linkChanged($0) }
        case Int(RTM_DELLINK): LinkInfo(message).map { .linkRemoved($0) }
        case Int(RTM_NEWADDR), Int(RTM_DELADDR):
            message.fixedPart(as: ifaddrmsg.self).map { .addressesChanged(link: $0.ifa_index) }
        case Int(RTM_NEWROUTE), Int(RTM_DELROUTE): RouteSpecification(message).map { .routeChanged($0) }
        case Int(RTM_DELRULE): RuleSpecification(message).map { .ruleRemoved($0) }
        default: nil
        }
    }
}
