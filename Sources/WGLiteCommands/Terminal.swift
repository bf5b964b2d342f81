internal import ArgumentParser
internal import LinuxSystem

/// What people read: on standard output what they asked for, on standard error everything else.
enum Terminal {
    static func error(_ text: String, _ severity: Severity = .notice) {
        FileDescriptor.write("\(lines(text, severity, isJournal: Process.isJournal(2)))\n", to: 2)
    }

    /// How bad it is what a text says, by syslog's numbers.
    enum Severity: Int {
        case error = 3
        case warning = 4
        case notice = 5
    }

    /// Every line with its severity where the journal reads it.
    static func lines(_ text: String, _ severity: Severity, isJournal: Bool) -> String {
        guard isJournal else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { "<\(severity.rawValue)>\($0)" }.joined(separator: "\n")
    }

    /// Writes all of a text, without a line end of its own. Where that can't be, the process ends: nobody would have what it goes on to say.
    static func output(_ text: String) {
        if let failure = FileDescriptor.failure(ofWriting: text, to: 1) { lost(failure) }
    }

    /// Says on standard output what a command has done. That this can't be written is told too, and makes no failure of what was done.
    static func report(_ text: String) {
        guard let failure = FileDescriptor.failure(ofWriting: "\(text)\n", to: 1), failure.errno != ErrorNumber.brokenPipe else { return }
        error("cannot write the output: \(failure)", .warning)
    }

    private static func lost(_ failure: SystemError) -> Never {
        // Who has read enough is told nothing.
        guard failure.errno != ErrorNumber.brokenPipe else { WGLiteCommand.exit() }
        error("cannot write the output: \(failure)", .error)
        WGLiteCommand.exit(withError: ExitCode.failure)
    }

    /// Writes all of a text to standard output.
    /// - Returns: false where nobody reads it any more.
    static func wrote(_ text: String) -> Bool {
        let borrowed = FileDescriptor(owning: 1)
        let isWritten = (try? borrowed.writeAll(Array(text.utf8))) != nil
        _ = borrowed.take()
        return isWritten
    }

    /// Whether to colour a descriptor: terminals only, unless NO_COLOR says no. WG_COLOR_MODE counts as for `wg`.
    static func isColoured(_ descriptor: Int32) -> Bool {
        switch Process.environment("WG_COLOR_MODE") {
        case "always": true
        case "never": false
        default: Process.isTerminal(descriptor) && (Process.environment("NO_COLOR") ?? "").isEmpty
        }
    }
}

/// In place of the library's, which doesn't say what it couldn't write and keeps for later what it could.
func print(_ text: some CustomStringConvertible, terminator: String = "\n") {
    Terminal.output("\(text)\(terminator)")
}

/// Colours of `wg show`; nothing where there are none.
struct Palette {
    let isOn: Bool

    func bold(_ text: String) -> String { wrap("1", text) }
    func cyan(_ text: String) -> String { wrap("36", text) }
    func boldGreen(_ text: String) -> String { wrap("1;32", text) }
    func green(_ text: String) -> String { wrap("32", text) }
    func boldYellow(_ text: String) -> String { wrap("1;33", text) }
    func yellow(_ text: String) -> String { wrap("33", text) }
    func red(_ text: String) -> String { wrap("31", text) }

    private func wrap(_ code: String, _ text: String) -> String {
        isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}
