import NetworkTypes

@testable import LinuxSystem

/// What raw sockets hear, of which there may be only the beginning, against readers that know the fixed headers alone.
enum RawFuzz {
    /// - Parameter bytes: which family's socket it is, and what it gave.
    static func run(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let packet = Array(bytes.dropFirst())
        let family: AddressFamily = first & 1 == 0 ? .v4 : .v6
        let (reply, source) = unsafe OwnBlock.with(packet) { block in
            unsafe (EchoSocket.sequence(ofReply: block, family: family, identifier: 0x0102), IPPacketHeader.source(of: block))
        }
        precondition(reply == naiveReply(packet, isIPv6: family == .v6))
        precondition(source == naiveSource(packet))
    }

    private static func naiveSource(_ packet: [UInt8]) -> IPAddress? {
        func word(_ at: Int) -> String { String(Int(packet[at]) << 8 | Int(packet[at + 1]), radix: 16) }
        switch packet.first.map({ $0 >> 4 }) {
        case 4 where packet.count >= 20: return IPAddress(packet[12..<16].map { "\($0)" }.joined(separator: "."))
        case 6 where packet.count >= 40: return IPAddress(stride(from: 8, to: 24, by: 2).map(word).joined(separator: ":"))
        default: return nil
        }
    }

    private static func naiveReply(_ packet: [UInt8], isIPv6: Bool) -> UInt16? {
        let message = packet.dropFirst(isIPv6 ? 0 : Int(packet.first ?? 0) % 16 * 4).prefix(8).map { UInt16($0) }
        guard message.count == 8, message[0] == (isIPv6 ? 129 : 0), message[4] == 1, message[5] == 2 else { return nil }
        return message[6] << 8 | message[7]
    }
}
