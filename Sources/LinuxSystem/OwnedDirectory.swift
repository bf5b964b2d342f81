internal import CLinuxShims
internal import Glibc

/// A directory that only one user can change, held by its descriptor: what is in it is reached through that, never through a path that
/// somebody could turn elsewhere meanwhile.
///
/// Opening it follows no link in its last part and looks whose it is. A file in it counts only if it is a regular one of the same user's
/// with no second name: a link, a pipe or another user's file is refused before a byte of it is read.
public final class OwnedDirectory: Sendable {
    /// Where it was opened.
    public let path: String
    /// Whose it is: the user of the process, or root.
    public let owner: UInt32
    private let descriptor: FileDescriptor

    /// Opens a directory of `owners`' that nobody else can write.
    /// - Parameter toleratesSticky: others may make entries of their own in it, but not touch those of others (as in /tmp).
    /// - Throws: ENOENT when it isn't there, ENOTDIR or ELOOP when it is something else, EPERM when it isn't theirs alone.
    public convenience init(_ path: String, owners: Set<UInt32>, toleratesSticky: Bool = false) throws(SystemError) {
        let opened = try FileDescriptor.open(path, flags: Self.flags)
        try self.init(opened, path, owners, toleratesSticky: toleratesSticky)
    }

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW

    private init(
        _ opened: consuming FileDescriptor, _ path: String, _ owners: Set<UInt32>, toleratesSticky: Bool
    ) throws(SystemError) {
        var status = stat()
        guard unsafe fstat(opened.rawValue, &status) == 0 else { throw SystemError(operation: "look at", subject: path) }
        guard owners.contains(status.st_uid) else {
            throw SystemError(errno: EPERM, operation: "use", subject: path, detail: "it belongs to user \(status.st_uid)")
        }
        guard status.st_mode & 0o022 == 0 || (toleratesSticky && status.st_mode & S_ISVTX != 0) else {
            throw SystemError(errno: EPERM, operation: "use", subject: path, detail: "others can write it")
        }
        self.path = path
        owner = status.st_uid
        descriptor = opened
    }

    /// The directory `name` in this one, of the same user's alone or of `owners`'.
    /// - Parameter permissions: those of a new one, made if there is none; nil to make none.
    public func directory(
        _ name: String, owners: Set<UInt32>, making permissions: UInt32? = nil
    ) throws(SystemError) -> OwnedDirectory {
        let inner = "\(path)/\(name)"
        if let permissions {
            if unsafe mkdirat(descriptor.rawValue, name, permissions) == 0 {
                // Whatever the mask of new files says: others are meant to see what they may see.
                unsafe fchmodat(descriptor.rawValue, name, permissions, 0)
            } else if Glibc.errno != EEXIST {
                throw SystemError(operation: "make directory", subject: inner)
            }
        }
        let number = unsafe openat(descriptor.rawValue, name, Self.flags | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(operation: "open", subject: inner) }
        return try OwnedDirectory(FileDescriptor(owning: number), inner, owners, toleratesSticky: false)
    }

    /// Leads to another directory of the same owner's from now on, for everybody who holds this one: what was opened may be removed since,
    /// and made again under its name.
    public func lead(to other: OwnedDirectory) throws(SystemError) {
        guard other.owner == owner else { throw SystemError(errno: EPERM, operation: "use", subject: other.path) }
        guard clinux_replace_descriptor(descriptor.rawValue, other.descriptor.rawValue) >= 0 else {
            throw SystemError(operation: "use", subject: other.path)
        }
    }

    /// Whether an entry's path leads to this open file: neither it nor the directory has been removed or exchanged since it was opened.
    public func leads(_ name: String, to file: borrowing FileDescriptor) -> Bool {
        var opened = stat()
        var found = stat()
        return unsafe fstat(file.rawValue, &opened) == 0 && lstat(path(of: name), &found) == 0 && opened.st_ino == found.st_ino
            && opened.st_dev == found.st_dev
    }

    /// The path of an entry, for those calls that have no other form (sockets), and for people.
    public func path(of name: String) -> String { "\(path)/\(name)" }

    /// What an entry is, itself and not what it may lead to; nil when there is none.
    public func status(_ name: String) -> FileSystem.Status? {
        var status = stat()
        guard unsafe fstatat(descriptor.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return FileSystem.Status(status)
    }

    /// Whether this process may make entries here.
    public var isWritable: Bool {
        unsafe faccessat(descriptor.rawValue, ".", W_OK | X_OK, AT_EACCESS) == 0
    }

    /// The names in it, sorted.
    public func entries() -> [String] {
        let number = unsafe openat(descriptor.rawValue, ".", Self.flags | O_CLOEXEC)
        guard number >= 0 else { return [] }
        guard let stream = unsafe fdopendir(number) else {
            close(number)
            return []
        }
        return unsafe FileSystem.names(stream)
    }

    /// The bytes of a file; nil when there is none.
    /// - Throws: EPERM for what isn't a regular file of the directory's owner's, EFBIG beyond `limit`.
    public func read(_ name: String, limit: Int) throws(SystemError) -> [UInt8]? {
        let file: FileDescriptor
        do throws(SystemError) {
            file = try open(name, flags: O_RDONLY)
        } catch {
            guard error.isMissing else { throw error }
            return nil
        }
        var bytes: [UInt8] = []
        while true {
            let chunk = try file.readChunk()
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= limit else { throw SystemError(errno: EFBIG, operation: "read", subject: path(of: name)) }
        }
    }

    /// Writes a file so that there is at every moment, power cuts included, either all of the old or all of the new one.
    public func replace(_ name: String, with bytes: [UInt8]) throws(SystemError) {
        let temporary = Self.temporary(name)
        // Left by a process that was killed in between.
        unsafe unlinkat(descriptor.rawValue, temporary, 0)
        do throws(SystemError) {
            let file = try open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL)
            try file.writeAll(bytes)
            guard fsync(file.rawValue) == 0, unsafe renameat(descriptor.rawValue, temporary, descriptor.rawValue, name) == 0,
                fsync(descriptor.rawValue) == 0
            else { throw SystemError(operation: "replace", subject: path(of: name)) }
        } catch {
            unsafe unlinkat(descriptor.rawValue, temporary, 0)
            throw SystemError(errno: error.errno, operation: "write", subject: path(of: name), detail: error.detail)
        }
    }

    /// Adds bytes to the end of a file, and makes it where there is none.
    /// - Throws: EPERM for what isn't a regular file of the directory's owner's; ENOSPC, and then nothing of the bytes is in it.
    public func append(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        let file = try open(name, flags: O_WRONLY | O_CREAT | O_APPEND)
        let end = lseek(file.rawValue, 0, SEEK_END)
        do throws(SystemError) {
            try file.writeAll(bytes)
        } catch {
            if end >= 0 { ftruncate(file.rawValue, end) }
            throw SystemError(errno: error.errno, operation: "write", subject: path(of: name))
        }
    }

    /// Gives a file another name, in the place of what has that.
    public func rename(_ name: String, to other: String) throws(SystemError) {
        guard unsafe renameat(descriptor.rawValue, name, descriptor.rawValue, other) == 0 else {
            throw SystemError(operation: "rename", subject: path(of: name))
        }
    }

    /// Removes an entry that isn't a directory, with what a process that was killed while it wrote has left beside it; none there is as
    /// good.
    /// - Returns: whether there is none any more.
    @discardableResult
    public func remove(_ name: String) -> Bool {
        unsafe unlinkat(descriptor.rawValue, Self.temporary(name), 0)
        return unsafe unlinkat(descriptor.rawValue, name, 0) == 0 || Glibc.errno == ENOENT
    }

    /// Removes what a process that was killed while it wrote an entry has left beside it.
    public func removeLeftover(of name: String) {
        unsafe unlinkat(descriptor.rawValue, Self.temporary(name), 0)
    }

    /// Where ``replace(_:with:)`` writes first.
    private static func temporary(_ name: String) -> String { ".\(name).new" }

    /// Takes the lock of a file and writes our process number into it. It lasts until the descriptor closes, however the process ends.
    /// - Returns: nil when another process holds it.
    public func lock(_ name: String) throws(SystemError) -> FileDescriptor? {
        while true {
            let file = try open(name, flags: O_RDWR | O_CREAT)
            guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                guard Glibc.errno == EWOULDBLOCK else { throw SystemError(operation: "lock", subject: path(of: name)) }
                return nil
            }
            // The former holder may have removed the file between the two calls; then others will lock another one.
            var locked = stat()
            var current = stat()
            guard unsafe fstat(file.rawValue, &locked) == 0,
                unsafe fstatat(descriptor.rawValue, name, &current, AT_SYMLINK_NOFOLLOW) == 0, locked.st_ino == current.st_ino
            else { continue }
            do throws(SystemError) {
                guard ftruncate(file.rawValue, 0) == 0 else { throw SystemError(operation: "write", subject: path(of: name)) }
                try file.writeAll(Array("\(Process.identifier)".utf8))
            } catch {
                // It is ours: nobody else finds an empty one.
                unsafe unlinkat(descriptor.rawValue, name, 0)
                throw SystemError(errno: error.errno, operation: "write", subject: path(of: name))
            }
            return file
        }
    }

    /// Takes the lock of the directory itself, which lasts until the descriptor closes.
    /// - Returns: nil while another process holds it.
    /// - Throws: why it can't be had at all, as without a descriptor left.
    public func lockWhole() throws(SystemError) -> FileDescriptor? {
        let number = unsafe openat(descriptor.rawValue, ".", Self.flags | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(operation: "open", subject: path) }
        let directory = FileDescriptor(owning: number)
        if flock(number, LOCK_EX | LOCK_NB) == 0 { return directory }
        guard errno == EWOULDBLOCK else { throw SystemError(operation: "lock", subject: path) }
        return nil
    }

    private func open(_ name: String, flags: Int32) throws(SystemError) -> FileDescriptor {
        // A pipe would hold up whoever opens it; non-blocking has no meaning for a regular file.
        let number = unsafe openat(descriptor.rawValue, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
        guard number >= 0 else {
            throw SystemError(operation: "open", subject: path(of: name))
        }
        let file = FileDescriptor(owning: number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw SystemError(operation: "look at", subject: path(of: name)) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == owner, status.st_nlink <= 1, status.st_mode & 0o022 == 0 else {
            throw SystemError(
                errno: EPERM, operation: "use", subject: path(of: name), detail: "it isn't a file that only user \(owner) can write")
        }
        return file
    }
}
