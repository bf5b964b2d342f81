import Glibc
import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

private let pool = "org.example.test"

/// Who is refused while somebody has an adapter, and who only has to wait for a moment.
@Suite struct AdapterBusyTests {
    @Test func `one session an adapter, whoever asks`() throws {
        try inNewNamespace {
            for queueCount in [1, 4] {
                var options = AdapterOptions()
                options.queueCount = queueCount
                let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
                let session = try adapter.startSession(capacity: 0x2_0000)
                #expect(try adapter.link().isInUse)
                #expect(code { _ = try adapter.startSession() } == .busy)
                // A second handle is to the kernel what another process is.
                let other = try Adapter.open(name: "demo0", pool: pool)
                #expect(other.queueCount == queueCount)
                #expect(code { _ = try other.startSession() } == .busy)
                #expect(code { try other.delete() } == .busy)
                #expect(code { try adapter.delete() } == .busy)
                #expect(try AdapterPool(pool).deleteUnused() == [])
                session.end()
                let second = try other.startSession()
                second.end()
                try other.delete()
                try adapter.delete()
            }
        }
    }

    /// A copy of one of the adapter's queues, as a child process has it between fork(2) and execve(2).
    private static func copyOfQueue(_ adapter: Adapter) throws -> Int32 {
        let object = try adapter.openDeviceObject()
        return fcntl(object.descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
    }

    /// Runs `body`, and on another thread `then` in a moment: well within the time that a busy adapter gets.
    private static func expecting(_ then: @escaping @Sendable () -> Void, _ body: () throws -> Void) throws {
        let child = try SystemThread(name: "child") {
            SystemThread.sleep(.milliseconds(20))
            then()
        }
        try body()
        child.join()
    }

    @Test(arguments: [1, 3], ["session", "device object", "deletion", "deletion of the unused"])
    func `a queue that is closed a moment later is waited for`(queueCount: Int, asked: String) throws {
        try inNewNamespace {
            var options = AdapterOptions()
            options.queueCount = queueCount
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
            var copies = try (0..<queueCount).map { _ in try Self.copyOfQueue(adapter) }
            #expect(code { _ = try adapter.openDeviceObject() } == .busy)
            #expect(code { try adapter.delete() } == .busy)
            #expect(try AdapterPool(pool).deleteUnused() == [])
            // Of several queues a session wants the one that others leave it, and the lock that only sessions take.
            let lock = try queueCount > 1 ? Held(NamespaceLock("tunadapter session \(adapter.guid)")) : nil
            if lock != nil && asked == "session" { close(copies.removeLast()) }
            try Self.expecting({ [copies] in
                for copy in copies { close(copy) }
                lock?.release()
            }) {
                switch asked {
                case "session": try adapter.startSession().end()
                case "device object": _ = try adapter.openDeviceObject()
                case "deletion": try adapter.delete()
                default:
                    let deleted = try AdapterPool(pool).deleteUnused()
                    #expect(deleted == ["demo0"])
                }
            }
            try adapter.delete()
        }
    }

    @Test(arguments: [1, 3])
    func `a transient adapter that goes with its last queue is as good as deleted`(queueCount: Int) throws {
        try inNewNamespace {
            var options = AdapterOptions(lifetime: .transient)
            options.queueCount = queueCount
            var maker = Optional(try Adapter.create(name: "demo0", pool: pool, options: options))
            let copy = try Self.copyOfQueue(maker!)
            maker = nil
            let adapter = try Adapter.open(name: "demo0", pool: pool)
            #expect(code { try adapter.delete() } == .busy)
            try Self.expecting({ close(copy) }) { try adapter.delete() }
            #expect(try AdapterPool(pool).adapters.isEmpty)
        }
    }

    @Test func `an adapter that is renamed while it is busy is still the same`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            let copy = try Self.copyOfQueue(adapter)
            try Self.expecting({
                #expect(throws: Never.self) {
                    try adapter.rename(to: "demo1")
                    // Whoever asks meanwhile finds the new name busy, too.
                    SystemThread.sleep(.milliseconds(20))
                    close(copy)
                }
            }) { try adapter.startSession().end() }
            #expect(adapter.interfaceName == "demo1")
            var netlink = try NetlinkSocket()
            #expect(try netlink.link(named: "demo0") == nil)
            try adapter.delete()
        }
    }

    @Test func `a device object is the session's queue, before and after it too, and refuses everybody else`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: pool)
            let other = try Adapter.open(name: "demo0", pool: pool)
            let session = try adapter.startSession()
            do {
                let object = try adapter.openDeviceObject()
                #expect(try object.attachment().name == "demo0")
                session.end()
                #expect(code { _ = try other.startSession() } == .busy, "the duplicate still has the queue")
                try adapter.startSession().end()
            }
            do {
                let object = try adapter.openDeviceObject()
                #expect(try object.attachment().flags.contains(.virtioNetHeader))
                let second = try adapter.openDeviceObject()
                #expect(try second.attachment().name == "demo0")
                #expect(code { _ = try other.startSession() } == .busy)
                #expect(code { try adapter.delete() } == .busy)
                try adapter.startSession().end()
            }
            // The numbers mean nothing any more; others may have them.
            let files = try (0..<8).map { _ in try Descriptor(FileDescriptor.open("/dev/null", flags: O_RDONLY)) }
            let tuns = try (0..<8).map { _ in try Descriptor(TunDescriptor().takeDescriptor()) }
            try other.startSession().end()
            try adapter.startSession().end()
            withExtendedLifetime((files, tuns)) {}
            try adapter.delete()
        }
    }

    @Test func `of an adapter with several queues as many descriptors attach, and no more`() throws {
        try inNewNamespace {
            var options = AdapterOptions()
            options.queueCount = 3
            let adapter = try Adapter.create(name: "demo0", pool: pool, options: options)
            let session = try adapter.startSession()
            let second = try adapter.openDeviceObject()
            let third = try adapter.openDeviceObject()
            #expect(code { _ = try adapter.openDeviceObject() } == .busy)
            _ = consume second
            _ = consume third
            session.end()
            try adapter.delete()
        }
    }
}

/// A descriptor in an array.
private final class Descriptor {
    let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }
}

/// A lock that another thread gives back.
private final class Held: Sendable {
    private let lock: OrderedMutex<NamespaceLock?>

    init(_ lock: consuming NamespaceLock) {
        self.lock = OrderedMutex(consume lock)
    }

    func release() {
        lock.withLock { $0 = nil }
    }
}
