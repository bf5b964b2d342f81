package import NetworkTypes

/// IPv4 and IPv6 packets whose content follows from a number, so that a delivered one can be compared with what was sent.
package enum InnerPacket {
    package static let minimumSize = 48

    package static func make(number: UInt64, from source: IPAddress, to destination: IPAddress, size: Int, ecn: ECNCodepoint = .notECT)
        -> [UInt8]
    {
        var bytes = [UInt8](repeating: 0, count: size)
        unsafe bytes.withUnsafeMutableBytes { bytes in
            let start = bytes.baseAddress!
            let headerSize: Int
            switch (source, destination) {
            case (.v4(let source), .v4(let destination)):
                headerSize = 20
                unsafe bytes[0] = 0x45
                unsafe bytes[1] = ecn.rawValue
                unsafe bytes.storeBytes(of: UInt16(size).bigEndian, toByteOffset: 2, as: UInt16.self)
                unsafe bytes[8] = 64
                unsafe bytes[9] = 17
                unsafe source.write(to: start + 12)
                unsafe destination.write(to: start + 16)
                var sum = InternetChecksum()
                unsafe sum.add(UnsafeRawBufferPointer(rebasing: bytes[..<20]))
                unsafe bytes.storeBytes(of: sum.checksum.bigEndian, toByteOffset: 10, as: UInt16.self)
            case (.v6(let source), .v6(let destination)):
                headerSize = 40
                unsafe bytes[0] = 0x60
                unsafe bytes[1] = ecn.rawValue << 4
                unsafe bytes.storeBytes(of: UInt16(size - 40).bigEndian, toByteOffset: 4, as: UInt16.self)
                unsafe bytes[6] = 17
                unsafe bytes[7] = 64
                unsafe source.write(to: start + 8)
                unsafe destination.write(to: start + 24)
            default:
                preconditionFailure("source and destination are of one family")
            }
            unsafe bytes.storeBytes(of: number, toByteOffset: headerSize, as: UInt64.self)
            for index in headerSize + 8..<size { unsafe bytes[index] = UInt8(truncatingIfNeeded: number &+ UInt64(index)) }
        }
        return bytes
    }

    /// The number in a packet that was made here.
    package static func number(of packet: [UInt8]) -> UInt64? {
        let offset = packet.first.map { $0 >> 4 == 6 } == true ? 40 : 20
        guard packet.count >= offset + 8 else { return nil }
        return unsafe packet.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    }
}
