import LinuxSystem
import NetworkTypes
import Testing

@Suite struct UnixSocketTests {
    static let listener = """
        import os, socket, sys, time
        os.setuid(65534)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen()
        time.sleep(30)
        """

    @Test(.enabled(if: Process.effectiveUser == 0, "becoming another user needs root"))
    func `another user's listener is there, though it isn't trusted`() throws {
        let path = "/tmp/wg-lite-listener-\(UInt64.random(in: 0 ... .max))"
        let child = try ChildProcess.start("/usr/bin/python3", ["-c", Self.listener, path])
        defer {
            child.signal(SignalDescriptor.terminate)
            _ = child.wait()
            FileSystem.remove(path)
        }
        let deadline = Clock.now + .seconds(20)
        while !UnixSocket.hasListener(at: path), Clock.now < deadline { SystemThread.sleep(.milliseconds(20)) }
        #expect(UnixSocket.hasListener(at: path))
        #expect(throws: SystemError.self) { _ = try UnixSocket.connect(to: path) }
    }

    @Test func `a path where nothing is, or nobody listens any more, has no listener`() throws {
        let path = "/tmp/wg-lite-listener-\(UInt64.random(in: 0 ... .max))"
        #expect(!UnixSocket.hasListener(at: path))
        do {
            let socket = try UnixSocket.listen(at: path)
            #expect(UnixSocket.hasListener(at: path))
            _ = consume socket
        }
        #expect(!UnixSocket.hasListener(at: path))
        FileSystem.remove(path)
    }

    @Test func `a listener doesn't wait for clients, and one that can't be made leaves no path`() throws {
        let path = "/tmp/wg-lite-listener-\(UInt64.random(in: 0 ... .max))"
        let socket = try UnixSocket.listen(at: path)
        defer { FileSystem.remove(path) }
        let isClient = try UnixSocket.accept(socket.rawValue, nonBlocking: false) != nil
        #expect(!isClient)
        let long = path + String(repeating: "x", count: UnixSocket.maximumPathLength)
        #expect(throws: SystemError.self) { _ = try UnixSocket.listen(at: long) }
        #expect(!FileSystem.exists(long))
    }
}
