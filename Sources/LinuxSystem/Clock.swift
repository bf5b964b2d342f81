internal import Glibc
public import NetworkTypes

/// The system's clocks.
public enum Clock {
    /// Time since boot, sleep included: what all of a tunnel's intervals are measured on (CLOCK_BOOTTIME).
    public static var now: Instant {
        Instant(nanoseconds: read(CLOCK_BOOTTIME))
    }

    /// Nanoseconds of the Unix epoch; it can jump (CLOCK_REALTIME).
    public static var unixNanoseconds: UInt64 {
        read(CLOCK_REALTIME)
    }

    /// Nanoseconds on the clock that systemd compares with (CLOCK_MONOTONIC).
    public static var monotonicNanoseconds: UInt64 {
        read(CLOCK_MONOTONIC)
    }

    /// Nanoseconds of processor time that the calling thread has used (CLOCK_THREAD_CPUTIME_ID).
    public static var threadNanoseconds: UInt64 {
        read(CLOCK_THREAD_CPUTIME_ID)
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
