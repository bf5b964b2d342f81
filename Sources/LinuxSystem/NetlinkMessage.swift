internal import CLinuxShims
internal import NetworkTypes

/// A received netlink message, valid as long as the buffer it was read into.
///
/// Its lengths and numbers are the sender's: none is believed beyond the bytes that are there. Source: netlink(7).
@safe
struct NetlinkMessage {
    private static let headerSize = MemoryLayout<nlmsghdr>.size

    private let header: nlmsghdr
    private let payload: UnsafeRawBufferPointer

    private init(_ header: nlmsghdr, _ payload: UnsafeRawBufferPointer) {
        self.header = header
        unsafe self.payload = payload
    }

    /// Calls `body` with each message that lies in `datagram` as a whole.
    static func visit(_ datagram: UnsafeRawBufferPointer, _ body: (NetlinkMessage) -> Void) {
        var offset = 0
        while datagram.count - offset >= headerSize {
            // SAFETY: a header's bytes are left at the offset; the length that it says is checked before anything behind it is touched.
            let header = unsafe datagram.loadUnaligned(fromByteOffset: offset, as: nlmsghdr.self)
            guard let size = Int(exactly: header.nlmsg_len), size >= headerSize, size <= datagram.count - offset else { return }
            let payload = unsafe UnsafeRawBufferPointer(rebasing: datagram[(offset + headerSize)..<(offset + size)])
            body(unsafe NetlinkMessage(header, payload))
            offset += NetlinkAttributes.aligned(size)
        }
    }

    var type: Int { Int(header.nlmsg_type) }
    var flags: Int32 { Int32(header.nlmsg_flags) }
    var sequence: UInt32 { header.nlmsg_seq }

    /// The fixed part, or nil where the message is too short for it.
    func fixedPart<Part: BitwiseCopyable>(as type: Part.Type) -> Part? {
        guard unsafe payload.count >= MemoryLayout<Part>.size else { return nil }
        // SAFETY: the payload is at least as long as the part.
        return unsafe payload.loadUnaligned(as: Part.self)
    }

    /// The attributes behind a fixed part of `size` bytes; none where the message is shorter.
    func attributes(after size: Int) -> NetlinkAttributes {
        let start = unsafe min(NetlinkAttributes.aligned(size), payload.count)
        return unsafe NetlinkAttributes(UnsafeRawBufferPointer(rebasing: payload[start...]))
    }
}

/// Attributes in a row; fields of the kernel's answers are looked up by number, and what is absent or misshapen is nil.
@safe
struct NetlinkAttributes {
    private static let headerSize = MemoryLayout<nlattr>.size
    /// The bits of an attribute's type that are its number; the others tell of nesting and byte order.
    private static let numberMask: UInt16 = 0x3fff

    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
    }

    /// Messages and attributes begin at multiples of four bytes.
    static func aligned(_ size: Int) -> Int { (size + 3) & ~3 }

    /// Calls `body` with each attribute's number and value.
    func visit(_ body: (Int, NetlinkAttribute) -> Void) {
        var offset = 0
        while unsafe bytes.count - offset >= Self.headerSize {
            // SAFETY: a header's bytes are left at the offset; the length that it says is checked before the value is touched.
            let header = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: nlattr.self)
            let size = Int(header.nla_len)
            guard size >= Self.headerSize, unsafe size <= bytes.count - offset else { return }
            let value = unsafe UnsafeRawBufferPointer(rebasing: bytes[(offset + Self.headerSize)..<(offset + size)])
            body(Int(header.nla_type & Self.numberMask), unsafe NetlinkAttribute(value))
            offset += Self.aligned(size)
        }
    }

    subscript(type: Int) -> NetlinkAttribute? {
        var found: NetlinkAttribute?
        visit { number, value in
            if number == type { found = value }
        }
        return found
    }
}

/// One attribute's value.
@safe
struct NetlinkAttribute {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
    }

    var uint8: UInt8? { integer() }
    var uint32: UInt32? { integer() }
    /// The packet filter's numbers are in network byte order.
    var bigEndianUInt64: UInt64? { integer().map { UInt64(bigEndian: $0) } }

    /// The text up to its terminator; what isn't UTF-8 is replaced.
    var string: String {
        let end = unsafe bytes.firstIndex(of: 0) ?? bytes.endIndex
        return unsafe String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// An IPv4 address of 4 bytes or an IPv6 address of 16.
    var address: IPAddress? {
        // SAFETY: as many bytes are there as the address has.
        switch unsafe (bytes.baseAddress, bytes.count) {
        case (let base?, 4): unsafe .v4(IPv4Address(bytes: base))
        case (let base?, 16): unsafe .v6(IPv6Address(bytes: base))
        default: nil
        }
    }

    var nested: NetlinkAttributes { unsafe NetlinkAttributes(bytes) }

    private func integer<Integer: FixedWidthInteger & BitwiseCopyable>() -> Integer? {
        // SAFETY: the value is as long as the integer.
        unsafe bytes.count == MemoryLayout<Integer>.size ? bytes.loadUnaligned(as: Integer.self) : nil
    }
}
