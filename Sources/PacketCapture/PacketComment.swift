internal import PathRecording
internal import TunnelConfiguration
internal import TunnelCore

/// What a capture says of a packet: the stage where it was seen, whose it is, its session, and what became of it, in a trace's words.
struct PacketComment {
    private let notes: PacketNotes

    init(_ notes: PacketNotes) {
        self.notes = notes
    }

    /// Beside the packet that programs see.
    var inner: String {
        joined(
            [stage(notes.direction == .outbound ? "read" : "deliver")] + peer + way + session + part("super-packet", notes.superPacket)
                + fate)
    }

    /// Beside the datagram that the network sees.
    var outer: String {
        joined(
            [stage(notes.direction == .outbound ? "send" : "receive")] + kind + peer + session + cipher
                + part("super-datagram", notes.superDatagram) + fate)
    }

    private func joined(_ parts: [String]) -> String { parts.joined(separator: "; ") }

    /// Where it was seen, or where its way ended.
    private func stage(_ name: String) -> String {
        guard let drop = notes.drop else { return name }
        return "dropped at \(drop.place.name): \(drop.explanation) (\(drop.name))"
    }

    private var kind: [String] {
        switch notes.kind {
        case .data: []
        case .keepalive: ["keepalive"]
        case .initiation: ["handshake initiation"]
        case .response: ["handshake response"]
        case .cookie: ["cookie reply"]
        case .unknown: ["not a WireGuard message"]
        }
    }

    private var peer: [String] {
        guard let peer = notes.peer else { return [] }
        return ["peer \(peer.base64)"]
    }

    private var way: [String] {
        var words: [String] = []
        if let prefix = notes.allowedIP { words.append("by AllowedIPs \(prefix)") }
        if notes.hasWaited { words.append("waited for a session") }
        return words
    }

    private var session: [String] {
        guard let session = notes.session else { return [] }
        let index = String(session.receiverIndex, radix: 16)
        return ["session \(String(repeating: "0", count: 8 - index.count))\(index)", "counter \(session.counter)"]
    }

    private var cipher: [String] {
        guard let worker = notes.worker else { return [] }
        let word = notes.direction == .outbound ? "sealed" : "opened"
        return ["\(word) by \(worker.library.name)\(worker.thread == 0 ? "" : ", helper \(worker.thread)")"]
    }

    private func part(_ name: String, _ part: PacketNotes.Part?) -> [String] {
        guard let part, part.count > 1 else { return [] }
        return ["\(part.index + 1) of \(part.count) in \(name) \(part.number)"]
    }

    private var fate: [String] {
        var words: [String] = []
        if notes.fate == .waiting { words.append("waits for a session") }
        if notes.leftAlone { words.append("the kernel refused the super-datagram, so it left alone") }
        if notes.moved { words.append("its peer was elsewhere before") }
        if notes.errno != 0 { words.append("errno \(notes.errno)") }
        return words
    }
}
