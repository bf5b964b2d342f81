import LinuxSystem
import NetworkTypes
import Testing
import TunnelConfiguration
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
        #expect(DoctorText.summary([], .machine, Self.plain).contains("nothing is wrong"))
        #expect(DoctorText.summary([Self.bad], .machine, Self.plain).contains("no tunnel can work here: route: there is none"))
    }

    static func diagnosis(_ text: String) -> Diagnosis {
        let key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
        let file = ConfigurationFile(text: Array("[Interface]\nPrivateKey = \(key)\n\(text)".utf8), name: "office.conf")
        return Diagnosis(Observation(interface: "office", settings: TunnelSettings(file)))
    }

    @Test func `of a file whose tunnel is not up, what is wrong comes again at the end, and nothing is said to be up`() {
        let diagnosis = Self.diagnosis("Address = 10.8.0.1/24\n")
        let name = ExaminationCheck("name", .bad, "vpn.example.org: Temporary failure in name resolution", remedy: "check the name")
        let text = DoctorText.summary([name, Self.bad], .file(diagnosis), Self.plain)
        #expect(
            text == "\nsomething is wrong: name: vpn.example.org: Temporary failure in name resolution\n    check the name"
                + "\n  also wrong: route: there is none to 192.0.2.7:51820\n    see `ip route`")
        #expect(DoctorText.verdict([name], .file(diagnosis))?.exitStatus == 1)
        #expect(DoctorText.summary([], .file(diagnosis), Self.plain) == "\nnothing is wrong; the tunnel is not up")
        let json = DoctorText.document([], .file(diagnosis)).text
        #expect(json.contains(#""verdict":{"outcome":"waits","line":"nothing is wrong; the tunnel is not up","exitStatus":0}"#))
    }

    @Test func `what a file's findings say stands beside what else is wrong`() {
        let diagnosis = Self.diagnosis(
            "Address = 10.8.0.1/24\n[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = 10.9.0.0/24\n")
        let text = DoctorText.summary([Self.bad], .file(diagnosis), Self.plain)
        #expect(text.hasPrefix("\nsomething is wrong: route: there is none"))
        #expect(text.contains("\n  also: the interface's network 10.8.0.0/24 is in nobody's AllowedIPs"))
        #expect(DoctorText.summary([], .file(diagnosis), Self.plain).contains("one thing to look at: the interface's network"))
    }

    @Test func `a tunnel without peers that is up is said to be, with what else is wrong`() {
        let diagnosis = Self.diagnosis("Address = 10.8.0.1/24\n")
        #expect(DoctorText.summary([], .tunnel(diagnosis), Self.plain) == "\noffice is up, without a peer")
        let port = ExaminationCheck("others", .bad, "home listens on port 51820 as well")
        #expect(
            DoctorText.summary([port], .tunnel(diagnosis), Self.plain).hasSuffix(
                "\n  also wrong: others: home listens on port 51820 as well"))
    }

    @Test func `JSON has every step`() {
        let text = DoctorText.document([Self.bad], .machine).text
        #expect(text.contains("\"checks\":[{\"name\":\"route\",\"outcome\":\"bad\""))
        #expect(text.contains("\"verdict\":null"))
    }
}
