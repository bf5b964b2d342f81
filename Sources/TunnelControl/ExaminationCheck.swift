/// One step of a ``Examination``: what was looked at, and what came of it.
public struct ExaminationCheck: Hashable, Sendable {
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        case good
        /// Couldn't be looked at, or there is nothing to look at.
        case skipped
        case warning
        case bad
    }

    public var name: String
    public var outcome: Outcome
    /// What was seen.
    public var evidence: String
    /// What to do; empty if nothing.
    public var remedy: String

    public init(_ name: String, _ outcome: Outcome, _ evidence: String, remedy: String = "") {
        self.name = name
        self.outcome = outcome
        self.evidence = evidence
        self.remedy = remedy
    }
}
