/// Calls `body` with memory from the heap, for buffers that a caller with a small stack has no room for: they would reach past its guard page.
func withHeapBuffer<Result>(byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
    defer { unsafe buffer.deallocate() }
    return unsafe body(buffer)
}
