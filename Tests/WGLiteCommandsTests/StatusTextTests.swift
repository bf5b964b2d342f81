import NetworkTypes
import Testing
import TunnelConfiguration
import TunnelControl
import TunnelCore
import TunnelDiagnosis
import TunnelView
import WireGuardCrypto

@testable import WGLiteCommands

@Suite struct StatusTextTests {
    static let text = StatusText(palette: Palette(isOn: false), now: 1_000_000_000)

    static func status(_ change: (inout Observation) -> Void = { _ in }) throws -> TunnelStatus {
        var answer = UAPIAnswer()
        var response = UAPIResponse(try OutputTests.state())
        var bytes: [UInt8] = []
        while response.write(into: &bytes) {}
        answer.consume(bytes[...])
        var settings = TunnelSettings()
        settings.publicKey = answer.snapshot.privateKey?.publicKey
        settings.peers = answer.snapshot.peers.map { PeerSettings(publicKey: $0.publicKey) }
        var observation = Observation(interface: "wg0", settings: settings)
        observation.peers = answer.snapshot.peers.map { peer in
            var observed = PeerObservation(publicKey: peer.publicKey)
            observed.endpoint = peer.endpoint
            observed.lastHandshake = peer.lastHandshake.map { _ in .seconds(90) }
            return observed
        }
        change(&observation)
        return TunnelStatus(
            name: "wg0", state: answer, report: TunnelReport(Diagnosis(observation), figures: [(name: "drop_replay", value: 3)]))
    }

    static func refused(_ observation: inout Observation) {
        observation.peers[1].lastHandshake = nil
        observation.peers[1].networkError = NetworkError(.portUnreachable, reporter: IPAddress("2001:db8::1"), age: .seconds(3))
        observation.peers[0].endpoint = nil
    }

    @Test func `the verdict comes first, then the peers, figures last`() throws {
        #expect(
            Self.text.text(try Self.status())
                == """
                wg0 works
                  peer TrMv…XX0=  (no endpoint)   waiting to be called
                    no allowed IPs: nothing can go there
                  peer xTIB…8Dg=  [2001:db8::1]:7   working: handshake 90 s ago
                    1.50 KiB received, 5.00 GiB sent
                    for 10.0.0.0/8, ::/0
                  port 51820, 2 peers
                  packets that were not forwarded:
                           3  received before
                """.replacingKeys(try Self.status()))
    }

    @Test func `peers are called what the file calls them`() throws {
        var status = try Self.status()
        let key = status.report.diagnosis.peers[1].publicKey
        status.names = [key: "Amsterdam gateway"]
        #expect(Self.text.text(status).contains("\n  peer Amsterdam gateway \(key.abbreviation)  [2001:db8::1]:7   working"))
        let up = FirstVerdict.text(status.report.diagnosis, summary: "wg0 is up", names: status.names, palette: Palette(isOn: false))
        #expect(up.contains("  peer Amsterdam gateway \(key.abbreviation)"))
    }

    @Test func `one is counted as one`() throws {
        func diagnosis(_ count: UInt8) -> Diagnosis {
            var observation = Observation(interface: "wg0", settings: TunnelSettings())
            observation.peers = (0..<count).map { PeerObservation(publicKey: PublicKey(bytes: InlineArray(repeating: $0))) }
            return Diagnosis(observation)
        }
        func up(_ count: UInt8) -> String { FirstVerdict.text(diagnosis(count), summary: "", palette: Palette(isOn: false)) }
        #expect(up(5).hasSuffix("\n  and 1 more peer"))
        #expect(up(6).hasSuffix("\n  and 2 more peers"))
        #expect(
            Capture.summary(packets: 1, datagrams: 4, path: "-", missed: 0, handshakes: 1)
                == "1 packet and 4 datagrams captured; with the keys of 1 handshake")
        #expect(
            Capture.summary(packets: 2, datagrams: 1, path: "a.pcapng", missed: 1, handshakes: 0)
                == "2 packets and 1 datagram captured in a.pcapng; 1 came too fast and is missing")
    }

    @Test func `what is wrong stands in the first line, what to do in the next`() throws {
        let lines = Self.text.text(try Self.status(Self.refused)).split(separator: "\n")
        #expect(lines[0].hasPrefix("wg0 works in part, 1 of 2 peers does not: [2001:db8::1]:7 refuses our datagrams"))
        #expect(lines[1].hasPrefix("    ICMP port unreachable"))
        #expect(lines[2].contains("ListenPort 7"))
    }

    @Test func `up says what is wrong before what was set up, and only then`() throws {
        let palette = Palette(isOn: false)
        let good = FirstVerdict.text(try Self.status().report.diagnosis, summary: "wg0 is up: port 1", palette: palette)
        #expect(good.hasPrefix("wg0 is up: port 1\n  peer"))
        let bad = FirstVerdict.text(try Self.status(Self.refused).report.diagnosis, summary: "wg0 is up: port 1", palette: palette)
        #expect(bad.hasPrefix("wg0 works in part"))
        #expect(bad.contains("\nwg0 is up: port 1\n  peer"))
    }

    @Test func `a remark stands once, in the first line, with what to do`() throws {
        let status = try Self.status { observation in
            observation.peers[1].askedHere = [AskedHostObservation(IPAddress("10.0.0.1")!, .echo, lastAsked: .seconds(1))]
            observation.peers[1].askedHere[0].unanswered = 9
            observation.peers[1].askedHere[0].unansweredFor = .seconds(9)
            observation.filters.vanished = 9
        }
        let lines = Self.text.text(status).split(separator: "\n")
        #expect(lines[0].hasPrefix("wg0 works; packets of ") && lines[0].hasSuffix("own firewall drops them"), "\(lines[0])")
        #expect(lines[1].hasPrefix("    9 pings to 10.0.0.1 in 9 s") && lines[2].contains("nft list ruleset"))
        #expect(lines.count { $0.contains("own firewall") } == 1)
        let up = FirstVerdict.text(status.report.diagnosis, summary: "wg0 is up: port 1", palette: Palette(isOn: false))
        #expect(up.hasPrefix("wg0 works; packets of ") && up.contains("\nwg0 is up: port 1\n  peer"))
    }

    @Test func `up waits while a peer that can be called is neither working nor broken`() throws {
        let working = try Self.status().report.diagnosis
        #expect(working.isDecided)
        #expect(try Self.status(Self.refused).report.diagnosis.isDecided)
        let waiting = try Self.status { $0.peers[1].lastHandshake = nil }.report.diagnosis
        #expect(!waiting.isDecided)
    }

    @Test func `JSON has the verdict, the findings and each peer's state`() throws {
        let json = StateJSON.document(statuses: [try Self.status(Self.refused)]).text
        #expect(json.contains("\"verdict\":{\"outcome\":\"works-in-part\""))
        #expect(json.contains("\"findings\":[{\"code\":\"port-closed\",\"severity\":\"error\""))
        #expect(json.contains("\"diagnosis\":{\"state\":\"refused\""))
        #expect(json.contains("\"drop_replay\":3"))
    }

    @Test func `a line to follow is known without its ages, so that only changes are lines`() throws {
        let now = StatusLine.lines(try Self.status(Self.refused).report.diagnosis)
        let later = StatusLine.lines(
            try Self.status {
                Self.refused(&$0)
                $0.peers[1].networkError?.age = .seconds(9)
            }.report.diagnosis)
        #expect(now.map(\.key) == later.map(\.key))
        #expect(now.contains { $0.text.hasPrefix("wg0: error port-closed, peer ") })
    }
}

extension String {
    /// The abbreviations are the keys' own.
    fileprivate func replacingKeys(_ status: TunnelStatus) -> String {
        replacing("TrMv…XX0=", with: status.state.snapshot.peers[0].publicKey.abbreviation)
            .replacing("xTIB…8Dg=", with: status.state.snapshot.peers[1].publicKey.abbreviation)
    }
}
