import Glibc
import LinuxSystem
import Testing
import TunAdapter

private let pool = "org.example.test"

/// What other processes see, and what is left of one that was killed.
@Suite struct AdapterProcessTests {
    /// A new network namespace that lives as long as its descriptor; the thread stays where it is.
    private static func makeNamespace() throws -> NetworkNamespace {
        let original = try NetworkNamespace()
        do {
            try NetworkNamespace.enterNew()
            _ = try TunDescriptor()
        } catch {
            try? original.enter()
            try Test.cancel("no network namespace with TUN for the test: \(error); run as root or inside `unshare -Urn`")
        }
        defer {
            do { try original.enter() } catch { fatalError("the thread can't leave the test's namespace: \(error)") }
        }
        return try NetworkNamespace()
    }

    private static func inside(_ namespace: borrowing NetworkNamespace, _ body: () throws -> Void) throws {
        let original = try NetworkNamespace()
        try namespace.enter()
        defer {
            do { try original.enter() } catch { fatalError("the thread can't leave the test's namespace: \(error)") }
        }
        try body()
    }

    @Test func `a killed process leaves its persistent adapter, ready for another session, and nothing transient`() async throws {
        let namespace = try Self.makeNamespace()
        let path = "/proc/\(getpid())/fd/\(namespace.descriptor.rawValue)"
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            try NetworkNamespace(path: path).enter()
            let transient = try Adapter.create(name: "gone0", pool: pool, options: AdapterOptions(lifetime: .transient))
            let running = try transient.startSession()
            var options = AdapterOptions()
            options.queueCount = 2
            let many = try Adapter.create(name: "many0", pool: pool, options: options)
            let locked = try many.startSession()
            let kept = try Adapter.create(name: "kept0", pool: pool)
            let session = try kept.startSession()
            guard !running.hasEnded && !locked.hasEnded && !session.hasEnded else { exit(1) }
            kill(getpid(), SIGKILL)
        }
        try Self.inside(namespace) {
            #expect(try AdapterPool(pool).adapters.map(\.name) == ["many0", "kept0"])
            for name in ["many0", "kept0"] {
                let adapter = try Adapter.open(name: name, pool: pool)
                #expect(try !adapter.link().isInUse)
                try adapter.startSession().end()
            }
            #expect(Set(try AdapterPool(pool).deleteUnused()) == ["many0", "kept0"])
            var netlink = try NetlinkSocket()
            #expect(try netlink.links().map(\.name) == ["lo"])
        }
    }

    @Test func `another process is refused while a session runs, and may take over when it has ended`() async throws {
        let namespace = try Self.makeNamespace()
        let path = "/proc/\(getpid())/fd/\(namespace.descriptor.rawValue)"
        let session: Session
        do {
            var started: Session?
            try Self.inside(namespace) { started = try Adapter.create(name: "demo0", pool: pool).startSession() }
            session = try #require(started)
        }
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            try NetworkNamespace(path: path).enter()
            let adapter = try Adapter.open(name: "demo0", pool: pool)
            guard code({ _ = try adapter.startSession() }) == .busy, code({ try adapter.delete() }) == .busy else { exit(1) }
            guard try AdapterPool(pool).deleteUnused().isEmpty else { exit(2) }
            exit(7)
        }
        session.end()
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            try NetworkNamespace(path: path).enter()
            let adapter = try Adapter.open(name: "demo0", pool: pool)
            try adapter.startSession().end()
            try adapter.delete()
            exit(7)
        }
        try Self.inside(namespace) {
            let left = try AdapterPool(pool).adapters
            #expect(left.isEmpty)
        }
    }

    @Test func `without privilege the error names the device and the way out`() async throws {
        guard getuid() == 0 else { try Test.cancel("only root can give up privilege") }
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            guard setgid(65534) == 0, setuid(65534) == 0 else {
                print("no other user")
                fflush(nil)
                return
            }
            do throws(AdapterError) {
                _ = try Adapter.create(name: "demo0", pool: pool)
            } catch {
                print(error.code == .accessDenied ? "\(error)" : "another code: \(error)")
            }
            // exit(3) would skip what print still holds.
            fflush(nil)
        }
        let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
        if output.contains("no other user") { try Test.cancel("this user namespace knows only one user") }
        // Where everybody may open the device the kernel refuses the interface itself.
        let texts = ["/dev/net/tun: permission denied; ", "interface demo0: permission denied; "].map {
            $0 + "needs CAP_NET_ADMIN, or run inside `unshare -Urn`"
        }
        #expect(texts.contains { output.contains($0) }, "\(output)")
    }

    @Test func `a namespace takes its persistent adapters with it, and nothing stays open`() throws {
        let identity: NetworkNamespace.Identity
        do {
            let namespace = try Self.makeNamespace()
            identity = namespace.identity
            try Self.inside(namespace) { _ = try Adapter.create(name: "demo0", pool: pool) }
        }
        #expect(try NetworkNamespace.currentIdentity() != identity)
        #expect(try AdapterPool(pool).adapters.isEmpty)
    }

    @Test func `a session keeps its namespace alive, and works in it to the end`() throws {
        var session: Session?
        do {
            let namespace = try Self.makeNamespace()
            try Self.inside(namespace) {
                let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: .transient))
                try adapter.bringUp()
                session = try adapter.startSession()
            }
        }
        // Nobody else is left in that namespace.
        let running = try #require(session)
        guard var packet = running.allocate(20) else { throw AdapterError(.bufferOverflow, "no room") }
        var bytes = packet.bytes
        unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
            for (i, byte) in [0x45, 0, 0, 20].enumerated() { unsafe bytes[i] = UInt8(byte) }
        }
        running.send(packet)
        #expect(!running.hasEnded && running.statistics.sent == 1)
        running.end()
    }
}
