internal import NetworkTypes

/// A UDP packet inside the tunnel, with right checksums, so that sessions may coalesce it with its neighbours.
struct InnerPacket {
    static let headerByteCount = 28

    /// Writes `count` bytes to `start`, at least ``headerByteCount``.
    static func write(to start: UnsafeMutableRawPointer, count: Int, from source: UInt32, to destination: UInt32, port: UInt16) {
        func put16(_ value: UInt16, _ offset: Int) { unsafe start.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self) }
        func put32(_ value: UInt32, _ offset: Int) { unsafe start.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self) }
        unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        put16(0x4500, 0)
        put16(UInt16(count), 2)
        // Don't fragment, so that the identification needs no counting.
        put16(0x4000, 6)
        put16(64 << 8 | 17, 8)
        put32(source, 12)
        put32(destination, 16)
        unsafe put16(~sum(start, 0..<20, 0), 10)
        put16(port, 20)
        put16(port, 22)
        put16(UInt16(count - 20), 24)
        let pseudo = unsafe sum(start, 12..<20, 17 + UInt32(count - 20))
        let checksum = unsafe ~sum(start, 20..<count, UInt32(pseudo))
        put16(checksum == 0 ? 0xffff : checksum, 26)
    }

    private static func sum(_ start: UnsafeMutableRawPointer, _ range: Range<Int>, _ initial: UInt32) -> UInt16 {
        var total = UInt64(initial)
        for i in range {
            let byte = unsafe UInt64(start.load(fromByteOffset: i, as: UInt8.self))
            total += (i - range.lowerBound) & 1 == 0 ? byte << 8 : byte
        }
        while total >> 16 != 0 { total = total & 0xffff + total >> 16 }
        return UInt16(total)
    }
}
