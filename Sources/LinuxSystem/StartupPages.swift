internal import Glibc

extension Process {
    /// Lets go of the code that only starting needed: file pages that are mapped but were never changed. What is still in use comes
    /// back from the page cache at the next touch, so this is for once, when a long-running program is ready.
    public static func releaseStartupCode() {
        guard let maps = try? FileSystem.read("/proc/self/maps") else { return }
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            // address range, permissions, offset, device, inode, path
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            // Code is never written to, so its pages can't hold anything that the file doesn't.
            guard fields.count == 6, fields[1] == "r-xp", fields[5].contains("/") else { continue }
            let range = fields[0].split(separator: "-")
            guard range.count == 2, let start = UInt(range[0], radix: 16), let end = UInt(range[1], radix: 16), start < end else {
                continue
            }
            // SAFETY: the mapping is read-only, private and of a file: the kernel reads the pages again when they are touched.
            unsafe madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), Int32(MADV_DONTNEED))
        }
    }
}
