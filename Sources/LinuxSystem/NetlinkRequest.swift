internal import CLinuxShims
internal import CMnl
internal import NetworkTypes

/// A netlink request under construction: a header, the family's fixed part, and attributes. Source: netlink(7), rtnetlink(7).
@safe
struct NetlinkRequest: ~Copyable {
    /// Every request made here is far smaller: its longest attribute is an alias of 255 bytes.
    private static let capacity = 4096
    private let buffer: UnsafeMutableRawPointer
    private let header: UnsafeMutablePointer<nlmsghdr>
    /// What the request does and to what, for errors.
    let operation: String
    let subject: String

    init(_ operation: String, _ subject: String, type: Int, flags: Int32 = 0) {
        self.operation = operation
        self.subject = subject
        unsafe buffer = .allocate(byteCount: Self.capacity, alignment: 16)
        // The padding between attributes goes to the kernel as it is.
        unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity)
        unsafe header = mnl_nlmsg_put_header(buffer)
        unsafe header.pointee.nlmsg_type = UInt16(type)
        unsafe header.pointee.nlmsg_flags = UInt16(NLM_F_REQUEST | flags)
    }

    deinit {
        unsafe buffer.deallocate()
    }

    /// Sets the number that answers carry, and what is to be answered: NLM_F_ACK or NLM_F_DUMP.
    func seal(sequence: UInt32, flags: Int32) -> UnsafeRawBufferPointer {
        unsafe header.pointee.nlmsg_seq = sequence
        unsafe header.pointee.nlmsg_flags |= UInt16(flags)
        return unsafe UnsafeRawBufferPointer(start: buffer, count: Int(header.pointee.nlmsg_len))
    }

    /// Appends the fixed part that the request's type prescribes; once, before any attribute.
    func setFixedPart<Part: BitwiseCopyable>(_ part: Part) {
        // SAFETY: libmnl reserves and zeroes as many bytes as the part has, aligned to 4; the capacity is far from used up.
        let place = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<Part>.size)!
        unsafe place.storeBytes(of: part, as: Part.self)
    }

    func put(_ attribute: Int, _ value: UInt32) {
        // SAFETY: libmnl checks the attribute against the capacity; it never runs out, see `capacity`.
        let fits = unsafe mnl_attr_put_u32_check(header, Self.capacity, UInt16(attribute), value)
        precondition(fits)
    }

    func put(_ attribute: Int, _ value: UInt8) {
        let fits = unsafe mnl_attr_put_u8_check(header, Self.capacity, UInt16(attribute), value)
        precondition(fits)
    }

    func put(_ attribute: Int, _ text: String) {
        let fits = unsafe mnl_attr_put_strz_check(header, Self.capacity, UInt16(attribute), text)
        precondition(fits, "text too long for a netlink attribute")
    }

    /// Text without a terminator, as aliases are wanted: empty text is an attribute without value.
    func put(_ attribute: Int, text: String) {
        let fits = unsafe mnl_attr_put_check(header, Self.capacity, UInt16(attribute), text.utf8.count, text)
        precondition(fits, "text too long for a netlink attribute")
    }

    func put(_ attribute: Int, _ address: IPAddress) {
        var bytes: InlineArray<16, UInt8> = .init(repeating: 0)
        let size = address.bitWidth / 8
        // SAFETY: an address is written in 4 or 16 of the 16 bytes, and as many are copied out.
        let fits = unsafe withUnsafeMutableBytes(of: &bytes) { memory in
            switch address {
            case .v4(let v4): unsafe v4.write(to: memory.baseAddress!)
            case .v6(let v6): unsafe v6.write(to: memory.baseAddress!)
            }
            return unsafe mnl_attr_put_check(header, Self.capacity, UInt16(attribute), size, memory.baseAddress)
        }
        precondition(fits)
    }

    /// Appends what `body` appends as a nest.
    func nest(_ attribute: Int, _ body: (borrowing NetlinkRequest) -> Void) {
        let start = unsafe mnl_attr_nest_start_check(header, Self.capacity, UInt16(attribute))
        unsafe precondition(start != nil)
        body(self)
        unsafe mnl_attr_nest_end(header, start)
    }
}
