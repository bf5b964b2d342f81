import LinuxSystem
import MachineState
import NetworkTypes
import Testing
import TunnelConfiguration

@testable import TunnelControl

/// What `wg-lite run` decides before anything is made.
@Suite struct IsolationTests {
    private func file(_ interface: String, allowed: String = "10.8.0.0/24") -> ConfigurationFile {
        let text = """
            [Interface]
            PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
            Address = 10.8.0.2/24
            \(interface)
            [Peer]
            PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
            AllowedIPs = \(allowed)
            """
        return ConfigurationFile(text: Array(text.utf8), name: "office.conf", isReadableByOthers: false)
    }

    @Test(arguments: [
        ("8080:80", "127.0.0.1:8080", "80/tcp"), ("80", "127.0.0.1:80", "80/tcp"), ("0.0.0.0:8080:80", "0.0.0.0:8080", "80/tcp"),
        ("[::1]:8080:80/tcp", "[::1]:8080", "80/tcp"), ("5353:53/udp", "127.0.0.1:5353", "53/udp"), ("53/udp", "127.0.0.1:53", "53/udp"),
    ])
    func `a published port is read with its place outside`(text: String, outside: String, inside: String) throws {
        let port = try #require(PublishedPort(text))
        #expect(port.outside.description == outside && port.inside.description == inside)
    }

    @Test(arguments: [
        "", ":", "0", "80:0", "0:80", "70000:80", "8080:", ":80", "host:8080:80", "::1:8080:80", "1.2.3:1:2", "8080:80/sctp", "8080:80/",
        "8080:80/udp/tcp",
    ])
    func `what is no published port is refused`(text: String) {
        #expect(PublishedPort(text) == nil)
    }

    @Test func `several of one file have names of their own, all of them interfaces'`() {
        #expect(Isolation.names("office").prefix(3) == ["office", "office-2", "office-3"])
        for base in ["a", "office", "fifteen-bytes-x"] {
            let names = Isolation.names(base)
            #expect(Set(names).count == names.count && names.allSatisfy { ConfigurationSource.isInterfaceName($0) })
        }
    }

    @Test(arguments: ["PreUp", "PostUp", "PreDown", "PostDown"])
    func `a hook is refused with its line, or passed over`(name: String) throws {
        let file = file("DNS = 10.8.0.1\n\(name) = true")
        #expect(throws: SetupError.self) { try Isolation.notices(on: file, skipsHooks: false, mayMark: false) }
        do throws(SetupError) {
            _ = try Isolation.notices(on: file, skipsHooks: false, mayMark: false)
        } catch {
            #expect(error.cause.contains("line 5 is a hook (\(name))") && error.isConfiguration)
        }
        #expect(try Isolation.notices(on: file, skipsHooks: true, mayMark: false).isEmpty)
    }

    @Test func `a mark is refused with its line to who can't set it`() throws {
        let marked = file("DNS = 10.8.0.1\nFwMark = 0x7")
        do throws(SetupError) {
            _ = try Isolation.notices(on: marked, skipsHooks: false, mayMark: false)
            Issue.record("it was taken")
        } catch {
            #expect(error.cause.contains("line 5 marks") && error.remedy != nil && error.isConfiguration)
        }
        #expect(try Isolation.notices(on: marked, skipsHooks: false, mayMark: true).isEmpty)
        #expect(try Isolation.notices(on: file("DNS = 10.8.0.1\nFwMark = off"), skipsHooks: false, mayMark: false).isEmpty)
    }

    @Test func `what has another meaning inside is said`() throws {
        #expect(try Isolation.notices(on: file("DNS = 10.8.0.1"), skipsHooks: false, mayMark: false).isEmpty)
        #expect(try Isolation.notices(on: file(""), skipsHooks: false, mayMark: false).contains { $0.contains("has no DNS") })
        #expect(
            try Isolation.notices(on: file("DNS = 1.1.1.1"), skipsHooks: false, mayMark: false).contains {
                $0.contains("1.1.1.1 is in nobody's AllowedIPs")
            })
        #expect(
            try Isolation.notices(on: file("DNS = 10.8.0.1\nTable = 7"), skipsHooks: false, mayMark: false).contains {
                $0.hasPrefix("Table is about")
            })
        #expect(
            try Isolation.notices(on: file("DNS = 10.8.0.1\nTable = off"), skipsHooks: false, mayMark: false).contains {
                $0.hasPrefix("Table = off")
            })
    }

    @Test(arguments: [
        ("hosts: files dns", nil), ("hosts:\tfiles  dns myhostname", nil), ("hosts: files [NOTFOUND=return] dns", "hosts: files dns"),
        ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", "hosts: files myhostname dns"),
        ("hosts: files mdns4_minimal [NOTFOUND=return] dns", "hosts: files dns"), ("hosts: sss", "hosts: dns"),
        ("  hosts : resolve # as ever", "hosts: dns"), ("passwd: files sss", nil), ("# hosts: resolve", nil), ("", nil),
        ("hosts: resolve [ !UNAVAIL = return ] files", "hosts: files dns"),
    ])
    func `names are asked of nobody but the tunnel's servers`(line: String, confined: String?) {
        #expect(NameServiceSwitch.confined("passwd: files systemd\n\(line)\n") == confined.map { "passwd: files systemd\n\($0)\n" })
    }

    @Test func `resolv.conf has the file's servers and no others`() {
        let servers = NameServers(method: .file, servers: [IPAddress("10.8.0.1")!], searchDomains: ["corp.example"])
        let text = InsideFiles.resolverText(servers, file: "office.conf")
        #expect(text.split(separator: "\n").dropFirst().elementsEqual(["nameserver 10.8.0.1", "search corp.example"]))
        let none = InsideFiles.resolverText(NameServers(method: .file, servers: [], searchDomains: []), file: "office.conf")
        #expect(none.split(separator: "\n").allSatisfy { $0.hasPrefix("#") } && none.contains("has no DNS"))
    }

    @Test func `requests and questions are what they were after the way`() {
        let request = InsideRequest(
            interface: "office", resolverText: "# a\n\nnameserver 10.8.0.1\n", publishedPorts: [InsidePort(80), InsidePort(53, .udp)],
            addresses: [IPAddress("10.8.0.2")!, IPAddress("fd08::2")!])
        #expect(InsideRequest(request.text) == request)
        for wrong in ["", "interface a", "port 80\n\n", "interface a\nport x\n\n", "interface a\naddress x\n\n", "interface a\nmore 1\n\n"]
        {
            #expect(InsideRequest(wrong) == nil)
        }
        for question in [InsideQuestion.netlink(groups: nil), .netlink(groups: 0x441), .neighbours, .leave] {
            #expect(InsideQuestion(question.text) == question)
        }
        #expect(InsideQuestion("monitor") == nil && InsideQuestion("exec sh") == nil)
    }

    @Test func `who may open nothing more is told that, whatever else would help with the step`() {
        let error = SystemError(errno: 24, operation: "open", subject: "/run")
        for refusal in [
            SetupError("make a control socket", "\(error)", remedy: "set XDG_RUNTIME_DIR"), SetupError("use the interface", "\(error)"),
            SetupError("wait", error), NamespaceRefusal(error, NamespaceRefusal.Settings(mostUserNamespaces: 15000)).error,
        ] {
            #expect(refusal.remedy?.contains("ulimit -n") == true, "\(refusal)")
        }
        let entering = CommandInside.StartFailure(SystemError(errno: 13, operation: "open", subject: "."))
        #expect(entering.status == 126 && entering.message.contains("working directory"))
    }

    @Test func `a port that takes a privilege is refused for good, with what a service's drop-in has to say`() {
        for (unit, remedy) in [
            (nil, "or leave it out"), ("wg-lite@low", "`systemctl edit wg-lite@low`: [Service], CapabilityBoundingSet="),
        ] {
            let refusal = ServiceSandbox.refusal(ofPort: 443, unit: unit)
            #expect(refusal.isConfiguration && refusal.remedy?.contains(remedy) == true && refusal.step.contains("443"))
        }
    }

    @Test func `each reason why there is no namespace is named, with whom to ask for what`() {
        let settings = NamespaceRefusal.Settings(mostUserNamespaces: 15000)
        let change = { (body: (inout NamespaceRefusal.Settings) -> Void) -> NamespaceRefusal.Settings in
            var changed = settings
            body(&changed)
            return changed
        }
        let refused = SystemError(errno: 1, operation: "unshare")
        let cases: [(SystemError, NamespaceRefusal.Settings, String, String)] = [
            (
                SystemError(errno: 28, operation: "unshare"), change { $0.mostUserNamespaces = 0 }, "max_user_namespaces is 0",
                "sysctl user.max"
            ),
            (SystemError(errno: 28, operation: "unshare"), settings, "too many", "larger"),
            (SystemError(errno: 22, operation: "unshare"), change { $0.mostUserNamespaces = nil }, "missing", "built without"),
            (
                refused, change { $0.allowsUnprivileged = false }, "unprivileged_userns_clone is 0",
                "sysctl kernel.unprivileged_userns_clone=1"
            ),
            (refused, change { $0.isRestrictedByAppArmor = true }, "AppArmor", "userns,"),
            (SystemError(errno: 13, operation: "mount"), change { $0.isRestrictedByAppArmor = true }, "AppArmor", "userns,"),
            (refused, change { $0.hasSystemCallFilter = true }, "seccomp", "seccomp=unconfined"),
            (refused, change { $0.isContainer = true }, "this container forbids", "--device /dev/net/tun"),
            (refused, settings, "refuses user namespaces to this user", "ask the administrator for"),
            (SystemError(errno: 1, operation: "mount", subject: "tmpfs on /tmp"), settings, "mount tmpfs on /tmp", "may mount"),
            (SystemError(errno: 22, operation: "mount", subject: "/ as a slave"), settings, "no mount point", "mount --bind DIR DIR"),
            (SystemError(errno: 2, operation: "mount", subject: "over /etc/resolv.conf"), settings, "deleted", "umount /etc/resolv.conf`"),
        ]
        for (error, settings, cause, remedy) in cases {
            let refusal = NamespaceRefusal(error, settings)
            #expect(refusal.cause.contains(cause) && refusal.remedy.contains(remedy), "\(refusal)")
            #expect(
                !refusal.error.description.split(separator: "\n")[0].isEmpty && refusal.error.description.split(separator: "\n").count == 2)
        }
    }
}
