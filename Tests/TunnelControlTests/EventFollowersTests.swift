import LinuxSystem
import NetworkTypes
import ScratchFiles
import Testing
import TunnelConfiguration
import TunnelCore
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelControl

@Suite struct EventFollowersTests {
    static let key = try! PublicKey(base64: "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=")
    static let time = TimePoint(now: Instant(nanoseconds: 7), unixNanoseconds: 1_700_000_000_000_000_001)

    static let kinds: [TunnelEvent.Kind] = [
        .handshakeBegun, .handshakeCompleted(took: .milliseconds(3), role: .initiator),
        .sessionRenewed(took: .seconds(1), role: .responder), .handshakeGivenUp(after: .seconds(90)), .sessionExpired,
        .endpointMoved(from: nil, to: Endpoint("192.0.2.1:7")!),
        .endpointMoved(from: Endpoint("[2001:db8::1]:7"), to: Endpoint("192.0.2.1:65535")!),
        .peerSilent(for: .seconds(15)), .peerBack(after: .seconds(20)), .keyChanged(key), .keyChanged(nil), .missed(3),
    ]
    static let refusals: [TunnelEvent.Kind] = Refusal.allCases.map { .handshakeRefused($0, role: .responder) }

    @Test(arguments: kinds + refusals) func `an event comes out of its line as it went in`(_ kind: TunnelEvent.Kind) {
        for peer in [Self.key, nil] {
            let event = TunnelEvent(time: Self.time, peer: peer, kind: kind)
            #expect(TunnelEvent(line: event.line) == event)
        }
    }

    @Test(arguments: [
        "", "1 2 -", "1 2 - handshake-begun 3", "x 2 - handshake-begun", "1 2 key handshake-begun", "1 2 - missed 0", "1 2 - missed -1",
        "1 2 - endpoint-moved - -", "1 2 - handshake-refused sometimes initiator", "1 2 - handshake-completed 5 nobody",
        "1 2 - of-a-later-version", "99999999999999999999 2 - handshake-begun",
    ])
    func `anything else is no event`(_ line: String) {
        #expect(TunnelEvent(line: line) == nil)
    }

    /// Lets a server do what it can, and hands those that want events to `followers`.
    static func turn(_ server: inout ControlServer, _ followers: EventFollowers, for time: Interval = .milliseconds(20)) {
        let (requests, gone) = server.advance(DescriptorPoll.wait(server.interests, for: time)[...])
        followers.remove(gone)
        for client in requests where client.request == .events { followers.add(client) }
    }

    /// Reads while something comes.
    static func taken(_ stream: EventStream, _ server: inout ControlServer, _ followers: EventFollowers) -> [TunnelEvent] {
        var events: [TunnelEvent] = []
        var quiet = 0
        while quiet < 10 {
            turn(&server, followers, for: .milliseconds(1))
            while DescriptorPoll.wait([.init(stream.descriptor)], for: .milliseconds(5)) == [true] {
                guard let more = stream.take() else { return events }
                quiet = 0
                events += more
            }
            quiet += 1
        }
        return events
    }

    static func follow(_ path: String) throws -> EventStream {
        let socket = try UnixSocket.connect(to: path)
        try socket.writeAll(Array("\(ControlChannel.Request.events)\n".utf8))
        return EventStream(socket)
    }

    @Test func `who follows is told in order, and when it is over`() throws {
        let directory = try TemporaryDirectory()
        var server = try ControlServer(at: directory["c.sock"])
        let followers = EventFollowers()
        let stream = try Self.follow(directory["c.sock"])
        _ = Self.taken(stream, &server, followers)
        let events = (Self.kinds + Self.refusals).map { TunnelEvent(time: Self.time, peer: Self.key, kind: $0) }
        for event in events { followers.tell(event) }
        #expect(Self.taken(stream, &server, followers) == events)
        followers.end("office is down")
        #expect(Self.taken(stream, &server, followers) == [])
        #expect(stream.take() == nil)
        #expect(stream.refusal == nil)
    }

    @Test func `who doesn't read costs a bounded room, and is told how many events it missed`() throws {
        let directory = try TemporaryDirectory()
        var server = try ControlServer(at: directory["c.sock"])
        let followers = EventFollowers()
        let stream = try Self.follow(directory["c.sock"])
        _ = Self.taken(stream, &server, followers)
        let event = TunnelEvent(time: Self.time, peer: Self.key, kind: .handshakeBegun)
        let count = 40_000
        for _ in 0..<count { followers.tell(event) }
        let told = Self.taken(stream, &server, followers)
        #expect(told.count < count / 2)
        followers.tell(event)
        #expect(Self.taken(stream, &server, followers).map(\.kind) == [.missed(count - told.count), .handshakeBegun])
    }

    @Test func `one too many is told so, and one that has gone makes room`() throws {
        let directory = try TemporaryDirectory()
        var server = try ControlServer(at: directory["c.sock"])
        let followers = EventFollowers()
        var streams: [EventStream] = []
        for _ in 0..<EventFollowers.most { streams.append(try Self.follow(directory["c.sock"])) }
        for _ in 0..<10 { Self.turn(&server, followers) }
        let refused = try Self.follow(directory["c.sock"])
        #expect(Self.taken(refused, &server, followers) == [])
        #expect(refused.refusal?.contains("16 others") == true)
        streams.removeLast()
        for _ in 0..<10 { Self.turn(&server, followers) }
        let late = try Self.follow(directory["c.sock"])
        _ = Self.taken(late, &server, followers)
        followers.tell(TunnelEvent(time: Self.time, peer: nil, kind: .keyChanged(nil)))
        #expect(Self.taken(late, &server, followers).map(\.kind) == [.keyChanged(nil)])
    }
}
