import LinuxSystem
import NetworkTypes
import Testing
import TunnelDiagnosis
import TunnelEngine
import WireGuardCrypto

@testable import TunnelControl
@testable import TunnelCore

/// How what the sockets have seen becomes an observation.
@Suite struct ObserverPathTests {
    static let peer = PublicKey(bytes: InlineArray(repeating: 7))
    static let second = UInt64(1_000_000_000)

    static func observed(_ change: (inout PathObservation) -> Void) -> PeerObservation {
        var path = PathObservation(
            publicKey: peer, endpoint: Endpoint("192.0.2.7:51820"), source: nil, isLooping: false, endpointMoves: 0, lastMove: nil,
            lastSendError: nil, lastICMPError: nil)
        change(&path)
        var observed = PeerObservation(publicKey: peer)
        observed.endpoint = path.endpoint
        observed.route = .via(interface: "eth0", isTunnel: false, source: nil, gateway: nil, mtu: 1500)
        observed.complete(with: path, at: 10 * second)
        return observed
    }

    static func error(_ errno: Int32, at endpoint: String) -> SendErrorRecord {
        SendErrorRecord(errno: errno, endpoint: Endpoint(endpoint)!, unixNanoseconds: 7 * second, datagrams: 1)
    }

    @Test(
        arguments: [
            (101, SendFailure.Cause.noRoute), (113, .hostUnreachable), (1, .filtered), (13, .prohibited), (97, .familyMissing),
            (22, .other(22)),
        ] as [(Int32, SendFailure.Cause)])
    func `an errno of sending has a cause`(errno: Int32, cause: SendFailure.Cause) {
        #expect(SendFailure.Cause(errno: errno) == cause)
    }

    @Test func `what the network said of an earlier datagram is not the kernel's refusal`() {
        #expect(SendFailure.Cause(errno: 111) == nil)
    }

    @Test func `a refusal counts for the endpoint that it was about`() {
        #expect(
            Self.observed { $0.lastSendError = Self.error(1, at: "192.0.2.7:51820") }.sendFailure
                == SendFailure(.filtered, age: .seconds(3)))
        #expect(Self.observed { $0.lastSendError = Self.error(1, at: "192.0.2.9:51820") }.sendFailure == nil)
    }

    @Test func `an ICMP error has its cause, its reporter and its age`() {
        let observed = Self.observed {
            $0.lastICMPError = ICMPErrorRecord(
                errno: 111, isV6: false, type: 3, code: 3, mtu: nil, reporter: IPAddress("192.0.2.7"),
                destination: Endpoint("192.0.2.7:51820")!, unixNanoseconds: 8 * Self.second)
        }
        #expect(observed.networkError == NetworkError(.portUnreachable, reporter: IPAddress("192.0.2.7"), age: .seconds(2)))
    }

    @Test func `an endpoint that loops is routed into the tunnel, whatever the look-up said a moment ago`() {
        #expect(
            Self.observed { $0.isLooping = true }.route == .via(interface: "eth0", isTunnel: true, source: nil, gateway: nil, mtu: 1500))
    }
}
