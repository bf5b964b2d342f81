/// Bytes in a block of memory of their own, so that the address sanitizer notices who reads past their end.
enum OwnBlock {
    static func with<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
        defer { unsafe block.deallocate() }
        // SAFETY: the block has room for all of the bytes.
        unsafe block.copyMemory(from: bytes, byteCount: bytes.count)
        return unsafe body(UnsafeRawBufferPointer(start: block, count: bytes.count))
    }
}
