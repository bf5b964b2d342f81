import NetworkTypes
import TunnelConfiguration
import TunnelDiagnosis
import WireGuardCrypto

/// Observations to begin from: each test writes down what is different.
enum Recorded {
    static let ours = key(1)
    static let theirs = key(2)
    static let others = key(3)

    static func key(_ byte: UInt8) -> PublicKey {
        PublicKey(bytes: InlineArray(repeating: byte))
    }

    /// A tunnel of one peer with default values everywhere: up, and nothing sent yet.
    static func fresh() -> Observation {
        var settings = TunnelSettings()
        settings.file = "office.conf"
        settings.publicKey = ours
        settings.addresses = [IPInterfaceAddress("10.8.0.1/24")!]
        var peer = PeerSettings(publicKey: theirs)
        peer.line = 5
        peer.endpoint = Endpoint("192.0.2.7:51820")
        peer.allowedIPs = [IPPrefix("10.8.0.0/24")!]
        settings.peers = [peer]
        var observation = Observation(interface: "office", settings: settings)
        observation.link = LinkObservation(isUp: true, mtu: 1420)
        var observed = PeerObservation(publicKey: theirs)
        observed.endpoint = peer.endpoint
        observed.handshakes = HandshakeObservation()
        observed.traffic = TrafficObservation()
        observed.route = .via(interface: "eth0", isTunnel: false, source: IPAddress("192.0.2.1"), gateway: nil, mtu: 1500)
        observation.peers = [observed]
        return observation
    }

    /// The same after a handshake and some packets both ways.
    static func healthy() -> Observation {
        var observation = fresh()
        observation.peers[0].lastHandshake = .seconds(48)
        observation.peers[0].handshakeDuration = .milliseconds(31)
        observation.peers[0].receivedBytes = 10_000
        observation.peers[0].sentBytes = 20_000
        observation.peers[0].traffic = traffic(sent: 40, received: 30, heard: .seconds(2))
        return observation
    }

    static func traffic(sent: UInt64, received: UInt64, heard: Interval?, unanswered: Interval? = nil) -> TrafficObservation {
        var traffic = TrafficObservation()
        (traffic.sentPackets, traffic.receivedPackets) = (sent, received)
        (traffic.lastReceived, traffic.unansweredFor) = (heard, unanswered)
        return traffic
    }

    /// Handshakes without an answer.
    static func unanswered(_ count: UInt64, for age: Interval) -> HandshakeObservation {
        var handshakes = HandshakeObservation()
        (handshakes.unanswered, handshakes.unansweredFor) = (count, age)
        return handshakes
    }

    /// A file as it would stand on disk.
    static func file(_ text: String) -> Observation {
        Observation(interface: "office", settings: TunnelSettings(ConfigurationFile(text: Array(text.utf8), name: "office.conf")))
    }
}

extension Diagnosis {
    var codes: [FindingCode] { findings.map(\.code) }
    var line: String { verdict.line }
}
