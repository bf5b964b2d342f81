internal import Glibc

/// Random numbers of the kernel (getentropy(3)), fit for secrets, fetched many at a time: a system call for each number would be most of
/// what a cookie costs.
///
/// A number is wiped from the buffer when it is taken, so what was given out can't be read back from here. It is a class because a copy
/// would give the same numbers out twice; for the same reason a program that forks must not use it on both sides.
@safe
public final class BufferedSystemRandom: RandomNumberGenerator {
    /// 256 bytes, the most that one call gives.
    private static let capacity = 32
    private static let byteCount = capacity * MemoryLayout<UInt64>.size

    private let numbers: UnsafeMutablePointer<UInt64>
    private var remaining = 0

    /// Fetches nothing yet.
    public init() {
        unsafe numbers = .allocate(capacity: Self.capacity)
    }

    deinit {
        unsafe explicit_bzero(numbers, Self.byteCount)
        unsafe numbers.deallocate()
    }

    public func next() -> UInt64 {
        if remaining == 0 {
            // SAFETY: the buffer has so many bytes.
            unsafe precondition(getentropy(numbers, Self.byteCount) == 0, "the kernel has no random numbers")
            remaining = Self.capacity
        }
        remaining -= 1
        // SAFETY: `remaining` is below the capacity, and so many numbers were fetched.
        let number = unsafe numbers[remaining]
        unsafe explicit_bzero(numbers + remaining, MemoryLayout<UInt64>.size)
        return number
    }
}
