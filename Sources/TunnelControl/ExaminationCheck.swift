/// One step of a ``Examination``: what was looked at, and what came of it.
public struct ExaminationCheck: Hashable, Sendable {
    /// What it means for the tunnel; the name is what `doctor --json` says.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// As it should be.
        case good
        /// Couldn't be looked at, or there is nothing to look at.
        case skipped
        /// The tunnel works; something is to be looked at, or can't be tried.
        case warning
        /// Something that is needed isn't so. `doctor` then ends with 1.
        case bad
    }

    /// A word or two that stay the same: `handshake`, `name server`.
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
