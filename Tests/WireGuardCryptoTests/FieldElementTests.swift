import SeededRandom
import Testing

@testable import WireGuardCrypto

@Suite struct FieldElementTests {
    private static let top: [UInt8] = [UInt8](repeating: 0xff, count: 30) + [0x7f]

    /// `lowest` and then the rest of a number close to 2^255.
    private static func large(_ lowest: UInt8) -> FieldElement {
        element([lowest] + top)
    }

    private static func element(_ bytes: [UInt8]) -> FieldElement {
        FieldElement(InlineArray { bytes[$0] })
    }

    private static func bytes(_ element: FieldElement) -> [UInt8] {
        let bytes = element.bytes
        return bytes.indices.map { bytes[$0] }
    }

    private static func number(_ small: UInt8) -> [UInt8] {
        [small] + [UInt8](repeating: 0, count: 31)
    }

    @Test func `numbers from the modulus on are the small ones`() {
        #expect(Self.bytes(Self.large(0xec)) == [0xec] + Self.top)
        for beyond in UInt8(0)..<19 {
            #expect(Self.bytes(Self.large(0xed + beyond)) == Self.number(beyond))
        }
        // The topmost bit says nothing.
        #expect(Self.bytes(Self.element([UInt8](repeating: 0xff, count: 32))) == Self.number(18))
    }

    @Test func `sums, differences and products wrap around the modulus`() {
        let (zero, two, last) = (Self.element(Self.number(0)), FieldElement.one + .one, Self.large(0xec))
        #expect(Self.bytes(last + .one) == Self.number(0))
        #expect(Self.bytes(last + last) == [0xeb] + Self.top)
        #expect(Self.bytes(zero - .one) == Self.bytes(last))
        #expect(Self.bytes(zero - last) == Self.number(1))
        #expect(Self.bytes(last * last) == Self.number(1))
        #expect(Self.bytes(last * two) == [0xeb] + Self.top)
        // By Fermat: 2^255 is the modulus and 19, so this is 2 to the power of 20.
        #expect(Self.bytes(two.squared(255)) == [0, 0, 0x10] + [UInt8](repeating: 0, count: 29))
        #expect(Self.bytes(zero.inverted) == Self.number(0))
    }

    @Test(arguments: 1...4)
    func `arithmetic obeys the laws of a field`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            // Bytes of 0 and 255 for long carries.
            let (a, b, c) = (next(), next(), next())
            #expect(Self.bytes(a * (b + c)) == Self.bytes(a * b + a * c), "seed \(seed)")
            #expect(Self.bytes((a - b) + b) == Self.bytes(a), "seed \(seed)")
            #expect(Self.bytes(a.squared()) == Self.bytes(a * a), "seed \(seed)")
            #expect(Self.bytes(a * b * b.inverted) == Self.bytes(a), "seed \(seed)")
        }

        func next() -> FieldElement {
            Self.element((0..<32).map { _ in [0, 0xff, UInt8.random(in: 1...254, using: &random)].randomElement(using: &random)! })
        }
    }
}
