import Glibc
import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

@testable import TunAdapter

private let pool = "org.example.test"

/// Whose an adapter is, and where it went.
@Suite struct AdapterOwnershipTests {
    @Test func `without a chosen owner or group it is the maker's`() throws {
        try inNewNamespace {
            let user = geteuid()
            for lifetime in [AdapterOptions.Lifetime.persistent, .transient] {
                for isListed in [true, false] {
                    let options = AdapterOptions(lifetime: lifetime, isListed: isListed)
                    let adapter = try Adapter.create(name: "demo0", pool: isListed ? pool : "", options: options)
                    let link = try adapter.link()
                    #expect(link.owner == user && link.group == nil)
                    try adapter.delete(force: true)
                }
            }
            var options = AdapterOptions()
            options.group = getegid()
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
            let link = try adapter.link()
            #expect(link.owner == nil && link.group == getegid(), "whoever chose a group wants its members, not himself alone")
            try adapter.delete()
        }
    }

    @Test func `descriptors of others are seen in what the kernel says of an interface`() throws {
        try inNewNamespace {
            var options = AdapterOptions(lifetime: .transient)
            options.queueCount = 2
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
            var netlink = try NetlinkSocket()
            #expect(try netlink.link(named: "demo0")?.isAttachedToByOthers == false)
            let other = try TunDescriptor()
            _ = try other.attach(name: "demo0", flags: Adapter.flags(queueCount: 2))
            #expect(try netlink.link(named: "demo0")?.isAttachedToByOthers == true)
            withExtendedLifetime(adapter) {}
        }
    }

    /// Moves an interface to a new namespace, and says whether it is still there after `body`.
    private static func moved(_ name: String, _ body: () throws -> Void) throws -> Bool {
        let here = try NetworkNamespace()
        try NetworkNamespace.enterNew()
        let there = try NetworkNamespace()
        try here.enter()
        var netlink = try NetlinkSocket()
        let link = try #require(try netlink.link(named: name))
        try netlink.changeLink(link.index, LinkChange(namespaceDescriptor: there.descriptor.rawValue))
        try body()
        try there.enter()
        defer {
            do { try here.enter() } catch { fatalError("the thread can't come back: \(error)") }
        }
        var distant = try NetlinkSocket()
        let left = try distant.link(named: name)
        if let left { try distant.deleteLink(left.index) }
        return left != nil
    }

    @Test func `an adapter that was moved to another namespace is not reported as deleted`() throws {
        try inNewNamespace {
            for isListed in [true, false] {
                let adapter = try Adapter.create(
                    name: "demo0", pool: isListed ? pool : "", options: AdapterOptions(lifetime: .persistent, isListed: isListed))
                let isLeft = try Self.moved("demo0") {
                    #expect(code { try adapter.delete() } == .handleEndOfFile)
                    #expect(code { try adapter.delete(force: true) } == .handleEndOfFile)
                }
                #expect(isLeft)
                // Now it is gone by itself, which is what was asked for.
                try adapter.delete()
            }
        }
    }

    @Test func `where a descriptor is at hand a moved adapter is deleted there`() throws {
        try inNewNamespace {
            for lifetime in [AdapterOptions.Lifetime.persistent, .transient] {
                let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: lifetime))
                let session = try adapter.startSession()
                let isLeft = try Self.moved("demo0") {
                    #expect(code { try adapter.delete() } == .busy)
                    #expect(!session.hasEnded)
                    try adapter.delete(force: true)
                    #expect(session.hasEnded)
                }
                #expect(!isLeft)
            }
        }
    }

    @Test func `a deletion that the kernel refuses leaves the session as it is`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            let session = try adapter.startSession()
            let isRefused = Atomic(false)
            let thread = try SystemThread(name: "unprivileged") {
                do {
                    try CapabilitySet.none.keepOnlyThese()
                } catch {
                    Issue.record(error)
                }
                // The kernel asks the socket's maker and the caller: here the second may nothing.
                isRefused.store(code { try adapter.delete(force: true) } == .accessDenied, ordering: .relaxed)
            }
            thread.join()
            #expect(isRefused.load(ordering: .relaxed) && !session.hasEnded)
            try adapter.delete(force: true)
            #expect(session.hasEnded)
        }
    }

    @Test func `an address needs its prefix length`() throws {
        for text in ["10.7.0.1", "fd07::1", "", "ten", "10.7.0.1/33", "/24"] {
            #expect(code { _ = try Adapter.interfaceAddress(text) } == .invalidParameter)
        }
        #expect(try Adapter.interfaceAddress("10.7.0.1/24").prefixLength == 24)
    }
}
