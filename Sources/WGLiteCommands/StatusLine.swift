internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelDiagnosis
internal import TunnelView
internal import WireGuardCrypto

/// Something about a tunnel that is worth a line when it wasn't so before.
struct StatusLine: Hashable {
    /// What it is that isn't as it was.
    enum Subject: Hashable {
        /// Neither of those below: the tunnel can't be asked.
        case other
        case verdict(Verdict)
        /// - Parameter name: what the file calls the finding's peer.
        case finding(Finding, name: String?)
        case peer(PublicKey, name: String?, PeerState)
    }

    /// What it is about: neither ages nor figures, so that it is told once.
    var key: String
    var text: String
    var subject = Subject.other

    init(_ text: String) {
        (key, self.text) = (text, text)
    }

    init(_ verdict: Verdict) {
        self.init(verdict.line)
        subject = .verdict(verdict)
    }

    private init(_ peer: PeerDiagnosis, of interface: String, name: String?) {
        self.init("\(interface): peer \(Self.words(peer.publicKey, name)) is \(peer.state.name)")
        subject = .peer(peer.publicKey, name: name, peer.state)
    }

    /// - Parameter others: how many more peers it is found of; nil if each peer has a line.
    private init(_ finding: Finding, of interface: String, name: String?, others: Int?) {
        let kind = "\(interface): \(finding.severity.name) \(finding.code.rawValue)"
        let peer = others == nil ? finding.peer.map { ", peer \(Self.words($0, name))" } ?? "" : ""
        key = kind + peer
        let more = others.map { $0 > 0 ? ", and \(counted($0, "more peer", "more peers"))" : "" } ?? ""
        text = "\(kind)\(peer)\(more): \(finding.sentence)"
        subject = .finding(finding, name: name)
    }

    private static func words(_ peer: PublicKey, _ name: String?) -> String { (name.map { "\($0) " } ?? "") + peer.abbreviation }

    /// What a diagnosis is followed by.
    /// - Parameter mostPeers: with more peers only events tell of each, and what is found of many is a line.
    static func lines(_ diagnosis: Diagnosis, names: [PublicKey: String] = [:], mostPeers: Int = 64) -> [StatusLine] {
        let interface = diagnosis.interface
        guard diagnosis.peers.count <= mostPeers else {
            if diagnosis.findings.isEmpty { return [StatusLine(diagnosis.verdict)] }
            let counts = diagnosis.findings.reduce(into: [:]) { $0["\($1.severity) \($1.code)", default: 0] += 1 }
            var told: Set<String> = []
            return diagnosis.findings.compactMap { finding in
                let kind = "\(finding.severity) \(finding.code)"
                guard told.insert(kind).inserted else { return nil }
                return StatusLine(finding, of: interface, name: finding.peer.flatMap { names[$0] }, others: counts[kind, default: 1] - 1)
            }
        }
        let findings = diagnosis.findings.map { StatusLine($0, of: interface, name: $0.peer.flatMap { names[$0] }, others: nil) }
        return (findings.isEmpty ? [StatusLine(diagnosis.verdict)] : findings)
            + diagnosis.peers.map { StatusLine($0, of: interface, name: names[$0.publicKey]) }
    }
}

extension StatusLine.Subject {
    /// What machines are told beside the sentence.
    var members: [(String, JSON)] {
        func of(_ peer: PublicKey?, _ name: String?) -> [(String, JSON)] {
            (peer.map { [("peer", .string($0.base64))] } ?? []) + (name.map { [("name", .string($0))] } ?? [])
        }
        switch self {
        case .other: return []
        case .verdict(let verdict): return [("outcome", .string(verdict.outcome.rawValue))]
        case .finding(let finding, let name):
            return [("finding", .string(finding.code.rawValue)), ("severity", .string(finding.severity.name))] + of(finding.peer, name)
        case .peer(let peer, let name, let state): return of(peer, name) + [("state", .string(state.name))]
        }
    }
}
