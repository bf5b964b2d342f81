import NetworkTypes
import Testing
import WireGuardCrypto

@testable import TunnelDiagnosis

/// What the silence of hosts behind a living peer says, and what it doesn't.
@Suite struct AnswerRuleTests {
    typealias Question = AskedHostObservation.Question

    static func host(
        _ address: String, _ question: Question = .echo, unanswered: UInt64, for age: Interval? = .seconds(14),
        last: Interval = .seconds(1),
        answered: Set<Question> = []
    ) -> AskedHostObservation {
        var host = AskedHostObservation(IPAddress(address)!, question, lastAsked: last)
        (host.unanswered, host.unansweredFor, host.answered) = (unanswered, unanswered > 0 ? age : nil, answered)
        return host
    }

    /// A peer that answers with keepalives; packets of its own have come, or none ever.
    static func living(_ hosts: [AskedHostObservation], hasSent: Bool, heard: Interval = .seconds(3)) -> Observation {
        var observation = Recorded.healthy()
        observation.settings.peers[0].allowedIPs.append(IPPrefix("10.30.0.0/24")!)
        var traffic = Recorded.traffic(sent: 40, received: hasSent ? 3 : 0, heard: heard)
        traffic.lastSentPacket = .seconds(1)
        traffic.lastReceivedPacket = hasSent ? .seconds(15) : nil
        observation.peers[0].traffic = traffic
        observation.peers[0].asked = hosts
        return observation
    }

    // Recorded: a peer whose AllowedIPs for us are narrow, 12 s after the first ping; and one that drops pings, which looks the same from here.
    @Test(arguments: [
        (Question.echo, "no ping to 10.8.0.2 is answered: it drops pings", "24 pings to 10.8.0.2 in 14 s, none answered"),
        (.connection, "no attempt to connect to 10.8.0.2 is answered: its firewall drops them", "24 attempts to connect to 10.8.0.2"),
    ])
    func `a peer that takes questions and never sent a packet may be mute, or its AllowedIPs narrow: both are told, as no trouble`(
        question: Question, words: String, evidence: String
    ) {
        let diagnosis = Diagnosis(Self.living([Self.host("10.8.0.2", question, unanswered: 24)], hasSent: false))
        #expect(diagnosis.codes == [.nothingComesBack])
        #expect(diagnosis.line.hasPrefix("office is up: \(words)"), "\(diagnosis.line)")
        #expect(diagnosis.line.contains("AllowedIPs for us are too narrow") && diagnosis.line.contains("forward"), "\(diagnosis.line)")
        #expect(diagnosis.findings[0].evidence.hasPrefix(evidence))
        #expect(diagnosis.findings[0].severity == .note)
        #expect((diagnosis.verdict.outcome, diagnosis.verdict.exitStatus) == (.waits, 0))
        #expect(diagnosis.told == diagnosis.findings[0])
    }

    @Test func `that one peer is mute doesn't hide that another works`() {
        var observation = Self.living([Self.host("10.8.0.2", unanswered: 24)], hasSent: false)
        var other = Recorded.healthy().peers[0]
        other.publicKey = Recorded.others
        observation.peers.append(other)
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.verdict.outcome == .works)
        #expect(diagnosis.line.hasPrefix("office works; no ping to 10.8.0.2 is answered"), "\(diagnosis.line)")
    }

    @Test func `a name server that doesn't answer is missed, whatever else was asked`() {
        let hosts = [Self.host("10.8.0.2", unanswered: 40), Self.host("10.8.0.53", .query, unanswered: 4)]
        let diagnosis = Diagnosis(Self.living(hosts, hasSent: false))
        #expect(diagnosis.codes == [.nothingComesBack])
        #expect(diagnosis.verdict.outcome == .worksWithFindings)
        #expect(diagnosis.line.contains("no query to the name server 10.8.0.53 is answered"), "\(diagnosis.line)")
        #expect(diagnosis.findings[0].evidence.hasPrefix("4 queries to the name server 10.8.0.53"))
    }

    // Recorded: a log to a peer, a stream, multicast, and router solicitations, for 17 s: keepalives come back and nothing else.
    @Test func `messages that want no answer are never missed`() {
        for hasSent in [false, true] {
            let diagnosis = Diagnosis(Self.living([], hasSent: hasSent))
            #expect(diagnosis.findings.isEmpty)
            #expect(diagnosis.line == "office works")
        }
    }

    @Test func `what was just asked, asked once, or asked long ago is not missed`() {
        for host in [
            Self.host("10.8.0.2", unanswered: 24, for: .seconds(3)), Self.host("10.8.0.2", unanswered: 2),
            Self.host("10.8.0.2", unanswered: 24, for: .seconds(60), last: .seconds(40)), Self.host("10.8.0.2", unanswered: 0),
        ] {
            #expect(Diagnosis(Self.living([host], hasSent: false)).findings.isEmpty, "\(host)")
        }
        // Nothing at all was heard since: the peer itself may be gone, which is another finding's to say.
        let gone = Self.living([Self.host("10.8.0.2", unanswered: 9, for: .seconds(6))], hasSent: false, heard: .seconds(6))
        #expect(Diagnosis(gone).findings.isEmpty)
    }

    // Recorded: a peer that drops pings and serves a page meanwhile.
    @Test func `a host that drops pings, or a port of it, is nobody's fault`() {
        let beside = Self.host("10.8.0.2", .echo, unanswered: 30, answered: [.connection])
        #expect(Diagnosis(Self.living([beside], hasSent: true)).findings.isEmpty)
        let filtered = Self.host("10.30.0.9", .connection, unanswered: 5, answered: [.echo])
        #expect(Diagnosis(Self.living([filtered], hasSent: true)).findings.isEmpty)
        // A client's firewall drops pings, and it sends to us.
        #expect(Diagnosis(Self.living([Self.host("10.8.0.2", unanswered: 30)], hasSent: true)).findings.isEmpty)
    }

    @Test func `one machine beyond that is off is not the tunnel's matter, all of them are`() {
        let silent = Self.host("10.30.0.9", unanswered: 24)
        let other = Self.host("10.30.0.8", unanswered: 0, answered: [.echo])
        let peer = Self.host("10.8.0.2", unanswered: 0, answered: [.echo])
        #expect(Diagnosis(Self.living([silent, other, peer], hasSent: true)).findings.isEmpty)
        let diagnosis = Diagnosis(Self.living([silent, peer], hasSent: true))
        #expect(diagnosis.codes == [.nothingComesBack])
        #expect(diagnosis.line.contains("masquerade") && !diagnosis.line.contains("AllowedIPs"), "\(diagnosis.line)")
        #expect(diagnosis.line.hasPrefix("office works; ") && diagnosis.line.contains("10.30.0.9 beyond it"), "\(diagnosis.line)")
        #expect(diagnosis.line.contains("is off, it drops pings, or"), "\(diagnosis.line)")
        #expect(diagnosis.verdict.outcome == .works)
        // A name server beyond is missed.
        let query = Diagnosis(Self.living([Self.host("10.30.0.9", .query, unanswered: 24), peer], hasSent: true))
        #expect(query.verdict.outcome == .worksWithFindings)
    }

    @Test func `a gateway that doesn't masquerade is named beside traffic with itself`() {
        // The gateway answers all the time: its packets are a second old.
        var observation = Self.living([Self.host("10.30.0.9", unanswered: 24)], hasSent: true, heard: .milliseconds(400))
        observation.peers[0].traffic?.lastReceivedPacket = .milliseconds(400)
        #expect(Diagnosis(observation).codes == [.nothingComesBack])
        // A peer's own address is not beyond it, whatever our own network is.
        observation.settings.addresses = [IPInterfaceAddress("10.8.0.1/32")!]
        observation.settings.peers[0].allowedIPs = [IPPrefix("10.8.0.2/32")!]
        observation.peers[0].asked = [Self.host("10.8.0.2", unanswered: 24)]
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `questions of a peer that vanish are this machine's to look at`() {
        func observation(_ host: AskedHostObservation?, vanished: UInt64) -> Observation {
            var observation = Recorded.healthy()
            observation.peers[0].askedHere = [host].compactMap { $0 }
            observation.filters.vanished = vanished
            return observation
        }
        let asked = Self.host("10.8.0.1", unanswered: 12, for: .seconds(6))
        let diagnosis = Diagnosis(observation(asked, vanished: 11))
        #expect(diagnosis.codes == [.filteredInside])
        #expect(diagnosis.line.hasPrefix("office works; packets of ") && diagnosis.line.contains("own firewall drops"), "\(diagnosis.line)")
        // It may be there to drop pings, and connections to ports that aren't for everybody; queries are missed.
        #expect(diagnosis.verdict.outcome == .works)
        let query = Diagnosis(observation(Self.host("10.8.0.1", .query, unanswered: 12, for: .seconds(6)), vanished: 11))
        #expect(query.verdict.outcome == .worksWithFindings)
        // Messages that want no answer, on a machine whose firewall drops strangers all the time.
        #expect(Diagnosis(observation(nil, vanished: 5000)).findings.isEmpty)
        // A host here that is off; one that answers otherwise; one that has just been asked.
        #expect(Diagnosis(observation(asked, vanished: 1)).findings.isEmpty)
        #expect(Diagnosis(observation(Self.host("10.8.0.1", unanswered: 12, answered: [.connection]), vanished: 50)).findings.isEmpty)
        #expect(Diagnosis(observation(Self.host("10.8.0.1", unanswered: 12, for: .seconds(1)), vanished: 50)).findings.isEmpty)
    }
}
