import Foundation
import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

/// The calling thread's slice in nanoseconds, as the scheduler's own file says it; nil where this kernel has no such file or line.
private func sliceOfThisThread() -> UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/thread-self/sched", encoding: .utf8),
        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("se.slice") }), let value = line.split(separator: ":").last
    else { return nil }
    return UInt64(value.trimmingCharacters(in: .whitespaces))
}

@Suite struct SystemThreadTests {
    @Test(
        .enabled(
            if: sliceOfThisThread() != nil && KernelVersion.current >= VersionNumber(major: 6, minor: 12),
            "time slices are Linux 6.12's, and /proc/thread-self/sched must be there to see them"))
    func `a time slice is the calling thread's, and can be given back`() throws {
        let seen = Mutex<[UInt64?]>([])
        let thread = try SystemThread(name: "slices") {
            let original = sliceOfThisThread()
            SystemThread.requestTimeSlice(Interval(nanoseconds: 300_000))
            let asked = sliceOfThisThread()
            SystemThread.requestTimeSlice(nil)
            let back = sliceOfThisThread()
            seen.withLock { $0 = [original, asked, back] }
        }
        thread.join()
        let slices = seen.withLock { $0 }
        #expect(slices[1] == 300_000)
        #expect(slices[0] != 300_000)
        #expect(slices[2] == slices[0])
    }
}
