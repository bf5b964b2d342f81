// Fields of packet headers, which stand at any alignment and in network byte order.

extension UnsafeRawPointer {
    /// The 8-bit field at `offset`.
    @inline(__always)
    func field8(_ offset: Int) -> UInt8 {
        // SAFETY: as with any pointer, the caller vouches for the bytes; here and below.
        unsafe load(fromByteOffset: offset, as: UInt8.self)
    }

    /// The 16-bit field at `offset`, as a number.
    @inline(__always)
    func field16(_ offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The 32-bit field at `offset`, as a number.
    @inline(__always)
    func field32(_ offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Eight bytes as they stand, for comparing and hashing.
    @inline(__always)
    func word64(_ offset: Int) -> UInt64 {
        unsafe loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Four bytes as they stand, for comparing and hashing.
    @inline(__always)
    func word32(_ offset: Int) -> UInt32 {
        unsafe loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
}

extension UnsafeMutableRawPointer {
    /// Stores the 16-bit field at `offset`.
    @inline(__always)
    func setField16(_ offset: Int, _ value: UInt16) {
        // SAFETY: the caller vouches for the bytes.
        unsafe storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    /// Stores the 32-bit field at `offset`.
    @inline(__always)
    func setField32(_ offset: Int, _ value: UInt32) {
        // SAFETY: the caller vouches for the bytes.
        unsafe storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}
