import PacketCapture
import PathRecording
import Testing

struct KeyLogTests {
    @Test func `secrets become the lines that Wireshark reads, private keys clamped`() {
        #expect(text(.localStaticPrivateKey, 1) == "LOCAL_STATIC_PRIVATE_KEY=AAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAUE=\n")
        #expect(text(.remoteStaticPublicKey, 9) == "REMOTE_STATIC_PUBLIC_KEY=CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n")
        #expect(text(.localEphemeralPrivateKey, 2) == "LOCAL_EPHEMERAL_PRIVATE_KEY=AAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAkI=\n")
        #expect(text(.presharedKey, 3) == "PRESHARED_KEY=AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n")
    }

    @Test func `what has not the size of a key is no line`() {
        for kind in RecordingSecret.Kind.allCases {
            #expect(KeyLog(RecordingSecret(kind, bytes: [UInt8](repeating: 1, count: 31))) == nil)
        }
    }

    private func text(_ kind: RecordingSecret.Kind, _ number: UInt8) -> String? {
        KeyLog(RecordingSecret(kind, bytes: [UInt8](repeating: number, count: 32)))?.text
    }
}
