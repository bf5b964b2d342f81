import NetworkTypes
import PathRecording
import SeededRandom
import Testing
import TunnelConfiguration
import WireGuardCrypto

@testable import TunnelView

@Suite struct TopScreenTests {
    static func screen(peers: Int = 2, names: [PublicKey: String] = [:]) -> TopScreen {
        var screen = TopScreen()
        screen.take(Samples.sight(peers: peers, names: names))
        return screen
    }

    static func text(_ screen: TopScreen, _ columns: Int = 80, _ rows: Int = 24) -> String {
        screen.lines(columns: columns, rows: rows).map(\.text).joined(separator: "\n")
    }

    @Test func `80 columns and 24 rows have the verdict, peers, rates, and every stage of both ways`() {
        let lines = Self.screen(names: [Samples.key(1): "Alice's laptop"]).lines(columns: 80, rows: 24)
        #expect(lines.count == 24)
        #expect(lines[0].text == "office works")
        let text = lines.map(\.text).joined(separator: "\n")
        #expect(text.contains("Alice's laptop") && text.contains("48 s ago") && text.contains("16.0 kb/s"))
        for stage in ["read", "arrange", "route", "seal", "send", "release", "receive", "sort", "find", "open", "accept", "deliver"] {
            #expect(lines.count { $0.text.contains(" \(stage) ") } >= 1, "\(stage)")
        }
        #expect(text.contains("v seal       1.00k    10  400 ns"))
        #expect(text.contains("v route      1.00k    10  300 ns   200"))
        #expect(lines.allSatisfy { $0.width <= 80 })
    }

    @Test func `no screen is too small or too large, whatever keys are pressed`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix64(seed: seed)
        let keys: [TerminalKey] =
            [.up, .down, .pageUp, .pageDown, .home, .end, .enter, .escape, .tab] + "jkgGsrph? x".map { .character($0) }
        for peers in [0, 1, 7, 200] {
            var screen = Self.screen(peers: peers)
            for _ in 0..<200 {
                _ = screen.press(keys.randomElement(using: &random)!, page: .random(in: 1...20, using: &random))
                let (columns, rows) = (Int.random(in: 0...130, using: &random), Int.random(in: 0...60, using: &random))
                let lines = screen.lines(columns: columns, rows: rows)
                #expect(lines.count <= rows, "seed \(seed)")
                for line in lines {
                    #expect(ScreenLine.width(of: line.rendered(columns: columns, isColoured: false).plain) <= columns, "seed \(seed)")
                }
                if peers > 0 { #expect(screen.chosenPeer != nil, "seed \(seed)") }
            }
        }
    }

    @Test func `the chosen peer is in view, and stays chosen when others carry more`() {
        var screen = Self.screen(peers: 200)
        _ = screen.press(.end)
        let last = screen.chosenPeer?.reading
        #expect(last?.publicKey == Samples.key(0))
        #expect(Self.text(screen).contains(last!.title))
        screen.take(
            TunnelSight(
                Samples.reading(seconds: 14, packets: 9000, peers: 200), since: Samples.reading(seconds: 12, packets: 3000, peers: 200)))
        #expect(screen.chosenPeer?.reading.publicKey == Samples.key(0))
    }

    @Test func `keys sort, open, pause, help and quit`() {
        var screen = Self.screen(peers: 3, names: [Samples.key(1): "Alice", Samples.key(2): "Bob"])
        #expect(screen.chosenPeer?.reading.name == "Bob")
        #expect(screen.press(.character("s")) == .nothing && screen.order == .name)
        #expect(screen.chosenPeer?.reading.name == "Alice")
        _ = screen.press(.character("r"))
        #expect(screen.chosenPeer?.reading.name == nil)
        _ = screen.press(.enter)
        #expect(Self.text(screen).contains(Samples.key(0).base64) && Self.text(screen).contains("forged or damaged"))
        _ = screen.press(.escape)
        _ = screen.press(.character("p"))
        screen.take(TunnelSight(Samples.reading(seconds: 20, packets: 1)))
        #expect(screen.sight?.reading.figures.interval == .seconds(12))
        #expect(Self.text(screen).hasPrefix("PAUSED "))
        _ = screen.press(.character("h"))
        #expect(Self.text(screen).contains("the next tunnel"))
        #expect(screen.press(.character("q")) == .quit && screen.press(.interrupt) == .quit && screen.press(.tab) == .nextTunnel)
    }

    @Test func `an answer that didn't come is said, and what was known stays`() {
        var screen = Self.screen()
        screen.take(trouble: "office: it doesn't answer")
        #expect(Self.text(screen).hasPrefix("office: it doesn't answer  office works"))
    }

    @Test func `ten thousand peers are a screen like any other`() {
        var screen = Self.screen(peers: 10_000)
        let began = ContinuousClock.now
        for _ in 0..<50 {
            _ = screen.press(.pageDown)
            #expect(screen.lines(columns: 80, rows: 24).count == 24)
        }
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test func `bytes of a terminal are keys`() {
        let bytes = Array("q\u{1b}[A\u{1b}[B\u{1b}OH\u{1b}[6~\r\u{3}\t\u{1b}[99;3~z".utf8)
        #expect(TerminalKey.keys(in: bytes) == [.character("q"), .up, .down, .home, .pageDown, .enter, .interrupt, .tab, .character("z")])
        #expect(TerminalKey.keys(in: [0x1b]) == [.escape])
    }

    @Test func `wide characters and marks keep the columns`() {
        #expect(ScreenLine.width(of: "日本") == 4 && ScreenLine.width(of: "e\u{301}") == 1)
        #expect(ScreenLine.field("日本語", 5) == "日本…" && ScreenLine.field("ab", 4, right: true) == "  ab")
        #expect(ScreenLine("bad", .bad).rendered(columns: 2, isColoured: true) == "\u{1b}[31mb…\u{1b}[0m")
    }
}

extension String {
    /// Without the sequences that change how text looks.
    fileprivate var plain: String { replacing(/\u{1b}\[[0-9]*m/, with: "") }
}
