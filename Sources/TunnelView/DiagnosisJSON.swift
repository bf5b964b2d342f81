internal import NetworkTypes
internal import TunnelConfiguration
public import TunnelDiagnosis

/// A diagnosis as JSON. Names and meanings only ever get more.
public enum DiagnosisJSON {
    /// `outcome`, `line`, `exitStatus`.
    public static func verdict(_ verdict: Verdict) -> JSON {
        .object([
            ("outcome", .string(verdict.outcome.rawValue)), ("line", .string(verdict.line)),
            ("exitStatus", .number(UInt64(verdict.exitStatus))),
        ])
    }

    /// `code`, `severity`, `peer`, `sentence`, `evidence`, `remedy`.
    public static func finding(_ finding: Finding) -> JSON {
        .object([
            ("code", .string(finding.code.rawValue)), ("severity", .string(finding.severity.name)),
            ("peer", finding.peer.map { .string($0.base64) } ?? .null), ("sentence", .string(finding.sentence)),
            ("evidence", .string(finding.evidence)), ("remedy", .string(finding.remedy)),
        ])
    }

    /// `state`, `forSeconds`, `evidence`.
    public static func state(_ peer: PeerDiagnosis) -> JSON {
        .object([
            ("state", .string(peer.state.name)),
            ("forSeconds", peer.state.age.map { .number($0.nanoseconds / 1_000_000_000) } ?? .null), ("evidence", .string(peer.evidence)),
        ])
    }
}
