import NetworkTypes
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        "1.2.3.4:51820", "[::1]:51820", "[fe80::1%2]:65535", "0.0.0.0:0", "[2001:db8::1]:1", "[fe80::1%4294967295]:1",
    ]) func `endpoint text round-trips`(text: String) throws {
        #expect(try #require(Endpoint(text)).description == text)
    }

    @Test func `a zone is read as its index`() throws {
        let endpoint = try #require(Endpoint("[fe80::1%2]:51820"))
        #expect(endpoint.zone == 2 && endpoint.port == 51820)
        #expect(try endpoint.address == .v6(#require(IPv6Address("fe80::1"))))
    }

    @Test(arguments: [
        "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:01", "::1:51820", "[::1]", "[::1]51820", "[::1:51820",
        "::1]:51820",
        "[1.2.3.4]:1", "[::1%]:1", "[::1%eth0]:1", "[::1%4294967296]:1", "host:1", "1.2.3.4%1:1", "[]:1", "[:1", " 1.2.3.4:1",
    ]) func `what is not an endpoint is refused`(text: String) {
        #expect(Endpoint(text) == nil)
    }
}
