internal import LinuxSystem
internal import TunnelConfiguration

/// Why a tunnel could not be set up, changed or taken down: the step, the cause, and what to do about it.
public struct SetupError: Error, Hashable, Sendable {
    /// The step that failed, as "cannot STEP": `set the address 10.8.0.1/24`.
    public var step: String
    /// What went wrong.
    public var cause: String
    /// What would help, if we know.
    public var remedy: String?
    /// Whether the configuration is at fault, so that trying again changes nothing.
    public var isConfiguration: Bool
    /// Whether something of what was done couldn't be undone.
    public var isPartial = false

    /// Whether what failed may have been done all the same: the program that was to do it was ended.
    var isUncertain = false

    /// Whether somebody else has the tunnel's name: another one would do.
    public internal(set) var isTaken = false

    public init(_ step: String, _ cause: String, remedy: String? = nil, isConfiguration: Bool = false) {
        self.step = step
        self.cause = cause
        // Whatever would help otherwise: without a descriptor nothing can be opened.
        self.remedy = cause.contains("EMFILE") || cause.contains("ENFILE") ? KernelRefusal.descriptorRemedy : remedy
        self.isConfiguration = isConfiguration
    }

    init(_ step: String, _ error: SystemError, remedy: String? = nil) {
        if let remedy {
            self.init(step, error.message.prefix(1).lowercased() + error.message.dropFirst(), remedy: remedy)
            return
        }
        let refusal = KernelRefusal(error, .current)
        self.init(step, refusal.cause, remedy: refusal.remedy)
    }
}

extension SetupError {
    /// Another process of ours runs the tunnel that is to be brought up.
    /// - Parameter isEnding: whether it takes it down.
    init(taken interface: String, by process: String, isEnding: Bool) {
        let step = "bring up \(interface)"
        if isEnding {
            self.init(
                step, "it is being taken down, by process \(process)",
                remedy: "try again in a moment; `wg-lite down \(interface)` gives up a hook or program that hangs")
        } else {
            self.init(
                step, "it is up already, run by process \(process)",
                remedy: "`wg-lite reload \(interface)` takes over a changed file, `wg-lite down \(interface)` ends it")
        }
        isTaken = true
    }

    /// The same of what may have been done all the same.
    var uncertain: SetupError {
        var error = self
        error.isUncertain = true
        return error
    }

    /// The same with what a person can do, where nothing else would help.
    func helped(by remedy: String) -> SetupError {
        var error = self
        error.remedy = error.remedy ?? remedy
        return error
    }
}

extension SetupError: CustomStringConvertible {
    /// `cannot STEP: CAUSE`, and in a second line the remedy.
    public var description: String {
        // Names of files, answers of programs: much of it is somebody else's text.
        TerminalText.escapedLines("cannot \(step): \(cause)" + (remedy.map { "\n  \($0)" } ?? ""))
    }
}

/// Where the steps of a setup are told, as they happen.
public struct SetupReport: Sendable {
    /// For whom it is told.
    public enum Kind: Hashable, Sendable {
        /// The command that would do the same, for `-v`.
        case command
        /// Something that a person should know.
        case notice
        /// Something that didn't work and can be lived with.
        case warning

        /// A text of this kind as people see it: commands as comments, line for line.
        public func shown(_ text: String) -> String {
            switch self {
            case .command: text.split(separator: "\n", omittingEmptySubsequences: false).map { "# \($0)" }.joined(separator: "\n")
            case .notice: text
            case .warning: "warning: \(text)"
            }
        }
    }

    private let sink: @Sendable (Kind, String) -> Void

    public init(_ sink: @escaping @Sendable (Kind, String) -> Void) {
        self.sink = sink
    }

    /// Tells something.
    public func tell(_ kind: Kind, _ text: String) { sink(kind, text) }

    func command(_ text: String) { sink(.command, text) }
    func notice(_ text: String) { sink(.notice, text) }
    func warning(_ text: String) { sink(.warning, text) }

    /// Tells nobody.
    public static let silent = SetupReport { _, _ in }
}
