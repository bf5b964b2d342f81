import LinuxSystem
import NetworkTypes
import ScratchFiles
import Testing
import TunnelConfiguration
import TunnelCore
import WireGuardCrypto

@testable import TunnelControl

@Suite struct EngineChangeTests {
    static let head = "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nAddress = 10.5.0.1/24\n"
    static let peer = "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"

    /// What a change of the file changes in a tunnel that runs as the old one says, but whose peer has roamed.
    static func plan(_ old: String, _ new: String) -> EngineChange {
        let oldFile = parse(old)
        let state = TunnelSnapshot(
            privateKey: oldFile.interface.privateKey?.value, listenPort: 40000, firewallMark: 51820,
            peers: oldFile.peers.map {
                PeerSnapshot(
                    publicKey: $0.publicKey!.value, presharedKey: nil, endpoint: Endpoint("198.51.100.9:9"),
                    persistentKeepalive: $0.persistentKeepalive?.value ?? 0, lastHandshake: 1, receivedBytes: 0, sentBytes: 0,
                    allowedIPs: $0.allowedIPs.map(\.value.prefix))
            })
        return EngineChange(from: oldFile, to: parse(new), state: state, resolved: [:])
    }

    @Test func `an unchanged file changes nothing, though the peer has roamed and the kernel chose port and mark`() {
        let text = Self.head + Self.peer + "Endpoint = 192.0.2.1:1\nAllowedIPs = 10.0.0.0/8\n"
        let plan = Self.plan(text, text)
        #expect(plan.lines.isEmpty && plan.additions.isEmpty && plan.removals.isEmpty)
    }

    @Test func `a changed endpoint is taken, and nothing else of the peer`() {
        let plan = Self.plan(Self.head + Self.peer + "Endpoint = 192.0.2.1:1\n", Self.head + Self.peer + "Endpoint = 192.0.2.1:2\n")
        #expect(plan.lines == ["~ peer xTIB…Dg=: endpoint 192.0.2.1:2"])
        #expect(plan.additions.peers.first?.replacesAllowedIPs == false)
    }

    @Test func `hooks are compared`() {
        let old = parse(Self.head + "PostUp = a\n")
        let new = parse(Self.head + "PostUp = b\nPostDown = c\n")
        #expect(HookChange.lines(old, new) == ["~ PreUp, PostUp: not run for a reload", "~ PreDown, PostDown: for the next down"])
    }

    @Test func `a change and its inverse leave everything as it was`() throws {
        let tunnel = try SimulatedEngineState(Self.head + Self.peer + "Endpoint = 192.0.2.1:1\nAllowedIPs = 10.0.0.0/8\n")
        let before = tunnel.snapshot
        let other = "[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\nAllowedIPs = 10.0.0.0/8\n"
        let new = parse(Self.head + Self.peer + "Endpoint = 192.0.2.1:2\nPersistentKeepalive = 5\n" + other)
        let change = EngineChange(from: tunnel.file, to: new, state: before, resolved: [:])
        tunnel.apply(change.additions)
        #expect(tunnel.snapshot.peers.count == 2)
        tunnel.apply(change.inverse)
        let after = tunnel.snapshot
        #expect(after.peers.map(\.publicKey) == before.peers.map(\.publicKey))
        #expect(after.peers.first?.endpoint == before.peers.first?.endpoint)
        #expect(after.peers.first?.allowedIPs == before.peers.first?.allowedIPs)
        #expect(after.peers.first?.persistentKeepalive == before.peers.first?.persistentKeepalive)
    }

    @Test func `peers come and go`() {
        let other = "[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n"
        #expect(Self.plan(Self.head + Self.peer, Self.head + other).lines == ["- peer xTIB…Dg=", "+ peer TrMv…X0="])
    }
}

@Suite struct ControlChannelTests {
    @Test(arguments: [
        ControlChannel.Request.down(dryRun: false, verbose: true, directory: "/home/a b/%é\n"),
        .down(dryRun: true, verbose: false, directory: "/"),
        .reload(dryRun: true, verbose: false), .reload(dryRun: false, verbose: true), .figures, .names,
    ])
    func `a request survives its line of text`(request: ControlChannel.Request) {
        #expect(!request.description.contains("\n") && ControlChannel.Request(request.description) == request)
    }

    /// A server whose clients are served on a thread until the end.
    private struct Serving: ~Copyable {
        let thread: SystemThread
        let over: Cancellation

        consuming func end() {
            over.cancel()
            thread.join()
        }
    }

    private func serving(at path: String, _ serve: @escaping @Sendable (ControlServer.Client) -> Void) throws -> Serving {
        let over = try Cancellation()
        let ready = try EventDescriptor()
        let readyDescriptor = ready.rawValue
        let thread = try SystemThread(name: "serves") {
            guard var server = try? ControlServer(at: path) else { return }
            EventDescriptor.signal(readyDescriptor)
            while !over.isCancelled {
                let ready = DescriptorPoll.wait(server.interests + [.init(over.descriptor)], for: .milliseconds(50))
                for client in server.advance(ready.dropLast()[...]).requests { serve(client) }
            }
            server.flush()
        }
        _ = ready.wait(for: .seconds(20))
        return Serving(thread: thread, over: over)
    }

    @Test func `what is said meanwhile and the closing message arrive apart`() throws {
        let directory = try TemporaryDirectory()
        let serving = try serving(at: directory["c"]) { client in
            client.say("first é")
            client.say("second")
            client.finish(true, "done:\n  all of it")
        }
        var said = ""
        let answer = ControlChannel.ask(directory["c"], .reload(dryRun: true, verbose: false)) { said += $0 }
        serving.end()
        #expect(said == "first é\nsecond\n")
        #expect(try answer?.get() == "done:\n  all of it")
    }

    @Test func `nobody there is nil; one who says nothing, and one who doesn't read, hold up nobody`() throws {
        let directory = try TemporaryDirectory()
        #expect(ControlChannel.ask(directory["c"], .reload(dryRun: true, verbose: false)) { _ in } == nil)
        let serving = try serving(at: directory["c"]) { client in
            for _ in 0..<40 { client.say([UInt8](repeating: 0x61, count: 1 << 16)) }
            client.finish(true, "done")
        }
        let silent = try UnixSocket.connect(to: directory["c"])
        let slow = try UnixSocket.connect(to: directory["c"])
        try slow.writeAll(Array("reload true false\n".utf8))
        var count = 0
        let answer = ControlChannel.ask(directory["c"], .reload(dryRun: true, verbose: false)) { count += $0.utf8.count }
        #expect(try answer?.get() == "done")
        serving.end()
        _ = (silent.rawValue, slow.rawValue)
    }
}

/// A tunnel without threads or sockets, changed as the engine changes it.
private final class SimulatedEngineState {
    let file: ConfigurationFile
    private var tunnel: Tunnel

    init(_ text: String) throws {
        file = parse(text)
        tunnel = Tunnel(mtu: 1420, seed: 1)
        apply(file.tunnelUpdate())
    }

    var snapshot: TunnelSnapshot { tunnel.snapshot(listenPort: 0, firewallMark: 0) }
    func apply(_ update: TunnelUpdate) { tunnel.apply(update, at: TimePoint(now: Instant(nanoseconds: 0), unixNanoseconds: 0)) }
}
