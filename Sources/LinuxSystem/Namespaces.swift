internal import CLinuxShims
internal import Glibc

/// The namespaces of this process. Source: namespaces(7), user_namespaces(7), mount_namespaces(7).
public enum Namespaces {
    /// Moves this process into a new network namespace and a new mount namespace.
    /// - Parameter withUser: into a new user namespace as well, in which it has every capability: an ordinary user may do that. The process
    ///   must have one thread.
    /// - Throws: EPERM without CAP_SYS_ADMIN, or where user namespaces are closed to this user; ENOSPC where there may be none, or no more.
    public static func enterNew(withUser: Bool) throws(SystemError) {
        guard clinux_unshare(withUser ? 1 : 0) == 0 else { throw SystemError(operation: "unshare") }
    }

    /// Maps one user and one group of the user namespace outside onto themselves: all that an ordinary user may map. Call it from inside.
    public static func mapOntoItself(user: UInt32, group: UInt32) throws(SystemError) {
        // Without that no group may be mapped.
        try FileSystem.write(Array("deny".utf8), to: "/proc/self/setgroups")
        try FileSystem.write(Array("\(user) \(user) 1\n".utf8), to: "/proc/self/uid_map")
        try FileSystem.write(Array("\(group) \(group) 1\n".utf8), to: "/proc/self/gid_map")
    }

    /// What is mounted here from now on is seen here only.
    public static func keepMountsPrivate() throws(SystemError) {
        guard clinux_mount_slave() == 0 else { throw SystemError(operation: "mount", subject: "/ as a slave") }
    }

    /// Covers a directory with an empty one in memory.
    public static func cover(_ directory: String) throws(SystemError) {
        guard unsafe clinux_mount_tmpfs(directory) == 0 else { throw SystemError(operation: "mount", subject: "tmpfs on \(directory)") }
    }

    /// Shows the file or directory `source` at `target`, which exists and is of the same kind, too.
    public static func show(_ source: String, at target: String) throws(SystemError) {
        guard unsafe clinux_mount_bind(source, target) == 0 else { throw SystemError(operation: "mount", subject: "over \(target)") }
    }

    /// Takes the cover of a directory away; what is shown elsewhere of it stays.
    public static func uncover(_ directory: String) throws(SystemError) {
        guard unsafe clinux_mount_detach(directory) == 0 else { throw SystemError(operation: "unmount", subject: directory) }
    }

    /// How many processes live in this process's network namespace besides it.
    public static var neighbours: [Int32] {
        guard let own = try? NetworkNamespace.currentIdentity() else { return [] }
        return FileSystem.entries(of: "/proc").compactMap { Int32($0) }.filter { process in
            process != getpid() && (try? NetworkNamespace.identity(ofPath: "/proc/\(process)/ns/net")) == own
        }
    }
}

extension NetworkNamespace {
    /// The identity of the namespace that a file stands for, without opening it.
    static func identity(ofPath path: String) throws(SystemError) -> Identity {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw SystemError(operation: "stat", subject: path) }
        return Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }
}
