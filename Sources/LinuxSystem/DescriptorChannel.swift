internal import CLinuxShims
internal import Glibc

/// One end of a conversation between two processes that hand descriptors to each other; messages stay apart. Source: unix(7), SCM_RIGHTS.
public struct DescriptorChannel: ~Copyable, Sendable {
    /// One message.
    public struct Message: Sendable {
        public var bytes: [UInt8]
        /// Open descriptors, close-on-exec, which are whoever's that received them.
        public var descriptors: [Int32]
    }

    /// Bytes of the longest message.
    public static let longestMessage = 1 << 16
    private let descriptor: FileDescriptor

    /// Takes over an end that was inherited.
    public init(owning descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The end, for polling and for handing it on. It belongs to this value.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Makes both ends: this one, and one for the other process.
    public init(other: inout FileDescriptor?) throws(SystemError) {
        var ends: (Int32, Int32) = (0, 0)
        let result = unsafe withUnsafeMutablePointer(to: &ends) { pointer in
            // SAFETY: a tuple of two Int32 has the layout of the array that is filled.
            unsafe pointer.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe clinux_socket_pair($0) }
        }
        guard result == 0 else { throw SystemError(operation: "socketpair") }
        descriptor = FileDescriptor(owning: ends.0)
        other = FileDescriptor(owning: ends.1)
    }

    /// Sends a message with descriptors, which stay the caller's.
    /// - Throws: EPIPE when nobody hears it any more.
    public func send(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws(SystemError) {
        // SAFETY: both arrays live across the call, which copies them.
        let sent = unsafe bytes.withUnsafeBytes { data in
            unsafe descriptors.withUnsafeBufferPointer { numbers in
                unsafe clinux_send_descriptors(rawValue, data.baseAddress, data.count, numbers.baseAddress, numbers.count)
            }
        }
        guard sent == bytes.count else { throw SystemError(operation: "send") }
    }

    /// Waits for the next message; nil when the other process has gone.
    public func receive() throws(SystemError) -> Message? {
        var descriptors = [Int32](repeating: -1, count: Int(CLINUX_MAXIMUM_DESCRIPTORS))
        var count = 0
        var received = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.longestMessage) { buffer, size in
            // SAFETY: at most as many bytes and numbers are written as there is room for; as many are initialized as are said.
            received = unsafe descriptors.withUnsafeMutableBufferPointer { numbers in
                unsafe clinux_receive_descriptors(rawValue, buffer.baseAddress, buffer.count, numbers.baseAddress, &count)
            }
            size = max(received, 0)
        }
        guard received >= 0 else { throw SystemError(operation: "receive") }
        return received == 0 ? nil : Message(bytes: bytes, descriptors: Array(descriptors.prefix(count)))
    }
}
