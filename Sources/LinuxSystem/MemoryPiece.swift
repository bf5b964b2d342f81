internal import Glibc

/// One piece of a gather write, laid out as an `iovec`.
@frozen @unsafe
public struct MemoryPiece {
    public var start: UnsafeMutableRawPointer?
    public var count: Int

    @inlinable
    public init(start: UnsafeMutableRawPointer?, count: Int) {
        unsafe self.start = start
        unsafe self.count = count
    }
}

extension FileDescriptor {
    /// Writes the pieces in one writev(2), as one packet where the descriptor counts in packets; again after EINTR.
    /// - Parameter count: how many pieces; at most 1024 (UIO_MAXIOV).
    public func send(gathered pieces: UnsafePointer<MemoryPiece>, count: Int) -> TransferResult {
        var result: Int
        repeat {
            // SAFETY: MemoryPiece has iovec's layout; each piece is memory of the caller's that its length describes.
            result = unsafe writev(rawValue, UnsafeRawPointer(pieces).assumingMemoryBound(to: iovec.self), Int32(count))
        } while result < 0 && Glibc.errno == EINTR
        return TransferResult(result)
    }
}
