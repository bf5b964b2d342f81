import Testing
import TunnelConfiguration

@Suite struct TerminalTextTests {
    @Test(arguments: [
        ("wg0", "wg0"), ("für 日本", "für 日本"), ("a\nb", "a\\nb"), ("\u{1b}[31mred", "\\e[31mred"), ("a\tb\r", "a\\tb\\r"),
        ("\u{7}\u{9b}2J", "\\u{7}\\u{9b}2J"), ("\u{202e}cba", "\\u{202e}cba"), ("a\u{2028}b", "a\\u{2028}b"), ("a\r\nb", "a\\r\\nb"),
    ])
    func `what could move the cursor, forge a line or run backwards is spelled out`(text: String, shown: String) {
        #expect(TerminalText.escaped(text) == shown)
    }

    @Test func `lines stay lines where lines are shown`() {
        #expect(TerminalText.escapedLines("one\n\u{1b}[2Jtwo\tthree\n") == "one\n\\e[2Jtwo\tthree\n")
    }
}
