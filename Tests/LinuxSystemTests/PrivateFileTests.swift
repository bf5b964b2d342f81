import LinuxSystem
import Testing

/// A file for secrets is ours alone, or it isn't written.
@Suite struct PrivateFileTests {
    /// A directory of this test's alone.
    final class Fixture {
        let path = "/tmp/wg-lite-private-\(UInt64.random(in: 0 ... .max))"

        init() throws { try FileSystem.makeDirectory(path, permissions: 0o700) }

        deinit { _ = try? ChildProcess.run("/bin/rm", ["-rf", path]) }

        /// Does something with the shell in it.
        func shell(_ command: String) throws {
            let result = try ChildProcess.run("/bin/sh", ["-ec", "cd \(path); \(command)"])
            #expect(result.status.isSuccess, "\(command): \(result.output)")
        }

        func refusal(_ name: String) -> SystemError? {
            do throws(SystemError) {
                _ = try PrivateFile("\(path)/\(name)")
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func `a new one is made for its owner only, and holds the pieces in their order`() throws {
        let fixture = try Fixture()
        var file = try PrivateFile("\(fixture.path)/a")
        #expect(FileSystem.status("\(fixture.path)/a")?.permissions == 0o600)
        try file.append([1, 2])
        try file.append([])
        try file.append([3])
        #expect(file.count == 3)
        #expect(try FileSystem.read("\(fixture.path)/a") == [1, 2, 3])
    }

    @Test func `an old one is emptied, and others lose the permissions that they had`() throws {
        let fixture = try Fixture()
        try FileSystem.write([9, 9, 9, 9], to: "\(fixture.path)/a", permissions: 0o644)
        var file = try PrivateFile("\(fixture.path)/a")
        try file.append([1])
        #expect(FileSystem.status("\(fixture.path)/a")?.permissions == 0o600)
        #expect(try FileSystem.read("\(fixture.path)/a") == [1])
    }

    @Test func `links, pipes and directories that stand in its place are left as they are`() throws {
        let fixture = try Fixture()
        try fixture.shell("echo precious >target; ln -s target soft; ln target hard; mkfifo pipe; mkdir directory; ln -s nowhere dangling")
        for name in ["soft", "hard", "target", "pipe", "directory", "dangling"] { #expect(fixture.refusal(name) != nil, "\(name)") }
        #expect(try FileSystem.read("\(fixture.path)/target") == Array("precious\n".utf8))
        #expect(!FileSystem.exists("\(fixture.path)/nowhere"))
    }

    @Test(.enabled(if: Process.effectiveUser == 0, "only root can give a file to somebody else"))
    func `somebody else's file is not written`() throws {
        let fixture = try Fixture()
        try fixture.shell("echo theirs >a; chown 65534 a; chmod 666 a")
        #expect(fixture.refusal("a")?.isPermissionDenied == true)
        #expect(try FileSystem.read("\(fixture.path)/a") == Array("theirs\n".utf8))
    }
}
