internal import CLinuxShims
internal import Glibc

/// A file for what nobody else should read, written from its beginning on, piece by piece: whatever ends it, it holds whole pieces.
public struct PrivateFile: ~Copyable, Sendable {
    /// Where it is, as it was named.
    public let path: String
    /// Bytes of the pieces that are in it.
    public private(set) var count = 0
    private let descriptor: FileDescriptor

    /// Makes the file, with the permissions 0600, or empties the one that is there, which gets them.
    ///
    /// Only a regular file of this user's with no second name is taken: where others may make entries, a link of theirs would lead elsewhere.
    /// - Throws: EPERM for anything else that is there, ELOOP for a symbolic link, what open(2) says.
    public init(_ path: String) throws(SystemError) {
        // A pipe would hold up whoever opens it; non-blocking has no meaning for a regular file.
        let file: FileDescriptor
        do throws(SystemError) {
            file = try FileDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        } catch {
            guard error.errno == ELOOP else { throw error }
            throw SystemError(errno: ELOOP, operation: "open", subject: path, detail: "it is a symbolic link, which is not followed")
        }
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw SystemError(operation: "look at", subject: path) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_nlink == 1 else {
            throw SystemError(
                errno: EPERM, operation: "write", subject: path, detail: "something else is there than a plain file of yours with one name")
        }
        guard fchmod(file.rawValue, 0o600) == 0, ftruncate(file.rawValue, 0) == 0 else {
            throw SystemError(operation: "write", subject: path)
        }
        self.path = path
        descriptor = file
    }

    /// Adds a piece.
    /// - Throws: ENOSPC, EDQUOT or EIO; then nothing of the piece is in the file.
    public mutating func append(_ piece: [UInt8]) throws(SystemError) {
        do throws(SystemError) {
            try descriptor.writeAll(piece)
        } catch {
            // What was written of it, and where the next would go: both end with the piece before.
            ftruncate(descriptor.rawValue, off_t(count))
            lseek(descriptor.rawValue, off_t(count), SEEK_SET)
            throw SystemError(errno: error.errno, operation: "write", subject: path)
        }
        count += piece.count
    }
}
