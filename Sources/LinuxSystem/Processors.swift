internal import CLinuxShims

/// The processors that this process may use.
public enum Processors {
    /// How many there are, at least 1: what its affinity allows, and no more than its control group's quota pays for.
    public static var available: Int {
        let affinity = max(1, Int(clinux_processor_count()))
        guard let quota else { return affinity }
        return min(affinity, max(1, quota))
    }

    /// The quota of this process's own control group (version 2) in whole processors, rounded up; nil without one.
    private static var quota: Int? {
        guard let groups = try? FileSystem.read("/proc/self/cgroup", limit: 1 << 16),
            let line = String(decoding: groups, as: UTF8.self).split(separator: "\n").first(where: { $0.hasPrefix("0::") }),
            let limit = try? FileSystem.read("/sys/fs/cgroup\(line.dropFirst(3))/cpu.max", limit: 256)
        else { return nil }
        return processors(ofQuota: String(decoding: limit, as: UTF8.self))
    }

    /// Reads cpu.max: "QUOTA PERIOD" in microseconds, or "max PERIOD". Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
    package static func processors(ofQuota text: String) -> Int? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), quota > 0, period > 0 else { return nil }
        return (quota + period - 1) / period
    }
}
