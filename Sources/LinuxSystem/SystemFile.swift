internal import CLinuxShims
internal import Glibc

/// A file of the system's that others read at any moment, exchanged so that they find either all of the old or all of the new one.
///
/// It is replaced by a new file of the same owner and permissions where that can be: power cuts then leave one of the two. Where it can't (a file that is mounted by itself,
/// as in containers) it is written in place, after room has been made for all of it, in one system call. What fails leaves the old text.
public struct SystemFile {
    /// Where the file is: at the end of the links that lead to it, even if nothing is there.
    public let path: String

    /// - Parameter path: where it is looked for.
    public init(_ path: String) {
        var path = path
        // A link that leads nowhere still says where the file belongs.
        for _ in 0..<16 {
            guard let target = Self.target(of: path) else { break }
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            path = target.hasPrefix("/") ? target : directory + target
        }
        self.path = path
    }

    /// Its bytes; nil when there is none.
    /// - Throws: EINVAL where something else than a file is at the path, which may never answer (a pipe).
    public func read() throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try FileSystem.readRegularFile(path, limit: 1 << 20)
        } catch {
            guard !error.isMissing else { return nil }
            throw error.errno == EINVAL ? notAFile : error
        }
    }

    private var notAFile: SystemError { SystemError(errno: EINVAL, operation: "use", subject: path, detail: "it is not a file") }

    /// Makes `bytes` all of it; nil removes it. Owner and permissions stay; a new one can be read by everybody.
    /// - Throws: EINVAL where something else than a file is at the path: exchanged for a file, /dev/null or a pipe is lost for everybody.
    public func write(_ bytes: [UInt8]?) throws(SystemError) {
        if let status = FileSystem.status(path), !status.isRegularFile { throw notAFile }
        removeLeftover()
        guard let bytes else {
            guard unsafe unlink(path) != 0, Glibc.errno != ENOENT else { return }
            // It can't be taken away where it is a mount of its own; then it is as empty as it was.
            guard Glibc.errno == EBUSY || Glibc.errno == EACCES || Glibc.errno == EPERM || Glibc.errno == EROFS else {
                throw SystemError(operation: "remove", subject: path)
            }
            return try writeInPlace([])
        }
        do throws(SystemError) {
            try exchange(bytes)
        } catch {
            // No second file can be made beside it, or it can't be exchanged for one. A full disk is no reason to write over it.
            guard [EBUSY, EROFS, EACCES, EPERM, EXDEV].contains(error.errno) else { throw error }
            try writeInPlace(bytes)
        }
    }

    /// Removes what a process that was killed while it wrote has left beside the file.
    public func removeLeftover() {
        FileSystem.remove(FileSystem.leftover(of: path))
    }

    private func exchange(_ bytes: [UInt8]) throws(SystemError) {
        var status = stat()
        let exists = unsafe stat(path, &status) == 0
        // What isn't known of the old one can't be given to the new one.
        guard exists || Glibc.errno == ENOENT else { throw SystemError(operation: "look at", subject: path) }
        let temporary = FileSystem.leftover(of: path)
        let directory = String(path[...(path.lastIndex(of: "/") ?? path.startIndex)])
        do throws(SystemError) {
            // Until it is whole it has no name, where the file system can do that: of a process that is killed nothing stays. Its name it is
            // given by way of /proc.
            let canBeNamed = FileSystem.exists("/proc/self/fd")
            let nameless = canBeNamed ? unsafe Glibc.open(directory, Int32(CLINUX_O_TMPFILE) | O_WRONLY | O_CLOEXEC, 0o600) : -1
            let file =
                nameless >= 0
                ? FileDescriptor(owning: nameless) : try FileDescriptor.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.writeAll(bytes)
            if exists { fchown(file.rawValue, status.st_uid, status.st_gid) }
            guard fchmod(file.rawValue, exists ? status.st_mode & 0o7777 : 0o644) == 0, fsync(file.rawValue) == 0 else {
                throw SystemError(operation: "write", subject: path)
            }
            if nameless >= 0 {
                guard unsafe linkat(AT_FDCWD, "/proc/self/fd/\(nameless)", AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) == 0 else {
                    throw SystemError(operation: "write", subject: path)
                }
            }
            guard unsafe rename(temporary, path) == 0 else { throw SystemError(operation: "write", subject: path) }
            if let directory = try? FileDescriptor.open(directory, flags: O_RDONLY | O_DIRECTORY) { fsync(directory.rawValue) }
        } catch {
            unsafe unlink(temporary)
            throw SystemError(errno: error.errno, operation: "write", subject: path)
        }
    }

    private func writeInPlace(_ bytes: [UInt8]) throws(SystemError) {
        let file = try FileDescriptor.open(path, flags: O_RDWR | O_CREAT, mode: 0o644)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw SystemError(operation: "look at", subject: path) }
        let old = Int(status.st_size)
        let text = try FileSystem.read(path, limit: 1 << 20)
        // Room first: what comes afterwards can't fail for want of it.
        if bytes.count > old, clinux_reserve(file.rawValue, bytes.count) != 0, Glibc.errno != EOPNOTSUPP {
            throw SystemError(operation: "write", subject: path)
        }
        guard Self.put(bytes, over: old, into: file) else {
            let error = SystemError(operation: "write", subject: path)
            // Who is told that it failed takes it for unchanged.
            _ = Self.put(text, over: max(old, bytes.count), into: file)
            throw error
        }
    }

    /// Makes `bytes` all of a file that is `old` bytes long.
    private static func put(_ bytes: [UInt8], over old: Int, into file: borrowing FileDescriptor) -> Bool {
        // Of a longer old text nothing but empty lines stays behind, should this be the last that we do.
        let padded = bytes + [UInt8](repeating: UInt8(ascii: "\n"), count: max(0, old - bytes.count))
        // SAFETY: the kernel reads the array, alive across the call.
        let count = unsafe padded.withUnsafeBytes { unsafe pwrite(file.rawValue, $0.baseAddress, $0.count, 0) }
        return count == padded.count && ftruncate(file.rawValue, off_t(bytes.count)) == 0 && fsync(file.rawValue) == 0
    }

    private static func target(of path: String) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            // SAFETY: readlink fills less than the buffer and says how much; the terminator is ours.
            let count = unsafe readlink(path, buffer.baseAddress!, Int(PATH_MAX))
            guard count > 0 else { return nil }
            unsafe buffer[count] = 0
            return unsafe String(cString: buffer.baseAddress!)
        }
    }
}
