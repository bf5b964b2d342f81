public import NetworkTypes
internal import TunnelCore
public import WireGuardCrypto

/// One stage of a packet's story.
public struct StoryLine: Sendable, Hashable {
    /// The stage's name, as everywhere.
    public var stage: String
    /// How long the packet's batch was in it; nil where that isn't measured.
    public var time: Interval?
    /// What was done with the packet there.
    public var text: String
    /// Whether its way ended there against its will.
    public var isDrop = false

    public init(stage: String, time: Interval? = nil, text: String, isDrop: Bool = false) {
        self.stage = stage
        self.time = time
        self.text = text
        self.isDrop = isDrop
    }
}

extension PacketRecord {
    /// Which packet it is: `10.8.0.1:51514 > 10.8.0.5:443 tcp, 1420 bytes`.
    public var title: String {
        let bytes = notes.packetLength > 0 ? notes.packetLength : notes.datagramLength
        let size = "\(bytes) \(bytes == 1 ? "byte" : "bytes")"
        switch notes.kind {
        case .keepalive: return "keepalive"
        case .initiation: return "handshake initiation, \(size)"
        case .response: return "handshake response, \(size)"
        case .cookie: return "cookie reply, \(size)"
        case .unknown: return "a datagram that is none of WireGuard's, \(size)"
        case .data: break
        }
        guard let addresses else { return notes.direction == .inbound ? "a data message, \(size)" : "no IP packet, \(size)" }
        let ports = (addresses.ports.map { ":\($0.source)" } ?? "", addresses.ports.map { ":\($0.destination)" } ?? "")
        let (source, destination) =
            addresses.source.bitWidth == 128 && addresses.ports != nil
            ? ("[\(addresses.source)]", "[\(addresses.destination)]") : ("\(addresses.source)", "\(addresses.destination)")
        return "\(source)\(ports.0) > \(destination)\(ports.1) \(Self.name(ofProtocol: addresses.protocolNumber)), \(size)"
    }

    /// A protocol's usual name, or its number.
    static func name(ofProtocol number: UInt8) -> String {
        switch number {
        case 1: "icmp"
        case 6: "tcp"
        case 17: "udp"
        case 58: "icmpv6"
        default: "protocol \(number)"
        }
    }

    /// What happened to it, stage by stage, in the words that are used everywhere.
    /// - Parameter peerName: how a peer is called.
    public func story(peerName: (PublicKey) -> String) -> [StoryLine] {
        if notes.kind.isHandshake || notes.stages.last == nil { return handshakeStory(peerName) }
        let names = notes.direction.stageNames
        // What was laid out without a packet from the interface begins later.
        var lines = names.indices.filter { notes.stages.ends[$0] > 0 }.map { stage in
            StoryLine(
                stage: names[stage], time: notes.stages.duration(of: stage),
                text: notes.direction == .outbound
                    ? text(of: OutboundStage.allCases[stage], peerName) : text(of: InboundStage.allCases[stage], peerName))
        }
        guard !lines.isEmpty else { return lines }
        if let drop = notes.drop {
            lines[lines.count - 1].isDrop = true
            lines[lines.count - 1].text = droppedText(drop)
        } else if notes.errno != 0 {
            let stage = notes.direction == .outbound ? OutboundStage.send.rawValue : InboundStage.deliver.rawValue
            if let index = lines.firstIndex(where: { $0.stage == names[stage] }) {
                lines[index].isDrop = true
                lines[index].text = "the kernel refused it (errno \(notes.errno))"
            }
        } else if notes.fate == .waiting {
            lines[lines.count - 1].text = "\(owner(peerName)); there is no session yet, so it waits for one"
        }
        return lines
    }

    /// The story on one line: the way, and what was done on it.
    /// - Parameter peerName: how a peer is called.
    public func summary(peerName: (PublicKey) -> String) -> String {
        story(peerName: peerName).filter { !$0.text.isEmpty }.map { "\($0.stage): \($0.text)" }.joined(separator: " · ")
    }

    private func droppedText(_ drop: DropReason) -> String {
        "dropped: \(drop.explanation)" + (notes.errno == 0 ? "" : " (errno \(notes.errno))")
    }

    private func text(of stage: OutboundStage, _ peerName: (PublicKey) -> String) -> String {
        switch stage {
        case .read: return Self.part(notes.superPacket, of: "a super-packet", "read", alone: "read alone")
        case .arrange:
            guard let place = notes.place else { return "" }
            let moved = place == notes.position ? "" : place < notes.position ? ", ahead of others" : ", behind others"
            return notes.batchCount <= 1 ? "the only packet of its turn" : "number \(place + 1) of \(notes.batchCount) to leave\(moved)"
        case .route:
            if notes.kind == .keepalive { return "a keepalive is owed to \(notes.peer.map(peerName) ?? "a peer")\(session)" }
            return "\(notes.hasWaited ? "it had waited for a session; " : "")\(owner(peerName))\(session)"
        case .seal: return worker
        case .send:
            let to = notes.remote.map { " to \($0)" } ?? ""
            return Self.part(notes.superDatagram, of: "a super-datagram", "left", alone: "left alone")
                + "\(notes.leftAlone ? ", cut because the kernel refused it whole" : "")\(to), \(notes.datagramLength) bytes"
        case .release: return "its place in the ring is free"
        }
    }

    private func text(of stage: InboundStage, _ peerName: (PublicKey) -> String) -> String {
        switch stage {
        case .receive:
            let from = notes.remote.map { " from \($0)" } ?? ""
            return Self.part(notes.superDatagram, of: "a super-datagram", "came", alone: "came alone")
                + "\(from), \(notes.datagramLength) bytes"
        case .sort: return notes.kind == .keepalive ? "a data message without a packet" : "a data message; it gets its place in the ring"
        case .find: return "\(notes.peer.map { "from \(peerName($0))" } ?? "from a peer")\(session)"
        case .open: return worker
        case .accept:
            let moved = notes.moved ? "; the peer has moved to \(notes.remote.map { "\($0)" } ?? "elsewhere")" : ""
            return notes.kind == .keepalive
                ? "new: the peer is there, and nothing is inside\(moved)"
                : "new, and its source is allowed\(notes.allowedIP.map { " by \($0)" } ?? "")\(moved)"
        case .deliver: return Self.part(notes.superPacket, of: "a super-packet", "written", alone: "written alone")
        }
    }

    private func handshakeStory(_ peerName: (PublicKey) -> String) -> [StoryLine] {
        let peer = notes.peer.map(peerName)
        let end = notes.remote.map { "\($0)" } ?? "?"
        let isOut = notes.direction == .outbound
        var text = isOut ? "sent to \(peer.map { "\($0) at " } ?? "")\(end)" : "from \(peer.map { "\($0) at " } ?? "")\(end)"
        if let drop = notes.drop { text += "; \(droppedText(drop))" } else if !isOut { text += ": heeded" }
        return [StoryLine(stage: notes.drop.map(\.place.name) ?? PathPlace.handshakes.name, text: text, isDrop: notes.drop != nil)]
    }

    private func owner(_ peerName: (PublicKey) -> String) -> String {
        guard let peer = notes.peer else { return "to nobody" }
        return "to \(peerName(peer))\(notes.allowedIP.map { " by \($0)" } ?? "")"
    }

    private var session: String {
        guard let session = notes.session else { return "" }
        let index = String(session.receiverIndex, radix: 16)
        return ", counter \(session.counter) of session \(String(repeating: "0", count: 8 - index.count))\(index)"
    }

    private var worker: String {
        guard let worker = notes.worker else { return "" }
        let by = worker.thread == 0 ? "the packet thread" : "helper \(worker.thread)"
        return "by \(worker.library.name) on \(by)"
    }

    private static func part(_ part: PacketNotes.Part?, of whole: String, _ verb: String, alone: String) -> String {
        guard let part, part.count > 1 else { return alone }
        return "\(verb) as number \(Int(part.index) + 1) of \(whole) of \(part.count)"
    }
}

extension PacketNotes.Kind {
    /// Whether it is one of the messages that handshakes are made of.
    public var isHandshake: Bool { self == .initiation || self == .response || self == .cookie }
}
