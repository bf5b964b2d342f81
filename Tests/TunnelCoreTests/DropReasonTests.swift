import Testing
import WireGuardProtocol

@testable import TunnelCore

@Suite struct DropReasonTests {
    @Test func `every reason has its own name and explanation`() {
        let names = DropReason.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") } })
        #expect(names.contains("no_peer_for_destination") && names.contains("mac1"))
        let explanations = DropReason.allCases.map(\.explanation)
        #expect(Set(explanations).count == explanations.count)
        #expect(explanations.allSatisfy { !$0.isEmpty && !$0.contains("\n") })
    }

    @Test func `each reason is counted by itself`() {
        var counters = DropCounters()
        for reason in DropReason.allCases { counters.add(reason, reason.rawValue + 1) }
        for reason in DropReason.allCases { #expect(counters[reason] == UInt64(reason.rawValue + 1)) }
        counters.add(.replay)
        let count = UInt64(DropReason.allCases.count)
        #expect(counters.total == count * (count + 1) / 2 + 1)
    }

    @Test func `every refusal of the protocol has a reason`() {
        #expect(Set(Refusal.allCases.map { DropReason($0).name }).count >= 14)
        #expect(DropReason(Refusal.mac1) == .mac1 && DropReason(Refusal.window) == .tooOld)
    }
}
