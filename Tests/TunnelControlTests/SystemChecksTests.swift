import LinuxSystem
import Testing

@testable import TunnelControl

@Suite struct SystemChecksTests {
    static func privilege(_ bits: String) -> ExaminationCheck.Outcome {
        SystemChecks.privilege(capabilities: "Name:\tx\nCapEff:\t\(bits)\n", isUp: false, Surroundings()).outcome
    }

    @Test func `privileges are read from the effective set`() {
        #expect(Self.privilege("000001ffffffffff") == .good)
        #expect(Self.privilege("0000000000001000") == .warning)
        #expect(Self.privilege("0000000000002000") == .bad)
        // One that is up without a privilege, as by `wg-lite run`, lacks nothing.
        #expect(SystemChecks.privilege(capabilities: "CapEff: 0", isUp: true, Surroundings()).outcome == .skipped)
        #expect(SystemChecks.privilege(capabilities: "", isUp: false, Surroundings()).outcome == .skipped)
    }

    @Test func `a clock before 2025 is wrong`() {
        #expect(SystemChecks.clock(unixSeconds: 1_700_000_000).outcome == .bad)
        #expect(SystemChecks.clock(unixSeconds: 1_764_000_000).outcome == .good)
    }

    @Test func `a device that is missing is wrong, with a remedy`() {
        let check = SystemChecks.device(Surroundings(tunDevice: .missing))
        #expect(check.outcome == .bad && check.remedy.contains("modprobe tun"))
        #expect(SystemChecks.device(Surroundings()).outcome == .good)
    }
}
