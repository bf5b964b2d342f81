import LinuxSystem
import ProcessMemory
import Synchronization
import Testing
import WireGuardCrypto

@testable import TunnelControl

/// Threads that live as long as the tunnel and work with keys: what was computed with must not stay on their stacks. One test after the other:
/// what one reads, another would find.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SecretsOnStacksTests {
    /// Spreads a secret over the caller's dead stack, as functions do that read files or compare keys, and returns what to look for.
    @inline(never)
    private static func leaveSecret() -> ProcessMemory.Needle {
        let secret = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
        defer { unsafe secret.deallocate() }
        for index in 0..<16 { unsafe secret[index] = .random(in: 0...255) }
        unsafe leave(UnsafeRawBufferPointer(secret), depth: 20)
        let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(secret))
        unsafe wipe(secret)
        return needle
    }

    @inline(never)
    private static func leave(_ secret: UnsafeRawBufferPointer, depth: Int) {
        unsafe withUnsafeTemporaryAllocation(byteCount: 512, alignment: 16) { room in
            if depth > 0 { unsafe leave(secret, depth: depth - 1) }
            for offset in stride(from: 0, to: room.count, by: 16) {
                unsafe (room.baseAddress! + offset).copyMemory(from: secret.baseAddress!, byteCount: 16)
            }
        }
    }

    @Test func `what a function leaves on the stack is found`() throws {
        let said = try EventDescriptor()
        let done = try EventDescriptor()
        let found = Mutex<ProcessMemory.Needle?>(nil)
        let thread = try SystemThread(name: "leaves") {
            let needle = Self.leaveSecret()
            found.withLock { $0 = needle }
            said.signal()
            _ = done.wait(for: nil)
        }
        _ = said.wait(for: nil)
        let needle = try #require(found.withLock { $0 })
        #expect(!ProcessMemory.places(of: needle).isEmpty)
        done.signal()
        thread.join()
    }

    @Test func `an operation leaves nothing on the stack of its thread`() throws {
        let operations = try OperationThread<ProcessMemory.Needle>()
        defer { operations.stop() }
        operations.begin { _ in Self.leaveSecret() }
        _ = DescriptorPoll.wait([.init(operations.descriptor)], for: nil)
        let needle = try #require(operations.takeResult())
        #expect(ProcessMemory.places(of: needle) == [])
    }
}
