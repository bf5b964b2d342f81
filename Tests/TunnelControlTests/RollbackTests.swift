import LinuxSystem
import NetworkTypes
import Testing

@testable import TunnelControl

@Suite struct RollbackTests {
    static let entries: [Undo] = [
        .rule(RuleSpecification(family: .v4, priority: 32765, mark: 51820, isInverted: true, table: 51820)),
        .rule(RuleSpecification(family: .v6, priority: 32764, suppressPrefixLength: 0)),
        .firewall(.nft, interface: "wg0"), .firewall(.iptables, interface: "a=b"),
        .dns(.resolvectl, interface: "wg0"), .dns(.resolvconf(name: "tun.wg0"), interface: "wg0"),
        .dns(.file(path: "/etc/resolv.conf", backup: "/run/wg-lite/wg0.resolv.conf"), interface: "wg0"),
    ]

    @Test(arguments: entries) func `an entry survives its line of text`(entry: Undo) {
        #expect(Undo(entry.description) == entry)
    }

    @Test(arguments: ["", "rule", "rule 4 x 1 0 - -", "dns wg0", "dns wg0 elsewhere", "firewall pf wg0", "reboot now"])
    func `a line that is none is none`(line: String) {
        #expect(Undo(line) == nil)
    }

    @Test func `a record outlives its writer, and is gone once everything was taken back`() throws {
        let directory = try TemporaryDirectory()
        var rollback = Rollback(recordPath: directory["t.record"])
        let backup = directory["backup"]
        for name in ["first", "second"] {
            try FileSystem.write(Array("# written by wg-lite for t, until it goes down\n".utf8), to: directory[name])
            rollback.add(.dns(.file(path: directory[name], backup: backup), interface: "t"))
        }
        try FileSystem.write(Array("former\n".utf8), to: backup)
        var left = try #require(Rollback.left(at: directory["t.record"]))
        #expect(left.entries == rollback.entries)
        left.performAll(.silent)
        // The last entry came first: it found the backup, and used it up.
        #expect(try FileSystem.read(directory["second"]) == Array("former\n".utf8))
        #expect(try FileSystem.read(directory["first"]) != Array("former\n".utf8))
        #expect(Rollback.left(at: directory["t.record"]) == nil)
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

@Suite struct DNSFileTests {
    @Test func `the file is written in place and restored, unless somebody else wrote it meanwhile`() throws {
        let directory = try TemporaryDirectory()
        let (path, backup) = (directory["resolv.conf"], directory["backup"])
        let method = DNSSetup.Method.file(path: path, backup: backup)
        func set() throws {
            var rollback = Rollback(recordPath: nil)
            try DNSSetup.set(
                servers: [.v4(.init(rawValue: 0x0a00_0001))], searchDomains: ["example.org"], method, interface: "wg0", &rollback, .silent)
            #expect(rollback.entries == [.dns(method, interface: "wg0")])
        }
        try FileSystem.write(Array("nameserver 192.0.2.1\n".utf8), to: path)
        try set()
        let written = String(decoding: try FileSystem.read(path), as: UTF8.self)
        #expect(written.hasSuffix("\nnameserver 10.0.0.1\nsearch example.org\n"))
        try DNSSetup.revert(method, interface: "wg0", .silent)
        #expect(try FileSystem.read(path) == Array("nameserver 192.0.2.1\n".utf8))
        #expect(!FileSystem.exists(backup))

        try set()
        try FileSystem.write(Array("nameserver 192.0.2.2\n".utf8), to: path)
        try DNSSetup.revert(method, interface: "wg0", .silent)
        #expect(try FileSystem.read(path) == Array("nameserver 192.0.2.2\n".utf8))
    }
}
