public import NetworkTypes
internal import WireGuardProtocol

extension Tunnel {
    /// Whether a packet from the interface is a data message of ours, on its way to one of our peers: the routing table sends the peer's
    /// endpoint into the tunnel.
    ///
    /// Sealed again it would come back again, longer each time until it is cut in two, then in four. The routing table's word
    /// (``routeAnswered(_:keepsSource:isLoop:)``) comes a moment after the change; this holds in that moment.
    ///
    /// It is ours if it leaves from our port for a peer's endpoint and carries the index of a session with that peer. What another
    /// WireGuard behind us sends, from the same port to the same server even, carries another. A later fragment isn't recognised; it
    /// comes back once, in a message that is.
    /// - Parameters:
    ///   - packet: what `header` was read from.
    ///   - header: the packet's.
    ///   - slot: the peer that takes it, who is asked about first.
    ///   - port: where our sockets listen.
    ///   - time: paces looks at all peers.
    @inline(__always)
    public mutating func isOwnDatagram(
        _ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader, to slot: UInt32, from port: UInt16, at time: TimePoint
    ) -> Bool {
        guard header.protocolNumber == Self.udp, header.totalLength >= header.headerLength + Self.udpHeader + TransportMessage.overhead,
            unsafe UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: header.headerLength, as: UInt16.self)) == port
        else { return false }
        return unsafe isOwnMessage(packet, header, slot, at: time)
    }

    private static let udp: UInt8 = 17
    private static let udpHeader = 8
    /// A look at ten thousand peers takes some fifty microseconds.
    private static let strangerRest = Interval.milliseconds(1)

    @inline(never)
    private mutating func isOwnMessage(
        _ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader, _ slot: UInt32, at time: TimePoint
    ) -> Bool {
        let start = header.headerLength
        // SAFETY: the caller has checked the length.
        let fragment = unsafe header.isIPv6 ? 0 : UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 6, as: UInt16.self)) & 0x1fff
        let payload = unsafe UnsafeRawBufferPointer(rebasing: packet[(start + Self.udpHeader)..<header.totalLength])
        guard fragment == 0, unsafe (try? MessageKind(of: payload)) == .transport else { return false }
        let message = unsafe OwnMessageMark(
            address: header.destination, port: UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: start + 2, as: UInt16.self)),
            index: TransportMessage(header: payload).receiverIndex)
        if isOurs(message, slot) { return true }
        // Whoever sends through us can make messages that look like ours, with any index: they don't cost a look at all peers each.
        guard time.now >= strangersUntil else { return false }
        for other in 0..<UInt32(peers.slotCount) where isOurs(message, other) { return true }
        strangersUntil = time.now + Self.strangerRest
        return false
    }

    private func isOurs(_ message: OwnMessageMark, _ slot: UInt32) -> Bool {
        guard let entry = unsafe peers[slot], let endpoint = unsafe entry.pointee.endpoint, endpoint.port == message.port,
            endpoint.address == message.address
        else { return false }
        return unsafe entry.pointee.peer.keypairs.current?.pointee.remoteIndex == message.index
            || entry.pointee.peer.keypairs.previous?.pointee.remoteIndex == message.index
    }
}

/// What a data message is known by from outside.
private struct OwnMessageMark {
    var address: IPAddress
    var port: UInt16
    /// The receiver's index.
    var index: UInt32
}
