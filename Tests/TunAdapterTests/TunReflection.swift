import Glibc
import LinuxSystem
import Synchronization
import TunAdapter

/// Answers every packet of a session with itself, source and destination swapped: so a host that talks to a neighbour behind the
/// interface talks to itself, and all traffic goes out of the kernel and in again. Swapping changes no checksum.
final class TunReflection: Sendable {
    let session: Session
    private let thread: Mutex<SystemThread?>

    init(_ session: Session) throws {
        self.session = session
        thread = try Mutex(SystemThread(name: "reflection") { Self.run(session) })
    }

    /// Ends the session and waits for the thread.
    func stop() {
        session.end()
        thread.withLock { $0.take() }?.join()
    }

    private static func run(_ session: Session) {
        var received = ReceivedBatch(capacity: 512)
        var outgoing = OutgoingBatch(capacity: 512)
        while session.waitForPacket(.forever) {
            guard let count = try? session.receive(into: &received) else { return }
            for i in 0..<count {
                let packet = unsafe received.unsafeBytes(at: i)
                guard session.allocate(count: 1, size: packet.count, lastSize: packet.count, into: &outgoing) else { break }
                let reply = unsafe outgoing.unsafeBytes(at: outgoing.count - 1)
                unsafe reply.copyMemory(from: UnsafeRawBufferPointer(packet))
                let (source, size) = unsafe packet[0] >> 4 == 4 ? (12, 4) : (8, 16)
                for j in source..<source + size {
                    unsafe (reply[j], reply[j + size]) = (packet[j + size], packet[j])
                }
            }
            session.release(&received)
            session.send(&outgoing)
            session.flush()
        }
    }
}

/// The sockets of one end, in the namespace of the calling thread.
enum TestSocket {
    static func make(type: Int32, isIPv6: Bool) throws -> FileDescriptor {
        let number = socket(isIPv6 ? AF_INET6 : AF_INET, type, 0)
        guard number >= 0 else { throw SystemError(operation: "socket") }
        var time = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        return FileDescriptor(owning: number)
    }

    /// Calls `body` with `address` (10.9.0.x or fd09::x) as a socket address.
    static func withAddress(_ x: UInt8, port: UInt16, isIPv6: Bool, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws {
        var result: Int32
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0[0] = 0xfd
                unsafe $0[1] = 0x09
                unsafe $0[15] = x
            }
            result = unsafe withUnsafeBytes(of: &address) {
                unsafe body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = (UInt32(10) << 24 | 9 << 16 | UInt32(x)).bigEndian
            result = unsafe withUnsafeBytes(of: &address) {
                unsafe body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result >= 0 else { throw SystemError(operation: "bind or connect") }
    }

    static func sendAll(_ bytes: [UInt8], on descriptor: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress! + sent, bytes.count - sent, 0) }
            if count <= 0 { return }
            sent += count
        }
    }

    /// Receives until `count` bytes are there, the other end closes, or nothing comes for 20 seconds.
    static func receive(_ count: Int, from descriptor: Int32) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let more = unsafe recv(descriptor, buffer.baseAddress! + filled, count - filled, 0)
                if more <= 0 { return }
                filled += more
            }
        }
    }
}
