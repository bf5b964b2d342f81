import LinuxSystem
import NetworkTypes
import Testing
import TunnelConfiguration
import TunnelCore
import WireGuardCrypto

@testable import TunnelControl

@Suite struct ReloadPlanTests {
    static let head = "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nAddress = 10.5.0.1/24\n"
    static let peer = "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"

    /// What a change of the file changes in a tunnel that runs as the old one says, but whose peer has roamed.
    static func plan(_ old: String, _ new: String) -> ReloadPlan {
        let oldFile = parse(old)
        let state = TunnelSnapshot(
            privateKey: oldFile.interface.privateKey?.value, listenPort: 40000, firewallMark: 51820,
            peers: oldFile.peers.map {
                PeerSnapshot(
                    publicKey: $0.publicKey!.value, presharedKey: nil, endpoint: Endpoint("198.51.100.9:9"),
                    persistentKeepalive: $0.persistentKeepalive?.value ?? 0, lastHandshake: 1, receivedBytes: 0, sentBytes: 0,
                    allowedIPs: $0.allowedIPs.map(\.value.prefix))
            })
        let routes = RouteSetup.destinations(of: oldFile).map { RouteSpecification(destination: $0) }
        return ReloadPlan(from: oldFile, to: parse(new), state: state, routes: routes, resolved: [:])
    }

    @Test func `an unchanged file changes nothing, though the peer has roamed and the kernel chose port and mark`() {
        let text = Self.head + Self.peer + "Endpoint = 192.0.2.1:1\nAllowedIPs = 10.0.0.0/8\n"
        let plan = Self.plan(text, text)
        #expect(plan.isEmpty && plan.update.isEmpty)
    }

    @Test func `a changed endpoint is taken, and nothing else of the peer`() {
        let plan = Self.plan(Self.head + Self.peer + "Endpoint = 192.0.2.1:1\n", Self.head + Self.peer + "Endpoint = 192.0.2.1:2\n")
        #expect(plan.lines == ["~ peer xTIB…Dg=: endpoint 192.0.2.1:2"])
        #expect(plan.update.peers.first?.replacesAllowedIPs == false)
    }

    @Test func `addresses, routes, DNS, MTU and hooks are compared`() {
        let old = Self.head + "DNS = 10.0.0.1\nPostUp = a\n" + Self.peer + "AllowedIPs = 10.0.0.0/8\n"
        let new = Self.head + "Address = 10.5.0.2/24\nMTU = 1300\nPostUp = b\nPostDown = c\n" + Self.peer + "AllowedIPs = 10.1.0.0/16\n"
        #expect(
            Self.plan(old, new).lines == [
                "~ peer xTIB…Dg=: allowed IPs 10.1.0.0/16", "+ address 10.5.0.2/24", "~ MTU 1300", "+ route 10.1.0.0/16",
                "- route 10.0.0.0/8",
                "~ DNS (none)", "~ PreUp, PostUp: not run for a reload", "~ PreDown, PostDown: for the next down",
            ])
    }

    @Test func `peers come and go`() {
        let other = "[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n"
        #expect(Self.plan(Self.head + Self.peer, Self.head + other).lines == ["- peer xTIB…Dg=", "+ peer TrMv…X0="])
    }
}

@Suite struct ControlChannelTests {
    @Test(arguments: [
        ControlChannel.Request.down(verbose: true), .reload(dryRun: true, verbose: false), .reload(dryRun: false, verbose: true),
    ])
    func `a request survives its line of text`(request: ControlChannel.Request) {
        #expect(ControlChannel.Request(request.description) == request)
    }

    @Test func `what is said meanwhile and the closing message arrive apart`() throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixSocket.listen(at: directory["c"])
        let thread = try SystemThread(name: "answers") {
            guard let client = ControlChannel.accept(listener.rawValue) else { return }
            client.say("first é")
            client.say("second")
            client.finish(true, "done:\n  all of it")
        }
        var said = ""
        let answer = ControlChannel.ask(directory["c"], .down(verbose: false)) { said += $0 }
        thread.join()
        #expect(said == "first é\nsecond\n")
        #expect(try answer?.get() == "done:\n  all of it")
    }

    @Test func `nobody there is nil, and so is somebody who leaves without a word`() throws {
        let directory = try TemporaryDirectory()
        #expect(ControlChannel.ask(directory["c"], .down(verbose: false)) { _ in } == nil)
        let listener = try UnixSocket.listen(at: directory["c"])
        let thread = try SystemThread(name: "leaves") { _ = ControlChannel.accept(listener.rawValue) }
        #expect(ControlChannel.ask(directory["c"], .down(verbose: false)) { _ in } == nil)
        thread.join()
    }
}
