import NetworkTypes
import SeededRandom
import Testing
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// Two nodes with a session, of which the right one's path to the left one is looked at.
private final class NodesWithSession {
    static let left = Endpoint("192.0.2.1:51820")!
    static let right = Endpoint("192.0.2.2:51820")!
    static let source = EndpointSource(address: IPAddress("192.0.2.2")!, interfaceIndex: 3)

    var left = Node(seed: 1, endpoint: NodesWithSession.left)
    var right = Node(seed: 2, endpoint: NodesWithSession.right)
    var time = TimePoint(now: Instant(nanoseconds: 1 << 40), unixNanoseconds: 1_700_000_000_000_000_000)
    let there = ipv4Packet(from: 0x0a00_0001, to: 0x0a00_0002)
    let back = ipv4Packet(from: 0x0a00_0002, to: 0x0a00_0001)

    init(keepalive: UInt16 = 0) {
        let keys = [PrivateKey.random(using: &left.generator), PrivateKey.random(using: &right.generator)]
        var update = TunnelUpdate()
        update.privateKey = .some(keys[0])
        var peer = PeerUpdate(publicKey: keys[1].publicKey)
        peer.endpoint = Self.right
        peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.2/32")!)]
        update.peers = [peer]
        left.tunnel.apply(update, at: time)
        update.privateKey = .some(keys[1])
        peer = PeerUpdate(publicKey: keys[0].publicKey)
        peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.1/32")!)]
        peer.persistentKeepalive = keepalive
        update.peers = [peer]
        right.tunnel.apply(update, at: time)
        _ = left.send(there, time)
        exchange()
    }

    /// Lets everything that is under way arrive, and a little time pass.
    func exchange(from sender: Endpoint = NodesWithSession.left, at source: EndpointSource? = NodesWithSession.source) {
        for _ in 0..<8 {
            time.now = time.now + .milliseconds(10)
            let (toRight, toLeft) = (left.outbox, right.outbox)
            left.outbox = []
            right.outbox = []
            for datagram in toRight { right.receive(datagram, from: sender, at: source, time) }
            for datagram in toLeft { left.receive(datagram, from: Self.right, time) }
        }
    }

    // What the test macros look at they copy, and a tunnel can't be.
    func sendThere() -> DropReason? { left.send(there, time) }
    func sendBack() -> DropReason? { right.send(back, time) }
    func takeQuestions() -> [RouteQuestion] { right.tunnel.takeRouteQuestions(atMost: 10) }
    func allQuestions() -> [RouteQuestion] { right.tunnel.routeQuestions(of: 0..<10).questions }
    var hasQuestions: Bool { right.tunnel.hasRouteQuestions }
    func answer(_ question: RouteQuestion, keepsSource: Bool = true, isLoop: Bool = false) -> PathNews.Kind? {
        right.tunnel.routeAnswered(question, keepsSource: keepsSource, isLoop: isLoop)?.kind
    }
    var sentBytes: UInt64 { right.tunnel.snapshot(listenPort: 0, firewallMark: 0).peers[0].sentBytes }
    var troubledPeers: Int { right.tunnel.troubledPeerCount }
    var reference: PeerReference { right.tunnel.destination(of: 0)!.peer }
    var outbox: [OutgoingDatagram] {
        get { right.outbox }
        set { right.outbox = newValue }
    }

    /// Whether the right tunnel takes a datagram of these bytes for its own.
    func isOwn(
        _ message: [UInt8], from port: UInt16 = 51820, to endpoint: Endpoint = NodesWithSession.left, takenBy slot: UInt32 = 0,
        fragmentOffset: UInt8 = 0
    ) -> Bool {
        guard case .v4(let address) = endpoint.address else { return false }
        var packet = ipv4Packet(from: 0xc000_0202, to: address.rawValue, payload: 8 + message.count)
        packet[6] = 0
        packet[7] = fragmentOffset
        packet[9] = 17
        packet.replaceSubrange(
            20..<24, with: [UInt8(port >> 8), UInt8(port & 255), UInt8(endpoint.port >> 8), UInt8(endpoint.port & 255)])
        packet.replaceSubrange(28..., with: message)
        return unsafe packet.withUnsafeBytes { bytes in
            guard let header = unsafe IPPacketHeader(bytes) else { return false }
            return unsafe right.tunnel.isOwnDatagram(bytes, header, to: slot, from: port == 51821 ? 51820 : port, at: time)
        }
    }

    var path: PathObservation {
        var paths: [PathObservation] = []
        _ = right.tunnel.appendPaths(0..<10, to: &paths)
        return paths[0]
    }

    func fail(_ errno: Int32, datagrams: Int = 1, bytes: Int = 0) -> PathNews? {
        right.tunnel.didSend(
            to: right.tunnel.destination(of: 0)!.peer, at: Self.left, refused: datagrams, bytes: bytes, errno: errno, isTrouble: true,
            at: time)
    }

    func succeed() -> PathNews? {
        right.tunnel.didSend(
            to: right.tunnel.destination(of: 0)!.peer, at: Self.left, refused: 0, bytes: 0, errno: 0, isTrouble: true, at: time)
    }
}

@Suite struct TunnelPathTests {
    @Test func `a source that the routes don't lead to is no longer used, nor learned again from what is under way`() throws {
        let nodes = NodesWithSession()
        #expect(nodes.path.source == NodesWithSession.source)
        let asked = nodes.takeQuestions()
        #expect(asked.count == 1 && asked[0].endpoint == NodesWithSession.left && asked[0].source == NodesWithSession.source)
        #expect(!nodes.hasQuestions)
        #expect(nodes.answer(asked[0], keepsSource: true, isLoop: false) == nil)
        #expect(nodes.path.source == NodesWithSession.source)

        let again = nodes.allQuestions()
        #expect(nodes.answer(again[0], keepsSource: false, isLoop: false) == nil)
        #expect(nodes.path.source == nil)
        for _ in 0..<3 {
            #expect(nodes.sendThere() == nil)
            nodes.exchange()
            #expect(nodes.path.source == nil)
            #expect(!nodes.hasQuestions)
        }
        // The peer found the new way in.
        let other = EndpointSource(address: IPAddress("198.51.100.2")!, interfaceIndex: 4)
        #expect(nodes.sendThere() == nil)
        nodes.exchange(at: other)
        #expect(nodes.path.source == other)
        #expect(nodes.takeQuestions().map(\.source) == [other])
        // After the routes have changed, what was refused is learned and asked about again.
        _ = nodes.allQuestions()
        #expect(nodes.sendThere() == nil)
        nodes.exchange()
        #expect(nodes.path.source == NodesWithSession.source)
        #expect(nodes.hasQuestions)
    }

    @Test func `an answer that a change has overtaken is ignored`() throws {
        let nodes = NodesWithSession()
        let asked = nodes.takeQuestions()
        let other = EndpointSource(address: IPAddress("198.51.100.2")!, interfaceIndex: 4)
        #expect(nodes.sendThere() == nil)
        nodes.exchange(at: other)
        #expect(nodes.answer(asked[0], keepsSource: false, isLoop: false) == nil)
        #expect(nodes.path.source == other)
        let elsewhere = Endpoint("203.0.113.9:1000")!
        let beforeMove = nodes.takeQuestions()
        #expect(nodes.sendThere() == nil)
        nodes.exchange(from: elsewhere, at: other)
        #expect(nodes.answer(beforeMove[0], keepsSource: false, isLoop: true) == nil)
        #expect(nodes.path.source == other && !nodes.path.isLooping)
    }

    @Test func `nothing is sent to an endpoint that is routed into the tunnel, until it no longer is`() throws {
        let nodes = NodesWithSession()
        let asked = nodes.takeQuestions()[0]
        #expect(nodes.answer(asked, isLoop: true) == .loopBegins)
        #expect(nodes.answer(asked, keepsSource: true, isLoop: true) == nil)
        let sent = nodes.sentBytes
        #expect(nodes.sendBack() == .routingLoop)
        // Nor handshakes, nor keepalives.
        nodes.time.now = nodes.time.now + .seconds(200)
        _ = nodes.sendBack()
        nodes.right.attend(nodes.time)
        #expect(nodes.outbox.isEmpty)
        #expect(nodes.sentBytes == sent)
        #expect(nodes.answer(asked, keepsSource: true, isLoop: false) == .loopEnds)
        #expect(nodes.sendBack() == nil)
        #expect(!nodes.outbox.isEmpty)
    }

    @Test func `a data message of ours that comes back out of the interface is known before the routing table was asked`() throws {
        let nodes = NodesWithSession()
        #expect(nodes.sendBack() == nil)
        let message = nodes.outbox.last!.bytes
        #expect(nodes.isOwn(message))
        // On its way to another peer as well.
        #expect(nodes.isOwn(message, takenBy: 7))
        // From another port, to elsewhere, for a session that isn't ours, of another kind, in a later fragment: somebody else's.
        #expect(!nodes.isOwn(message, from: 51821))
        #expect(!nodes.isOwn(message, to: Endpoint("192.0.2.1:51821")!))
        #expect(!nodes.isOwn(message, to: Endpoint("192.0.2.3:51820")!))
        var other = message
        other[4] ^= 1
        #expect(!nodes.isOwn(other) && !nodes.isOwn(other))
        #expect(!nodes.isOwn(message, fragmentOffset: 8))
        #expect(!nodes.isOwn(Array(message.prefix(31))))
        other = message
        other[0] = 3
        #expect(!nodes.isOwn(other))
    }

    @Test func `messages that only look like ours cost one look at all peers a millisecond`() {
        let nodes = NodesWithSession()
        #expect(nodes.sendBack() == nil)
        let message = nodes.outbox.last!.bytes
        var other = message
        other[4] ^= 1
        #expect(!nodes.isOwn(other))
        #expect(!nodes.isOwn(message, takenBy: 7) && nodes.isOwn(message))
        nodes.time.now = nodes.time.now + .milliseconds(1)
        #expect(nodes.isOwn(message, takenBy: 7))
    }

    @Test func `a move of the endpoint is kept with where it came from`() {
        let nodes = NodesWithSession()
        // It was not configured, so the first datagram moved it.
        #expect(nodes.path.endpointMoves == 1 && nodes.path.lastMove?.from == nil)
        let elsewhere = Endpoint("203.0.113.9:1000")!
        #expect(nodes.sendThere() == nil)
        nodes.exchange(from: elsewhere)
        #expect(nodes.path.endpointMoves == 2)
        #expect(
            nodes.path.lastMove
                == EndpointMove(from: NodesWithSession.left, to: elsewhere, unixNanoseconds: nodes.time.unixNanoseconds))
    }

    @Test func `what the system refused was not sent`() {
        let nodes = NodesWithSession()
        let before = nodes.sentBytes
        #expect(nodes.sendBack() == nil)
        let bytes = nodes.outbox.last!.bytes.count
        #expect(nodes.sentBytes == before + UInt64(bytes))
        #expect(nodes.fail(101, bytes: bytes) != nil)
        #expect(nodes.sentBytes == before)
        let refused = nodes.right.tunnel.drops[.sendFailed]
        #expect(refused == 1)
        #expect(
            nodes.path.lastSendError
                == SendErrorRecord(errno: 101, endpoint: NodesWithSession.left, unixNanoseconds: nodes.time.unixNanoseconds, datagrams: 1))
    }

    @Test func `one trouble is told once, and once that it is over, however it comes and goes`() throws {
        let nodes = NodesWithSession()
        #expect(nodes.succeed() == nil)
        let news = try #require(nodes.fail(101))
        #expect(news.kind == .sendingFails(101) && nodes.troubledPeers == 1)
        nodes.right.tunnel.troubleWasTold(news)
        for _ in 0..<50 {
            nodes.time.now = nodes.time.now + .milliseconds(100)
            #expect(nodes.succeed() == nil)
            #expect(nodes.fail(113) == nil)
        }
        nodes.time.now = nodes.time.now + .seconds(1)
        #expect(nodes.succeed()?.kind == .sendingWorks && nodes.troubledPeers == 0)
        #expect(nodes.succeed() == nil)
        // Of a trouble that nobody was told of, nobody is told the end.
        #expect(nodes.fail(101) != nil)
        nodes.time.now = nodes.time.now + .seconds(1)
        #expect(nodes.succeed() == nil && nodes.troubledPeers == 0)
        #expect(nodes.path.lastSendError?.datagrams == 52)
    }

    @Test func `a peer that is gone takes its trouble along, and who has its slot next gets none of it`() throws {
        let nodes = NodesWithSession()
        let reference = nodes.reference
        _ = nodes.fail(101)
        var update = TunnelUpdate()
        update.replacesPeers = true
        var peer = PeerUpdate(publicKey: PrivateKey.random(using: &nodes.right.generator).publicKey)
        peer.endpoint = NodesWithSession.left
        update.peers = [peer]
        nodes.right.tunnel.apply(update, at: nodes.time)
        #expect(nodes.troubledPeers == 0)
        let late = nodes.right.tunnel.didSend(
            to: reference, at: NodesWithSession.left, refused: 1, bytes: 100, errno: 101, isTrouble: true, at: nodes.time)
        #expect(late == nil && nodes.path.lastSendError == nil && nodes.path.endpointMoves == 0)
        #expect(PeerReference(rawValue: reference.rawValue) == reference && PeerReference(rawValue: 0) == nil)
    }

    @Test func `an ICMP error is kept with the peer at whose endpoint it is`() {
        let nodes = NodesWithSession()
        var error = ICMPErrorRecord(
            errno: 111, isV6: false, type: 3, code: 3, mtu: nil, reporter: IPAddress("192.0.2.1"), destination: NodesWithSession.right,
            unixNanoseconds: 7)
        nodes.right.tunnel.note(error)
        #expect(nodes.path.lastICMPError == nil)
        error.destination = NodesWithSession.left
        nodes.right.tunnel.note(error)
        #expect(nodes.path.lastICMPError == error)
    }

    @Test func `while the interface is down nothing is sent, and no session is left`() {
        let nodes = NodesWithSession(keepalive: 25)
        let reference = nodes.reference
        nodes.outbox = []
        nodes.right.tunnel.setLink(up: false, at: nodes.time)
        for _ in 0..<100 {
            nodes.time.now = nodes.time.now + .seconds(7)
            nodes.right.attend(nodes.time)
            _ = nodes.sendThere()
            for datagram in nodes.left.outbox { nodes.right.receive(datagram, from: NodesWithSession.left, nodes.time) }
            nodes.left.outbox = []
        }
        #expect(nodes.outbox.isEmpty)
        let (deadline, needsAttention) = (nodes.right.tunnel.nextDeadline, nodes.right.tunnel.needsAttention)
        #expect(deadline == .distantFuture && !needsAttention)
        #expect(nodes.reference == reference)

        nodes.right.tunnel.setLink(up: true, at: nodes.time)
        nodes.right.attend(nodes.time)
        // The persistent keepalive is due at once; without a session it begins one.
        #expect(nodes.outbox.map { $0.bytes[0] } == [1])
        nodes.exchange()
        #expect(nodes.sendBack() == nil)
        nodes.exchange()
        let delivered = nodes.left.delivered.last
        #expect(delivered == nodes.back)
    }

    @Test func `before the first time that the interface is up nothing is sent`() {
        var node = Node(seed: 3, endpoint: NodesWithSession.left)
        node.tunnel.setLink(up: false, at: TimePoint(now: Instant(nanoseconds: 1), unixNanoseconds: 1))
        var update = TunnelUpdate()
        update.privateKey = .some(PrivateKey.random(using: &node.generator))
        var peer = PeerUpdate(publicKey: PrivateKey.random(using: &node.generator).publicKey)
        peer.endpoint = NodesWithSession.right
        peer.persistentKeepalive = 5
        update.peers = [peer]
        var time = TimePoint(now: Instant(nanoseconds: 2), unixNanoseconds: 2)
        node.tunnel.apply(update, at: time)
        node.attend(time)
        time.now = time.now + .seconds(60)
        node.attend(time)
        let isSilent = node.outbox.isEmpty
        #expect(isSilent)
        node.tunnel.setLink(up: true, at: time)
        node.attend(time)
        let count = node.outbox.count
        #expect(count == 1)
    }
}
