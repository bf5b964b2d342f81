public import LinuxSystem

/// What a process that runs a tunnel keeps of its user's privileges.
///
/// | thread | capabilities | system calls |
/// |---|---|---|
/// | wg-packets, wg-crypto-N, wg-handshakes | none, none to gain | those of `SystemCallFilter.packetThreads(of:)` |
/// | wg-routes, wg-resolver, wg-log, wg-notify | none, none to gain | all |
/// | the main thread once the tunnel is up, wg-recording that it starts, wg-uapi, wg-questions | ``network``, none to gain | all |
/// | wg-operation: brings up, reloads, takes down | ``kept`` | all |
/// | command, namespace: only of a command's tunnel | what the thread that starts them has | all |
///
/// Hooks and the programs that set up name servers and firewalls are started by wg-operation and have all that the user has: the superuser's
/// programs get it back from the bounding set, which is left alone here. A process of another user, or one under no-new-privileges (a systemd
/// unit, a container), has its privileges from whoever started it, and its hooks have theirs from it: there wg-operation keeps all. So does the
/// process of a command (`wg-lite run`), whose privileges are those of its own user namespace: its main thread, too, and wg-questions.
public enum Privileges {
    /// What bringing up, reloading and taking down need by themselves: the network; ports below 1024; files of other owners' (a
    /// configuration, resolv.conf) and their owners, kept when they are replaced; signals to hooks that changed their user.
    public static let kept: CapabilitySet = [
        .networkAdministration, .bindService, .overridePermissions, .changeOwner, .fileOwner, .kill,
    ]

    /// What a tunnel that is up needs: its interface, its sockets and their marks; ports below 1024, which `wg set` may ask for.
    static let network: CapabilitySet = [.networkAdministration, .bindService]

    /// Reduces the calling process's. Call it before any thread is started: they have what their starter has.
    public static func reduce() {
        refuseDumps()
        guard CapabilitySet.returnWithPrograms else { return }
        try? kept.keepOnlyThese()
    }

    /// Nobody but the superuser looks into this process, not its own user's other programs either, and no image of it is written: keys
    /// are in it. All that `run` needs, which has no capabilities outside of its namespaces.
    public static func refuseDumps() {
        // Nothing here depends on it.
        try? Process.refuseDumps()
    }
}
