internal import Glibc

/// What one non-blocking transfer came to: a value, because on the packet path neither a throw nor a text is wanted.
public enum TransferResult: Sendable, Equatable {
    /// So many bytes were moved.
    case moved(Int)
    /// Nothing to read, or no room to write: EAGAIN.
    case wouldBlock
    /// Another errno.
    case failed(errno: Int32)

    init(_ result: Int) {
        if result >= 0 {
            self = .moved(result)
        } else {
            let error = Glibc.errno
            self = error == EAGAIN ? .wouldBlock : .failed(errno: error)
        }
    }
}

extension FileDescriptor {
    /// One read(2), again after EINTR.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        var result: Int
        // SAFETY: the kernel writes at most `count` bytes to the caller's buffer.
        repeat { result = unsafe Glibc.read(rawValue, buffer.baseAddress, buffer.count) } while result < 0 && Glibc.errno == EINTR
        return TransferResult(result)
    }

    /// One write(2), again after EINTR.
    public func send(_ buffer: UnsafeRawBufferPointer) -> TransferResult {
        var result: Int
        // SAFETY: the kernel reads at most `count` bytes of the caller's buffer.
        repeat { result = unsafe Glibc.write(rawValue, buffer.baseAddress, buffer.count) } while result < 0 && Glibc.errno == EINTR
        return TransferResult(result)
    }
}
