import LinuxSystem
import NetworkTypes
import Testing
import WireGuardCrypto

@testable import TunnelCore
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

@Suite struct LoopNewsTests {
    private static func news(_ kind: PathNews.Kind, _ key: PublicKey) -> PathNews {
        PathNews(kind: kind, publicKey: key, endpoint: Endpoint("192.0.2.7:51820")!)
    }

    @Test func `a loop of a moment is not told, one that stays is, and its end`() {
        var generator = SystemRandomNumberGenerator()
        let (one, other) = (PrivateKey.random(using: &generator).publicKey, PrivateKey.random(using: &generator).publicKey)
        var loops = LoopNews()
        let start = Instant(nanoseconds: 9)
        #expect(loops.due == nil)
        #expect(loops.add([Self.news(.loopBegins, one), Self.news(.loopBegins, other)], at: start).isEmpty)
        #expect(loops.add([Self.news(.loopEnds, one)], at: start + .milliseconds(20)).isEmpty)
        #expect(loops.take(at: start + .milliseconds(999)).isEmpty)
        #expect(loops.due == start + LoopNews.patience)
        let told = loops.take(at: start + LoopNews.patience)
        #expect(told.map(\.publicKey) == [other] && told.map(\.kind) == [.loopBegins])
        #expect(loops.due == nil)
        #expect(loops.add([Self.news(.loopEnds, other)], at: start + .seconds(9)).map(\.kind) == [.loopEnds])
    }
}
