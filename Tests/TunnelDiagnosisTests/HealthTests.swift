import NetworkTypes
import Testing
import WireGuardCrypto

@testable import TunnelDiagnosis

@Suite struct HealthTests {
    @Test func `of a tunnel that is being taken down nothing else is said`() {
        var observation = Recorded.fresh()
        observation.settings.publicKey = nil
        #expect(Diagnosis(observation).verdict.exitStatus == 1)
        observation.isEnding = true
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.findings.isEmpty && diagnosis.verdict == .ending("office") && diagnosis.line == "office is being taken down")
        #expect(Diagnosis(text: diagnosis.text)?.verdict == .ending("office"))
    }

    @Test func `a healthy tunnel has no findings and works`() {
        let diagnosis = Diagnosis(Recorded.healthy())
        #expect(diagnosis.findings.isEmpty)
        #expect(diagnosis.line == "office works")
        #expect(diagnosis.verdict.exitStatus == 0)
        #expect(diagnosis.peers[0].state == .working)
        #expect(diagnosis.peers[0].evidence == "heard of 2 s ago, handshake 48 s ago in 31 ms")
    }

    @Test func `idle is not broken`() {
        var observation = Recorded.healthy()
        observation.peers[0].lastHandshake = .seconds(4000)
        observation.peers[0].traffic = Recorded.traffic(sent: 40, received: 30, heard: .seconds(3900))
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.findings.isEmpty)
        #expect(diagnosis.peers[0].state == .idle)
        #expect(diagnosis.line == "office works and is idle: nothing to send")
    }

    @Test func `nothing sent yet is no fault, and not called working`() {
        let diagnosis = Diagnosis(Recorded.fresh())
        #expect(diagnosis.findings.isEmpty)
        #expect(diagnosis.verdict.outcome == .waits)
        #expect(diagnosis.verdict.exitStatus == 0)
    }

    @Test func `a peer without an endpoint waits to be called`() {
        var observation = Recorded.fresh()
        observation.settings.peers[0].endpoint = nil
        observation.peers[0].endpoint = nil
        observation.peers[0].route = nil
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.findings.isEmpty)
        #expect(diagnosis.peers[0].state == .waitingToBeCalled)
        #expect(diagnosis.line.contains("waits to be called"))
    }

    @Test func `data that is a few seconds without an answer is no silence`() {
        var observation = Recorded.healthy()
        observation.peers[0].traffic = Recorded.traffic(sent: 41, received: 30, heard: .seconds(9), unanswered: .seconds(8))
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `what the network said before the peer was heard is over`() {
        var observation = Recorded.healthy()
        observation.peers[0].networkError = NetworkError(.portUnreachable, reporter: nil, age: .seconds(30))
        observation.peers[0].sendFailure = SendFailure(.filtered, age: .seconds(20))
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `a refusal of long ago, with nothing sent since, is over`() {
        var observation = Recorded.fresh()
        observation.peers[0].networkError = NetworkError(.portUnreachable, reporter: nil, age: .seconds(600))
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `the first handshake is under way, not unanswered, for a moment`() {
        var observation = Recorded.fresh()
        observation.peers[0].handshakes = Recorded.unanswered(1, for: .milliseconds(300))
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.findings.isEmpty)
        #expect(diagnosis.line == "office is up; its first handshake is under way")
    }

    @Test func `one broken peer of two is said to be one of two`() {
        var observation = Recorded.healthy()
        var other = PeerObservation(publicKey: Recorded.others)
        other.endpoint = Endpoint("192.0.2.9:51820")
        other.handshakes = Recorded.unanswered(3, for: .seconds(12))
        observation.peers.append(other)
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.line.hasPrefix("office works in part, 1 of 2 peers does not: 192.0.2.9:51820 doesn't answer for 12 s"))
        #expect(diagnosis.verdict.exitStatus == 1)
    }

    @Test func `of ten thousand peers that don't answer each has its finding, soon`() {
        var observation = Recorded.fresh()
        observation.peers = (0..<10_000).map { number in
            let key = PublicKey(bytes: InlineArray { $0 < 4 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : 9 })
            var peer = PeerObservation(publicKey: key)
            peer.endpoint = Endpoint("192.0.2.9:51820")
            peer.handshakes = Recorded.unanswered(3, for: .seconds(12))
            return peer
        }
        #expect(Diagnosis(observation).findings.count == 10_000)
    }

    @Test func `one who comes and goes is no error where others work`() {
        var observation = Recorded.healthy()
        var other = PeerObservation(publicKey: Recorded.others)
        other.endpoint = Endpoint("198.51.100.9:51820")
        other.isEndpointLearned = true
        other.lastHandshake = .seconds(60)
        other.handshakes = Recorded.unanswered(2, for: .seconds(7))
        other.traffic = Recorded.traffic(sent: 5, received: 5, heard: .seconds(50), unanswered: .seconds(20))
        observation.peers.append(other)
        #expect(Diagnosis(observation).findings.map(\.severity) == [.warning])
        observation.peers.removeFirst()
        #expect(Diagnosis(observation).findings.map(\.severity) == [.error])
    }

    @Test func `an answer of another program, without our facts, is enough for a word`() {
        var observation = Recorded.fresh()
        observation.peers[0].handshakes = nil
        observation.peers[0].traffic = nil
        observation.peers[0].route = nil
        observation.peers[0].sentBytes = 592
        #expect(Diagnosis(observation).codes == [.noAnswer])
        observation.peers[0].receivedBytes = 92
        observation.peers[0].lastHandshake = .seconds(20)
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `a diagnosis survives its text`() throws {
        var observation = Recorded.healthy()
        observation.settings.file = "a\tb\\n\nc.conf"
        observation.settings.peers.append(PeerSettings(publicKey: Recorded.others))
        observation.settings.peers[1].allowedIPs = observation.settings.peers[0].allowedIPs
        observation.settings.peers[1].line = 9
        var other = PeerObservation(publicKey: Recorded.others)
        other.endpoint = Endpoint("[2001:db8::9]:51820")
        other.handshakes = Recorded.unanswered(3, for: .seconds(12))
        observation.peers.append(other)
        let diagnosis = Diagnosis(observation)
        let read = try #require(Diagnosis(text: diagnosis.text))
        #expect(!read.findings.isEmpty)
        #expect(read.findings == diagnosis.findings)
        #expect(read.peers == diagnosis.peers)
        #expect(read.verdict == diagnosis.verdict)
        #expect(Diagnosis(text: "nonsense") == nil)
    }

    @Test func `every state survives its name`() {
        let states: [PeerState] = [
            .working, .idle, .silent(.seconds(3)), .noAnswer(.seconds(4)), .noAnswer(nil), .refused, .unreachable, .waitingToBeCalled,
        ]
        for state in states { #expect(PeerState(name: state.name, age: state.age) == state) }
    }
}
