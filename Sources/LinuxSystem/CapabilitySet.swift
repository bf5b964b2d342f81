internal import CLinuxShims

/// What of the superuser's powers a thread has. Source: capabilities(7), linux/capability.h.
public struct CapabilitySet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    private static func number(_ number: Int) -> CapabilitySet { CapabilitySet(rawValue: 1 << UInt64(number)) }

    /// Files' owners: what replaces one of another owner's keeps it.
    public static let changeOwner = number(0)
    /// Files whose permissions wouldn't let the superuser in.
    public static let overridePermissions = number(1)
    /// Permissions of files of another owner's.
    public static let fileOwner = number(3)
    /// Signals to processes of other users.
    public static let kill = number(5)
    /// Ports below 1024.
    public static let bindService = number(10)
    /// Interfaces, addresses, routes, rules, marks.
    public static let networkAdministration = number(12)
    public static let none: CapabilitySet = []

    /// The calling thread's effective ones.
    public static var effective: CapabilitySet {
        var (effective, permitted, inheritable) = (UInt64(0), UInt64(0), UInt64(0))
        guard unsafe clinux_get_capabilities(&effective, &permitted, &inheritable) == 0 else { return .none }
        return CapabilitySet(rawValue: effective)
    }

    /// Takes from the calling thread, and from those that it starts, all but these.
    ///
    /// A program that the superuser starts has all of its bounding set again, whatever its parent kept.
    /// - Throws: what capset(2) says; never for want of privilege, since anybody may give up.
    public func keepOnlyThese() throws(SystemError) {
        var (effective, permitted, inheritable) = (UInt64(0), UInt64(0), UInt64(0))
        guard unsafe clinux_get_capabilities(&effective, &permitted, &inheritable) == 0 else { throw SystemError(operation: "capget") }
        guard clinux_set_capabilities(effective & rawValue, permitted & rawValue, inheritable & rawValue) == 0 else {
            throw SystemError(operation: "capset")
        }
    }

    /// Whether a program that this process starts gets its privileges from the user that it runs as, and not from what we kept.
    public static var returnWithPrograms: Bool {
        // SECBIT_NOROOT. Under no-new-privileges (systemd's units, containers) a program has no more than its parent kept.
        Process.effectiveUser == 0 && clinux_secure_bits() & 1 == 0 && clinux_no_new_privileges() == 0
    }
}
