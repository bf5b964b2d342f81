import NetworkTypes
import ProcessMemory
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelConfiguration

/// A tunnel that saves its configuration puts its keys in words while it runs, and for hooks to see afterwards. One test after the other: what
/// one reads, another would find.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SavedSecretsTests {
    @Test func `keys that are written are there for as long as somebody has the text`() throws {
        let (state, needles) = Self.secrets()
        let text = Self.file.text(saving: state)
        for needle in needles { #expect(!ProcessMemory.places(of: needle).isEmpty) }
        withExtendedLifetime(text) {}
    }

    @Test func `keys that were written are nowhere in words when the text is gone`() throws {
        let needles = Self.save()
        for needle in needles { #expect(ProcessMemory.places(of: needle) == []) }
    }

    @Test func `keys that were in the file already are nowhere in words either`() throws {
        let needles = Self.saveAgain()
        for needle in needles { #expect(ProcessMemory.places(of: needle) == []) }
    }

    /// A file with other keys, a peer that the tunnel has and none of its other two.
    private static var file: ConfigurationFile {
        parse(
            """
            [Interface]
            PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
            [Peer]
            PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
            PresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=
            """)
    }

    /// What runs: keys that nobody else has, and the middle of each in words.
    @inline(never)
    private static func secrets() -> (SavedState, [ProcessMemory.Needle]) {
        var generator = SystemRandomNumberGenerator()
        let key = PrivateKey.random(using: &generator)
        var needles = [needle(key.secretText)]
        var state = ConfigurationSavingTests.snapshot(of: file)
        state.privateKey = key
        var peer = state.peers[0]
        for _ in 0..<3 {
            let key = PresharedKey.random(using: &generator)
            needles.append(needle(key.secretText))
            peer.presharedKey = key
            if state.peers[0].presharedKey.map({ !$0.isZero }) ?? false, needles.count == 2 {
                state.peers[0] = peer
            } else {
                state.peers.append(peer)
            }
            peer.publicKey = PrivateKey.random(using: &generator).publicKey
        }
        return (SavedState(state), needles)
    }

    private static func needle(_ text: SecretText) -> ProcessMemory.Needle {
        text.withBytes { bytes in unsafe bytes[6..<22].withUnsafeBytes { unsafe ProcessMemory.Needle($0) } }
    }

    @inline(never)
    private static func save() -> [ProcessMemory.Needle] {
        let (state, needles) = secrets()
        _ = file.text(saving: state)
        wipeDeadStack(64 << 10)
        return needles
    }

    @inline(never)
    private static func saveAgain() -> [ProcessMemory.Needle] {
        let (state, needles) = secrets()
        let saved = file.text(saving: state).withBytes { ConfigurationFile(text: $0, name: "saved.conf") }
        #expect(saved.text(saving: state).isSame(as: saved.text))
        wipeDeadStack(64 << 10)
        return needles
    }
}
