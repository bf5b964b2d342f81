import LinuxSystem
import NetworkTypes
import Testing

/// A file of the system's is exchanged as a whole, and nothing that is no file is ever taken for one.
@Suite struct SystemFileTests {
    private typealias Fixture = PrivateFileTests.Fixture

    @Test func `where a device, a pipe or a directory stands it is neither read nor exchanged`() throws {
        let fixture = try Fixture()
        try fixture.shell("mkfifo pipe; mkdir directory; ln -s /dev/null device")
        for name in ["pipe", "directory", "device"] {
            let file = SystemFile("\(fixture.path)/\(name)")
            // An open of the pipe that waits for its other end would never come back.
            #expect(throws: SystemError.self, "\(name)") { try file.read() }
            #expect(throws: SystemError.self, "\(name)") { try file.write([1]) }
            #expect(throws: SystemError.self, "\(name)") { try file.write(nil) }
        }
        try fixture.shell("test -p pipe; test -d directory; test -c device; test -c /dev/null; test $(ls -A | wc -l) = 3")
    }

    @Test func `a file is exchanged where its link leads, or is to lead`() throws {
        let fixture = try Fixture()
        try fixture.shell("echo old >real; chmod 640 real; ln -s real link; ln -s nowhere dangling")
        try SystemFile("\(fixture.path)/link").write(Array("new\n".utf8))
        try SystemFile("\(fixture.path)/dangling").write([1])
        #expect(try FileSystem.read("\(fixture.path)/real") == Array("new\n".utf8))
        try fixture.shell("test -L link; test $(stat -c %a real) = 640; test -f nowhere; test -L dangling; test $(ls -A | wc -l) = 4")
        try SystemFile("\(fixture.path)/dangling").write(nil)
        #expect(try SystemFile("\(fixture.path)/dangling").read() == nil)
    }

    @Test func `the lock of a directory that somebody else holds is waited for, but not for ever`() throws {
        let fixture = try Fixture()
        let held = try FileDescriptor.directoryLock(fixture.path, patience: .seconds(10))
        let began = Clock.now
        let second = try FileDescriptor.directoryLock(fixture.path, patience: .milliseconds(100))
        #expect(Clock.now.since(began) >= .milliseconds(100))
        let cancellation = try Cancellation()
        cancellation.cancel()
        let third = try FileDescriptor.directoryLock(fixture.path, patience: .seconds(600), cancelledBy: cancellation.descriptor)
        #expect(held.rawValue >= 0 && second.rawValue >= 0 && third.rawValue >= 0)
    }
}
