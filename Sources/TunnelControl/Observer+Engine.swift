internal import NetworkTypes
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine

extension Observation {
    /// Adds what only our own engine knows.
    mutating func complete(with engine: Engine, at unixNanoseconds: UInt64) {
        for index in peers.indices {
            var handshakes = HandshakeObservation()
            if peers[index].lastHandshake == nil, peers[index].sentBytes > 0, peers[index].receivedBytes == 0 { handshakes.unanswered = 1 }
            peers[index].handshakes = handshakes
        }
        let counts = engine.drops
        drops = [(DropReason.noPeerForDestination, DropObservation.Reason.noPeerForDestination), (.sourceNotAllowed, .sourceNotAllowed)]
            .compactMap { reason, observed in counts[reason] > 0 ? DropObservation(observed, count: counts[reason]) : nil }
    }
}
