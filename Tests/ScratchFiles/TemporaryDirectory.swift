import LinuxSystem

/// A directory of a test's own, removed with it.
public final class TemporaryDirectory {
    public let path: String

    /// - Throws: ``SystemError`` if /tmp can't be written.
    public init() throws {
        path = "/tmp/wg-lite-test-\(UInt64.random(in: 0 ... .max))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
    }

    deinit {
        _ = try? ChildProcess.run("/bin/rm", ["-rf", path])
    }

    /// The path of an entry.
    public subscript(name: String) -> String { "\(path)/\(name)" }
}
