import Glibc
import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

private let pool = "org.example.test"

@Suite struct AdapterTests {
    @Test func `a persistent adapter outlives its handle, and others open it by name`() throws {
        try inNewNamespace {
            let guid: AdapterGUID
            do {
                let made = try Adapter.create(name: "demo0", pool: pool)
                guid = made.guid
                #expect(made.name == "demo0" && made.interfaceName == "demo0" && made.pool == pool)
                #expect(try made.link().isPersistent && !made.link().isUp)
                try expectEventually("nobody uses it") { try !made.link().isInUse }
            }
            let opened = try Adapter.open(name: "demo0", pool: pool)
            #expect(opened.guid == guid && opened.luid == AdapterLUID(interfaceIndex: opened.interfaceIndex))
            #expect(try AdapterPool(pool).adapters.map(\.name) == ["demo0"])
            try opened.delete()
            #expect(code { _ = try Adapter.open(name: "demo0", pool: pool) } == .fileNotFound)
        }
    }

    @Test func `a transient adapter goes with its handle, or with the session that outlives it`() throws {
        try inNewNamespace {
            do {
                let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: .transient))
                #expect(try !adapter.link().isPersistent)
            }
            try expectEventually("it is gone") { try AdapterPool(pool).adapters.isEmpty }
            var session: Session?
            do {
                let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: .transient))
                session = try adapter.startSession()
            }
            #expect(try AdapterPool(pool).adapters.count == 1)
            session?.end()
            session = nil
            try expectEventually("it is gone") { try AdapterPool(pool).adapters.isEmpty }
        }
    }

    @Test func `names beyond what the kernel takes are kept beside a derived interface name`() throws {
        try inNewNamespace {
            for name in ["Büro (West)", "a name of more than fifteen bytes", String(repeating: "ü", count: 63), "%d", "..", "TA1"] {
                let adapter = try Adapter.create(name: name, pool: pool)
                #expect(adapter.name == name && (adapter.interfaceName == name) == (name == "TA1"))
                #expect(try Adapter.open(name: name, pool: pool).guid == adapter.guid)
                // The interface's name, which `ip link` shows, leads there too.
                #expect(try Adapter.open(name: adapter.interfaceName, pool: pool).guid == adapter.guid)
            }
            #expect(try AdapterPool(pool).adapters.count == 6)
            #expect(Set(try AdapterPool(pool).deleteUnused()).count == 6)
        }
    }

    @Test func `the longest name and pool fit together`() throws {
        try inNewNamespace {
            let longPool = String(repeating: "p", count: 96)
            let longName = String(repeating: "n", count: 127)
            let adapter = try Adapter.create(name: longName, pool: longPool)
            #expect(try Adapter.open(name: longName, pool: longPool).guid == adapter.guid)
            #expect(code { _ = try Adapter.create(name: longName + "n", pool: longPool) } == .invalidParameter)
            #expect(code { _ = try Adapter.create(name: longName, pool: longPool + "p") } == .invalidParameter)
            #expect(code { _ = try Adapter.create(name: "", pool: pool) } == .invalidParameter)
            #expect(code { _ = try Adapter.create(name: "demo0", pool: "") } == .invalidParameter)
            try adapter.delete()
        }
    }

    @Test func `limits are checked before anything is made`() throws {
        try inNewNamespace {
            var options = AdapterOptions()
            for queueCount in [0, -1, 256] {
                options.queueCount = queueCount
                #expect(code { _ = try Adapter.create(name: "demo0", pool: pool, options: options) } == .invalidParameter)
            }
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            for capacity in [0, 1, 0x1_0000, 0x2_0001, 0x800_0000, -0x2_0000, Int.max, Int.min] {
                #expect(code { _ = try adapter.startSession(capacity: capacity) } == .invalidParameter)
            }
            try expectEventually("nobody uses it") { try !adapter.link().isInUse }
            try adapter.delete()
        }
    }

    @Test func `absent, foreign and another pool's are told apart`() throws {
        try inNewNamespace {
            try run("ip", "tuntap", "add", "foreign0", "mode", "tun")
            let other = try Adapter.create(name: "demo0", pool: "org.example.other")
            let rich = try Adapter.create(name: "My Office", pool: "org.example.other")
            #expect(code { _ = try Adapter.open(name: "demo1", pool: pool) } == .fileNotFound)
            #expect(code { _ = try Adapter.open(name: "demo0", pool: pool) } == .alreadyExists)
            #expect(code { _ = try Adapter.open(name: "My Office", pool: pool) } == .alreadyExists)
            #expect(code { _ = try Adapter.open(name: "foreign0", pool: pool) } == .alreadyExists)
            #expect(code { _ = try Adapter.open(name: "lo", pool: pool) } == .alreadyExists)
            #expect(code { _ = try Adapter.create(name: "demo0", pool: pool) } == .alreadyExists)
            #expect(code { _ = try Adapter.create(name: "demo0", pool: "org.example.other") } == .alreadyExists)
            #expect(code { _ = try Adapter.create(name: "lo", pool: pool) } == .alreadyExists)
            #expect(code { _ = try Adapter.create(name: "foreign0", pool: pool) } == .alreadyExists)
            // A name that is no interface's may occur once in every pool.
            let mine = try Adapter.create(name: "My Office", pool: pool)
            #expect(mine.interfaceName != rich.interfaceName)
            #expect(try Adapter.open(name: "My Office", pool: pool).guid == mine.guid)
            #expect(code { _ = try Adapter.create(name: "My Office", pool: pool) } == .alreadyExists)
            #expect(try AdapterPool(pool).adapters.map(\.guid) == [mine.guid])
            try mine.delete()
            try rich.delete()
            try other.delete()
            try run("ip", "link", "del", "foreign0")
        }
    }

    @Test func `an alternative name of another interface is taken`() throws {
        try inNewNamespace {
            try run("ip", "tuntap", "add", "foreign0", "mode", "tun")
            try run("ip", "link", "property", "add", "dev", "foreign0", "altname", "demo0")
            #expect(code { _ = try Adapter.create(name: "demo0", pool: pool) } == .alreadyExists)
            try run("ip", "link", "del", "foreign0")
        }
    }

    @Test func `a requested GUID is kept, and is given once`() throws {
        try inNewNamespace {
            var options = AdapterOptions()
            options.guid = AdapterGUID("deadbabe-cafe-beef-0123-456789abcdef")
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
            #expect(adapter.guid == options.guid)
            #expect(code { _ = try Adapter.create(name: "demo1", pool: "org.example.other", options: options) } == .alreadyExists)
            try adapter.delete()
        }
    }

    @Test func `deleting with force ends the sessions, here and elsewhere, with HANDLE_EOF`() throws {
        try inNewNamespace {
            for lifetime in [AdapterOptions.Lifetime.persistent, .transient] {
                let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: lifetime))
                try adapter.bringUp()
                let session = try adapter.startSession()
                try Adapter.open(name: "demo0", pool: pool).delete(force: true)
                #expect(try session.receive(waiting: .upTo(.seconds(10))) == nil)
                #expect(code { _ = try session.receive() } == .handleEndOfFile)
                #expect(session.endReason?.code == .handleEndOfFile)
                #expect(code { _ = try adapter.startSession() } == .handleEndOfFile)
                #expect(code { _ = try adapter.link() } == .handleEndOfFile)
                try adapter.delete()
            }
        }
    }

    @Test func `ip link del under a session ends it with HANDLE_EOF, and wakes who waits`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            try adapter.bringUp()
            let session = try adapter.startSession()
            let waiter = try SystemThread(name: "waiter") { _ = session.waitForPacket(.forever) && session.waitForPacket(.forever) }
            try run("ip", "link", "del", "demo0")
            #expect(try session.receive(waiting: .upTo(.seconds(10))) == nil)
            #expect(session.hasEnded && session.endReason?.message.contains("demo0") == true)
            waiter.join()
            let isRefused = session.allocate(100) == nil
            #expect(isRefused)
        }
    }

    @Test func `a new interface under the old name isn't the adapter`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            try run("ip", "link", "del", "demo0")
            try run("ip", "tuntap", "add", "demo0", "mode", "tun")
            #expect(code { _ = try adapter.startSession() } == .handleEndOfFile)
            #expect(code { _ = try adapter.openDeviceObject() } == .handleEndOfFile)
            try adapter.delete()
            var netlink = try NetlinkSocket()
            #expect(try netlink.link(named: "demo0") != nil, "deleting must not touch the stranger")
            try run("ip", "link", "del", "demo0")
        }
    }

    @Test func `a running adapter is renamed, also to and from names that are no interface's`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            try adapter.bringUp(mtu: 1400)
            let session = try adapter.startSession()
            try adapter.rename(to: "demo1")
            #expect(adapter.name == "demo1" && adapter.interfaceName == "demo1")
            try adapter.rename(to: "Büro (West)")
            #expect(adapter.name == "Büro (West)" && adapter.interfaceName.hasPrefix("browest-"))
            #expect(try Adapter.open(name: "Büro (West)", pool: pool).guid == adapter.guid)
            try adapter.rename(to: "demo2")
            try run("ip", "link", "set", "demo2", "name", "demo3")
            #expect(adapter.name == "demo3")
            #expect(try adapter.link().isUp && adapter.link().mtu == 1400 && !session.hasEnded)
            #expect(code { try adapter.rename(to: "lo") } == .alreadyExists)
            #expect(code { try adapter.rename(to: "") } == .invalidParameter)
            #expect(adapter.name == "demo3")
            session.end()
            try adapter.delete()
        }
    }

    @Test func `addresses and MTU are set, and changes are heard`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: .transient))
            var changes = try adapter.changes()
            try adapter.setAddress("10.7.0.1/24")
            try adapter.setAddress("fd07::1/64")
            try adapter.setAddress("10.8.0.1/24")
            #expect(Set(try adapter.addresses().map(\.description)) == ["10.8.0.1/24", "fd07::1/64"])
            #expect(code { try adapter.setAddress("10.7.0.1/33") } == .invalidParameter)
            #expect(code { try adapter.bringUp(mtu: 67) } == .invalidParameter)
            #expect(code { try adapter.bringUp(mtu: 65_536) } == .invalidParameter)
            try adapter.bringUp(mtu: 1420)
            let first = try changes.next()
            #expect(Set(first) == [.mtuChanged(1420), .broughtUp], "\(first)")
            try adapter.rename(to: "demo1")
            try adapter.setMTU(9000)
            try adapter.bringDown()
            let heard = try changes.next()
            #expect(heard == [.renamed("demo1"), .mtuChanged(9000), .broughtDown], "\(heard)")
            try adapter.delete()
            #expect(try changes.next().last == .deleted)
            #expect(try changes.next() == [])
        }
    }

    @Test func `packets of the kernel come, and packets for the kernel go`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: AdapterOptions(lifetime: .transient))
            try adapter.setAddress("10.7.0.1/24")
            try adapter.bringUp(mtu: 1420)
            let session = try adapter.startSession(capacity: 0x40_0000)
            // Every echo request is answered, so that ping succeeds.
            let responder = try SystemThread(name: "responder") {
                do {
                    while let packet = try session.receive(waiting: .forever) {
                        guard packet.count >= 28, var reply = session.allocate(packet.count) else { continue }
                        answerEcho(packet.bytes, into: &reply)
                        session.send(reply)
                    }
                } catch {
                    Issue.record(error)
                }
            }
            #expect(try run("ping", "-c", "3", "-i", "0.01", "-W", "2", "-q", "10.7.0.99") == 0)
            #expect(session.statistics.received >= 3 && session.statistics.sent >= 3)
            session.end()
            responder.join()
        }
    }

    @Test func `a thread of another namespace can't attach by accident to a namesake`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            try inNewNamespace {
                #expect(code { _ = try Adapter.open(name: "demo0", pool: pool) } == .fileNotFound)
                #expect(code { _ = try adapter.startSession() } == .invalidParameter)
                let link = try adapter.link()
                #expect(link.interfaceName == "demo0", "asking still works")
            }
            try adapter.delete()
        }
    }

    @Test func `versions are told with and without an adapter`() throws {
        try inNewNamespace {
            let version = try AdapterVersion.current()
            #expect(version.driver.major >= 1 && version.kernel.major >= 4)
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            #expect(try AdapterVersion.current() == version)
            try adapter.delete()
        }
    }

    @Test func `owner and group are kept`() throws {
        try inNewNamespace {
            var options = AdapterOptions()
            // Users that every user namespace knows, and one that hardly any does.
            options.owner = getuid()
            options.group = getgid()
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
            #expect(try adapter.link().owner == getuid() && adapter.link().group == getgid())
            try adapter.delete()
            options.owner = .max
            #expect(code { _ = try Adapter.create(name: "demo0", pool: pool, options: options) } == .invalidParameter)
        }
    }
}

/// An IPv4 echo request's answer: the addresses change places, the type becomes 0, which the checksum follows.
private func answerEcho(_ request: RawSpan, into reply: inout OutgoingPacket) {
    unsafe request.withUnsafeBytes { from in
        var bytes = reply.bytes
        unsafe bytes.withUnsafeMutableBytes { to in
            unsafe to.copyMemory(from: from)
            for i in 0..<4 {
                unsafe to[12 + i] = from[16 + i]
                unsafe to[16 + i] = from[12 + i]
            }
            unsafe to[20] = 0
            let sum = unsafe (UInt32(from[22]) << 8 | UInt32(from[23])) + 0x0800
            unsafe to[22] = UInt8(truncatingIfNeeded: (sum + sum >> 16) >> 8)
            unsafe to[23] = UInt8(truncatingIfNeeded: sum + sum >> 16)
        }
    }
}
