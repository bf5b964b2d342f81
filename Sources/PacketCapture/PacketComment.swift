internal import PathRecording
internal import WireGuardCrypto

/// What a capture says of a packet: its stages on the side where it is seen, in the words of a trace.
struct PacketComment {
    /// Beside the packet that programs see.
    let inner: String
    /// Beside the datagram that the network sees.
    let outer: String

    /// Stages at which a packet is seen from inside.
    private static let innerStages: Set<String> = [
        "\(OutboundStage.read)", "\(OutboundStage.arrange)", "\(OutboundStage.route)", "\(InboundStage.accept)", "\(InboundStage.deliver)",
    ]

    init(_ record: PacketRecord, peerName: (PublicKey) -> String) {
        let story = record.story(peerName: peerName).filter { !$0.text.isEmpty }
        // With one side only that one says everything; what ended a way is said on both.
        let isPair = !record.packet.isEmpty && !record.datagram.isEmpty
        func comment(_ isInner: Bool) -> String {
            story.filter { !isPair || $0.isDrop || Self.innerStages.contains($0.stage) == isInner }.map { "\($0.stage): \($0.text)" }
                .joined(separator: " · ")
        }
        inner = comment(true)
        outer = comment(false)
    }
}
