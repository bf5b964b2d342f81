public import NetworkTypes

/// Who is asked for names on a machine with a tunnel that brings name servers.
public struct ResolverObservation: Hashable, Sendable {
    /// Why those.
    public enum Reason: Hashable, Sendable {
        /// The tunnel brought them.
        case own
        /// It brings only domains to search, and the servers from before are asked.
        case former
        /// A tunnel that came later brought them.
        case later(String)
        /// Others have replaced what the tunnel set.
        case replaced
        /// What keeps them was stopped.
        case stopped
        /// The tunnel's could not be set.
        case unset
    }

    /// The servers that are asked; empty where that isn't known.
    public var servers: [IPAddress]
    /// What keeps them: a file or a program.
    public var keeper: String
    /// Why it is they; only ``Reason/own``, ``Reason/former`` and ``Reason/later(_:)`` are as they should be.
    public var reason: Reason

    public init(servers: [IPAddress], keeper: String, reason: Reason) {
        self.servers = servers
        self.keeper = keeper
        self.reason = reason
    }
}

/// What others removed of what the tunnel needs.
public struct RemovalObservation: Hashable, Sendable {
    /// The commands that bring it back.
    public var commands: [String]
    /// Since that was noticed.
    public var age: Interval
    /// Whether it was removed again at once, and stays away.
    public var isLeft: Bool
    /// Why it couldn't be put back; nil where it could.
    public var failure: String?

    public init(commands: [String], age: Interval, isLeft: Bool, failure: String? = nil) {
        self.commands = commands
        self.age = age
        self.isLeft = isLeft
        self.failure = failure
    }
}
