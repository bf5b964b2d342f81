internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Small files, whole.
public enum FileSystem {
    /// What a path leads to.
    public struct Status: Hashable, Sendable {
        /// Permission bits, as 0o600.
        public var permissions: UInt32
        /// The user's number.
        public var owner: UInt32
        public var isDirectory: Bool
        public var isSocket: Bool
        /// Of a symbolic link that wasn't followed.
        public var isLink: Bool
        public var isRegularFile: Bool
        /// Bytes of a regular file.
        public var size: Int

        init(_ status: stat) {
            permissions = status.st_mode & 0o7777
            owner = status.st_uid
            isDirectory = status.st_mode & S_IFMT == S_IFDIR
            isSocket = status.st_mode & S_IFMT == S_IFSOCK
            isLink = status.st_mode & S_IFMT == S_IFLNK
            isRegularFile = status.st_mode & S_IFMT == S_IFREG
            size = Int(status.st_size)
        }
    }

    /// The status of what `path` leads to; nil when nothing is there.
    /// - Parameter followsLinks: false to look at a symbolic link itself.
    public static func status(_ path: String, followsLinks: Bool = true) -> Status? {
        var status = stat()
        guard unsafe (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        return Status(status)
    }

    /// Whether something is there, symbolic links followed; false also where this process may not look.
    public static func exists(_ path: String) -> Bool {
        status(path) != nil
    }

    /// The bytes of a file.
    /// - Throws: EFBIG beyond `limit`, otherwise what open and read say.
    public static func read(_ path: String, limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        try readAll(FileDescriptor.open(path, flags: O_RDONLY), path, limit: limit)
    }

    /// The bytes of a regular file, and of nothing else: a pipe would hold up whoever opens it, and gives what is in it only once.
    /// - Throws: EINVAL for anything else, otherwise as ``read(_:limit:)``.
    public static func readRegularFile(_ path: String, limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor.open(path, flags: O_RDONLY | O_NONBLOCK)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw SystemError(operation: "look at", subject: path) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(errno: EISDIR, operation: "read", subject: path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(errno: EINVAL, operation: "read", subject: path) }
        return try readAll(file, path, limit: limit)
    }

    private static func readAll(_ file: borrowing FileDescriptor, _ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            var chunk: [UInt8]
            do throws(SystemError) {
                chunk = try file.readChunk()
            } catch {
                throw SystemError(errno: error.errno, operation: "read", subject: path)
            }
            if chunk.isEmpty { return bytes }
            // There may be keys in it: no memory that held a part of it is given back as it was.
            if bytes.isEmpty {
                bytes = chunk
                continue
            }
            let needed = bytes.count + chunk.count
            if bytes.capacity < needed {
                var larger: [UInt8] = []
                larger.reserveCapacity(2 * needed)
                larger += bytes
                swap(&bytes, &larger)
                unsafe larger.withUnsafeMutableBytes { unsafe explicit_bzero($0.baseAddress!, $0.count) }
            }
            bytes += chunk
            unsafe chunk.withUnsafeMutableBytes { unsafe explicit_bzero($0.baseAddress!, $0.count) }
            guard bytes.count <= limit else { throw SystemError(errno: EFBIG, operation: "read", subject: path) }
        }
    }

    /// All of standard input.
    /// - Throws: EFBIG beyond `limit`.
    public static func readStandardInput(limit: Int) throws(SystemError) -> [UInt8] {
        // Not by its path: that can't be opened where it is a socket, or another user's pipe.
        let input = try FileDescriptor.duplicate(of: 0)
        return try readAll(input, "standard input", limit: limit)
    }

    /// Writes a file in place, keeping the file itself (its links, its mount, its permissions).
    public static func write(_ bytes: [UInt8], to path: String, permissions: UInt32 = 0o644) throws(SystemError) {
        let file = try FileDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: permissions)
        do throws(SystemError) {
            try file.writeAll(bytes)
        } catch {
            throw SystemError(errno: error.errno, operation: "write", subject: path)
        }
    }

    /// Where ``SystemFile`` writes first; a process that was killed may leave it there, the next one removes it.
    public static func leftover(of path: String) -> String {
        let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        return "\(path[..<start]).\(path[start...]).wg-lite"
    }

    /// Removes a file; none there is as good.
    public static func remove(_ path: String) {
        unsafe unlink(path)
    }

    /// Makes a directory, unless it is there.
    public static func makeDirectory(_ path: String, permissions: UInt32) throws(SystemError) {
        guard unsafe mkdir(path, permissions) == 0 else {
            guard Glibc.errno != EEXIST else { return }
            throw SystemError(operation: "make directory", subject: path)
        }
        // Whatever our umask takes away: a service's is strict.
        guard unsafe chmod(path, permissions) == 0 else { throw SystemError(operation: "make directory", subject: path) }
    }

    /// Whether this process may create files in `directory`.
    public static func isWritable(_ directory: String) -> Bool {
        unsafe access(directory, W_OK | X_OK) == 0
    }

    /// The names in a directory, sorted; none where there is no directory.
    public static func entries(of directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        return unsafe names(stream)
    }

    /// Reads all of a directory's stream and closes it.
    static func names(_ stream: OpaquePointer) -> [String] {
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            // SAFETY: d_name is terminated within the entry, which lives until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The path without symbolic links; nil when it leads nowhere.
    public static func resolved(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        // SAFETY: realpath hands over an allocated, terminated text.
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}

extension FileDescriptor {
    /// The lock of a directory, for a moment's work on what is in it. It lasts until the descriptor closes.
    ///
    /// Anybody who can read the directory can hold its lock, for ever: it only keeps those apart who mean well, and is waited for in vain.
    /// - Parameters:
    ///   - patience: how long it is waited for.
    ///   - cancelled: a descriptor that is readable when waiting has to end; negative for none.
    /// - Returns: the directory, locked or not.
    public static func directoryLock(
        _ path: String, patience: Interval, cancelledBy cancelled: Int32 = -1
    ) throws(SystemError) -> FileDescriptor {
        let directory = try open(path, flags: O_RDONLY | O_DIRECTORY)
        let end = Clock.now + patience
        while flock(directory.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard Glibc.errno == EINTR || Glibc.errno == EWOULDBLOCK else { throw SystemError(operation: "lock", subject: path) }
            guard Clock.now < end, DescriptorPoll.wait([.init(cancelled)], for: .milliseconds(10)) != [true] else { break }
        }
        return directory
    }
}
