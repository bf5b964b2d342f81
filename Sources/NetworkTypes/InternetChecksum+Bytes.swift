// Two 32-bit halves of each 64-bit word are added into separate lanes, which overflow after 2^32 words at the earliest.

extension InternetChecksum {
    @usableFromInline typealias Lanes = SIMD4<UInt64>

    /// A sum of at most 2^33 brought to at most 2^32, congruent modulo 2^16 - 1.
    @inlinable
    static func folded32(_ sum: UInt64) -> UInt64 {
        (sum & 0xffff_ffff) &+ (sum &>> 32)
    }

    /// Any sum brought to 16 bits.
    @inlinable
    static func folded16(_ sum: UInt64) -> UInt16 {
        let a = folded32(folded32(sum))
        let b = (a & 0xffff) &+ (a &>> 16)
        let c = (b & 0xffff) &+ (b &>> 16)
        return UInt16(truncatingIfNeeded: (c & 0xffff) &+ (c &>> 16))
    }

    /// The sum of `count` bytes in memory's byte order, below 2^33.
    @inlinable
    static func sum(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        var even = Lanes.zero
        var odd = Lanes.zero
        let low = Lanes(repeating: 0xffff_ffff)
        var offset = 0
        while offset &+ 64 <= count {
            // SAFETY: 64 bytes from `offset` are below `count`.
            let a = unsafe start.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            let b = unsafe start.loadUnaligned(fromByteOffset: offset &+ 32, as: Lanes.self)
            even = even &+ (a & low) &+ (b & low)
            odd = odd &+ (a &>> 32) &+ (b &>> 32)
            offset &+= 64
        }
        let total = (even &+ odd).wrappedSum()
        return unsafe folded32(folded32(folded32(total)) &+ tailSum(start + offset, count: count &- offset))
    }

    /// Copies `source` to `destination`, which do not overlap, and adds it; `source` begins at an even offset.
    @inlinable
    public mutating func add(copying source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer) {
        guard let start = source.baseAddress else { return }
        let count = source.count
        var even = Lanes.zero
        var odd = Lanes.zero
        let low = Lanes(repeating: 0xffff_ffff)
        var offset = 0
        while offset &+ 64 <= count {
            // SAFETY: 64 bytes from `offset` are below `count`; the caller vouches for as many at `destination`.
            let a = unsafe start.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            let b = unsafe start.loadUnaligned(fromByteOffset: offset &+ 32, as: Lanes.self)
            unsafe destination.storeBytes(of: a, toByteOffset: offset, as: Lanes.self)
            unsafe destination.storeBytes(of: b, toByteOffset: offset &+ 32, as: Lanes.self)
            even = even &+ (a & low) &+ (b & low)
            odd = odd &+ (a &>> 32) &+ (b &>> 32)
            offset &+= 64
        }
        // SAFETY: the rest is below `count` in both.
        unsafe (destination + offset).copyMemory(from: start + offset, byteCount: count &- offset)
        let total = Self.folded32(Self.folded32((even &+ odd).wrappedSum()))
        let tail = unsafe Self.tailSum(start + offset, count: count &- offset)
        partial = Self.folded32(partial) &+ Self.folded32(total &+ tail)
    }

    /// The sum of fewer than 64 bytes, at most 2^36.
    @inlinable
    static func tailSum(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        var sum: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= count {
            // SAFETY: each load ends at or before `count`, here and below.
            let word = unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            sum &+= (word & 0xffff_ffff) &+ (word &>> 32)
            offset &+= 8
        }
        if count & 4 != 0 {
            sum &+= unsafe UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            offset &+= 4
        }
        if count & 2 != 0 {
            sum &+= unsafe UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            offset &+= 2
        }
        if count & 1 != 0 {
            // The zero byte that fills the last word up comes second in memory.
            sum &+= unsafe UInt64(UInt16(littleEndian: UInt16(start.load(fromByteOffset: offset, as: UInt8.self))))
        }
        return sum
    }
}
