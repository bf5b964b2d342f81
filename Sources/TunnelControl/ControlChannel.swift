internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording

/// How `wg-lite down` and `reload` speak with the process that runs a tunnel: a local socket, one request a connection.
///
/// The request is one line. The answer is whatever is worth reading while it happens, hooks' output included; then a zero byte, `ok` or
/// `error`, a line end, and the closing message.
enum ControlChannel {
    enum Request: Hashable, Sendable, LosslessStringConvertible {
        /// End the tunnel, or only say how.
        /// - Parameter directory: where hooks run: the caller's.
        case down(dryRun: Bool, verbose: Bool, directory: String)
        /// Read the file again; or only say what that would change.
        case reload(dryRun: Bool, verbose: Bool)
        /// Say how the tunnel is; or begin handshakes first.
        case report(begins: Bool)
        /// Say what the stages have counted, and how the tunnel is.
        case figures
        /// Say what the file calls its peers.
        case names
        /// Send packets as they are recorded; the connection is a `RecordingStream` from then on.
        case record(RecordingRequest)
        /// Say what happens, a line an event (``TunnelEvent/line``), until the client goes or the tunnel ends.
        case events
        /// Keep what was found by trying the way.
        case note(ProbeNote)

        var description: String {
            switch self {
            case .down(let dryRun, let verbose, let directory): "down \(dryRun) \(verbose) \(Self.encoded(directory))"
            case .reload(let dryRun, let verbose): "reload \(dryRun) \(verbose)"
            case .report(let begins): "report \(begins)"
            case .figures: "figures"
            case .names: "names"
            case .record(let request): "record \(request)"
            case .events: "events"
            case .note(let note): "note \(note)"
            }
        }

        /// Whether it is answered at once and changes nothing.
        var isQuestion: Bool {
            switch self {
            case .report, .figures, .names, .record, .events, .note: true
            case .down, .reload: false
            }
        }

        init?(_ description: String) {
            let words = description.split(separator: " ")
            switch (words.first, words.count) {
            case ("down", 4):
                guard let directory = Self.decoded(words[3]) else { return nil }
                self = .down(dryRun: words[1] == "true", verbose: words[2] == "true", directory: directory)
            case ("reload", 3): self = .reload(dryRun: words[1] == "true", verbose: words[2] == "true")
            case ("report", 2): self = .report(begins: words[1] == "true")
            case ("figures", 1): self = .figures
            case ("names", 1): self = .names
            case ("record", _):
                guard let request = RecordingRequest(String(description.dropFirst("record ".utf8.count))) else { return nil }
                self = .record(request)
            case ("events", 1): self = .events
            case ("note", _):
                guard let note = ProbeNote(words.dropFirst().joined(separator: " ")) else { return nil }
                self = .note(note)
            default: return nil
            }
        }

        /// A path as one word.
        private static func encoded(_ path: String) -> String {
            path.utf8.map { byte in
                let character = Character(Unicode.Scalar(byte))
                let isPlain = byte < 0x80 && (character.isLetter || character.isNumber || "/._-".contains(character))
                return isPlain ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        }

        private static func decoded(_ word: Substring) -> String? {
            var bytes: [UInt8] = []
            var rest = word.utf8[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "%") else {
                    bytes.append(byte)
                    continue
                }
                guard let number = UInt8(String(rest.prefix(2)) ?? "", radix: 16), rest.count >= 2 else { return nil }
                bytes.append(number)
                rest = rest.dropFirst(2)
            }
            return String(validating: bytes, as: UTF8.self)
        }
    }

    /// How long the process may say nothing while it carries a request out: hooks and names take their time.
    private static let patience = Interval.seconds(3600)
    /// How long for what is answered at once.
    private static let questionPatience = Interval.seconds(5)
    /// Bytes of the longest closing message, and of the longest line.
    private static let longestLine = 16 << 20

    /// Sends a request and reads the answer to its end.
    /// - Parameter show: called with what is said meanwhile.
    /// - Returns: nil when nobody is there, or went away without a word.
    static func ask(_ path: String, _ request: Request, show: (String) -> Void) -> Result<String, SetupError>? {
        let limit = request.isQuestion ? questionPatience : patience
        guard let socket = try? UnixSocket.connect(to: path, patience: limit), (try? socket.writeAll(Array("\(request)\n".utf8))) != nil
        else { return nil }
        var closing: [UInt8]?
        var undecoded: [UInt8] = []
        while let chunk = try? socket.readChunk(), !chunk.isEmpty {
            guard (closing?.count ?? 0) + undecoded.count <= longestLine else { return nil }
            if closing != nil {
                closing! += chunk
            } else if let zero = chunk.firstIndex(of: 0) {
                let rest = undecoded + chunk[..<zero]
                if !rest.isEmpty { show(String(decoding: rest, as: UTF8.self)) }
                closing = Array(chunk[(zero + 1)...])
            } else {
                // Whole lines only, so that no character is cut.
                undecoded += chunk
                if let end = undecoded.lastIndex(of: UInt8(ascii: "\n")) {
                    show(String(decoding: undecoded[...end], as: UTF8.self))
                    undecoded.removeSubrange(...end)
                }
            }
        }
        guard let closing, let end = closing.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let message = String(decoding: closing[(end + 1)...], as: UTF8.self)
        return closing[..<end].elementsEqual("ok".utf8) ? .success(message) : .failure(SetupError("carry out `\(request)`", message))
    }
}
