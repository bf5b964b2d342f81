import LinuxSystem
import NetworkTypes
import Testing

@testable import TunnelEngine

@Suite struct RouteVerdictTests {
    private static let endpoint = Endpoint("192.0.2.7:51820")!
    private static let source = EndpointSource(address: IPAddress("198.51.100.1")!, interfaceIndex: 3)
    private static let tunnel: UInt32 = 9

    private func verdict(_ source: EndpointSource?, fromSource: RouteAnswer, fromAny: RouteAnswer) -> RouteVerdict {
        RouteVerdict.of(Self.endpoint, from: source, tunnel: Self.tunnel) { (address) throws(Never) in
            #expect(address == nil || address == Self.source.address)
            return address == nil ? fromAny : fromSource
        }
    }

    @Test func `the source holds while the way from it leaves by its interface`() {
        #expect(verdict(Self.source, fromSource: .link(3), fromAny: .link(4)) == RouteVerdict(keepsSource: true, isLoop: false))
        #expect(verdict(Self.source, fromSource: .link(4), fromAny: .link(4)) == RouteVerdict(keepsSource: false, isLoop: false))
        #expect(verdict(Self.source, fromSource: .sourceRefused, fromAny: .link(3)) == RouteVerdict(keepsSource: false, isLoop: false))
    }

    @Test func `without any way the source holds, for another would not help`() {
        #expect(verdict(Self.source, fromSource: .none, fromAny: .none) == RouteVerdict(keepsSource: true, isLoop: false))
        #expect(verdict(nil, fromSource: .none, fromAny: .none) == RouteVerdict(keepsSource: true, isLoop: false))
    }

    @Test func `what would leave by the tunnel is a loop, whatever the source`() {
        #expect(verdict(nil, fromSource: .none, fromAny: .link(9)) == RouteVerdict(keepsSource: true, isLoop: true))
        #expect(verdict(Self.source, fromSource: .link(9), fromAny: .link(9)) == RouteVerdict(keepsSource: false, isLoop: true))
        #expect(verdict(Self.source, fromSource: .link(9), fromAny: .link(4)) == RouteVerdict(keepsSource: false, isLoop: false))
        let none = RouteVerdict.of(Self.endpoint, from: nil, tunnel: nil) { (_) throws(Never) in .link(9) }
        #expect(!none.isLoop)
    }

    @Test func `a link-local endpoint's zone says it all`() {
        let endpoint = Endpoint("[fe80::1%3]:51820")!
        func verdict(_ index: UInt32?) -> RouteVerdict {
            let source = index.map { EndpointSource(address: IPAddress("fe80::2")!, interfaceIndex: $0) }
            return RouteVerdict.of(endpoint, from: source, tunnel: 9) { (_) throws(Never) in
                Issue.record("no route is asked")
                return .none
            }
        }
        #expect(verdict(3).keepsSource && verdict(0).keepsSource && verdict(nil).keepsSource && !verdict(4).keepsSource)
        #expect(!verdict(3).isLoop)
    }
}
