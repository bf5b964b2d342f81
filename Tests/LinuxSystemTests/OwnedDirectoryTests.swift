import Glibc
import LinuxSystem
import NetworkTypes
import Testing

/// What strangers may leave where tunnels are looked for.
@Suite struct OwnedDirectoryTests {
    /// A directory of this test's alone, with one of ours in it.
    final class Fixture {
        let path = "/tmp/wg-lite-owned-\(UInt64.random(in: 0 ... .max))"
        var inner: String { "\(path)/inner" }

        init() throws {
            try FileSystem.makeDirectory(path, permissions: 0o700)
            try FileSystem.makeDirectory(inner, permissions: 0o700)
        }

        deinit { _ = try? ChildProcess.run("/bin/rm", ["-rf", path]) }

        /// Does something with the shell, in the outer directory.
        func shell(_ command: String) throws {
            let result = try ChildProcess.run("/bin/sh", ["-ec", "cd \(path); \(command)"])
            #expect(result.status.isSuccess, "\(command): \(result.output)")
        }

        func open() throws -> OwnedDirectory { try OwnedDirectory(inner, owners: [Process.effectiveUser]) }
    }

    private func isFree(_ lock: String, _ directory: OwnedDirectory) throws -> Bool {
        switch try directory.lock(lock) {
        case .some: true
        case .none: false
        }
    }

    static let isRoot = Process.effectiveUser == 0

    @Test func `files of ours are written, read, listed and removed`() throws {
        let fixture = try Fixture()
        let directory = try fixture.open()
        #expect(try directory.read("a", limit: 100) == nil)
        try directory.replace("a", with: Array("one".utf8))
        try directory.replace("a", with: Array("two".utf8))
        #expect(try directory.read("a", limit: 100) == Array("two".utf8))
        #expect(directory.entries() == ["a"])
        #expect(throws: SystemError.self) { try directory.read("a", limit: 2) }
        let lock = try directory.lock("l")
        #expect(try directory.read("l", limit: 100) == Array("\(Process.identifier)".utf8))
        #expect(try !isFree("l", directory))
        _ = consume lock
        #expect(try isFree("l", directory))
        directory.remove("a")
        #expect(directory.status("a") == nil)
    }

    @Test func `a directory that was removed and made again is followed by who held it, and its lock is no longer the one that is found`()
        throws
    {
        let fixture = try Fixture()
        let directory = try fixture.open()
        let watch = try DirectoryWatch(fixture.path)
        try watch.add(directory.path)
        guard let lock = try directory.lock("l") else {
            Issue.record("nobody else has it")
            return
        }
        func isHeard() -> Bool { DescriptorPoll.wait([.init(watch.rawValue)], for: .milliseconds(0)) == [true] }
        var isLed = directory.leads("l", to: lock)
        #expect(isLed && !isHeard())
        try fixture.shell("rm inner/l")
        isLed = directory.leads("l", to: lock)
        #expect(!isLed && isHeard(), "both directories are watched")
        try fixture.shell("rm -r inner; mkdir -m 700 inner; touch inner/l; chmod 600 inner/l")
        isLed = directory.leads("l", to: lock)
        #expect(!isLed, "another one of that name")
        #expect(throws: SystemError.self) { try directory.replace("a", with: []) }
        try directory.lead(to: fixture.open())
        try directory.replace("a", with: Array("one".utf8))
        #expect(try fixture.open().read("a", limit: 100) == Array("one".utf8))
        #expect(directory.entries() == ["a", "l"])
    }

    @Test func `only a regular file is read as a file, and a pipe holds up nobody`() throws {
        let fixture = try Fixture()
        try fixture.shell("echo text >file; ln -s file link; mkfifo pipe")
        #expect(try FileSystem.readRegularFile("\(fixture.path)/link") == Array("text\n".utf8))
        for (path, errno) in [
            ("\(fixture.path)/pipe", EINVAL), ("/dev/zero", EINVAL), (fixture.inner, EISDIR), ("\(fixture.path)/none", ENOENT),
        ] {
            let error = #expect(throws: SystemError.self) { try FileSystem.readRegularFile(path) }
            #expect(error?.errno == errno, "\(path)")
        }
    }

    @Test func `what a process that was killed left half written doesn't disturb`() throws {
        let fixture = try Fixture()
        let directory = try fixture.open()
        try FileSystem.write([1, 2, 3], to: "\(fixture.inner)/.a.new")
        try directory.replace("a", with: [4])
        #expect(directory.entries() == ["a"])
    }

    @Test(arguments: [0o770, 0o702, 0o1777] as [UInt32]) func `a directory that others can write is refused`(mode: UInt32) throws {
        let fixture = try Fixture()
        try fixture.shell("chmod \(String(mode, radix: 8)) inner")
        #expect(throws: SystemError.self) { try fixture.open() }
        // Where everybody has entries of their own, the sticky bit keeps them apart.
        let isSticky = mode & 0o1000 != 0
        let tolerated = (try? OwnedDirectory(fixture.inner, owners: [Process.effectiveUser], toleratesSticky: true)) != nil
        #expect(tolerated == isSticky)
    }

    @Test func `a link to a directory, and a file, are none`() throws {
        let fixture = try Fixture()
        try fixture.shell("ln -s inner link; touch file")
        #expect(throws: SystemError.self) { try OwnedDirectory("\(fixture.path)/link", owners: [Process.effectiveUser]) }
        #expect(throws: SystemError.self) { try OwnedDirectory("\(fixture.path)/file", owners: [Process.effectiveUser]) }
        let outer = try OwnedDirectory(fixture.path, owners: [Process.effectiveUser])
        #expect(throws: SystemError.self) { try outer.directory("link", owners: [Process.effectiveUser]) }
        #expect(throws: SystemError.self) { try outer.directory("link", owners: [Process.effectiveUser], making: 0o700) }
        #expect(throws: SystemError.self) { try outer.directory("missing", owners: [Process.effectiveUser]) }
        #expect(FileSystem.status("\(fixture.path)/missing") == nil)
    }

    @Test func `a link, a pipe, a directory, a socket and a file with a second name are not read, written or locked`() throws {
        let fixture = try Fixture()
        let directory = try fixture.open()
        let victim = "\(fixture.path)/victim"
        try FileSystem.write(Array("precious".utf8), to: victim)
        try fixture.shell(
            "ln -s ../victim inner/link; mkfifo -m 600 inner/pipe; mkdir inner/directory; ln victim inner/second; touch inner/open; chmod 666 inner/open"
        )
        let socket = try UnixSocket.listen(at: "\(fixture.inner)/socket")
        for name in ["link", "pipe", "directory", "socket", "second", "open"] {
            #expect(throws: SystemError.self, "\(name)") { try directory.read(name, limit: 100) }
            #expect(throws: SystemError.self, "\(name)") { _ = try directory.lock(name) }
        }
        // Replacing makes a new file in place of whatever had the name.
        for name in ["link", "pipe", "second"] { try directory.replace(name, with: [1]) }
        #expect(try FileSystem.read(victim) == Array("precious".utf8))
        _ = socket.rawValue
    }

    @Test(.enabled(if: isRoot, "only root can give a file to somebody else"))
    func `what belongs to somebody else is refused, root or not`() throws {
        let fixture = try Fixture()
        let directory = try fixture.open()
        try FileSystem.write(Array("dns".utf8), to: "\(fixture.inner)/theirs", permissions: 0o600)
        try fixture.shell("chown nobody inner/theirs")
        #expect(throws: SystemError.self) { try directory.read("theirs", limit: 100) }
        #expect(throws: SystemError.self) { _ = try directory.lock("theirs") }
        try fixture.shell("chown nobody inner")
        #expect(throws: SystemError.self) { try fixture.open() }
        #expect(throws: SystemError.self) {
            try OwnedDirectory(fixture.path, owners: [Process.effectiveUser]).directory(
                "inner", owners: [Process.effectiveUser], making: 0o700)
        }
    }

    @Test func `a socket that never answers is given up`() throws {
        let fixture = try Fixture()
        let listener = try UnixSocket.listen(at: "\(fixture.inner)/silent")
        let socket = try UnixSocket.connect(to: "\(fixture.inner)/silent", patience: .milliseconds(50))
        #expect(throws: SystemError.self) { try socket.readChunk() }
        _ = listener.rawValue
    }

    @Test(.enabled(if: isRoot, "only root can become somebody else"))
    func `a socket that a stranger serves is as good as none`() throws {
        let fixture = try Fixture()
        try fixture.shell("chmod 755 .; chmod 777 inner")
        let script =
            "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind('\(fixture.inner)/s'); s.listen(1); print('up',flush=True); time.sleep(20)"
        guard let python = ChildProcess.find("python3") else {
            Issue.record("python3 is not installed")
            return
        }
        let setpriv = try #require(ChildProcess.find("setpriv"))
        let child = try ChildProcess.start(setpriv, ["--reuid", "65534", "--clear-groups", python, "-c", script], output: .null)
        defer {
            child.signal(9)
            _ = child.wait()
        }
        for _ in 0..<200 where FileSystem.status("\(fixture.inner)/s") == nil { SystemThread.sleep(.milliseconds(50)) }
        SystemThread.sleep(.milliseconds(50))
        #expect(throws: SystemError.self) { _ = try UnixSocket.connect(to: "\(fixture.inner)/s") }
    }
}
