/// A number modulo 2²⁵⁵ − 19, the field of Curve25519 and Ed25519. For public values: nothing here is meant to hide what it works on.
///
/// Five limbs of 51 bits, the least significant first. Between operations the lower two may be a little longer, and the number is below
/// twice the modulus.
/// Source: Bernstein, Duif, Lange, Schwabe, Yang: High-speed high-security signatures (2011), section 3.
struct FieldElement {
    private var l0, l1, l2, l3, l4: UInt64
    private static let mask: UInt64 = 1 << 51 - 1

    static let one = FieldElement(1, 0, 0, 0, 0)

    private init(_ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64, _ l4: UInt64) {
        (self.l0, self.l1, self.l2, self.l3, self.l4) = (l0, l1, l2, l3, l4)
    }

    /// The lower 255 bits of 32 bytes, little-endian; the topmost bit is left out.
    init(_ bytes: InlineArray<32, UInt8>) {
        // SAFETY: four words are 32 bytes.
        let (w0, w1, w2, w3) = unsafe withUnsafeBytes(of: bytes) { bytes in
            func word(_ index: Int) -> UInt64 {
                unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
            return (word(0), word(1), word(2), word(3))
        }
        self.init(
            w0 & Self.mask, (w0 >> 51 | w1 << 13) & Self.mask, (w1 >> 38 | w2 << 26) & Self.mask, (w2 >> 25 | w3 << 39) & Self.mask,
            w3 >> 12 & Self.mask)
    }

    /// The number below 2²⁵⁵ − 19, as 32 bytes, little-endian.
    var bytes: InlineArray<32, UInt8> {
        // Where adding 19 carries out of the top, the number is 2^255 - 19 or more.
        var n = self
        let overflow = (n.l4 + (n.l3 + (n.l2 + (n.l1 + (n.l0 + 19) >> 51) >> 51) >> 51) >> 51) >> 51
        n.l0 += 19 * overflow
        n.l1 += n.l0 >> 51
        n.l2 += n.l1 >> 51
        n.l3 += n.l2 >> 51
        n.l4 += n.l3 >> 51
        // Masking the top limb takes the 2^255 away.
        let (l0, l1, l2, l3, l4) = (n.l0 & Self.mask, n.l1 & Self.mask, n.l2 & Self.mask, n.l3 & Self.mask, n.l4 & Self.mask)
        let words: InlineArray<4, UInt64> = [
            l0 | l1 << 51, l1 >> 13 | l2 << 38, l2 >> 26 | l3 << 25, l3 >> 39 | l4 << 12,
        ]
        return InlineArray { UInt8(truncatingIfNeeded: words[$0 / 8] >> (8 * UInt64($0 % 8))) }
    }

    /// The same number in limbs of 51 bits, the lowest a little longer: what leaves the top comes back at the bottom times 19.
    private var carried: FieldElement {
        let m1 = l1 + l0 >> 51
        let m2 = l2 + m1 >> 51
        let m3 = l3 + m2 >> 51
        let m4 = l4 + m3 >> 51
        return FieldElement(l0 & Self.mask + 19 * (m4 >> 51), m1 & Self.mask, m2 & Self.mask, m3 & Self.mask, m4 & Self.mask)
    }

    static func + (a: FieldElement, b: FieldElement) -> FieldElement {
        FieldElement(a.l0 + b.l0, a.l1 + b.l1, a.l2 + b.l2, a.l3 + b.l3, a.l4 + b.l4).carried
    }

    static func - (a: FieldElement, b: FieldElement) -> FieldElement {
        // Four times the modulus keeps every limb from falling below zero.
        let (lowest, other) = (4 * (Self.mask - 18), 4 * Self.mask)
        return FieldElement(
            a.l0 + lowest - b.l0, a.l1 + other - b.l1, a.l2 + other - b.l2, a.l3 + other - b.l3, a.l4 + other - b.l4
        ).carried
    }

    static func * (a: FieldElement, b: FieldElement) -> FieldElement {
        // A product of limbs beyond 2^255 comes back at the bottom times 19.
        let (b1, b2, b3, b4) = (19 &* b.l1, 19 &* b.l2, 19 &* b.l3, 19 &* b.l4)
        return reduced(
            wide(a.l0, b.l0) &+ wide(a.l1, b4) &+ wide(a.l2, b3) &+ wide(a.l3, b2) &+ wide(a.l4, b1),
            wide(a.l0, b.l1) &+ wide(a.l1, b.l0) &+ wide(a.l2, b4) &+ wide(a.l3, b3) &+ wide(a.l4, b2),
            wide(a.l0, b.l2) &+ wide(a.l1, b.l1) &+ wide(a.l2, b.l0) &+ wide(a.l3, b4) &+ wide(a.l4, b3),
            wide(a.l0, b.l3) &+ wide(a.l1, b.l2) &+ wide(a.l2, b.l1) &+ wide(a.l3, b.l0) &+ wide(a.l4, b4),
            wide(a.l0, b.l4) &+ wide(a.l1, b.l3) &+ wide(a.l2, b.l2) &+ wide(a.l3, b.l1) &+ wide(a.l4, b.l0))
    }

    /// The number squared `count` times: to the power of 2^count.
    func squared(_ count: Int = 1) -> FieldElement {
        var n = self
        for _ in 0..<count {
            let (twice0, twice1) = (2 &* n.l0, 2 &* n.l1)
            let (t3, t4) = (19 &* n.l3, 19 &* n.l4)
            n = Self.reduced(
                Self.wide(n.l0, n.l0) &+ 2 &* (Self.wide(n.l1, t4) &+ Self.wide(n.l2, t3)),
                Self.wide(twice0, n.l1) &+ 2 &* Self.wide(n.l2, t4) &+ Self.wide(n.l3, t3),
                Self.wide(twice0, n.l2) &+ Self.wide(n.l1, n.l1) &+ 2 &* Self.wide(n.l3, t4),
                Self.wide(twice0, n.l3) &+ Self.wide(twice1, n.l2) &+ Self.wide(n.l4, t4),
                Self.wide(twice0, n.l4) &+ Self.wide(twice1, n.l3) &+ Self.wide(n.l2, n.l2))
        }
        return n
    }

    /// 1 divided by this number; zero for zero.
    var inverted: FieldElement {
        // By Fermat this is the power of 2^255 - 21. `ones5` is the power of 2^5 - 1, and so on.
        let power9 = self * squared(3)
        let power11 = power9 * squared()
        let ones5 = power11.squared() * power9
        let ones10 = ones5.squared(5) * ones5
        let ones20 = ones10.squared(10) * ones10
        let ones40 = ones20.squared(20) * ones20
        let ones50 = ones40.squared(10) * ones10
        let ones100 = ones50.squared(50) * ones50
        let ones200 = ones100.squared(100) * ones100
        let ones250 = ones200.squared(50) * ones50
        return ones250.squared(5) * power11
    }

    @inline(__always)
    private static func wide(_ a: UInt64, _ b: UInt64) -> UInt128 {
        UInt128(a) &* UInt128(b)
    }

    /// The number of five limbs that are too wide.
    @inline(__always)
    private static func reduced(_ w0: UInt128, _ w1: UInt128, _ w2: UInt128, _ w3: UInt128, _ w4: UInt128) -> FieldElement {
        let x1 = w1 &+ w0 >> 51
        let x2 = w2 &+ x1 >> 51
        let x3 = w3 &+ x2 >> 51
        let x4 = w4 &+ x3 >> 51
        func low(_ w: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: w) & mask }
        let m0 = low(w0) &+ 19 &* UInt64(truncatingIfNeeded: x4 >> 51)
        return FieldElement(m0 & mask, low(x1) &+ m0 >> 51, low(x2), low(x3), low(x4))
    }
}
