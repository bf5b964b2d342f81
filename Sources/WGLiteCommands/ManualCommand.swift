internal import ArgumentParser

/// Writes the manual pages that `scripts/install` installs.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Write a manual page, in the form of man(7).",
        discussion: "Without a command, the page wg-lite(8); with one, wg-lite-COMMAND(8). --list names the commands.", shouldDisplay: false
    )

    @Argument(help: "A command.")
    var command: String?

    @Flag(help: "The names of the commands that have pages.")
    var list = false

    func run() throws {
        let commands = ManualPage.commands
        if list {
            print(commands.map { $0._commandName }.joined(separator: "\n"))
            return
        }
        guard let command else { return print(ManualPage.overview(of: commands), terminator: "") }
        guard let described = commands.first(where: { $0._commandName == command }) else {
            throw CommandFailure("there is no command \"\(command)\"; `wg-lite manual --list` names them")
        }
        print(ManualPage.page(of: described), terminator: "")
    }
}

/// Manual pages made of the commands' own help, so that they can't say anything else.
enum ManualPage {
    static var commands: [any ParsableCommand.Type] {
        WGLiteCommand.configuration.subcommands.filter { $0.configuration.shouldDisplay }
    }

    /// The page of one command.
    static func page(of command: any ParsableCommand.Type) -> String {
        let name = "wg-lite-\(command._commandName)"
        let help = HelpText(WGLiteCommand.helpMessage(for: command, includeHidden: false, columns: 1000))
        var page = head(name, command.configuration.abstract)
        page += ".SH SYNOPSIS\n\(escape(help.usage))\n"
        if !command.configuration.discussion.isEmpty { page += ".SH DESCRIPTION\n\(paragraphs(command.configuration.discussion))" }
        for section in help.sections {
            page += ".SH \(section.title)\n"
            for entry in section.entries { page += ".TP\n.B \(escape(entry.term))\n\(escape(entry.description))\n" }
        }
        return page + ".SH SEE ALSO\n.BR wg-lite (8),\n.BR wg (8),\n.BR wg-quick (8)\n"
    }

    /// The page of the program, which lists the commands.
    static func overview(of commands: [any ParsableCommand.Type]) -> String {
        var page = head("wg-lite", WGLiteCommand.configuration.abstract)
        page += ".SH SYNOPSIS\nwg\\-lite COMMAND \\&...\n.br\nwg\\-lite [\\-f] INTERFACE\n.SH DESCRIPTION\n"
        page += examples(WGLiteCommand.overview) + ".SH COMMANDS\n"
        for command in commands {
            page += ".TP\n.BR wg-lite-\(escape(command._commandName)) (8)\n\(escape(command.configuration.abstract))\n"
        }
        page += ".SH EXIT STATUS\n"
        for (statuses, text) in exitStatuses { page += ".TP\n.B \(escape(statuses))\n\(escape(text))\n" }
        page += ".SH FILES\n"
        for (path, text) in files { page += ".TP\n.I \(escape(path))\n\(escape(text))\n" }
        page += ".SH ENVIRONMENT\n"
        for (name, text) in environment { page += ".TP\n.B \(name)\n\(escape(text))\n" }
        return page + ".SH SEE ALSO\n.BR wg (8),\n.BR wg-quick (8)\n"
    }

    /// The lines of the overview that show a command become entries, the others a paragraph behind them.
    private static func examples(_ overview: String) -> String {
        let lines = overview.split(separator: "\n").dropFirst()
        var page = ""
        for line in lines where line.hasPrefix("  ") {
            let entry = HelpText.entry(line)
            page += ".TP\n.B \(escape(entry.term))\n\(escape(entry.description))\n"
        }
        page += ".PP\n"
        for line in lines where !line.hasPrefix("  ") {
            // The version, at the right, is in the page's foot.
            page += escape(String(line.firstRange(of: "  ").map { line[..<$0.lowerBound] } ?? line)) + "\n"
        }
        return page
    }

    private static let exitStatuses = [
        ("status, doctor", "0: it works; 1: there is an error finding; 2: a tunnel couldn't be asked."),
        ("check", "0: the file works; 1: it has errors, with --strict warnings; 2: it couldn't be read."),
        ("show", "0; 2: a tunnel couldn't be asked."),
        ("up", "0: the tunnel is up, whatever the verdict; 1: it is not, and nothing was left; 78: the file can't be used."),
        ("down, reload", "0; 1: it couldn't be done."),
        ("run", "What its command ends with; 1: the tunnel is not up, 78: the file can't be used, 126 and 127: the command can't be run."),
        (
            "trace, capture, top, path",
            "0; 1: the tunnel ended meanwhile, or trace --to found no way; 2: there is nothing to look at, or it can't be asked."
        ),
        ("any", "64: there is no such command or option."),
    ]

    private static let files = [
        ("/etc/wireguard/NAME.conf", "The configuration of the tunnel NAME, as wg-quick(8) describes it."),
        ("/var/run/wireguard/NAME.sock", "The control socket of the running tunnel, which wg(8) uses. The tunnel ends when it is removed."),
        ("/var/run/wg-lite/", "What wg-lite keeps of running tunnels, to take back what one that was killed has left behind."),
        (
            "/var/run/wg-lite/NAME.log",
            "The log of a tunnel in the background where there is no system log; NAME.log.old is what was written before. down removes both."
        ),
    ]

    private static let environment = [
        (
            "WG_ENDPOINT_RESOLUTION_RETRIES",
            "How often a name is looked up again after a failure that may pass; a number or infinity. 15 without."
        ),
        ("WG_HIDE_KEYS", "never: show prints private and preshared keys."),
        ("NO_COLOR, WG_COLOR_MODE", "No colours; WG_COLOR_MODE is always, never or auto."),
        ("XDG_RUNTIME_DIR", "Where the control socket goes when /var/run cannot be written."),
        ("NOTIFY_SOCKET, WATCHDOG_USEC", "Set by systemd for services of type notify."),
        ("WG_PROCESS_FOREGROUND, WG_TUN_FD, WG_UAPI_FD, LOG_LEVEL", "For wg-lite INTERFACE, as wireguard-go has them."),
    ]

    private static func head(_ name: String, _ abstract: String) -> String {
        let text = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
        let lower = text.prefix(1).lowercased() + text.dropFirst()
        let title = ".TH \(name.uppercased()) 8 \"\(WGLiteCommand.released)\" \"wg-lite \(WGLiteCommand.version)\""
        return "\(title)\n.SH NAME\n\(escape(name)) \\- \(escape(lower))\n"
    }

    private static func paragraphs(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? ".PP" : escape(String($0)) }.joined(
            separator: "\n") + "\n"
    }

    /// Text that roff takes as it is: dashes are dashes, and no line begins with a control character.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\e"
            case "-": escaped += "\\-"
            case "`": escaped += "\\(ga"
            default: escaped.append(character)
            }
        }
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&\(escaped)" : escaped
    }
}

/// A command's help, taken apart.
struct HelpText {
    struct Section: Hashable {
        var title: String
        var entries: [Entry] = []
    }

    struct Entry: Hashable {
        var term: String
        var description: String
    }

    private(set) var usage = ""
    private(set) var sections: [Section] = []

    /// - Parameter text: help so wide that no line is broken.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            if line.hasPrefix("USAGE: ") {
                usage = String(line.dropFirst(7))
                // The discussion stands before the usage, and its sentences may end as headings do.
            } else if !usage.isEmpty, !line.hasPrefix(" "), line.hasSuffix(":") {
                sections.append(Section(title: String(line.dropLast())))
            } else if line.hasPrefix("  "), let last = sections.indices.last {
                // What a long term means stands on a line of its own, in the column of meanings.
                if line.hasPrefix("          "), let entry = sections[last].entries.indices.last {
                    sections[last].entries[entry].description += line.drop { $0 == " " }
                } else {
                    sections[last].entries.append(Self.entry(line))
                }
            }
        }
        sections.removeAll { $0.entries.isEmpty }
    }

    fileprivate static func entry(_ line: Substring) -> Entry {
        let content = line.drop { $0 == " " }
        // Two spaces or more part the term from what it means.
        guard let gap = content.firstRange(of: "  ") ?? content.firstRange(of: "> ") else {
            return Entry(term: String(content), description: "")
        }
        let isBracket = content[gap] == "> "
        let term = content[..<gap.lowerBound] + (isBracket ? ">" : "")
        return Entry(term: String(term), description: String(content[gap.upperBound...].drop { $0 == " " }))
    }
}
