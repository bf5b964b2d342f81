/// The interface: down, or too slow for what is sent into it.
enum LinkRules {
    /// Queue drops below one in so many packets are nothing to speak of.
    static let rareDrop: UInt64 = 100

    static func findings(_ observation: Observation) -> [Finding] {
        guard let link = observation.link else { return [] }
        var findings: [Finding] = []
        if !link.isUp {
            findings.append(
                Finding(
                    .linkDown, .error, "its interface is down, so nothing leaves and nobody is answered",
                    remedy: "ip link set \(observation.interface) up"))
        }
        if let port = observation.takenPort {
            findings.append(
                Finding(
                    .portTaken, .error, "another program has its port \(port), so nothing is sent and nothing received",
                    evidence: "`ss -lunp sport = :\(port)`",
                    remedy:
                        "end that program, and the port is taken within a second; or `wg set \(observation.interface) listen-port 0` for another"
                ))
        }
        if link.queueDrops * rareDrop > link.queuedPackets, link.queueDrops >= 100 {
            findings.append(
                Finding(
                    .queueDrops, .warning,
                    "programs send faster than the tunnel seals: \(link.queueDrops) of \(counted(link.queuedPackets + link.queueDrops, "packet", "packets")) found its queue full",
                    remedy: "ip link set \(observation.interface) txqueuelen 5000"))
        }
        if link.socketDrops >= 100, link.socketDrops * rareDrop > link.queuedPackets {
            findings.append(
                Finding(
                    .queueDrops, .warning, "datagrams come faster than they are opened: \(link.socketDrops) found the socket's buffer full",
                    remedy: "sysctl net.core.rmem_max=8388608, then up again"))
        }
        return findings
    }
}
