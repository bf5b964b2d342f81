/// Offsets and flags of the headers that segmentation and coalescing read and patch.
/// Source: RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1, RFC 768.
enum IPv4Header {
    static let length = 20
    static let totalLength = 2
    static let identification = 4
    static let fragment = 6
    static let protocolNumber = 9
    static let checksum = 10
    static let source = 12
    /// DF in the fragment field; MF and the offset are the bits below.
    static let dontFragment: UInt16 = 0x4000
}

enum IPv6Header {
    static let length = 40
    static let payloadLength = 4
    static let nextHeader = 6
    static let source = 8
}

enum TCPHeader {
    static let number: UInt8 = 6
    static let length = 20
    static let sequence = 4
    static let acknowledgment = 8
    /// The header's length in words, and the flags: 16 bits.
    static let offsetAndFlags = 12
    static let window = 14
    static let checksum = 16
    static let urgentPointer = 18

    static let fin: UInt16 = 0x01
    static let psh: UInt16 = 0x08
    static let ack: UInt16 = 0x10
    static let ece: UInt16 = 0x40
    static let cwr: UInt16 = 0x80
    /// All flags with the reserved bits, of which accurate ECN (RFC 9768) has one.
    static let flags: UInt16 = 0x0fff
}

enum UDPHeader {
    static let number: UInt8 = 17
    static let length = 8
    static let lengthField = 4
    static let checksum = 6
}
