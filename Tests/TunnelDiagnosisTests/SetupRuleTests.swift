import NetworkTypes
import Testing

@testable import TunnelDiagnosis

/// What has become of what the tunnel set up.
@Suite struct SetupRuleTests {
    private func resolver(_ reason: ResolverObservation.Reason) -> Diagnosis {
        var observation = Recorded.healthy()
        observation.resolver = ResolverObservation(servers: [IPAddress("10.8.0.53")!], keeper: "/etc/resolv.conf", reason: reason)
        return Diagnosis(observation)
    }

    @Test func `who is asked for names, and why, is good to know and no trouble`() {
        let reasons: [(ResolverObservation.Reason, String)] = [
            (.own, "this tunnel's"), (.former, "as before"), (.later("home"), "those of home"),
        ]
        for (reason, words) in reasons {
            let diagnosis = resolver(reason)
            #expect(diagnosis.findings.map(\.severity) == [.note])
            #expect(diagnosis.findings[0].sentence.contains(words) && diagnosis.findings[0].sentence.contains("10.8.0.53"))
        }
    }

    @Test func `name servers that others replaced are worth a look`() {
        let diagnosis = resolver(.replaced)
        #expect(diagnosis.codes == [.nameServersReplaced])
        #expect(diagnosis.findings[0].remedy.contains("reload"))
    }

    @Test func `name servers whose keeper was stopped are in force for nobody`() {
        let diagnosis = resolver(.stopped)
        #expect(diagnosis.codes == [.nameServersReplaced])
        #expect(diagnosis.findings[0].sentence.contains("does not run"))
        #expect(resolver(.unset).codes == [.nameServersReplaced])
        #expect(resolver(.unset).findings[0].sentence.contains("could not be set"))
    }

    @Test func `addresses that the interface has no longer are told, as it is no use without`() {
        var observation = Recorded.healthy()
        observation.missingAddresses = [IPInterfaceAddress("fd08::1/64")!, IPInterfaceAddress("10.8.0.1/24")!]
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.addressMissing] && diagnosis.findings[0].severity == .warning)
        #expect(diagnosis.findings[0].sentence.contains("has lost fd08::1/64, 10.8.0.1/24"))
        #expect(diagnosis.findings[0].remedy.contains("reload office"))
    }

    @Test func `what others removed is told while it is news, and as long as it is left so`() {
        var observation = Recorded.healthy()
        let command = "ip -4 route add default dev office table 51820"
        observation.removal = RemovalObservation(commands: [command], age: .seconds(3), isLeft: false)
        #expect(Diagnosis(observation).codes == [.removedByOthers])
        #expect(Diagnosis(observation).findings[0].sentence.contains("put back 3 s ago"))
        #expect(Diagnosis(observation).findings[0].evidence == command)
        observation.removal?.age = .seconds(3000)
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.removal?.isLeft = true
        #expect(Diagnosis(observation).findings[0].sentence.contains("left so"))
        observation.removal?.isLeft = false
        observation.removal?.failure = "cannot add the route to ::/0: IPv6 is disabled here"
        #expect(Diagnosis(observation).findings[0].sentence.contains("could not be put back"))
        #expect(Diagnosis(observation).findings[0].remedy.contains("IPv6 is disabled"))
    }
}
