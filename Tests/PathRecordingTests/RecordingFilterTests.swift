import NetworkTypes
import PathRecording
import Testing
import WireGuardCrypto

@Suite struct RecordingFilterTests {
    @Test(arguments: [
        ("", true), ("10.8.0.5", true), ("10.8.0.1", true), ("10.8.0.6", false), ("10.8.0.0/24", true), ("fd08::/64", false),
        ("10.8.0.1 10.8.0.5", true), ("from 10.8.0.1", true), ("from 10.8.0.5", false), ("to 10.8.0.5", true), ("to 10.8.0.1", false),
        ("port 443", true), ("port 1234", true), ("port 80", false), ("tcp", true), ("udp", false), ("tcp udp", true), ("protocol 6", true),
        ("icmp", false), ("via 192.0.2.0/24", true), ("via 192.0.3.0/24", false), ("out", true), ("in", false), ("drops", false),
        ("handshakes", false), ("TCP Port 443", true), ("peer BwcH", true), ("peer BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", true),
        ("peer BwcG", false), ("peer BwcH…Bwc=", true), ("1/100", true), ("  out   tcp ", true),
    ])
    func `a sent TCP packet meets the conditions that are true of it`(text: String, meets: Bool) throws {
        #expect(try RecordingFilter(text).admits(Samples.sent) == meets)
    }

    @Test func `what is dropped is met by drops, and by no condition on what was not seen`() throws {
        #expect(try RecordingFilter("drops").admits(Samples.refused))
        #expect(try RecordingFilter("drops in via 2001:db8::7").admits(Samples.refused))
        #expect(try !RecordingFilter("drops tcp").admits(Samples.refused))
        #expect(try !RecordingFilter("drops fd08::/64").admits(Samples.refused))
        #expect(try !RecordingFilter("drops peer BwcH").admits(Samples.refused))
    }

    @Test func `a packet whose datagram the kernel refused is a drop`() throws {
        var record = Samples.sent
        record.notes.errno = 101
        #expect(try RecordingFilter("drops").admits(record))
    }

    @Test(arguments: ["10.8.0.5", "fd08::5"])
    func `what ICMP says to and from an address is the filter of these words`(address: String) throws {
        let filter = RecordingFilter(icmp: try #require(IPAddress(address)))
        #expect(filter == (try RecordingFilter("icmp \(address)")))
    }

    @Test func `handshakes alone can be asked for`() throws {
        var record = Samples.refused
        record.notes.kind = .initiation
        #expect(try RecordingFilter("handshakes").admits(record))
    }

    @Test(arguments: [
        "", "out 10.8.0.0/24 from fd08::1/128 to 10.0.0.1/32 port 443 port 80 protocol 6 via 192.0.2.0/24 drops 1/7", "peer BwcHB",
        "peer BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "in handshakes",
    ])
    func `the text of a filter is the filter`(text: String) throws {
        let filter = try RecordingFilter(text)
        #expect(filter.description == text)
        #expect(try RecordingFilter(filter.description) == filter)
    }

    @Test(arguments: [
        ("10.8.0.5 prot 443", 9, 4, "\"prot\" is no word of a filter"),
        ("10.8.0.5/33", 0, 11, "\"10.8.0.5/33\" is no address or prefix, for example 10.8.0.5 or 10.8.0.0/24"),
        ("tcp port", 4, 4, "`port` wants a number from 1 to 65535"),
        ("port http", 5, 4, "`port` wants a number from 1 to 65535, not \"http\""),
        ("port 0", 5, 1, "`port` wants a number from 1 to 65535, not \"0\""),
        ("protocol 256", 9, 3, "`protocol` wants a number from 0 to 255, not \"256\""),
        ("from me", 5, 2, "\"me\" is no address or prefix, for example 10.8.0.5 or 10.8.0.0/24"),
        ("peer abc", 5, 3, "\"abc\" is no public key, nor 4 or more characters of its beginning"),
        ("1/0", 0, 3, "a sample is 1/N, for example 1/100"), ("in out", 3, 3, "`out` and `in` together exclude everything"),
        ("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5", 36, 8, "more than 4 addresses"),
        ("port 1 port 2 port 3 port 4 port 5", 33, 1, "more than 4 ports"), ("tcp icmp udp protocol 50", 22, 2, "more than 4 protocols"),
    ])
    func `what can't be understood is shown with its place`(text: String, offset: Int, length: Int, message: String) {
        let problem = #expect(throws: RecordingFilter.Problem.self) { try RecordingFilter(text) }
        #expect(problem?.message == message)
        #expect(problem?.offset == offset)
        #expect(problem?.length == length)
        #expect(problem?.text == text)
    }

    @Test func `an unknown word comes with those that could stand there`() {
        let problem = #expect(throws: RecordingFilter.Problem.self) { try RecordingFilter("prot 443") }
        #expect(problem?.expected.contains("port") == true)
    }
}
