public import NetworkTypes
internal import TunnelConfiguration
internal import WireGuardCrypto

/// A diagnosis as lines of words between tabs: how the process that runs a tunnel hands it to whoever asks. Private to one version.
extension Diagnosis {
    /// Read again by ``init(text:)``.
    public var text: String {
        var lines = [["interface", interface], ["verdict", verdict.outcome.rawValue, verdict.line]]
        for finding in findings {
            lines.append([
                "finding", finding.code.rawValue, finding.severity.name, finding.peer?.base64 ?? "", finding.sentence, finding.evidence,
                finding.remedy,
            ])
        }
        for peer in peers {
            lines.append([
                "peer", peer.publicKey.base64, peer.endpoint.map { "\($0)" } ?? "", peer.state.name,
                peer.state.age.map { "\($0.nanoseconds)" } ?? "", peer.evidence,
            ])
        }
        return lines.map { $0.map(Self.escaped).joined(separator: "\t") + "\n" }.joined()
    }

    /// Reads what ``text`` wrote; nil for anything else.
    public init?(text: String) {
        var name: String?
        var verdict: Verdict?
        var findings: [Finding] = []
        var peers: [PeerDiagnosis] = []
        // By bytes: to Swift a return before a line end makes another character of it.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")).map(Substring.init) {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(Self.unescaped)
            switch (words[0], words.count) {
            case ("interface", 2): name = words[1]
            case ("verdict", 3):
                guard let outcome = Verdict.Outcome(rawValue: words[1]) else { return nil }
                verdict = Verdict(outcome, line: words[2])
            case ("finding", 7):
                guard let code = FindingCode(rawValue: words[1]),
                    let severity = Finding.Severity.allCases.first(where: { $0.name == words[2] })
                else { return nil }
                findings.append(
                    Finding(
                        code, severity, peer: try? PublicKey(base64: words[3]), words[4], evidence: words[5], remedy: words[6]))
            case ("peer", 6):
                guard let key = try? PublicKey(base64: words[1]),
                    let state = PeerState(name: words[3], age: UInt64(words[4]).map(Interval.init(nanoseconds:)))
                else { return nil }
                peers.append(PeerDiagnosis(publicKey: key, endpoint: Endpoint(words[2]), state: state, evidence: words[5]))
            default: return nil
            }
        }
        guard let name, let verdict else { return nil }
        self.init(interface: name, findings: findings, peers: peers, verdict: verdict)
    }

    private static func escaped(_ word: String) -> String {
        var text = ""
        for character in word.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\t": text += "\\t"
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    private static func unescaped(_ word: Substring) -> String {
        var text = ""
        var isEscaped = false
        for character in word.unicodeScalars {
            if isEscaped {
                text.unicodeScalars.append(character == "t" ? "\t" : character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                text.unicodeScalars.append(character)
            }
        }
        return text
    }
}

extension PeerState {
    /// For how long, where that is part of the state.
    public var age: Interval? {
        switch self {
        case .silent(let age): age
        case .noAnswer(let age): age
        case .working, .idle, .refused, .unreachable, .waitingToBeCalled: nil
        }
    }

    /// The state of that ``name``.
    init?(name: String, age: Interval?) {
        switch (name, age) {
        case ("working", _): self = .working
        case ("idle", _): self = .idle
        case ("silent", let age?): self = .silent(age)
        case ("no-answer", let age): self = .noAnswer(age)
        case ("refused", _): self = .refused
        case ("unreachable", _): self = .unreachable
        case ("waiting", _): self = .waitingToBeCalled
        default: return nil
        }
    }
}
