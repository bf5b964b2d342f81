internal import LinuxSystem
internal import NetworkTypes
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine
internal import WireGuardCrypto

extension Observation {
    /// Adds what the sockets have seen of the ways to the peers.
    mutating func complete(with engine: EngineObservation) {
        let byKey = Dictionary(engine.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        for index in peers.indices {
            if let path = byKey[peers[index].publicKey] { peers[index].complete(with: path, at: engine.unixNanoseconds) }
        }
        link?.socketDrops = engine.v4.receiveDrops + engine.v6.receiveDrops
    }
}

extension PeerObservation {
    mutating func complete(with path: PathObservation, at now: UInt64) {
        if let error = path.lastSendError, error.endpoint == endpoint, let cause = SendFailure.Cause(errno: error.errno) {
            sendFailure = SendFailure(cause, age: Interval(since: error.unixNanoseconds, at: now))
        }
        if let error = path.lastICMPError, error.destination.address == endpoint?.address {
            networkError = NetworkError(
                NetworkError.Cause(isV6: error.isV6, type: error.type, code: error.code, mtu: error.mtu), reporter: error.reporter,
                age: Interval(since: error.unixNanoseconds, at: now))
        }
        // Whoever asked the routing table last, for a single packet or for us.
        if path.isLooping, case .via(let name, false, let source, let gateway, let mtu)? = route {
            route = .via(interface: name, isTunnel: true, source: source, gateway: gateway, mtu: mtu)
        }
    }
}

extension SendFailure.Cause {
    /// Nil for what is the network's word about an earlier datagram, and told as such.
    init?(errno: Int32) {
        switch SystemError(errno: errno, operation: "send").name {
        case "ECONNREFUSED", "EMSGSIZE": return nil
        case "ENETUNREACH": self = .noRoute
        case "EHOSTUNREACH": self = .hostUnreachable
        case "EPERM": self = .filtered
        case "EACCES": self = .prohibited
        case "EAFNOSUPPORT", "EADDRNOTAVAIL": self = .familyMissing
        case "ENETDOWN": self = .networkDown
        default: self = .other(errno)
        }
    }
}
