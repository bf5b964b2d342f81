import PacketCapture
import Testing
import WireGuardCrypto

struct KeyLogTests {
    @Test func `a key log has the lines that Wireshark reads, clamped keys in base64`() throws {
        var log = KeyLog()
        log.add(localStatic: try privateKey(1))
        log.add(remoteStatic: publicKey(fromNine))
        log.add(localEphemeral: try privateKey(2), presharedKey: try presharedKey(3))
        log.add(localEphemeral: try privateKey(4), presharedKey: .zero)
        #expect(
            log.text == """
                LOCAL_STATIC_PRIVATE_KEY=AAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAUE=
                REMOTE_STATIC_PUBLIC_KEY=CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
                LOCAL_EPHEMERAL_PRIVATE_KEY=AAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAkI=
                PRESHARED_KEY=AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=
                LOCAL_EPHEMERAL_PRIVATE_KEY=AAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBEQ=

                """)
    }

    private var fromNine: [UInt8] { [9] + [UInt8](repeating: 0, count: 31) }

    private func privateKey(_ number: UInt8) throws -> PrivateKey {
        try #require(unsafe [UInt8](repeating: number, count: 32).withUnsafeBytes { unsafe PrivateKey($0) })
    }

    private func presharedKey(_ number: UInt8) throws -> PresharedKey {
        try #require(unsafe [UInt8](repeating: number, count: 32).withUnsafeBytes { unsafe PresharedKey($0) })
    }

    private func publicKey(_ bytes: [UInt8]) -> PublicKey { unsafe bytes.withUnsafeBytes { unsafe PublicKey($0)! } }
}
