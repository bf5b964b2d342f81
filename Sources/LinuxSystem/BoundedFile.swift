internal import Glibc

/// A file that lines are added to and that never grows past a limit: a full one becomes `NAME.old`, in the place of the one before.
public final class BoundedFile: Sendable {
    private let directory: OwnedDirectory
    private let name: String
    private let limit: Int

    /// - Parameter limit: bytes of the file, and as many again of the old one.
    public init(_ name: String, in directory: OwnedDirectory, limit: Int) {
        self.name = name
        self.directory = directory
        self.limit = limit
    }

    /// Where it is; for people.
    public var path: String { directory.path(of: name) }
    private var oldName: String { "\(name).old" }

    /// Adds bytes, and makes the file where there is none.
    public func append(_ bytes: [UInt8]) throws(SystemError) {
        if let size = directory.status(name)?.size, size + bytes.count > limit { try directory.rename(name, to: oldName) }
        try directory.append(name, bytes)
    }

    /// Removes it, the old one too.
    public func remove() {
        directory.remove(name)
        directory.remove(oldName)
    }
}
