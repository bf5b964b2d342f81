import LinuxSystem
import Synchronization
import Testing

@testable import TunAdapterABI

/// Counts how many of its kind live.
private final class Counted: Sendable {
    static let living = Atomic(0)
    init() { Self.living.add(1, ordering: .relaxed) }
    deinit { Self.living.subtract(1, ordering: .relaxed) }
}

@Suite(.serialized) struct HandleTableTests {
    private func isPinned(_ pin: HandleTable.Pin) -> Bool {
        if case .pinned = unsafe pin { true } else { false }
    }

    private func isStale(_ pin: HandleTable.Pin) -> Bool {
        if case .stale = unsafe pin { true } else { false }
    }

    private func isInvalid(_ pin: HandleTable.Pin) -> Bool {
        if case .invalid = unsafe pin { true } else { false }
    }

    @Test func `an object lives until its handle is freed and its last pin is gone`() throws {
        let table = HandleTable()
        let before = Counted.living.load(ordering: .relaxed)
        let handle = unsafe try #require(table.insert(.session) { Counted() })
        #expect(unsafe isPinned(table.pin(handle, .session)))
        #expect(unsafe isPinned(table.pin(handle, .session)))
        #expect(unsafe table.retire(handle))
        #expect(unsafe !table.retire(handle), "freed once")
        #expect(unsafe isStale(table.pin(handle, .session)))
        unsafe table.unpin(handle)
        #expect(Counted.living.load(ordering: .relaxed) == before + 1)
        unsafe table.unpin(handle)
        #expect(Counted.living.load(ordering: .relaxed) == before)
        #expect(unsafe isStale(table.pin(handle, .session)))
    }

    @Test func `a freed handle stays stale when its slot is used again, and each kind is its own`() throws {
        let table = HandleTable()
        var old: [OpaquePointer] = unsafe []
        for _ in 0..<1000 {
            let handle = unsafe try #require(table.insert(.adapter) { Counted() })
            #expect(unsafe isInvalid(table.pin(handle, .session)))
            #expect(unsafe isPinned(table.pin(handle, .adapter)))
            unsafe table.retire(handle)
            unsafe table.unpin(handle)
            unsafe old.append(handle)
        }
        for i in unsafe old.indices { #expect(unsafe isStale(table.pin(old[i], .adapter))) }
    }

    @Test func `numbers that never were handles are invalid`() {
        let table = HandleTable()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            let number = UInt(truncatingIfNeeded: generator.next())
            for candidate in [number, number | 3, number & 0xffff_ffff_ffff, number & 0xffff | 3, 0, 1, 3, 5, 7, .max] {
                #expect(unsafe isInvalid(table.pin(OpaquePointer(bitPattern: candidate), .adapter)))
            }
        }
    }

    @Test func `the table ends somewhere, and its places come back`() throws {
        let table = HandleTable()
        var handles: [OpaquePointer] = unsafe []
        while let handle = unsafe table.insert(.watch, Counted.init) { unsafe handles.append(handle) }
        #expect(unsafe handles.count == 4096)
        #expect(Counted.living.load(ordering: .relaxed) == 4096)
        let further = unsafe table.insert(.watch) { () -> Counted in
            Issue.record("what has no place is not made")
            return Counted()
        }
        #expect(unsafe further == nil)
        for i in unsafe handles.indices {
            #expect(unsafe isPinned(table.pin(handles[i], .watch)))
            unsafe table.retire(handles[i])
            unsafe table.unpin(handles[i])
        }
        #expect(Counted.living.load(ordering: .relaxed) == 0)
        let again = unsafe table.insert(.watch) { Counted() }
        #expect(unsafe again != nil)
        #expect(unsafe isPinned(table.pin(again, .watch)))
        unsafe table.retire(again)
        unsafe table.unpin(again)
    }

    @Test func `a place is free again when what it was for can't be made`() throws {
        let table = HandleTable()
        for _ in 0..<5000 {
            #expect(throws: CancellationError.self) {
                _ = unsafe try table.insert(.watch) { () throws(CancellationError) -> Counted in throw CancellationError() }
            }
        }
        let handle = unsafe table.insert(.watch) { Counted() }
        #expect(unsafe isPinned(table.pin(handle, .watch)))
        unsafe table.retire(handle)
        unsafe table.unpin(handle)
    }

    @Test func `threads that use, end and free the same handles find each object alive or gone, never in between`() throws {
        let rounds = 3000
        let shared = Atomic<UInt>(0)
        let isOver = Atomic(false)
        let uses = Atomic(0)
        let before = Counted.living.load(ordering: .relaxed)
        let holder = SharedTable()
        let users = try SystemThreads(3, name: "user") { number in
            while !isOver.load(ordering: .acquiring) {
                let handle = unsafe OpaquePointer(bitPattern: shared.load(ordering: .acquiring))
                guard case .pinned(let object, _) = unsafe holder.table.pin(handle, .session) else { continue }
                // Reading a freed object here is what the sanitizers would see.
                let counted = unsafe Unmanaged<Counted>.fromOpaque(object).takeUnretainedValue()
                withExtendedLifetime(counted) { _ = uses.add(1, ordering: .relaxed) }
                if number == 0 { unsafe holder.table.retire(handle) }
                unsafe holder.table.unpin(handle)
            }
        }
        for _ in 0..<rounds {
            let handle = unsafe holder.table.insert(.session) { Counted() }
            shared.store(UInt(bitPattern: handle), ordering: .releasing)
            SystemThread.yield()
            if unsafe isPinned(holder.table.pin(handle, .session)) {
                unsafe holder.table.retire(handle)
                unsafe holder.table.unpin(handle)
            }
        }
        isOver.store(true, ordering: .releasing)
        users.join()
        #expect(Counted.living.load(ordering: .relaxed) == before)
        #expect(uses.load(ordering: .relaxed) > 0)
    }
}

/// A class, so that threads can share the table.
private final class SharedTable: Sendable {
    let table = HandleTable()
}
