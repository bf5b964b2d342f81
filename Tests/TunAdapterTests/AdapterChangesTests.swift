import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

private let pool = "org.example.test"

/// A watch beyond its adapter's life.
@Suite struct AdapterChangesTests {
    @Test func `a watch that has told of the deletion is silent, whatever else changes`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            var changes = try adapter.changes()
            try adapter.delete()
            #expect(try changes.next().last == .deleted)
            for mtu in ["1400", "1500"] {
                try run("ip", "link", "set", "lo", "mtu", mtu)
                #expect(DescriptorPoll.wait([.init(changes.descriptor)], for: Interval(nanoseconds: 0)) == [false])
                #expect(try changes.next() == [])
            }
        }
    }

    @Test func `a watch keeps no transient adapter alive, and tells that it went`() throws {
        try inNewNamespace {
            for isListed in [true, false] {
                var adapter = Optional(
                    try Adapter.create(
                        name: "demo0", pool: isListed ? pool : "", options: AdapterOptions(lifetime: .transient, isListed: isListed)))
                var changes = try adapter!.changes()
                try adapter!.bringUp()
                adapter = nil
                var heard: [AdapterChange] = []
                try expectEventually("it is gone") {
                    heard += try changes.next()
                    return heard.last == .deleted
                }
                #expect(heard.first == .broughtUp, "\(heard)")
            }
        }
    }
}
