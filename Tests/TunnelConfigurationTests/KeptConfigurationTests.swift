import Testing
import WireGuardCrypto

@testable import TunnelConfiguration

@Suite struct KeptConfigurationTests {
    private static let text = """
        # the office: QOFr9yTtPpn2Nn8V9g9wQ8TnXN/1k1Z0sVZyqYvbTFo= was the old one
        [Interface]
        PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk= # mine
        ListenPort = 51820
        PostUp = logger up

        [Peer]
        # gateway
        PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        PresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=
        AllowedIPs = 10.0.0.0/24

        """

    @Test func `what a tunnel keeps of its file has no secret, neither as a value nor in the text`() {
        let file = ConfigurationFile(text: Array(Self.text.utf8), name: "office.conf")
        #expect(!file.hasErrors && file.interface.privateKey != nil && file.peers[0].presharedKey != nil)
        let kept = file.withoutSecrets
        #expect(kept.interface.privateKey == nil)
        #expect(kept.peers[0].presharedKey == nil)
        let text = String(decoding: kept.text.bytes, as: UTF8.self)
        for secret in ["QOFr9yTtPpn2", "yAnz5TF", "3fBmk", "/UwcSPg38hW", "sesJEP5ak"] { #expect(!text.contains(secret), "\(text)") }
    }

    @Test func `the rest of it is as it was, line by line`() {
        let file = ConfigurationFile(text: Array(Self.text.utf8), name: "office.conf")
        let kept = file.withoutSecrets
        #expect(kept.text.bytes.count == file.text.bytes.count)
        #expect(kept.peerNames == file.peerNames && kept.peerNames.values.contains("gateway"))
        let lines = { (file: ConfigurationFile) in
            String(decoding: file.text.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        }
        for (old, new) in zip(lines(file), lines(kept))
        where !old.contains("PrivateKey") && !old.contains("PresharedKey") && !old.contains("office") {
            #expect(old == new)
        }
        #expect(kept.interface.postUp.map(\.value) == file.interface.postUp.map(\.value))
    }

    @Test func `line ends and marks in front stay where they were`() {
        for (start, end) in [("", "\n"), ("\u{feff}", "\r\n"), ("", "")] {
            let text = start + "[Interface]\r\nPrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=" + end
            let file = ConfigurationFile(text: Array(text.utf8), name: "a.conf")
            #expect(file.text.bytes == Array(text.utf8))
            #expect(file.withoutSecrets.text.bytes.count == file.text.bytes.count)
            #expect(file.withoutSecrets.text.bytes.prefix(12) == file.text.bytes.prefix(12))
        }
    }
}
