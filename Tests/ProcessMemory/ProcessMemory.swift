internal import Glibc
internal import Synchronization
internal import WireGuardCrypto

/// What this process's memory holds, read as a debugger would: pages that go away meanwhile are left out.
public enum ProcessMemory {
    /// 16 bytes to look for, kept in a form that is not found itself.
    public struct Needle: Sendable {
        private static let mask: UInt8 = 0x5a
        private let masked: [UInt8]

        /// The first 16 bytes of a secret.
        public init(_ secret: UnsafeRawBufferPointer) {
            var masked: [UInt8] = []
            for index in 0..<16 { unsafe masked.append(secret[index] ^ Self.mask) }
            self.masked = masked
        }

        /// Calls `body` with the bytes at an address of their own, and takes them away.
        func withBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
            for index in 0..<16 { unsafe bytes[index] = masked[index] ^ Self.mask }
            defer {
                unsafe explicit_bzero(bytes.baseAddress!, 16)
                unsafe bytes.deallocate()
            }
            return unsafe body(bytes)
        }
    }

    /// One search at a time: what it reads is in its buffer meanwhile, where another would find it.
    private static let turn = Mutex(())

    /// Where the needle stands: the names of the mappings, with the address within.
    public static func places(of needle: Needle) -> [String] {
        turn.withLock { _ in search(for: needle) }
    }

    private static func search(for needle: Needle) -> [String] {
        // What an earlier search compared may have been left on the stack.
        wipeDeadStack(64 << 10)
        let chunk = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk + 16, alignment: 4096)
        defer {
            // Else the next search finds what this one has copied.
            unsafe explicit_bzero(buffer.baseAddress!, buffer.count)
            unsafe buffer.deallocate()
        }
        let memory = unsafe open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
        defer { close(memory) }
        let own = UInt(bitPattern: buffer.baseAddress!)
        let mappings = writableMappings()
        return unsafe needle.withBytes { bytes in
            let wanted = UInt(bitPattern: bytes.baseAddress!)
            var found: [String] = []
            for (range, name) in mappings {
                var start = range.lowerBound
                while start < range.upperBound {
                    let size = min(chunk + 16, Int(range.upperBound - start))
                    let count = unsafe pread(memory, buffer.baseAddress!, size, off_t(start))
                    var offset = 0
                    while offset + 16 <= count,
                        let hit = unsafe memchr(buffer.baseAddress! + offset, Int32(bytes[0]), count - 15 - offset)
                    {
                        offset = unsafe hit - buffer.baseAddress!
                        let address = start + UInt(offset)
                        offset += 1
                        guard unsafe memcmp(hit, bytes.baseAddress!, 16) == 0, address != wanted,
                            !(own..<own + UInt(chunk + 16)).contains(address)
                        else { continue }
                        found.append("\(name) at \(String(address, radix: 16))")
                    }
                    start += UInt(chunk)
                }
            }
            return found
        }
    }

    private static func writableMappings() -> [(Range<UInt>, String)] {
        guard let file = unsafe fopen("/proc/self/maps", "r") else { return [] }
        defer { unsafe fclose(file) }
        var mappings: [(Range<UInt>, String)] = []
        var line = [CChar](repeating: 0, count: 4096)
        while unsafe fgets(&line, 4096, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let fields = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard fields[1].hasPrefix("rw"), bounds.count == 2 else { continue }
            mappings.append((bounds[0]..<bounds[1], fields.count > 5 ? String(fields[5]) : "memory"))
        }
        return mappings
    }
}
