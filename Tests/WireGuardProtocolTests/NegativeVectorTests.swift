import NetworkTypes
import Testing
import VectorFiles
import WireGuardCrypto

@testable import WireGuardProtocol

@Suite struct NegativeVectorTests {
    let file: NegativeVectors

    init() throws {
        file = try .load()
    }

    /// The file's name for what refused a message.
    static func name(of refusal: Refusal) -> String {
        switch refusal {
        case .sealedStatic: "static"
        case .unknownPeer: "unknown peer"
        case .lowOrder: "low order"
        default: "\(refusal)"
        }
    }

    /// What a receiver without any session or handshake says: an index that leads nowhere, unless it is an initiation.
    static func check(_ message: HexBytes, expecting kind: MessageKind, local: LocalIdentity) throws(Refusal) {
        let found = unsafe try message.withUnsafeBytes { bytes throws(Refusal) in unsafe try MessageKind(of: bytes) }
        switch found {
        case .transport: throw .index
        case .cookieReply: throw .index
        case .handshakeInitiation, .handshakeResponse:
            guard CookieChecker.hasValidMAC1(message.bytes, to: local) else { throw .mac1 }
        }
        guard found == kind else { throw .type }
    }

    @Test func `the file has 171 cases`() {
        #expect(file.initiation.cases.count + file.response.cases.count + file.transport.cases.count == 171)
    }

    @Test func `no low-order point gives a shared secret`() {
        let key = file.initiation.responderStaticPrivate.privateKey
        for point in file.lowOrderPoints { #expect(key.sharedSecret(with: point.publicKey) == nil, "\(point)") }
        #expect(file.lowOrderPoints.count == 14)
    }

    @Test func `every initiation is accepted or refused for the reason in the file`() throws {
        let cases = file.initiation
        let local = LocalIdentity(privateKey: cases.responderStaticPrivate.privateKey)
        // The file's initiator, as the section on responses has it.
        let initiator = LocalIdentity(privateKey: file.response.initiator.staticPrivate.privateKey)
        #expect(initiator.publicKey.hex == cases.peerStaticPublic)
        func earlier(_ timestamp: TAI64N, from remote: RemoteIdentity) throws(Refusal) -> AuthenticatedInitiation {
            let responder = RemoteIdentity(publicKey: local.publicKey, presharedKey: cases.psk.presharedKey, local: initiator)
            var generator = SeededGenerator(state: 3)
            let created = try InitiationCreation(
                local: initiator, remote: responder, senderIndex: 3, timestamp: timestamp, using: &generator
            ).perform()
            return try InitiationOpening(local: local, message: created.message).perform().authenticate(as: remote)
        }
        var ran = 0
        for vector in cases.cases {
            let keys = [cases.peerStaticPublic.publicKey] + (vector.extraPeer.map { [$0.publicKey] } ?? [])
            let remotes = keys.map { RemoteIdentity(publicKey: $0, presharedKey: cases.psk.presharedKey, local: local) }
            func receive() throws(Refusal) {
                try Self.check(vector.message, expecting: .handshakeInitiation, local: local)
                let message = try HandshakeInitiation(vector.message)
                let opened = try InitiationOpening(local: local, message: message).perform()
                guard let remote = remotes.first(where: { $0.publicKey == opened.initiator }) else { throw .unknownPeer }
                var peer = Peer(remote: remote, jitterSeed: 1)
                if let last = vector.lastTimestamp { try peer.accept(earlier(TAI64N(last.fixed()), from: remote), at: .at(0)) }
                try peer.accept(opened.authenticate(as: remote), at: .at(1))
            }
            do throws(Refusal) {
                try receive()
                #expect(vector.accepted, "\(vector.name)")
            } catch {
                #expect(Self.name(of: error) == vector.refusedBy, "\(vector.name)")
                #expect(!vector.accepted, "\(vector.name)")
            }
            ran += 1
        }
        #expect(ran == 73)
    }

    @Test func `every response is accepted or refused for the reason in the file`() throws {
        let cases = file.response
        let local = LocalIdentity(privateKey: cases.initiator.staticPrivate.privateKey)
        let remote = RemoteIdentity(
            publicKey: cases.responderStaticPublic.publicKey, presharedKey: cases.psk.presharedKey, local: local)
        var ran = 0
        for vector in cases.cases {
            let creation = InitiationCreation(
                local: local, remote: remote, ephemeral: cases.initiator.ephemeralPrivate.privateKey, senderIndex: cases.initiator.index,
                timestamp: TAI64N(cases.timestamp.fixed()))
            var created = try creation.perform { step, state in
                if step == .initiationTimestamp {
                    let (chainingKey, hash) = (state.chainingKey.hex, state.hash.hex)
                    #expect(chainingKey == cases.stateAfterInitiation.chainingKey && hash == cases.stateAfterInitiation.hash)
                }
            }
            #expect(created.message.bytes.hex == cases.initiation)
            var peer = Peer(remote: remote, jitterSeed: 1)
            let begins = peer.beginHandshake(at: .at(0), isRetry: false)
            #expect(begins)
            try peer.send(&created, at: .at(0)).unregister { _ in Issue.record("nothing was registered before") }

            func receive(_ bytes: HexBytes) throws(Refusal) {
                try Self.check(bytes, expecting: .handshakeResponse, local: local)
                let message = try HandshakeResponse(bytes)
                // The index of a completed handshake leads to its session.
                if unsafe peer.keypairs.current?.pointee.localIndex == message.receiverIndex { throw .state }
                guard let pending = peer.pendingHandshake, pending.localIndex == message.receiverIndex else { throw .index }
                let session = try ResponseConsumption(local: local, remote: remote, handshake: pending, message: message).perform()
                try peer.establish(session, at: .at(0.1), unixNanoseconds: 5).unregister { _ in }
            }
            if let first = vector.afterAccepted { try receive(first) }
            do throws(Refusal) {
                try receive(vector.message)
                #expect(vector.accepted, "\(vector.name)")
                #expect(peer.pendingHandshake == nil && peer.lastHandshake == 5)
            } catch {
                #expect(Self.name(of: error) == vector.refusedBy, "\(vector.name)")
                #expect(!vector.accepted, "\(vector.name)")
                #expect(
                    (peer.pendingHandshake == nil) == (vector.afterAccepted != nil), "\(vector.name): a refused message changes nothing")
            }
            ran += 1
        }
        #expect(ran == 47)
    }

    @Test func `every data message opens or is refused for the reason in the file`() throws {
        let cases = file.transport
        let local = LocalIdentity(privateKey: file.initiation.responderStaticPrivate.privateKey)
        var (ran, messages) = (0, 0)
        for vector in cases.cases {
            withKeypair(sending: cases.sendingKey, receiving: cases.receivingKey, localIndex: cases.receiverIndex) { keypair in
                for (position, message) in vector.messages.enumerated() {
                    let comment = "\(vector.name), message \(position)"
                    do throws(Refusal) {
                        try Self.check(message.message, local: local, orOpenWith: &keypair, expecting: message, comment)
                    } catch {
                        #expect(message.outcome == .dropped, "\(comment)")
                        #expect(Self.name(of: error) == message.refusedBy, "\(comment)")
                    }
                    messages += 1
                }
            }
            ran += 1
        }
        #expect(ran == 51)
        #expect(messages == cases.cases.map(\.messages.count).reduce(0, +) && messages == 99)
    }

    /// Which inner packets are delivered is decided by the core; here `authenticated` is as good as `delivered`.
    static func check(
        _ bytes: HexBytes, local: LocalIdentity, orOpenWith keypair: inout Keypair,
        expecting vector: NegativeVectors.Transport.Message, _ comment: String
    ) throws(Refusal) {
        let kind = unsafe try bytes.withUnsafeBytes { bytes throws(Refusal) in unsafe try MessageKind(of: bytes) }
        guard kind == .transport else { throw .type }
        let plaintext = try keypair.open(bytes.bytes, at: .at(1))
        switch vector.outcome {
        case .keepalive: #expect(plaintext.isEmpty, "\(comment)")
        case .delivered: #expect(Array(plaintext.prefix(vector.packet.bytes.count)) == vector.packet.bytes, "\(comment)")
        case .authenticated: #expect(!plaintext.isEmpty, "\(comment)")
        case .dropped: Issue.record("opened, but should be \(vector.outcome): \(comment)")
        }
    }
}
