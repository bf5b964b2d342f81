import SeededRandom
import Testing

@testable import TunnelCore

/// A generator that says what it is told to, and then goes on at random.
struct ScriptedGenerator: RandomNumberGenerator {
    var script: [UInt64]
    var rest = SplitMix64(seed: 1)

    mutating func next() -> UInt64 {
        script.isEmpty ? rest.next() : script.removeFirst()
    }
}

@Suite struct SessionIndexTableTests {
    @Test(arguments: [1 as UInt64, 2]) func `every index in use leads to its session, and no other does`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = SessionIndexTable()
        var reference: [UInt32: UInt32] = [:]
        for step in 0..<20_000 {
            // Phases of growth and shrinking.
            if Int.random(in: 0..<10, using: &random) < (step / 4000 % 2 == 0 ? 7 : 2) || reference.isEmpty {
                let peer = UInt32.random(in: 0...1000, using: &random)
                let index = unsafe table.insert(peer: peer, keypair: nil, using: &random)
                #expect(reference[index] == nil, "seed \(seed): an index in use was given again")
                reference[index] = peer
            } else {
                let index = reference.randomElement(using: &random)!.key
                table.remove(index)
                reference[index] = nil
                #expect(table.lookup(index) == nil)
            }
            #expect(table.count == reference.count)
            if let (index, peer) = reference.randomElement(using: &random) {
                #expect(table.lookup(index)?.peer == peer, "seed \(seed), step \(step)")
            }
            let other = UInt32(truncatingIfNeeded: random.next())
            #expect((table.lookup(other) != nil) == (reference[other] != nil))
        }
        for (index, peer) in reference { #expect(table.lookup(index)?.peer == peer, "seed \(seed)") }
    }

    @Test func `an index that is taken is drawn again`() {
        var table = SessionIndexTable()
        var generator = ScriptedGenerator(script: [7, 7, 7, 8])
        let index0 = unsafe table.insert(peer: 0, keypair: nil, using: &generator)
        #expect(index0 == 7)
        let index1 = unsafe table.insert(peer: 1, keypair: nil, using: &generator)
        #expect(index1 == 8)
        #expect(table.lookup(7)?.peer == 0 && table.lookup(8)?.peer == 1)
    }

    @Test func `indices that collide in the table are found past removed ones`() {
        var table = SessionIndexTable()
        var generator = ScriptedGenerator(script: [0x10, 0x110, 0x210, 0xffff_fff0, 0])
        let indices = (0..<5).map { unsafe table.insert(peer: $0, keypair: nil, using: &generator) }
        #expect(indices == [0x10, 0x110, 0x210, 0xffff_fff0, 0])
        table.remove(0x110)
        table.remove(0x10)
        #expect(table.lookup(0x210)?.peer == 2 && table.lookup(0xffff_fff0)?.peer == 3 && table.lookup(0)?.peer == 4)
        #expect(table.lookup(0x10) == nil && table.lookup(0x110) == nil)
        table.remove(0x10)
        #expect(table.count == 3, "removing twice changes nothing")
    }

    @Test func `an index leads to a keypair once it has one`() throws {
        var table = SessionIndexTable()
        var random = SplitMix64(seed: 3)
        let index = unsafe table.insert(peer: 5, keypair: nil, using: &random)
        #expect(unsafe table.lookup(index)?.keypair == nil)
        let pointer = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
        defer { unsafe pointer.deallocate() }
        unsafe table.update(index, keypair: pointer)
        #expect(unsafe table.lookup(index)?.keypair == pointer)
        unsafe table.update(index &+ 1, keypair: pointer)
        #expect(table.lookup(index &+ 1) == nil && table.count == 1)
    }
}
