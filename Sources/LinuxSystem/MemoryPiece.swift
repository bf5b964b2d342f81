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

/// Reads and writes of the data path: an error is a returned value, because "nothing there" is no exception.
extension FileDescriptor {
    /// Reads what is there, up to `count` bytes.
    /// - Returns: the bytes read, or the errno as a negative number.
    public func unsafeRead(into start: UnsafeMutableRawPointer, count: Int) -> Int {
        while true {
            // SAFETY: the caller vouches for `count` bytes at `start`.
            let result = unsafe Glibc.read(rawValue, start, count)
            if result >= 0 { return result }
            let error = Glibc.errno
            if error != EINTR { return -Int(error) }
        }
    }

    /// Writes the pieces in one call, as one packet where the descriptor counts in packets.
    /// - Parameter count: how many pieces; at most 1024 (UIO_MAXIOV).
    /// - Returns: the bytes written, or the errno as a negative number.
    public func unsafeWrite(_ pieces: UnsafePointer<MemoryPiece>, count: Int) -> Int {
        while true {
            // SAFETY: MemoryPiece has iovec's layout; the caller vouches for the pieces and their memory.
            let result = unsafe writev(rawValue, UnsafeRawPointer(pieces).assumingMemoryBound(to: iovec.self), Int32(count))
            if result >= 0 { return result }
            let error = Glibc.errno
            if error != EINTR { return -Int(error) }
        }
    }
}
