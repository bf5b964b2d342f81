internal import CLinuxShims
internal import CMnl
internal import NetworkTypes

/// A received netlink message, valid as long as the buffer it was read into.
@safe
struct NetlinkMessage {
    private let header: UnsafePointer<nlmsghdr>

    /// - Precondition: the whole message lies in memory, as mnl_nlmsg_ok says.
    init(_ header: UnsafePointer<nlmsghdr>) {
        unsafe self.header = header
    }

    var type: Int { unsafe Int(header.pointee.nlmsg_type) }
    var flags: Int32 { unsafe Int32(header.pointee.nlmsg_flags) }
    var sequence: UInt32 { unsafe header.pointee.nlmsg_seq }

    /// The fixed part, or nil where the message is too short for it.
    func fixedPart<Part: BitwiseCopyable>(as type: Part.Type) -> Part? {
        // SAFETY: the payload's length is checked against the part's.
        guard unsafe mnl_nlmsg_get_payload_len(header) >= MemoryLayout<Part>.size else { return nil }
        return unsafe mnl_nlmsg_get_payload(header)!.loadUnaligned(as: Part.self)
    }

    /// The attributes behind a fixed part of `size` bytes.
    func attributes(after size: Int) -> NetlinkAttributes {
        // SAFETY: both bounds lie in the message; a message without room for attributes has none.
        let start = unsafe UnsafeRawPointer(mnl_nlmsg_get_payload_offset(header, size)!)
        let end = unsafe UnsafeRawPointer(mnl_nlmsg_get_payload_tail(header)!)
        return unsafe NetlinkAttributes(start: start, count: max(0, end - start))
    }
}

/// Attributes in a row; fields of the kernel's answers are looked up by number, and what is absent or misshapen is nil.
@safe
struct NetlinkAttributes {
    private let start: UnsafeRawPointer
    private let count: Int

    init(start: UnsafeRawPointer, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    /// Calls `body` with each attribute's number and value.
    func visit(_ body: (Int, NetlinkAttribute) -> Void) {
        var at = unsafe start.assumingMemoryBound(to: nlattr.self)
        // SAFETY: mnl_attr_ok keeps every attribute, header and value, inside of the `count` bytes.
        while unsafe mnl_attr_ok(at, Int32(count - (UnsafeRawPointer(at) - start))) {
            let value = unsafe UnsafeRawBufferPointer(start: mnl_attr_get_payload(at), count: Int(mnl_attr_get_payload_len(at)))
            body(unsafe Int(mnl_attr_get_type(at)), unsafe NetlinkAttribute(value))
            unsafe at = UnsafePointer(mnl_attr_next(at))
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

    /// The text up to its terminator; what isn't UTF-8 is replaced.
    var string: String {
        let end = unsafe bytes.firstIndex(of: 0) ?? bytes.endIndex
        return unsafe String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// An IPv4 address of 4 bytes or an IPv6 address of 16.
    var address: IPAddress? {
        switch unsafe bytes.count {
        case 4: unsafe .v4(IPv4Address(bytes: bytes.baseAddress!))
        case 16: unsafe .v6(IPv6Address(bytes: bytes.baseAddress!))
        default: nil
        }
    }

    var nested: NetlinkAttributes {
        unsafe NetlinkAttributes(start: bytes.baseAddress!, count: bytes.count)
    }

    private func integer<Integer: FixedWidthInteger & BitwiseCopyable>() -> Integer? {
        // SAFETY: the value is as long as the integer.
        unsafe bytes.count == MemoryLayout<Integer>.size ? bytes.loadUnaligned(as: Integer.self) : nil
    }
}
