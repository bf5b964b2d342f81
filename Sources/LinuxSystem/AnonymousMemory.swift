internal import Glibc

/// Memory straight from the kernel: page-aligned, zero, and resident only where it has been touched.
@safe
public struct AnonymousMemory: ~Copyable, Sendable {
    // SAFETY: the value only owns the mapping; who reads and writes what in it is its users' agreement, as with any pointer.
    /// The first byte. It stays valid as long as this value.
    public nonisolated(unsafe) let start: UnsafeMutableRawPointer
    /// Its size in bytes.
    public let count: Int

    /// Maps `count` bytes.
    /// - Throws: ENOMEM.
    public init(count: Int) throws(SystemError) {
        // SAFETY: a new private mapping at an address that the kernel chooses.
        let start = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS) | Int32(MAP_NORESERVE), -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            throw SystemError(operation: "mmap", subject: "\(count) bytes")
        }
        unsafe self.start = unsafe start
        self.count = count
    }

    deinit {
        unsafe munmap(start, count)
    }
}
