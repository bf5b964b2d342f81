public import NetworkTypes
public import PathRecording
public import WireGuardCrypto

extension PacketRecord {
    /// What a capture shows of it, in the order in which it was seen: the packet that programs see, the datagram that the network sees, or
    /// only one of them.
    /// - Parameters:
    ///   - identity: what tells that both are the same.
    ///   - source: our address on the way to an endpoint, for datagrams that the kernel chose it for; nil where it isn't known.
    ///   - peerName: how a peer is called in comments.
    public func captured(
        identity: UInt64, source: (Endpoint) -> IPAddress?, peerName: (PublicKey) -> String
    ) -> [CapturedPacket] {
        var packets: [CapturedPacket] = []
        let comment = PacketComment(self, peerName: peerName)
        let isPair = !packet.isEmpty && !datagram.isEmpty
        if !datagram.isEmpty {
            let stage = notes.direction == .outbound ? OutboundStage.send.rawValue : InboundStage.receive.rawValue
            let bytes = outerPacket(source)
            packets.append(
                CapturedPacket(
                    .outer, direction, unixNanoseconds: time(endOf: stage), bytes: bytes,
                    originalCount: bytes.count + max(0, Int(notes.datagramLength) - datagram.count), identity: isPair ? identity : nil,
                    comment: comment.outer))
        }
        if !packet.isEmpty {
            let stage = notes.direction == .outbound ? OutboundStage.read.rawValue : InboundStage.deliver.rawValue
            packets.append(
                CapturedPacket(
                    .inner, direction, unixNanoseconds: time(endOf: stage), bytes: packet,
                    originalCount: max(packet.count, Int(notes.packetLength)), identity: isPair ? identity : nil,
                    comment: comment.inner))
        }
        return notes.direction == .outbound ? packets.reversed() : packets
    }

    private var direction: CapturedPacket.Direction { notes.direction == .outbound ? .outbound : .inbound }

    /// When a stage had ended, or the last one before it that was noted.
    private func time(endOf stage: Int) -> UInt64 {
        let end = (0...stage).last { notes.stages.ends[$0] > 0 }.map { UInt64(notes.stages.ends[$0]) }
        return notes.unixNanoseconds &+ (end ?? 0)
    }

    private func outerPacket(_ source: (Endpoint) -> IPAddress?) -> [UInt8] {
        let remote = notes.remote ?? Endpoint(address: .v4(.unspecified), port: 0)
        let unspecified: IPAddress = remote.address.family == .v4 ? .v4(.unspecified) : .v6(.unspecified)
        let local = Endpoint(address: notes.local?.address ?? source(remote) ?? unspecified, port: notes.localPort)
        let isOutbound = notes.direction == .outbound
        return OuterPacket.bytes(
            from: isOutbound ? local : remote, to: isOutbound ? remote : local, trafficClass: notes.trafficClass, payload: datagram,
            payloadCount: Int(notes.datagramLength))
    }
}
