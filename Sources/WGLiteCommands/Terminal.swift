internal import LinuxSystem

/// What people read: on standard output what they asked for, on standard error everything else.
enum Terminal {
    static func error(_ text: String) {
        FileDescriptor.write("\(text)\n", to: 2)
    }

    /// Writes all of a text, without a line end of its own.
    static func output(_ text: String) {
        FileDescriptor.write(text, to: 1)
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
