internal import WireGuardProtocol

extension Tunnel {
    /// Begins a handshake with the first peers that have an endpoint and have never completed one, although there is nothing to send.
    /// - Parameters:
    ///   - limit: how many peers at most.
    ///   - time: the time.
    public mutating func beginHandshakes(atMost limit: Int, at time: TimePoint) {
        var left = limit
        for slot in 0..<UInt32(peers.slotCount) where left > 0 {
            guard let entry = unsafe peers[slot], unsafe entry.pointee.endpoint != nil, unsafe entry.pointee.peer.lastHandshake == nil
            else { continue }
            left -= 1
            perform(.initiateHandshake, slot, at: time)
        }
    }

    /// Begins a handshake with the first peers that have an endpoint, whether or not there is a session: for somebody who has to see one made.
    /// What there is goes on meanwhile.
    /// - Parameters:
    ///   - limit: how many peers at most.
    ///   - time: the time.
    public mutating func renewSessions(atMost limit: Int, at time: TimePoint) {
        var left = limit
        for slot in 0..<UInt32(peers.slotCount) where left > 0 {
            guard let entry = unsafe peers[slot], unsafe entry.pointee.endpoint != nil else { continue }
            left -= 1
            perform(.initiateHandshake, slot, at: time)
        }
    }
}
