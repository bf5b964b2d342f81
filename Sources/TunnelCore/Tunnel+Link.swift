internal import NetworkTypes
internal import WireGuardProtocol

extension Tunnel {
    /// The interface was set up or down.
    ///
    /// Down, all sessions and handshakes are forgotten and no timer is armed; nothing is sent or answered. Up again, a peer with a
    /// persistent keepalive is spoken to at once, and any other when there is a packet for it. As Linux's WireGuard does it
    /// (device.c, wg_open and wg_stop).
    public mutating func setLink(up: Bool, at time: TimePoint) {
        guard up != isUp else { return }
        isUp = up
        for slot in 0..<UInt32(peers.slotCount) {
            guard let entry = unsafe peers[slot] else { continue }
            if up {
                let seconds = unsafe entry.pointee.persistentKeepalive
                guard seconds > 0 else { continue }
                unsafe entry.pointee.peer.setPersistentKeepalive(.seconds(UInt64(seconds)), at: time.now)
                perform([], slot, at: time)
            } else {
                unsafe unregister(entry.pointee.peer.stop())
                unsafe entry.pointee.staged.removeAll()
                unsafe entry.pointee.mustInitiate = false
                unsafe entry.pointee.isOwing = false
                unsafe entry.pointee.owesKeepalive = false
                unsafe entry.pointee.told.hasSession = false
                unsafe entry.pointee.handshakes.callingSince = nil
            }
        }
        if !up {
            initiating = SlotQueue()
            owing = SlotQueue()
            // Also what stands there for deadlines that have moved: nobody takes it out until the interface is up.
            deadlines = DeadlineQueue()
        }
        needsAttention = true
    }
}
