import NetworkTypes
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelConfiguration

@Suite struct UAPITests {
    static let keyA = String(repeating: "ab", count: 32)
    static let keyB = String(repeating: "cd", count: 32)

    /// The requests in `text`, which arrives in pieces of `size` bytes.
    static func requests(_ text: String, size: Int = .max) -> [UAPIRequest] {
        var parser = UAPIRequestParser()
        var requests: [UAPIRequest] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            parser.consume(rest.prefix(size)) { requests.append($0) }
            rest = rest.dropFirst(min(size, rest.count))
        }
        return requests
    }

    static func update(_ text: String, size: Int = .max) -> TunnelUpdate? {
        guard case .set(let update)? = requests(text, size: size).first else { return nil }
        return update
    }

    static func errno(_ text: String) -> Int32? {
        guard case .refused(_, let error)? = requests(text).first else { return nil }
        return error.errno
    }

    static let wholeSet = """
        set=1
        private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a
        listen_port=12912
        fwmark=7
        replace_peers=true
        public_key=\(keyA)
        preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52
        replace_allowed_ips=true
        allowed_ip=192.168.4.4/32
        endpoint=[abcd:23::33%2]:51820
        public_key=\(keyB)
        update_only=true
        protocol_version=1
        persistent_keepalive_interval=111
        allowed_ip=-192.168.4.6/32
        public_key=\(keyA)
        remove=true


        """

    @Test(arguments: [Int.max, 1, 2, 3, 7, 64])
    func `a set is the same however its writes are split`(size: Int) throws {
        let update = try #require(Self.update(Self.wholeSet, size: size))
        #expect(update.privateKey != nil)
        #expect(update.listenPort == 12912)
        #expect(update.firewallMark == 7)
        #expect(update.replacesPeers)
        #expect(update.peers.count == 3)
        #expect(update.peers[0].endpoint == Endpoint("[abcd:23::33%2]:51820"))
        #expect(update.peers[0].replacesAllowedIPs)
        #expect(update.peers[0].presharedKey?.isZero == false)
        #expect(update.peers[1].updatesOnly)
        #expect(update.peers[1].persistentKeepalive == 111)
        #expect(update.peers[1].allowedIPs == [AllowedIPChange(IPPrefix("192.168.4.6/32")!, removes: true)])
        #expect(update.peers[2].removes)
    }

    @Test func `several requests follow each other on one connection, the mistakes of one leave the next alone`() {
        let requests = Self.requests("get=1\n\nset=1\nfwmark=x\nfwmark=1\n\nset=1\nfwmark=2\n\n\nget=1\n\nset=1\nfwmark=3\n")
        #expect(requests.count == 4)
        guard case .get = requests[0], case .refused(.set, _) = requests[1], case .set(let update) = requests[2], case .get = requests[3]
        else {
            Issue.record("\(requests)")
            return
        }
        #expect(update.firewallMark == 2)
    }

    @Test func `zeros remove the private key and the preshared key`() throws {
        let zeros = String(repeating: "0", count: 64)
        let update = try #require(Self.update("set=1\nprivate_key=\(zeros)\npublic_key=\(Self.keyA)\npreshared_key=\(zeros)\n\n"))
        guard case .some(nil) = update.privateKey else {
            Issue.record("not a removal")
            return
        }
        #expect(update.peers[0].presharedKey?.isZero == true)
    }

    @Test(arguments: [
        "listen_port=65536", "listen_port=", "listen_port=-1", "fwmark=4294967296", "fwmark=0x1", "private_key=00", "replace_peers=false",
        "nonsense=1",
        "allowed_ip=10.0.0.0/8", "public_key=zz", "persistent_keepalive_interval=1",
    ])
    func `a wrong interface line is EINVAL`(line: String) {
        #expect(Self.errno("set=1\n\(line)\n\n") == 22)
    }

    @Test(arguments: [
        "allowed_ip=10.0.0.0/33", "allowed_ip=", "allowed_ip=-", "endpoint=example.org:1", "endpoint=1.2.3.4", "endpoint=1.2.3.4:65536",
        "remove=1",
        "update_only=", "protocol_version=2", "persistent_keepalive_interval=65536", "preshared_key=0", "listen_port=1", "nonsense=1",
    ])
    func `a wrong peer line is EINVAL`(line: String) {
        #expect(Self.errno("set=1\npublic_key=\(Self.keyA)\n\(line)\n\n") == 22)
    }

    @Test func `what is no request at all is EPROTO, a line without end is EMSGSIZE`() {
        #expect(Self.errno("hello\n\n") == 71)
        #expect(Self.errno("get=1\nmore=1\n\n") == 71)
        #expect(Self.errno("set=1\nwords\n\n") == 71)
        #expect(Self.errno("set=1\n\(String(repeating: "x", count: 1_000_000))\n\n") == 90)
    }

    @Test func `a failed set is negative, a failed get positive, as the wg client wants it`() {
        #expect(String(decoding: UAPIResponse.answerToSet(errno: 22), as: UTF8.self) == "errno=-22\n\n")
        #expect(String(decoding: UAPIResponse.answerToSet(errno: 0), as: UTF8.self) == "errno=0\n\n")
        #expect(String(decoding: UAPIResponse.failureOfGet(errno: 22), as: UTF8.self) == "errno=22\n\n")
    }

    @Test(arguments: [1, 13, 4096, Int.max])
    func `a random state survives answer and reading, however it is split`(size: Int) {
        for seed in UInt64(0)..<30 {
            var generator = SeededGenerator(seed: seed)
            let state = RandomState.snapshot(&generator)
            let text = Self.text(of: state, piece: 700)
            var answer = UAPIAnswer()
            var rest = text[...]
            while !rest.isEmpty {
                answer.consume(rest.prefix(size))
                rest = rest.dropFirst(min(size, rest.count))
            }
            #expect(answer.errno == 0)
            #expect(Self.text(of: answer.snapshot) == text, "seed \(seed)")
        }
    }

    /// An answer, joined from its pieces.
    static func text(of state: TunnelSnapshot, piece: Int = UAPIResponse.pieceSize) -> [UInt8] {
        var response = UAPIResponse(state)
        var text: [UInt8] = []
        var part: [UInt8] = []
        while response.write(into: &part, upTo: piece) {
            text += part
            part = []
        }
        return text
    }

    static func address(of text: [UInt8]) -> UInt {
        // SAFETY: only compared.
        unsafe text.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }

    @Test func `an answer never outgrows the room it is written into, however many prefixes a peer has`() {
        var generator = SeededGenerator(seed: 1)
        var state = RandomState.snapshot(&generator)
        state.peers = [
            PeerSnapshot(
                publicKey: PrivateKey.random(using: &generator).publicKey, presharedKey: .random(using: &generator),
                endpoint: Endpoint("[fe80::1%1234567890]:65535"),
                persistentKeepalive: 65535, lastHandshake: .max, receivedBytes: .max, sentBytes: .max,
                allowedIPs: (0..<5000).map { IPPrefix(.v6(IPv6Address(high: .max, low: .max - $0)), length: 128) })
        ]
        var response = UAPIResponse(state)
        var text: [UInt8] = []
        text.reserveCapacity(4096)
        let address = Self.address(of: text)
        var count = 0
        while response.write(into: &text, upTo: 4096) {
            #expect(text.count <= 4096)
            #expect(Self.address(of: text) == address)
            count += text.count
            text.removeAll(keepingCapacity: true)
        }
        #expect(count == Self.text(of: state).count)
    }

    @Test(arguments: [5, Int.max])
    func `a random change survives being written and read`(size: Int) throws {
        for seed in UInt64(0)..<50 {
            var generator = SeededGenerator(seed: seed)
            let state = RandomState.snapshot(&generator)
            let file = ConfigurationFile(text: parse("[Interface]\n").text(saving: SavedState(state)).bytes, name: "x")
            let text = UAPIClient.text(of: file.tunnelUpdate())
            let update = try #require(Self.update(String(decoding: text, as: UTF8.self), size: size))
            #expect(UAPIClient.text(of: update) == text, "seed \(seed)")
        }
    }

    @Test func `hostile bytes never crash the parser, and every request in them is answered`() {
        let pieces = [
            "set=1\n", "get=1\n", "\n", "public_key=", Self.keyA, "allowed_ip=", "10.0.0.0/8", "=", "endpoint=[", "]:", "%", "private_key=",
            "\0",
        ]
        for seed in UInt64(0)..<1000 {
            var generator = SeededGenerator(seed: seed)
            var parser = UAPIRequestParser()
            for _ in 0..<50 {
                let piece =
                    Int.random(in: 0..<6, using: &generator) == 0
                    ? [UInt8.random(in: 0...255, using: &generator)] : Array(pieces.randomElement(using: &generator)!.utf8)
                parser.consume(piece[...]) { _ in }
            }
            var delivered = 0
            parser.consume(Array("\n\n".utf8)[...]) { _ in }
            parser.consume(Array("get=1\n\n".utf8)[...]) { _ in delivered += 1 }
            #expect(delivered == 1)
        }
    }

    @Test func `a request of 10 000 peers is read in one pass`() throws {
        var text = "set=1\nreplace_peers=true\n"
        for i in 0..<10_000 {
            let digits = String(i, radix: 16)
            text += "public_key=\(String(repeating: "0", count: 60 - digits.count))\(digits)0101\nallowed_ip=10.\(i >> 8).\(i & 255).0/24\n"
        }
        let update = try #require(Self.update(text + "\n", size: 65536))
        #expect(update.peers.count == 10_000)
        #expect(update.peers.allSatisfy { $0.allowedIPs.count == 1 })
    }

    @Test func `prefixes and numbers written straight into bytes are their descriptions`() {
        var generator = SeededGenerator(seed: 3)
        func text(_ body: (inout [UInt8]) -> Void) -> String {
            var bytes: [UInt8] = []
            body(&bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        for number in [0, 9, 10, 99, 100, UInt64.max] { #expect(text { $0.append(decimal: number) } == String(number)) }
        for _ in 0..<5000 {
            // Groups are often zero, so that runs of all lengths and places occur.
            let groups = (0..<8).map { _ in Bool.random(using: &generator) ? 0 : UInt64.random(in: 0...0xffff, using: &generator) }
            let (high, low) = (groups[..<4].reduce(0) { $0 << 16 | $1 }, groups[4...].reduce(0) { $0 << 16 | $1 })
            for address in [IPAddress.v6(IPv6Address(high: high, low: low)), .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)))] {
                let prefix = IPPrefix(address, length: UInt8.random(in: 0...UInt8(address.bitWidth), using: &generator))
                #expect(text { $0.append(prefix) } == prefix.description)
                #expect(text { $0.append(IPPrefix(address)) } == IPPrefix(address).description)
            }
        }
        #expect(text { $0.append(IPPrefix("::ffff:1.2.3.4")!) } == IPPrefix("::ffff:1.2.3.4")!.description)
    }
}
