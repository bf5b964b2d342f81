import NetworkTypes
import Testing
import WireGuardCrypto

@testable import TunnelDiagnosis

@Suite struct FileRuleTests {
    static let privateKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
    static let peerKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
    static let otherKey = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

    static func file(_ interface: String, _ peers: String...) -> Diagnosis {
        let peerKeys = [peerKey, otherKey]
        let sections = peers.enumerated().map { "[Peer]\nPublicKey = \(peerKeys[$0.offset])\n\($0.element)\n" }
        return Diagnosis(Recorded.file("[Interface]\nPrivateKey = \(privateKey)\n\(interface)\n" + sections.joined()))
    }

    @Test func `an ordinary file has no findings`() {
        #expect(
            Self.file(
                "Address = 10.8.0.1/24\nDNS = 10.8.0.53", "Endpoint = 192.0.2.7:51820\nAllowedIPs = 10.8.0.0/24, 10.20.0.0/16",
                "AllowedIPs = 10.30.0.0/16"
            ).findings.isEmpty)
        #expect(Self.file("Address = 10.8.0.2/32", "Endpoint = 192.0.2.7:51820\nAllowedIPs = 0.0.0.0/0, ::/0").findings.isEmpty)
    }

    @Test func `an endpoint inside of AllowedIPs would be routed into the tunnel`() {
        for allowed in ["192.0.2.0/24", "0.0.0.0/1, 128.0.0.0/1", "192.0.2.7/32"] {
            let diagnosis = Self.file("Address = 10.8.0.1/32", "Endpoint = 192.0.2.7:51820\nAllowedIPs = \(allowed)")
            #expect(diagnosis.codes == [.endpointInTunnel], "\(allowed)")
            #expect(diagnosis.line.contains("192.0.2.7:51820 lies within"))
            #expect(diagnosis.verdict.exitStatus == 1)
        }
    }

    @Test func `no routes, a hook or a longer local network make it right`() {
        #expect(Self.file("Table = off", "Endpoint = 192.0.2.7:51820\nAllowedIPs = 192.0.2.0/24").findings.isEmpty)
        #expect(
            Self.file("PostUp = ip route add 192.0.2.7 via 10.0.0.1", "Endpoint = 192.0.2.7:51820\nAllowedIPs = 192.0.2.0/24").findings
                .isEmpty)
        var observation = Recorded.file(
            "[Interface]\nPrivateKey = \(Self.privateKey)\n[Peer]\nPublicKey = \(Self.peerKey)\nEndpoint = 192.0.2.7:1\nAllowedIPs = 192.0.0.0/16\n"
        )
        #expect(Diagnosis(observation).codes == [.endpointInTunnel])
        observation.localNetworks = [LocalNetwork(IPPrefix("192.0.2.0/24")!, interface: "eth0")]
        #expect(!Diagnosis(observation).codes.contains(.endpointInTunnel))
    }

    @Test func `a name server outside of AllowedIPs`() {
        let diagnosis = Self.file("Address = 10.8.0.1/24\nDNS = 10.9.0.53", "AllowedIPs = 10.8.0.0/24")
        #expect(diagnosis.codes == [.nameServerOutside])
        #expect(diagnosis.line.contains("10.9.0.53 is in nobody's AllowedIPs"))
        #expect(diagnosis.verdict.exitStatus == 0)
    }

    @Test func `the interface's network outside of AllowedIPs`() {
        #expect(Self.file("Address = 10.8.0.1/24", "AllowedIPs = 10.9.0.0/24").codes == [.addressOutside])
        #expect(Self.file("Address = 10.8.0.1/24", "AllowedIPs = 10.8.0.2/32").findings.isEmpty)
        #expect(Self.file("Address = 10.8.0.1/32", "AllowedIPs = 10.9.0.0/24").findings.isEmpty)
    }

    @Test func `our own key as the only peer's is an error, as one of two a warning`() {
        var observation = Recorded.fresh()
        observation.peers = []
        observation.settings.peers[0].publicKey = Recorded.ours
        var diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.onlyPeerIsItself])
        #expect(diagnosis.verdict.exitStatus == 1)
        #expect(diagnosis.line.contains("interface's own key"))
        observation.settings.peers.append(PeerSettings(publicKey: Recorded.theirs))
        diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.peerIsItself])
        #expect(diagnosis.verdict.exitStatus == 0)
    }

    @Test func `the same AllowedIPs at two peers`() {
        let diagnosis = Self.file("Address = 10.8.0.1/32", "AllowedIPs = 10.9.0.0/24", "AllowedIPs = 10.9.0.0/24")
        #expect(diagnosis.codes == [.duplicateAllowedIPs])
        #expect(diagnosis.line.contains("10.9.0.0/24 is in the AllowedIPs of two peers"))
    }

    @Test func `an MTU below 1280 with IPv6 inside`() {
        #expect(Self.file("MTU = 1200\nAddress = fd08::1/128", "AllowedIPs = fd08::/64").codes == [.smallMTU])
        #expect(Self.file("MTU = 1200\nAddress = 10.8.0.1/32", "AllowedIPs = ::/0").codes == [.smallMTU])
        #expect(Self.file("MTU = 1200\nAddress = 10.8.0.1/32", "AllowedIPs = 10.9.0.0/16").findings.isEmpty)
    }

    @Test func `no private key`() {
        var observation = Recorded.fresh()
        observation.settings.publicKey = nil
        #expect(Diagnosis(observation).codes == [.noPrivateKey])
        observation.settings.file = nil
        #expect(Diagnosis(observation).findings[0].remedy == "wg set office private-key FILE")
        observation.settings.hasHooks = true
        #expect(Diagnosis(observation).findings.isEmpty)
    }
}
