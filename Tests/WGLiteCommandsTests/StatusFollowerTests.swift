import ArgumentParser
import NetworkTypes
import Testing
import TunnelConfiguration
import TunnelControl
import TunnelCore
import TunnelDiagnosis
import TunnelView
import WireGuardCrypto

@testable import WGLiteCommands

@Suite struct StatusFollowerTests {
    static let time: UInt64 = 1_700_000_000_250_000_000

    static func line(_ kind: TunnelEvent.Kind, of peer: PublicKey?, names: [PublicKey: String] = [:]) -> FollowLine {
        let event = TunnelEvent(time: TimePoint(now: Instant(nanoseconds: 1), unixNanoseconds: time), peer: peer, kind: kind)
        return FollowLine(unixNanoseconds: time, tunnel: "wg0", content: .event(event, names: names))
    }

    @Test func `an event is a line with its time, its tunnel and its peer's name`() throws {
        let peer = try OutputTests.state().peers[0].publicKey
        let event = TunnelEvent.Kind.handshakeCompleted(took: .milliseconds(12), role: .initiator)
        #expect(Self.line(event, of: peer).text == "22:13:20 UTC  wg0: peer TrMv…X0=: handshake completed in 12 ms, we called")
        #expect(Self.line(.sessionExpired, of: peer, names: [peer: "laptop"]).text.hasSuffix("wg0: peer laptop TrMv…X0=: session expired"))
        #expect(Self.line(.keyChanged(nil), of: nil).text.hasSuffix("wg0: our private key was removed"))
    }

    @Test func `as JSON it has the event's code, the whole key and its values`() throws {
        let peer = try OutputTests.state().peers[0].publicKey
        let moved = TunnelEvent.Kind.endpointMoved(from: nil, to: Endpoint("192.0.2.1:7")!)
        #expect(
            Self.line(moved, of: peer, names: [peer: "laptop"]).json.text
                == #"{"time":1700000000,"nanoseconds":250000000,"tunnel":"wg0","event":"endpoint-moved","peer":"\#(peer.base64)","name":"laptop","#
                + #""from":null,"to":"192.0.2.1:7","message":"wg0: peer laptop TrMv…X0=: heard from 192.0.2.1:7"}"#)
        let change = FollowLine(unixNanoseconds: Self.time, tunnel: "wg0", content: .change(StatusLine("wg0 works"))).json.text
        #expect(change.hasSuffix(#""tunnel":"wg0","event":"state","message":"wg0 works"}"#))
    }

    @Test func `whose state it is, and which, a program needn't take from the sentence`() throws {
        func json(_ line: StatusLine) -> String { FollowLine(unixNanoseconds: Self.time, tunnel: "wg0", content: .change(line)).json.text }
        let works = try StatusTextTests.status().report.diagnosis
        let lines = StatusLine.lines(works, names: [works.peers[0].publicKey: "laptop"])
        #expect(json(lines[0]).hasSuffix(#""event":"state","outcome":"works","message":"wg0 works"}"#))
        let peer = works.peers[0]
        let members = #""event":"state","peer":"\#(peer.publicKey.base64)","name":"laptop","state":"\#(peer.state.name)","message":"#
        #expect(json(lines[1]).contains(members))
        let refused = try StatusTextTests.status { StatusTextTests.refused(&$0) }.report.diagnosis
        let finding = try #require(refused.findings.first { $0.peer != nil })
        let names = [finding.peer!: "laptop"]
        #expect(
            StatusLine.lines(refused, names: names).map(json).contains {
                $0.contains(#""peer":"\#(finding.peer!.base64)","name":"laptop""#)
            })
    }

    @Test func `where no tunnel is up there is nothing to follow`() throws {
        let failure = try #require(throws: CommandFailure.self) { try StatusFollower(names: [], json: false).run() }
        #expect(failure.status == ExitCode(2))
    }

    @Test func `with many peers the verdict is a line, not each of them`() throws {
        let diagnosis = try StatusTextTests.status().report.diagnosis
        #expect(StatusLine.lines(diagnosis, mostPeers: 2).count == 3)
        #expect(StatusLine.lines(diagnosis, mostPeers: 1) == [StatusLine(Verdict(.works, line: "wg0 works"))])
    }

    @Test func `what is found of many peers is one line, of few each has its own with its name`() throws {
        let diagnosis = try StatusTextTests.status {
            StatusTextTests.refused(&$0)
            let key = $0.peers[0].publicKey
            $0.peers[0] = $0.peers[1]
            $0.peers[0].publicKey = key
            $0.peers[0].endpoint = Endpoint("[2001:db8::1]:9")
        }.report.diagnosis
        let closed = diagnosis.findings.filter { $0.code == .portClosed }
        #expect(closed.count == 2)
        let many = StatusLine.lines(diagnosis, mostPeers: 1)
        #expect(Set(many.map(\.key)).count == many.count)
        #expect(many.contains { $0.text.hasPrefix("wg0: error port-closed, and 1 more peer: ") })
        let few = StatusLine.lines(diagnosis, names: [closed[0].peer!: "laptop"], mostPeers: 2)
        let found = few.filter { if case .finding(let finding, _) = $0.subject { finding.code == .portClosed } else { false } }
        #expect(found.count == 2)
        #expect(few.contains { $0.text.hasPrefix("wg0: error port-closed, peer laptop ") })
    }

    @Test func `an event brings the next look forward, but looks never take more than their share`() {
        let begin = Instant(nanoseconds: 1_000_000_000_000)
        var pace = FollowPace()
        pace.looked(from: begin, to: begin + .milliseconds(1), hasEvents: true)
        #expect(pace.due == begin + .milliseconds(1) + FollowPace.quiet)
        pace.heard(at: begin + .seconds(5))
        #expect(pace.due == begin + .seconds(5) + FollowPace.moment)
        // Ten thousand peers: a look of half a second is followed by ten seconds without one, whatever happens.
        pace.looked(from: begin, to: begin + .milliseconds(500), hasEvents: true)
        pace.heard(at: begin + .milliseconds(600))
        #expect(pace.due == begin + .milliseconds(500) + .seconds(10))
    }

    @Test func `where nobody tells events it looks every second`() {
        let begin = Instant(nanoseconds: 1_000_000_000_000)
        var pace = FollowPace()
        pace.looked(from: begin, to: begin, hasEvents: false)
        #expect(pace.due == begin + .seconds(1))
    }
}
