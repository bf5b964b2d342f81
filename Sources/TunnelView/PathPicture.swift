internal import NetworkTypes
public import PathRecording

/// README's picture of the two ways of a packet, with figures where it has words.
public struct PathPicture: Sendable {
    private let figures: PathFigures

    /// - Parameter figures: those of an interval that rates are taken over.
    public init(_ figures: PathFigures) {
        self.figures = figures
    }

    /// Columns of either way.
    static let column = 40

    /// The picture with boxes, as README draws it: 80 columns, for a terminal with room and for `wg-lite path`.
    public var tall: [String] {
        var out = ["programs", "  |"]
        out += Self.box("TUN device", entering: true, leaving: true, beside: offload("tun_tcp", "TCP"), offload("tun_udp", "UDP"))
        out.append(stage(OutboundStage.read))
        out += Self.box("receive ring", entering: true, leaving: true, beside: fill("receive_ring"), losses("receive_ring"))
        for next in [OutboundStage.arrange, .route, .seal, .send] { out.append(stage(next)) }
        out += Self.box("UDP socket", entering: true, leaving: false, beside: fill("socket_v4_send"), segmentation)
        var into = ["programs", "  ^"]
        into += Self.box("TUN device", entering: false, leaving: true, beside: "", "")
        into.append(stage(InboundStage.deliver))
        into += Self.box("send ring", entering: false, leaving: true, beside: fill("send_ring"), losses("send_ring"))
        for next in [InboundStage.accept, .open, .find, .sort] { into.append(stage(next)) }
        into += Self.box("UDP socket", entering: false, leaving: false, beside: fill("socket_v4_receive"), losses("socket_v4_receive"))
        // The way in takes its datagrams beside the socket; release frees places in the ring.
        out.append(stage(OutboundStage.release, mark: " "))
        into.append(stage(InboundStage.receive, mark: " "))
        return [Self.head] + Self.beside(out, into)
    }

    /// The same without lines around the boxes: 10 rows.
    public var compact: [String] {
        let out =
            [Self.flat("TUN device", "")] + [stage(OutboundStage.read, mark: "v")] + [Self.flat("receive ring", fill("receive_ring"))]
            + [OutboundStage.arrange, .route, .seal, .send, .release].map { stage($0, mark: "v") }
            + [Self.flat("UDP socket", fill("socket_v4_send"))]
        let into =
            [Self.flat("TUN device", "")] + [stage(InboundStage.deliver, mark: "^")] + [Self.flat("send ring", fill("send_ring"))]
            + [InboundStage.accept, .open, .find, .sort, .receive].map { stage($0, mark: "^") }
            + [Self.flat("UDP socket", fill("socket_v4_receive"))]
        return [Self.head] + Self.beside(out, into)
    }

    /// What the columns mean.
    private static let head = beside(
        ["  OUT      packets/s batch   time  drops"], ["  IN       packets/s batch   time  drops"])[0]

    private static func beside(_ left: [String], _ right: [String]) -> [String] {
        zip(left, right).map { left, right in
            let left = left + String(repeating: " ", count: max(0, column - left.count))
            return trimmed(left + right)
        }
    }

    private static func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func box(_ name: String, entering: Bool, leaving: Bool, beside first: String, _ second: String) -> [String] {
        let width = 14
        let space = width - name.count
        let middle = String(repeating: " ", count: space / 2) + name + String(repeating: " ", count: space - space / 2)
        let isDown = entering
        let top = isDown ? "v" : "+"
        let bottom = isDown ? "+" : "^"
        return [
            "+-\(top)------------+" + (first.isEmpty ? "" : "  \(first)"), "|\(middle)|" + (second.isEmpty ? "" : "  \(second)"),
            "+-\(isDown && !leaving ? "-" : bottom)------------+",
        ]
    }

    private static func flat(_ name: String, _ words: String) -> String {
        "[\(name)]\(words.isEmpty ? "" : "  \(words)")"
    }

    // MARK: Figures

    private func stage(_ stage: OutboundStage, mark: String = "|") -> String {
        row("\(stage)", figures.outbound[stage], mark: mark)
    }

    private func stage(_ stage: InboundStage, mark: String = "|") -> String {
        row("\(stage)", figures.inbound[stage], mark: mark)
    }

    private func row(_ name: String, _ stage: StageFigures, mark: String) -> String {
        let drops = figures.dropped(at: name)
        let time = Quantity.time(nanoseconds: stage.packets == 0 ? 0 : Double(stage.time.nanoseconds) / Double(stage.packets))
        return "  \(mark) " + Self.left(name, 8) + Self.right(Quantity.count(figures.perSecond(stage.packets)), 8)
            + Self.right(stage.batches == 0 ? "-" : Quantity.count(stage.packetsPerBatch), 6)
            + Self.right(stage.packets == 0 ? "-" : time, 8) + Self.right(drops == 0 ? "-" : Quantity.count(Double(drops)), 6)
    }

    private func fill(_ name: String) -> String {
        figures.queues.first { $0.name == name }.map { "\(Quantity.share($0.fill)) full" } ?? ""
    }

    private func losses(_ name: String) -> String {
        figures.queues.first { $0.name == name && $0.losses > 0 }.map { "\(Quantity.count(Double($0.losses))) lost" } ?? ""
    }

    private func offload(_ name: String, _ word: String) -> String {
        figures.offloads.first { $0.name == name }.map { $0.isInUse ? "\(word) in super-packets" : "\(word) packet by packet" } ?? ""
    }

    private var segmentation: String {
        figures.offloads.first { $0.name == "udp_segment_v4" }.map { $0.isInUse ? "in super-datagrams" : "datagram by datagram" } ?? ""
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
