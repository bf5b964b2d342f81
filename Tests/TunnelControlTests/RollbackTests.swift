import LinuxSystem
import NetworkTypes
import Testing

@testable import TunnelControl

@Suite struct RollbackTests {
    static let entries: [Undo] = [
        .rule(RuleSpecification(family: .v4, priority: 32765, mark: 51820, isInverted: true, table: 51820)),
        .rule(RuleSpecification(family: .v6, priority: 32764, suppressPrefixLength: 0)),
        .firewall(.nft, interface: "wg0"), .firewall(.iptables, interface: "wg0"),
        .dns(.resolvectl, interface: "wg0"), .dns(.resolvconf, interface: "wg0"), .dns(.file, interface: "wg0"),
    ]

    @Test func `a record is read as it was written`() {
        let text = Self.entries.map { "\($0.recordLine)\n" }.joined()
        #expect(Rollback.parse(Array(text.utf8), interface: "wg0") == Self.entries)
        #expect(Rollback.parse([], interface: "wg0") == [])
    }

    @Test(arguments: [
        "", "rule", "rule 4 x 1 0 - -", "dns wg0", "dns elsewhere wg0", "firewall pf wg0", "reboot now", "dns file wg1", "firewall nft wg1",
        "dns wg0 file /nonexistent /etc/shadow", "dns file /nonexistent /etc/shadow", "firewall nft wg0; flush ruleset",
        "firewall nft  wg0",
        "rule 4 0 51820 1 51820 -", "rule 4 32766 254 0 - -", "rule 4 100 255 0 - 0", "rule 5 100 254 0 - 0", "rule 4 +1 254 0 - 0",
        "rule 4 100 51820 1 - -", "rule 4 100 51820 1 7 -", "rule 4 100 51820 2 51820 -", "rule 4 100 99999999999 1 99999999999 -",
        "dns file wg0 ", " dns file wg0", "dns file wg0\r", "dns\tfile wg0",
    ])
    func `one line that isn't ours, and nothing of the record is carried out`(line: String) {
        #expect(Rollback.parse(Array("dns file wg0\n\(line)\n".utf8), interface: "wg0") == nil)
    }

    @Test(arguments: [[0xff, 0x0a], [0x00, 0x0a], Array("dns file wg0".utf8)] as [[UInt8]])
    func `what isn't text, or was cut, is no record`(bytes: [UInt8]) {
        #expect(Rollback.parse(bytes, interface: "wg0") == nil)
    }
}

@Suite struct HooksTests {
    @Test(arguments: [
        ("ip link show %i", "ip link show wg0"), ("%i%i", "wg0wg0"), ("100%", "100%"), ("date +%s %%i", "date +%s %wg0"), ("", ""),
    ])
    func `%i stands for the interface`(command: String, expanded: String) {
        #expect(Hooks.expand(command, interface: "wg0") == expanded)
    }

    @Test func `hooks run in order, and the first that fails ends it`() throws {
        let directory = try TemporaryDirectory()
        let log = directory["log"]
        let told = Told()
        #expect(throws: SetupError("run PostUp `exit 3`", "it ended with status 3")) {
            try Hooks.run(
                ["echo one %i >>\(log)", "echo two >>\(log)", "exit 3", "echo never >>\(log)"], of: "PostUp", interface: "wg0", told.report)
        }
        #expect(try FileSystem.read(log) == Array("one wg0\ntwo\n".utf8))
        #expect(told.all.first == "command: echo one wg0 >>\(log)")
        #expect(throws: SetupError("run PreUp `kill -9 $$`", "signal 9 ended it")) {
            try Hooks.run(["kill -9 $$"], of: "PreUp", interface: "wg0", .silent)
        }
    }
}
