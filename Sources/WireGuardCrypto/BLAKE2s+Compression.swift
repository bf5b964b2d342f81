extension BLAKE2s {
    /// The initialization vector: the first 32 bits of the fractional parts of the square roots of the first eight primes.
    static let initializationVector = SIMD8<UInt32>(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19)

    /// The compression function F of RFC 7693 section 3.2, over the 64 bytes at `block`.
    ///
    /// `counter` is the number of bytes hashed so far, this block included. Unrolled over scalars: the working vector stays in
    /// registers and the schedule (SIGMA, one line a round) costs nothing.
    static func compress(_ h: inout SIMD8<UInt32>, block: UnsafeRawPointer, counter: UInt64, isLast: Bool) {
        // SAFETY: the caller vouches for 64 readable bytes.
        @inline(__always) func word(_ index: Int) -> UInt32 {
            unsafe UInt32(littleEndian: block.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
        }
        let (m0, m1, m2, m3, m4, m5, m6, m7) = (word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7))
        let (m8, m9, m10, m11, m12, m13, m14, m15) = (word(8), word(9), word(10), word(11), word(12), word(13), word(14), word(15))
        var v = WorkingVector(h, counter: counter, isLast: isLast)
        v.round(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15)
        v.round(m14, m10, m4, m8, m9, m15, m13, m6, m1, m12, m0, m2, m11, m7, m5, m3)
        v.round(m11, m8, m12, m0, m5, m2, m15, m13, m10, m14, m3, m6, m7, m1, m9, m4)
        v.round(m7, m9, m3, m1, m13, m12, m11, m14, m2, m6, m5, m10, m4, m0, m15, m8)
        v.round(m9, m0, m5, m7, m2, m4, m10, m15, m14, m1, m11, m12, m6, m8, m3, m13)
        v.round(m2, m12, m6, m10, m0, m11, m8, m3, m4, m13, m7, m5, m15, m14, m1, m9)
        v.round(m12, m5, m1, m15, m14, m13, m4, m10, m0, m7, m6, m3, m9, m2, m8, m11)
        v.round(m13, m11, m7, m14, m12, m1, m3, m9, m5, m0, m15, m4, m8, m6, m2, m10)
        v.round(m6, m15, m14, m9, m11, m3, m0, m8, m12, m2, m13, m7, m1, m4, m10, m5)
        v.round(m10, m2, m8, m4, m7, m6, m1, m5, m15, m11, m9, m14, m3, m12, m13, m0)
        h ^= v.folded
    }

    /// The sixteen words v[0…15] that the rounds mix.
    private struct WorkingVector {
        var v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15: UInt32

        @inline(__always)
        init(_ h: SIMD8<UInt32>, counter: UInt64, isLast: Bool) {
            let iv = BLAKE2s.initializationVector
            (v0, v1, v2, v3, v4, v5, v6, v7) = (h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7])
            (v8, v9, v10, v11) = (iv[0], iv[1], iv[2], iv[3])
            v12 = iv[4] ^ UInt32(truncatingIfNeeded: counter)
            v13 = iv[5] ^ UInt32(truncatingIfNeeded: counter >> 32)
            v14 = isLast ? ~iv[6] : iv[6]
            v15 = iv[7]
        }

        /// Both halves, combined as they enter the next state.
        @inline(__always)
        var folded: SIMD8<UInt32> {
            SIMD8(v0, v1, v2, v3, v4, v5, v6, v7) ^ SIMD8(v8, v9, v10, v11, v12, v13, v14, v15)
        }

        /// One round: the mixing function on four columns, then on four diagonals, with message words in SIGMA's order.
        @inline(__always)
        mutating func round(
            _ x0: UInt32, _ x1: UInt32, _ x2: UInt32, _ x3: UInt32, _ x4: UInt32, _ x5: UInt32, _ x6: UInt32, _ x7: UInt32,
            _ x8: UInt32, _ x9: UInt32, _ x10: UInt32, _ x11: UInt32, _ x12: UInt32, _ x13: UInt32, _ x14: UInt32, _ x15: UInt32
        ) {
            Self.mix(&v0, &v4, &v8, &v12, x0, x1)
            Self.mix(&v1, &v5, &v9, &v13, x2, x3)
            Self.mix(&v2, &v6, &v10, &v14, x4, x5)
            Self.mix(&v3, &v7, &v11, &v15, x6, x7)
            Self.mix(&v0, &v5, &v10, &v15, x8, x9)
            Self.mix(&v1, &v6, &v11, &v12, x10, x11)
            Self.mix(&v2, &v7, &v8, &v13, x12, x13)
            Self.mix(&v3, &v4, &v9, &v14, x14, x15)
        }

        /// The mixing function G of RFC 7693 section 3.1.
        @inline(__always)
        static func mix(_ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32, _ d: inout UInt32, _ x: UInt32, _ y: UInt32) {
            a = a &+ b &+ x
            d = rotatedRight(d ^ a, by: 16)
            c = c &+ d
            b = rotatedRight(b ^ c, by: 12)
            a = a &+ b &+ y
            d = rotatedRight(d ^ a, by: 8)
            c = c &+ d
            b = rotatedRight(b ^ c, by: 7)
        }

        @inline(__always)
        static func rotatedRight(_ word: UInt32, by count: UInt32) -> UInt32 {
            word &>> count | word &<< (32 &- count)
        }
    }
}
