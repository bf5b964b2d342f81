internal import NetworkTypes
internal import TunnelDiagnosis
internal import WireGuardCrypto

/// What peers are sorted by.
public enum PeerOrder: String, CaseIterable, Sendable {
    /// The most traffic and drops first, names before keys, broken states before others, and the latest handshake first.
    case traffic, name, state, handshake, drops

    /// The peers' places in `peers`, in this order.
    func sorted(_ peers: [PeerSight], reversed: Bool) -> [Int] {
        let places: [Int]
        switch self {
        case .traffic:
            places = Self.places(peers.map { ($0.receivedNow + $0.sentNow, $0.reading.receivedBytes + $0.reading.sentBytes) }) { $0 > $1 }
        case .name: places = Self.places(peers.map { ($0.reading.name == nil ? 1 : 0, $0.reading.title) }) { $0 < $1 }
        case .state:
            places = Self.places(peers.map { ($0.reading.state?.isBroken == true ? 0 : 1, $0.reading.state?.name ?? "") }) { $0 < $1 }
        case .handshake: places = Self.places(peers.map { ($0.reading.handshakeAge?.nanoseconds ?? .max, 0) }) { $0 < $1 }
        case .drops: places = Self.places(peers.map { ($0.dropped, 0) }) { $0 > $1 }
        }
        return reversed ? places.reversed() : places
    }

    /// The keys are made once a peer; peers with equal ones stay as they were.
    private static func places<A: Comparable, B: Comparable>(_ keys: [(A, B)], by isBefore: ((A, B), (A, B)) -> Bool) -> [Int] {
        keys.indices.sorted { a, b in
            isBefore(keys[a], keys[b]) || (!isBefore(keys[b], keys[a]) && a < b)
        }
    }

    var next: PeerOrder {
        let all = Self.allCases
        return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
    }
}
