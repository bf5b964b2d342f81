internal import CLinuxShims
internal import Glibc

/// A lock that one process of a network namespace can hold at a time; it is free again the moment its holder is gone, however it went.
///
/// It is the address of a unix socket in the abstract name space, of which every network namespace has its own. Source: unix(7).
public struct NamespaceLock: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Takes the lock.
    /// - Parameter name: at most 100 bytes.
    /// - Throws: EADDRINUSE while somebody, in this process or another, holds it.
    public init(_ name: String) throws(SystemError) {
        descriptor = try Self.bind(name)
    }

    private static func bind(_ name: String) throws(SystemError) -> FileDescriptor {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "lock \(name)") }
        let descriptor = FileDescriptor(owning: number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(name.utf8.prefix(100))
        // SAFETY: sun_path has 108 bytes; its first stays 0, which makes the name abstract. The address lives across bind.
        let result = unsafe withUnsafeMutableBytes(of: &address) { memory in
            let path = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + 1
            for (i, byte) in bytes.enumerated() { unsafe memory[path + i] = byte }
            return unsafe Glibc.bind(
                number, memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(path + bytes.count))
        }
        guard result == 0 else { throw SystemError(operation: "bind", subject: "lock \(name)") }
        return descriptor
    }
}
