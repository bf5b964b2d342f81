import LinuxSystem
import ProcessMemory
import Synchronization
import Testing
import WireGuardCrypto

@Suite(.timeLimit(.minutes(1))) struct FingerprintMemoryTests {
    @Test func `a fingerprint leaves nothing of its key on the stack of the thread that made it`() throws {
        let said = try EventDescriptor()
        let done = try EventDescriptor()
        let found = Mutex<ProcessMemory.Needle?>(nil)
        let thread = try SystemThread(name: "fingerprint") {
            let needle = Self.fingerprint()
            found.withLock { $0 = needle }
            said.signal()
            _ = done.wait(for: nil)
        }
        _ = said.wait(for: nil)
        let needle = try #require(found.withLock { $0 })
        #expect(ProcessMemory.places(of: needle) == [])
        done.signal()
        thread.join()
    }

    /// Makes the fingerprint of a key that is gone afterwards.
    @inline(never)
    private static func fingerprint() -> ProcessMemory.Needle {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 16)
        for index in 0..<32 { unsafe memory[index] = .random(in: 0...255) }
        let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(memory))
        let key = unsafe PresharedKey(UnsafeRawBufferPointer(memory))!
        unsafe wipe(memory)
        unsafe memory.deallocate()
        #expect(key.fingerprint == key.fingerprint)
        return needle
    }
}
