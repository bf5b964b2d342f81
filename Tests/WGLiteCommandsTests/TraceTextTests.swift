import NetworkTypes
import PathRecording
import Testing

@testable import WGLiteCommands

@Suite struct TraceTextTests {
    private func problem(_ text: String, running: [String] = ["office"]) -> String {
        do throws(RecordingFilter.Problem) {
            _ = try RecordingFilter(text)
            return ""
        } catch {
            return TraceText.problem(error, running)
        }
    }

    @Test func `what can't be understood is marked, with what could be meant`() {
        #expect(
            problem("10.8.0.5 prot 443") == """
                filter: "prot" is no word of a filter: did you mean `port`?
                  10.8.0.5 prot 443
                           ^~~~
                """)
        #expect(problem("ofice tcp").hasPrefix("filter: \"ofice\" is no word of a filter: did you mean `office`?"))
        #expect(problem("zzzzzzzz").hasPrefix("filter: \"zzzzzzzz\" is no word of a filter, nor a tunnel that is up"))
    }

    @Test func `a story has a line a stage with its time`() {
        var notes = PacketNotes(.outbound, .data, .forwarded, unixNanoseconds: 2_000_345_000)
        notes.stages.ends[0] = 2500
        notes.packetLength = 84
        let text = TraceText(palette: Palette(isOn: false), began: 1_000_000_000)
        #expect(
            text.story(PacketRecord(notes)) == """
                +1.000345 s  out  no IP packet, 84 bytes
                  read           3 µs  read alone

                """)
        #expect(text.ways(PacketWays()) == "no packet came\n")
    }

    @Test func `words stand below each other, however long a stage is called`() {
        let text = TraceText(palette: Palette(isOn: false), began: 0)
        let lines = [
            StoryLine(stage: "size", text: "X", isDrop: false), StoryLine(stage: "outer route", text: "X", isDrop: false),
            StoryLine(stage: "seal", time: .milliseconds(1), text: "X", isDrop: false),
        ].map(text.line)
        #expect(Set(lines.map { line in line.prefix { $0 != "X" }.count }).count == 1, "\(lines)")
    }
}
