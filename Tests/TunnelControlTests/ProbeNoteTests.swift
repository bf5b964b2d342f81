import NetworkTypes
import Testing
import TunnelDiagnosis
import WireGuardCrypto

@testable import TunnelControl

@Suite struct ProbeNoteTests {
    static let peer = PublicKey(bytes: InlineArray(repeating: 7))
    static let notes: [ProbeNote] = [
        .echo(peer, PathProbe(largestAnswered: 1372, smallestLost: 1380)), .echo(peer, PathProbe(largestAnswered: 1420, smallestLost: nil)),
        .arrived(ArrivedUnseen(interface: "eth0", sender: IPAddress("2001:db8::7")!, count: 3)), .arrived(nil),
        .name("peer.example.org:51820", [IPAddress("192.0.2.3")!, IPAddress("2001:db8::3")!]),
    ]

    @Test(arguments: notes)
    func `a note survives its line`(note: ProbeNote) {
        #expect(ProbeNote("\(note)") == note)
        #expect(ControlChannel.Request("\(ControlChannel.Request.note(note))") == .note(note))
    }

    @Test func `nonsense is no note`() {
        for text in ["", "echo", "echo x 1 2", "arrived eth0 x 3", "arrived eth0 10.0.0.1"] { #expect(ProbeNote(text) == nil) }
        #expect(ControlChannel.Request("note nonsense") == nil)
    }

    @Test func `a note counts for five minutes, and until the peer was heard`() {
        var observation = Observation(interface: "wg0", settings: TunnelSettings())
        observation.peers = [PeerObservation(publicKey: Self.peer)]
        observation.peers[0].endpoint = Endpoint("[2001:db8::7]:51820")
        var notes = ProbeNotes()
        for note in Self.notes[1...2] { notes.take(note, at: Instant(nanoseconds: 0)) }
        func completed(after seconds: UInt64, heard: Interval? = nil) -> Observation {
            var observation = observation
            observation.peers[0].lastHandshake = heard
            notes.complete(&observation, at: Instant(nanoseconds: 0) + .seconds(seconds))
            return observation
        }
        #expect(completed(after: 10).peers[0].probe?.largestAnswered == 1420)
        #expect(completed(after: 10).filters.arrivedUnseen?.interface == "eth0")
        #expect(completed(after: 10, heard: .seconds(5)).filters.arrivedUnseen == nil)
        #expect(completed(after: 400).peers[0].probe == nil)
        #expect(completed(after: 400).filters.arrivedUnseen == nil)
    }

    @Test func `a peer's inner address is its own, or the first of a network of ours`() {
        let own = [IPInterfaceAddress("10.8.0.1/24")!, IPInterfaceAddress("fd08::5/64")!, IPInterfaceAddress("10.9.0.1/32")!]
        func candidates(_ allowed: String...) -> [String] {
            InnerAddresses.candidates(allowed: allowed.map { IPPrefix($0)! }, own: own).map(\.description)
        }
        #expect(candidates("10.8.0.7/32", "10.20.0.0/16") == ["10.8.0.7"])
        #expect(candidates("10.8.0.0/24") == ["10.8.0.2"])
        #expect(candidates("0.0.0.0/0", "::/0") == ["10.8.0.2", "fd08::1", "fd08::2"])
        #expect(candidates("10.20.0.0/16").isEmpty)
    }

    @Test func `a report survives its text`() throws {
        let report = TunnelReport(Diagnosis(Observation(interface: "wg0", settings: TunnelSettings())), figures: [("drop_replay", 3)])
        let read = try #require(TunnelReport(text: report.text))
        #expect(read.diagnosis.findings == report.diagnosis.findings && !read.diagnosis.findings.isEmpty)
        #expect(read.figures.map(\.name) == ["drop_replay"] && read.figures.map(\.value) == [3])
        #expect(TunnelReport(text: TunnelReport(report.diagnosis, figures: []).text)?.figures.isEmpty == true)
        #expect(TunnelReport(text: "nonsense") == nil)
    }
}
