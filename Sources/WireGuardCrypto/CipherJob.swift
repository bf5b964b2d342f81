/// One payload to seal or open, with everything it takes: many of them are shared out among threads.
@safe
public struct CipherJob {
    /// Which way the payload goes.
    public enum Direction: Sendable {
        /// Plaintext becomes ciphertext and tag.
        case seal
        /// Ciphertext and tag become plaintext, if the tag is right.
        case open
    }

    /// Whether it is sealed or opened.
    public let direction: Direction
    /// The message's counter: its nonce, never used twice with one key for sealing.
    public let counter: UInt64
    /// 32 bytes at the start of 64 readable ones.
    @unsafe public let key: UnsafeRawPointer
    /// Where the payload is.
    @unsafe public let input: UnsafeRawPointer
    /// The bytes at `input`: plaintext to seal, or ciphertext and tag to open.
    public let count: Int
    /// Where the result goes: `input` itself, or apart from it. Sealing adds ``TransportCipher/tagCount`` bytes, opening takes them away.
    @unsafe public let output: UnsafeMutableRawPointer
    /// After ``TransportCipher/perform(_:)``: whether the tag was right; sealing always succeeds.
    public var isAuthentic = false
    /// Who has done it, for those who want to see it: 0 whoever laid it out, else a helper's number.
    public var worker: UInt8 = 0

    /// A job whose pointers stay valid until it has been performed.
    @inlinable
    public init(
        _ direction: Direction, counter: UInt64, key: UnsafeRawPointer, input: UnsafeRawPointer, count: Int,
        output: UnsafeMutableRawPointer
    ) {
        self.direction = direction
        self.counter = counter
        unsafe self.key = key
        unsafe self.input = input
        self.count = count
        unsafe self.output = output
    }
}

extension TransportCipher {
    /// What the libraries' functions use of the stack, generously.
    private static let stackByteCount = 4 << 10

    /// Does the work of `count` jobs, one after the other, and leaves nothing of their keys on the stack.
    @inline(never)
    public func perform(_ jobs: UnsafeMutablePointer<CipherJob>, count: Int) {
        for index in 0..<count { unsafe perform(&jobs[index]) }
        wipeDeadStack(Self.stackByteCount)
    }

    /// Does the work of one job.
    public func perform(_ job: inout CipherJob) {
        // SAFETY: whoever made the job vouches for its pointers and sizes.
        switch job.direction {
        case .seal:
            unsafe seal(counter: job.counter, key: job.key, plaintext: job.input, count: job.count, into: job.output)
            job.isAuthentic = true
        case .open:
            job.isAuthentic = unsafe open(counter: job.counter, key: job.key, sealed: job.input, count: job.count, into: job.output)
        }
    }
}
