import LinuxSystem
import Testing
import TunAdapter

/// Adapters in no pool: plain TUN interfaces.
@Suite struct UnlistedAdapterTests {
    static func options(_ lifetime: AdapterOptions.Lifetime = .transient) -> AdapterOptions {
        AdapterOptions(lifetime: lifetime, isListed: false)
    }

    @Test func `an unlisted adapter's interface has no alias, and no pool lists it`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "plain0", pool: "", options: Self.options())
            var netlink = try NetlinkSocket()
            let link = try #require(try netlink.link(named: "plain0"))
            #expect(link.alias == nil && link.alternativeNames.isEmpty)
            #expect(adapter.name == "plain0" && adapter.interfaceName == "plain0" && adapter.pool.isEmpty)
            #expect(code { _ = try Adapter.open(name: "plain0", pool: "org.example.test") } == .alreadyExists)
            #expect(code { _ = try Adapter.open(name: "plain0", pool: "") } == .invalidParameter)
            #expect(code { _ = try AdapterPool("").adapters } == .invalidParameter)
            #expect(try AdapterPool("org.example.test").adapters.isEmpty)
        }
    }

    @Test func `a session, a rename and a deletion work as of any other, and leave no alias`() throws {
        try inNewNamespace {
            for lifetime in [AdapterOptions.Lifetime.transient, .persistent] {
                let adapter = try Adapter.create(name: "plain0", pool: "", options: Self.options(lifetime))
                var changes = try adapter.changes()
                try adapter.bringUp(mtu: 1400)
                let session = try adapter.startSession()
                try adapter.rename(to: "plain1")
                #expect(adapter.name == "plain1" && adapter.interfaceName == "plain1" && !session.hasEnded)
                #expect(try changes.next().contains(.renamed("plain1")))
                #expect(code { try adapter.rename(to: "a name beyond the kernel's") } == .invalidParameter)
                #expect(code { try adapter.rename(to: "lo") } == .alreadyExists)
                try run("ip", "link", "set", "plain1", "name", "plain2")
                #expect(adapter.name == "plain2")
                var netlink = try NetlinkSocket()
                #expect(try netlink.link(named: "plain2")?.alias == nil)
                // An alias that somebody else sets is none of ours.
                try netlink.changeLink(adapter.interfaceIndex, LinkChange(alias: "somebody's words"))
                #expect(try adapter.link().isUp)
                #expect(code { try adapter.delete() } == .busy)
                try adapter.delete(force: true)
                #expect(session.hasEnded)
                #expect(code { _ = try adapter.link() } == .handleEndOfFile)
            }
        }
    }

    @Test func `what an unlisted adapter can't keep is refused before anything is made`() throws {
        try inNewNamespace {
            for name in ["", "a name beyond the kernel's", "with/slash", "%d", "..", String(repeating: "n", count: 16)] {
                #expect(code { _ = try Adapter.create(name: name, pool: "", options: Self.options()) } == .invalidParameter)
            }
            #expect(code { _ = try Adapter.create(name: "plain0", pool: "org.example.test", options: Self.options()) } == .invalidParameter)
            var options = Self.options()
            options.guid = .random()
            #expect(code { _ = try Adapter.create(name: "plain0", pool: "", options: options) } == .invalidParameter)
            #expect(code { _ = try Adapter.create(name: "plain0", pool: "") } == .invalidParameter)
        }
    }

    @Test func `a name that is taken is refused, whosever it is`() throws {
        try inNewNamespace {
            let plain = try Adapter.create(name: "plain0", pool: "", options: Self.options())
            let listed = try Adapter.create(name: "demo0", pool: "org.example.test")
            for name in ["plain0", "demo0", "lo"] {
                do throws(AdapterError) {
                    _ = try Adapter.create(name: name, pool: "", options: Self.options())
                    Issue.record("\(name) was made")
                } catch {
                    #expect(error.code == .alreadyExists && error.message.contains(name), "\(error)")
                }
            }
            #expect(code { _ = try Adapter.create(name: "plain0", pool: "org.example.test") } == .alreadyExists)
            try listed.delete()
            try plain.delete()
        }
    }
}
