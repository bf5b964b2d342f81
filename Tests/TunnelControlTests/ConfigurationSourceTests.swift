import LinuxSystem
import ScratchFiles
import Testing
import TunnelConfiguration

@testable import TunnelControl

@Suite struct ConfigurationSourceTests {
    @Test func `a name is a file in /etc/wireguard, everything else a path`() throws {
        #expect(try ConfigurationSource("office").shownPath == "/etc/wireguard/office.conf")
        #expect(try ConfigurationSource("office.conf").shownPath == "office.conf")
        #expect(try ConfigurationSource("a/wg-0.1.conf").interface == "wg-0.1")
        #expect(try ConfigurationSource.interface("/x/office.conf") == "office")
    }

    @Test(arguments: ["a/b", "sixteen-letters-.conf", "sp ace.conf", "dir/.conf", "slash/é.conf"])
    func `a file that can't name an interface is refused`(argument: String) {
        #expect(throws: SetupError.self) { try ConfigurationSource(argument) }
    }

    @Test(arguments: ["-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"])
    func `standard input is no file of a tunnel, and what to do instead is said`(argument: String) {
        do throws(SetupError) {
            _ = try ConfigurationSource(argument)
            Issue.record("it was taken")
        } catch {
            #expect(error.remedy?.contains("NAME.conf") ?? false)
        }
    }

    @Test func `a missing file says where it was looked for`() throws {
        let source = try ConfigurationSource("no-such-tun")
        #expect(
            throws: SetupError(
                "read /etc/wireguard/no-such-tun.conf", "no such file or directory", remedy: "give the file's path to use another place")
        ) {
            try source.load()
        }
    }

    @Test func `a file that may not be read is said to be another user's only where it is`() {
        func remedy(_ owner: UInt32?, _ user: UInt32) -> String {
            ConfigurationSource.permissionRemedy("a/t.conf", owner: owner, user: user)
        }
        #expect(remedy(0, 1000) == "it is another user's: run with sudo")
        #expect(remedy(1000, 0).hasPrefix("it is another user's") && remedy(1000, 0).hasSuffix("chown root a/t.conf"))
        for (owner, user) in [(nil, 0), (nil, 1000), (0, 0), (1000, 1000)] as [(UInt32?, UInt32)] {
            #expect(!remedy(owner, user).contains("another user's") && !remedy(owner, user).contains("chown"))
            #expect(remedy(owner, user).contains("sudo") == (user != 0))
        }
    }

    @Test func `a file that others can read is warned of, unless its directory is closed`() throws {
        let directory = try TemporaryDirectory()
        try FileSystem.write(Array("[Interface]\n".utf8), to: directory["t.conf"], permissions: 0o644)
        func warns() throws -> Bool {
            try ConfigurationSource(directory["t.conf"]).load().diagnostics.contains { $0.message.contains("others can read") }
        }
        #expect(try !warns())
        _ = try ChildProcess.run("/bin/chmod", ["755", directory.path])
        #expect(try warns())
    }

    @Test(
        arguments: [
            ("office", "office"), ("my-office", "my-office"), (#"my\x2doffice"#, "my-office"), (#"a\x2bb\x3Dc"#, "a+b=c"),
            (#"\x6fffice"#, "office"),
        ])
    func `a name may have the escapes of a systemd unit's name`(argument: String, interface: String) throws {
        let source = try ConfigurationSource(argument)
        #expect(source.interface == interface)
        #expect(source.shownPath == "/etc/wireguard/\(interface).conf")
        #expect(try ConfigurationSource.interface(argument) == interface)
    }

    @Test(arguments: [#"a\x2"#, #"a\x"#, #"a\"#, #"a\x2g"#, #"a\n"#, #"a\x2fb"#, #"\x2e\x2e"#, #"a\x00"#, #"a\xff"#, ""])
    func `what is no escape, or stands for what no name may have, is refused`(argument: String) {
        #expect(throws: SetupError.self) { try ConfigurationSource(argument) }
        #expect(throws: SetupError.self) { try ConfigurationSource.interface(argument) }
    }

    @Test func `a path is taken as it is written`() throws {
        #expect(try ConfigurationSource("./office.conf").shownPath == "./office.conf")
        #expect(throws: SetupError.self) { try ConfigurationSource(#"./my\x2doffice.conf"#) }
    }
}
