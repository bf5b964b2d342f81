import NetworkTypes
import PathRecording
import TunnelConfiguration
import TunnelCore
import TunnelDiagnosis
import WireGuardCrypto

@testable import TunnelView

/// Tunnels to look at.
enum Samples {
    static func key(_ number: Int) -> PublicKey {
        PublicKey(bytes: InlineArray { $0 == 0 ? UInt8(number & 0xff) : $0 == 1 ? UInt8(number >> 8 & 0xff) : 7 })
    }

    /// A tunnel that has carried `packets` packets out after so many seconds, with `peers` peers, the last of which carry the most.
    static func reading(seconds: UInt64, packets: UInt64, peers count: Int = 2, names: [PublicKey: String] = [:]) -> TunnelReading {
        var figures = PathFigures(
            unixNanoseconds: (1_700_000_000 + seconds) * 1_000_000_000, interval: .seconds(seconds))
        for stage in 0..<6 {
            figures.outbound.stages[stage] = stageFigures(packets, nanoseconds: packets * UInt64(100 * (stage + 1)))
            figures.inbound.stages[stage] = stageFigures(packets / 2, nanoseconds: packets * 10)
        }
        figures.outbound.latency.record(Interval(nanoseconds: 3000), packets: Int(packets))
        figures.queues = [
            QueueFigures(name: "receive_ring", used: 256, capacity: 1024),
            QueueFigures(name: "send_ring", used: 0, capacity: 1024, losses: 3),
        ]
        figures.offloads = [OffloadFigures(name: "tun_tcp", isInUse: true, detail: "super-packets of up to 64 KiB")]
        if packets > 0 {
            figures.drops = [
                DropFigures(.noPeerForDestination, peer: nil, count: packets / 10), DropFigures(.badTag, peer: key(0), count: packets / 20),
            ]
        }
        var snapshot = TunnelSnapshot(privateKey: nil, listenPort: 51820, firewallMark: 0, peers: [])
        for number in 0..<count {
            snapshot.peers.append(
                PeerSnapshot(
                    publicKey: key(number), presharedKey: nil, endpoint: Endpoint("192.0.2.7:51820"), persistentKeepalive: 0,
                    lastHandshake: figures.unixNanoseconds - 48_000_000_000, receivedBytes: packets * UInt64(number),
                    sentBytes: 2 * packets * UInt64(number), allowedIPs: [IPPrefix("10.8.0.0/24")!]))
        }
        var settings = TunnelSettings()
        settings.publicKey = key(99)
        var observation = Observation(interface: "office", settings: settings)
        observation.peers = snapshot.peers.map { peer in
            var observed = PeerObservation(publicKey: peer.publicKey)
            observed.endpoint = peer.endpoint
            observed.lastHandshake = .seconds(48)
            return observed
        }
        return TunnelReading(
            interface: "office", figures: figures, diagnosis: Diagnosis(observation), snapshot: snapshot, names: names)
    }

    private static func stageFigures(_ packets: UInt64, nanoseconds: UInt64) -> StageFigures {
        var stage = StageFigures()
        stage.packets = packets
        stage.bytes = packets * 1420
        stage.batches = packets / 10
        stage.time = Interval(nanoseconds: nanoseconds)
        for _ in 0..<(packets / 10) { stage.batchSizes.record(10) }
        return stage
    }

    /// What happened between the seconds 10 and 12, in which 2000 packets went out.
    static func sight(peers: Int = 2, names: [PublicKey: String] = [:]) -> TunnelSight {
        TunnelSight(
            reading(seconds: 12, packets: 3000, peers: peers, names: names), since: reading(seconds: 10, packets: 1000, peers: peers))
    }

    static func record(_ index: Int, drop: DropReason? = nil) -> PacketRecord {
        var notes = PacketNotes(.outbound, .data, .forwarded, unixNanoseconds: 1_700_000_000_000_000_000 + UInt64(index))
        for stage in 0..<6 { notes.stages.ends[stage] = UInt32(1000 * (stage + 1)) }
        notes.peer = key(1)
        notes.packetLength = 100
        if let drop { notes.drop(for: drop) }
        return PacketRecord(notes)
    }
}
