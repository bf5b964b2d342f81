import Testing

@testable import TunnelServer

@Suite struct HTTPRouteTests {
    @Test func `addresses name what there is`() {
        #expect(HTTPRoute("/") == .index)
        #expect(HTTPRoute("/?x=1") == .index)
        #expect(HTTPRoute("/metrics") == .metrics)
        #expect(HTTPRoute("/status.json?pretty") == .status)
        #expect(HTTPRoute("/office/") == .page("office"))
        #expect(HTTPRoute("/office/path.json") == .path("office"))
    }

    @Test(arguments: [
        "", "metrics", "/metrics/x", "/office", "/../etc/passwd", "/..//", "/a b/", "/office/x", "/%2e%2e/", "http://x/metrics", "//",
    ])
    func `nothing else is there`(target: String) {
        #expect(HTTPRoute(target) == nil)
    }

    @Test func `names of the web that lead here are refused on loopback`() {
        let policy = HostPolicy(admitsAll: false)
        for host in ["localhost", "LOCALHOST:9586", "127.0.0.1:9586", "127.3.2.1", "[::1]:9586", "[::1]"] { #expect(policy.admits(host)) }
        for host in [
            "evil.example", "evil.example:9586", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]", "", "127.0.0", "[::1",
        ] {
            #expect(!policy.admits(host))
        }
        #expect(!policy.admits(nil))
        #expect(HostPolicy(admitsAll: true).admits("server.example"))
    }
}
