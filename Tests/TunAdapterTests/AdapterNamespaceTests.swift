import Glibc
import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

/// Adapters that are made in another network namespace than the calling thread's.
@Suite struct AdapterNamespaceTests {
    /// The file of a new network namespace, which a process of its own keeps for the length of `body`.
    private func withOtherNamespace(_ body: (String) throws -> Void) throws {
        let here = try NetworkNamespace.currentIdentity()
        let process = try spawn(["unshare", "-n", "sleep", "60"])
        defer {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        let path = "/proc/\(process)/ns/net"
        try expectEventually("unshare didn't make a namespace") { try NetworkNamespace(path: path).identity != here }
        try body(path)
    }

    @Test func `an adapter is made in the namespace that the options name, and works from here`() throws {
        try inNewNamespace {
            try withOtherNamespace { path in
                for lifetime in [AdapterOptions.Lifetime.transient, .persistent] {
                    var options = AdapterOptions(lifetime: lifetime, isListed: false)
                    options.networkNamespace = path
                    let adapter = try Adapter.create(name: "far0", pool: "", options: options)
                    var netlink = try NetlinkSocket()
                    #expect(try netlink.link(named: "far0") == nil, "the interface is here")
                    var changes = try adapter.changes()
                    try adapter.setAddress("10.7.0.1/24")
                    try adapter.bringUp(mtu: 1400)
                    #expect(try changes.next().contains(.broughtUp))
                    #expect(try adapter.addresses().map(\.description) == ["10.7.0.1/24"])
                    let session = try adapter.startSession()
                    #expect(try adapter.link().isInUse && !session.hasEnded)
                    session.end()
                    try adapter.delete()
                    #expect(code { _ = try adapter.link() } == .handleEndOfFile)
                }
            }
        }
    }

    @Test func `an adapter of several queues takes its lock in its own namespace`() throws {
        try inNewNamespace {
            try withOtherNamespace { path in
                var options = AdapterOptions()
                options.networkNamespace = path
                options.queueCount = 2
                let adapter = try Adapter.create(name: "far0", pool: "org.example.test", options: options)
                let session = try adapter.startSession()
                #expect(code { _ = try adapter.startSession() } == .busy)
                try adapter.delete(force: true)
                #expect(session.hasEnded)
            }
        }
    }

    @Test func `a file that is no network namespace, or is missing, is named and nothing is made`() throws {
        try inNewNamespace {
            for (path, expected) in [
                ("/proc/self/ns/uts", AdapterError.Code.invalidParameter), ("/dev/null", .invalidParameter),
                ("/run/netns/there-is-none", .fileNotFound),
            ] {
                var options = AdapterOptions(lifetime: .transient)
                options.networkNamespace = path
                #expect(code { _ = try Adapter.create(name: "far0", pool: "org.example.test", options: options) } == expected, "\(path)")
            }
        }
    }

    @Test func `a queue that was handed over carries a session, whoever attached it`() throws {
        try inNewNamespace {
            try withOtherNamespace { path in
                var options = AdapterOptions(lifetime: .transient)
                options.networkNamespace = path
                let adapter = try Adapter.create(name: "far0", pool: "org.example.test", options: options)
                try adapter.bringUp()
                let session = try Session.start(attached: adapter.openDeviceObject())
                #expect(!session.hasEnded)
                session.end()
            }
        }
    }
}
