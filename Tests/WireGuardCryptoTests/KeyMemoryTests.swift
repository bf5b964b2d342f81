import Glibc
import Testing

@testable import WireGuardCrypto

@Suite struct KeyMemoryTests {
    @Test func `slots are zero, apart from each other and on vectors' boundaries, and what was in one is wiped when it comes back`() {
        var slots: [(address: UInt, count: Int)] = []
        for number in 0..<400 {
            let count = [32, 64, 128][number % 3]
            let address = unsafe UInt(bitPattern: KeyMemory.allocate(byteCount: count))
            #expect(address % 64 == 0)
            #expect(Self.bytes(at: address, count).allSatisfy { $0 == 0 })
            let slot = unsafe UnsafeMutablePointer<UInt8>(bitPattern: address)!
            unsafe slot.update(repeating: UInt8(number & 255 | 1), count: count)
            slots.append((address, count))
        }
        for (number, slot) in slots.enumerated() {
            #expect(Self.bytes(at: slot.address, slot.count).allSatisfy { $0 == UInt8(number & 255 | 1) })
        }
        for slot in slots {
            unsafe KeyMemory.deallocate(UnsafeMutableRawPointer(bitPattern: slot.address)!, byteCount: slot.count)
            // The next free slot's address aside.
            #expect(Self.bytes(at: slot.address, slot.count).dropFirst(8).allSatisfy { $0 == 0 })
        }
    }

    private static func bytes(at address: UInt, _ count: Int) -> [UInt8] {
        // SAFETY: a slot stays readable memory when it is free.
        unsafe Array(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
    }

    @Test func `a key stands in memory that is never written to a swap device, where the system lets it`() throws {
        let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096)
        defer { unsafe page.deallocate() }
        unsafe page.initializeMemory(as: UInt8.self, repeating: 1, count: 4096)
        // The kernel's word, not the library's: under the address sanitizer mlock says yes and does nothing.
        let isPossible = unsafe try mlock(page, 4096) == 0 && Self.flags(at: UInt(bitPattern: page)).contains("lo")
        unsafe munlock(page, 4096)
        let key = unsafe AEADKey(page)
        let address = unsafe UInt(bitPattern: key.unsafeBytes)
        let flags = try Self.flags(at: address)
        #expect(flags.contains("dd"), "left out of images: \(flags)")
        #expect(flags.contains("lo") || !isPossible, "\(flags)")
        withExtendedLifetime(key) {}
    }

    @Test func `memory that the system doesn't lock is used all the same, and counted`() {
        var (refused, locked) = (KeyMemory.Slots(byteCount: 64) { _, _ in false }, KeyMemory.Slots(byteCount: 64) { _, _ in true })
        #expect(refused.unlockedByteCount == 0)
        let slots = Set((0..<100).map { _ in refused.take() })
        #expect(slots.count == 100)
        // Pages: 64 slots in the first, and two more.
        #expect(refused.unlockedByteCount == 3 * 4096)
        _ = locked.take()
        #expect(locked.unlockedByteCount == 0)
    }

    private struct Errno: Error {}

    /// What smaps says of the mapping that an address is in.
    private static func flags(at address: UInt) throws -> [Substring] {
        guard let file = unsafe fopen("/proc/self/smaps", "r") else { throw Errno() }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        var isThere = false
        while unsafe fgets(&line, 4096, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
            let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 { isThere = (bounds[0]..<bounds[1]).contains(address) }
            if isThere, words[0] == "VmFlags:" { return Array(words.dropFirst()) }
        }
        return []
    }
}
