import LinuxSystem
import NetworkTypes
import Testing
import TunnelConfiguration

@testable import TunnelControl

@Suite struct EndpointResolutionTests {
    static var endpoints: [UnresolvedEndpoint] {
        parse("[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nEndpoint = vpn.example.org:51820").unresolvedEndpoints
    }

    /// Resolves with a resolver that says these things one after the other.
    static func resolve(
        _ outcomes: [HostLookup.Outcome], retries: Int? = 15, interruptAfter: Int = .max
    ) -> (result: Result<Endpoint?, SetupError>, pauses: [Interval], told: [String]) {
        var resolution = EndpointResolution()
        resolution.retries = retries
        var next = 0
        var pauses: [Interval] = []
        let told = Told()
        do throws(SetupError) {
            let resolved = try resolution.resolve(endpoints, file: "wg0.conf", told.report) { _ in
                defer { next += 1 }
                return outcomes[min(next, outcomes.count - 1)]
            } pause: { length in
                pauses.append(length)
                return pauses.count < interruptAfter
            }
            return (.success(resolved[endpoints[0].name]), pauses, told.all)
        } catch {
            return (.failure(error), pauses, told.all)
        }
    }

    @Test func `a failure that may pass is tried again, each pause a fifth longer, at most 20 s`() throws {
        let found = Endpoint("192.0.2.1:51820")!
        let (result, pauses, told) = Self.resolve(Array(repeating: .failedForNow("Try again"), count: 20) + [.found([found])], retries: nil)
        #expect(try result.get() == found)
        #expect(pauses.prefix(3) == [.seconds(1), .milliseconds(1200), .milliseconds(1440)])
        #expect(pauses.last == .seconds(20))
        #expect(told.first == "notice: vpn.example.org:51820: no name server answers (try again); trying again in 1.0 s")
    }

    @Test func `after fifteen retries it is a failure, which names the line`() {
        let (result, pauses, _) = Self.resolve([.failedForNow("Try again")])
        #expect(pauses.count == 15)
        guard case .failure(let error) = result else {
            Issue.record("no failure")
            return
        }
        #expect(error.step == "resolve the endpoint vpn.example.org:51820 (wg0.conf:3)")
    }

    @Test func `an unknown name fails at once, and an interrupt ends the waiting`() {
        let unknown = Self.resolve([.failed("Name or service not known")])
        #expect(unknown.pauses.isEmpty)
        // A service doesn't try that again; a network that is down it does.
        #expect(throws: SetupError.self) { try unknown.result.get() }
        if case .failure(let error) = unknown.result { #expect(error.isConfiguration) }
        if case .failure(let error) = Self.resolve([.failedForNow("Try again")]).result { #expect(!error.isConfiguration) }
        #expect(Self.resolve([.failedForNow("x")], interruptAfter: 2).pauses.count == 2)
    }

    @Test func `addresses and local names resolve without a network`() {
        #expect(HostLookup.resolve(host: "192.0.2.1", service: "51820") == .found([Endpoint("192.0.2.1:51820")!]))
        #expect(HostLookup.resolve(host: "2001:db8::1", service: "1") == .found([Endpoint("[2001:db8::1]:1")!]))
        guard case .failed = HostLookup.resolve(host: "192.0.2.1", service: "no-such-service") else {
            Issue.record("found")
            return
        }
    }
}
