import LinuxSystem
import Testing
import TunnelControl
import TunnelDiagnosis
import TunnelView

@testable import WGLiteCommands

@Suite struct DoctorTextTests {
    static let plain = Palette(isOn: false)
    static let bad = ExaminationCheck("route", .bad, "there is none to 192.0.2.7:51820", remedy: "see `ip route`")

    @Test func `a step is a line, its remedy another`() {
        #expect(DoctorText.line(ExaminationCheck("file", .good, "a.conf: 1 peer"), Self.plain) == "ok      file         a.conf: 1 peer")
        #expect(
            DoctorText.line(Self.bad, Self.plain)
                == "WRONG   route        there is none to 192.0.2.7:51820\n                     see `ip route`")
    }

    @Test func `without a tunnel the first thing that is wrong is the summary`() {
        #expect(DoctorText.summary([], nil, Self.plain).contains("nothing is wrong"))
        #expect(DoctorText.summary([Self.bad], nil, Self.plain).contains("no tunnel can work here: there is none"))
    }

    @Test func `JSON has every step`() {
        let text = DoctorText.document([Self.bad], nil).text
        #expect(text.contains("\"checks\":[{\"name\":\"route\",\"outcome\":\"bad\""))
        #expect(text.contains("\"verdict\":null"))
    }
}
