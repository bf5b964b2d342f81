import Testing
import VectorFiles

@testable import WireGuardProtocol

@Suite struct MessageTests {
    @Test func `sizes are the sum of their parts`() {
        #expect(HandshakeInitiation.mac2Offset + MessagePart.mac == HandshakeInitiation.byteCount)
        #expect(HandshakeResponse.mac2Offset + MessagePart.mac == HandshakeResponse.byteCount)
        #expect(CookieReply.sealedCookieOffset + MessagePart.sealed(MessagePart.cookie) == CookieReply.byteCount)
        #expect(HandshakeInitiation.mac1Offset + MessagePart.macs == HandshakeInitiation.byteCount)
        #expect(TransportMessage.overhead == 32)
    }

    @Test(arguments: [
        (0, 1420, 0), (1, 1420, 16), (16, 1420, 16), (17, 1420, 32), (1408, 1420, 1408), (1409, 1420, 1420), (1420, 1420, 1420),
        (1421, 1420, 1421), (1500, 1420, 1500), (1270, 1280, 1280), (5, 9, 9),
    ])
    func `payloads are padded to 16 bytes but not past the MTU`(count: Int, mtu: Int, padded: Int) {
        #expect(TransportMessage.paddedByteCount(of: count, mtu: mtu) == padded)
    }

    @Test func `a data header is read as it was written`() {
        var bytes = [UInt8](repeating: 0xff, count: 32)
        let header = TransportMessage(receiverIndex: 0x0403_0201, counter: 0x0c0b_0a09_0807_0605)
        unsafe bytes.withUnsafeMutableBytes { unsafe header.write(to: $0.baseAddress!) }
        #expect(Array(bytes[..<16]) == [4, 0, 0, 0] + Array(1...12))
        #expect(unsafe bytes.withBytes { unsafe TransportMessage(header: $0) } == header)
        #expect(unsafe bytes.withBytes { unsafe try? MessageKind(of: $0) } == .transport)
    }

    @Test func `a message of another kind is not taken`() {
        var bytes = [UInt8](repeating: 0, count: HandshakeInitiation.byteCount)
        bytes[0] = 1
        #expect(throws: Never.self) { try HandshakeInitiation(bytes) }
        #expect(throws: Refusal.type) { try HandshakeResponse(bytes) }
        #expect(throws: Refusal.type) { try CookieReply(HexBytes(bytes)) }
    }
}
