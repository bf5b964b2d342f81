import ArgumentParser
import Testing

@testable import WGLiteCommands

@Suite struct CommandLineTests {
    @Test func `no words are the overview, which fits one screen`() {
        #expect(WGLiteCommand.meaning(of: []) == .overview)
        #expect(WGLiteCommand.meaning(of: ["--help"]) == .overview)
        let lines = WGLiteCommand.overview.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 24)
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(WGLiteCommand.overview.contains("wg-lite \(WGLiteCommand.version)"))
    }

    @Test(arguments: [("shwo", "show"), ("upp", "up"), ("donw", "down"), ("genky", "genkey"), ("stauts", "status"), ("relaod", "reload")])
    func `near misses of commands are told`(written: String, meant: String) {
        #expect(WGLiteCommand.meaning(of: [written, "x"]) == .nearMiss(written, meant))
    }

    @Test(arguments: [["wg0"], ["wg0", "-f"], ["office"], ["u0"], ["-f", "wg0"], ["--foreground", "office"]])
    func `other words are interfaces, as wireguard-go takes them`(words: [String]) {
        #expect(WGLiteCommand.meaning(of: words) == .command(["device"] + words))
    }

    @Test(arguments: [["wg-name-that-is-too-long"], ["sixteen-letters-", "-f"], ["/etc/wireguard/office.conf"]])
    func `a word that can't be an interface's name is named`(words: [String]) {
        #expect(WGLiteCommand.meaning(of: words) == .noName(words[0]))
    }

    @Test(arguments: WGLiteCommand.commandNames) func `commands are commands`(name: String) {
        #expect(WGLiteCommand.meaning(of: [name, "-x"]) == .command([name, "-x"]))
    }

    @Test(arguments: [
        ["up", "a.conf", "-v"], ["up", "a", "--foreground", "--log-format", "json"], ["down", "a", "-q"], ["reload", "a", "--dry-run"],
        ["show"],
        ["show", "wg0", "endpoints"], ["show", "all", "dump"], ["show", "--json"], ["status", "wg0"], ["check", "a.conf", "--strict"],
        ["genkey"],
        ["device", "wg0", "-f"],
    ])
    func `the grammar takes what the help shows`(words: [String]) throws {
        _ = try WGLiteCommand.parseAsRoot(words)
    }

    @Test func `what stands behind the two dashes of run is handed on as it is, however much it is`() throws {
        let words = ["run", "-q", "office.conf", "--", "-v", "\u{fffd}", "--", "-h"] + (0..<50_000).map { "\($0)" }
        var bytes = words.map { Array($0.utf8) }
        bytes[5] = [0xff, 0xfe]
        let run = try #require(try WGLiteCommand.parse(words, bytes) as? RunCommand)
        #expect(run.words == Array(bytes[4...]) && run.start.output.quiet && !run.start.output.verbose)
        #expect(try (WGLiteCommand.parse(["run", "a.conf"], [[], []]) as? RunCommand)?.words == [])
        #expect(throws: (any Error).self) { try WGLiteCommand.parse(["run", "a.conf", "curl"], [[], [], []]) }
    }

    @Test(arguments: [
        ["up"], ["down"], ["show", "wg0", "nothing"], ["show", "wg0", "endpoints", "--json"], ["show", "interfaces", "--json"],
        ["up", "a", "--log-level", "loud"],
    ])
    func `and nothing else`(words: [String]) {
        #expect(throws: (any Error).self) { try WGLiteCommand.parseAsRoot(words) }
    }

    @Test func `pubkey wants one key, and says what is wrong without showing it`() throws {
        let key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
        #expect(try PubkeyCommand.publicKey(of: Array("  \(key)\n".utf8)) == PubkeyCommand.publicKey(of: Array(key.utf8)))
        for wrong in ["", "\(key) \(key)", String(key.dropLast()), "!" + key.dropFirst()] {
            do {
                _ = try PubkeyCommand.publicKey(of: Array(wrong.utf8))
                Issue.record("accepted \(wrong)")
            } catch {
                #expect(!"\(error)".contains("AnNz5TF"))
                #expect(!"\(error)".contains(key.dropFirst().prefix(8)))
            }
        }
    }

    @Test(arguments: ["/nonexistent/office.conf", "/nonexistent/sixteen-letters-.conf", "a/b"])
    func `a file that up can't use ends it with a status of its own`(config: String) throws {
        let failure = try #require(throws: CommandFailure.self) { try StartOptions.parse([config]).read() }
        #expect(failure.status == ExitCode(78))
    }

    @Test func `the journal is told with every line how bad it is, and nobody else is`() {
        #expect(Terminal.lines("one\n  two", .error, isJournal: true) == "<3>one\n<3>  two")
        #expect(Terminal.lines("one\n  two", .warning, isJournal: false) == "one\n  two")
    }

    @Test func `up offers the names in etc wireguard, files and directories, and nothing beside them`() {
        let files = [
            "/etc/wireguard": ["home.conf", "key", "office.conf"], ".": [".hidden.conf", "notes", "other.conf", "sub"],
            "sub/": ["deep", "x.conf"],
        ]
        func offered(_ prefix: String) -> [String] {
            TunnelNames.configurations(prefix: prefix) {
                files[$0] ?? []
            } isDirectory: {
                $0 == "sub" || $0 == "sub/deep"
            }
        }
        #expect(offered("") == ["home", "office", "other.conf", "sub/"])
        #expect(offered("o") == ["office", "other.conf"])
        #expect(offered("sub/") == ["sub/deep/", "sub/x.conf"])
        #expect(offered("z").isEmpty)
    }

    @Test func `every command has a manual page that says what its help says`() {
        for command in ManualPage.commands {
            let page = ManualPage.page(of: command)
            #expect(page.hasPrefix(".TH WG-LITE-"))
            let help = HelpText(WGLiteCommand.helpMessage(for: command, columns: 1000))
            #expect(!help.usage.isEmpty && Set(help.sections.map(\.title)).isSubset(of: ["ARGUMENTS", "OPTIONS"]))
            #expect(!help.sections.isEmpty)
            for entry in help.sections.flatMap(\.entries) {
                #expect(!entry.description.isEmpty, "\(entry.term) in \(page)")
                #expect(page.contains(ManualPage.escape(entry.term)) && page.contains(ManualPage.escape(entry.description)))
            }
        }
        #expect(ManualPage.escape(".a - b\\c `d`") == "\\&.a \\- b\\ec \\(gad\\(ga")
    }
}
