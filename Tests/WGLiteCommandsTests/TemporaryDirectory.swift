import LinuxSystem

/// A directory that goes with this object.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = "/tmp/wg-lite-test-\(UInt64.random(in: 0 ... .max))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
    }

    deinit {
        _ = try? ChildProcess.run("/bin/rm", ["-rf", path])
    }

    subscript(name: String) -> String { "\(path)/\(name)" }
}
