import NetworkTypes
import Testing
import VectorFiles
import WireGuardCrypto

@testable import WireGuardProtocol

@Suite struct HandshakeVectorTests {
    let file: HandshakeVectors

    init() throws {
        file = try .load()
    }

    struct Sides {
        var initiator: LocalIdentity
        var responder: LocalIdentity
        /// The responder as the initiator knows it.
        var remoteResponder: RemoteIdentity
        /// The initiator as the responder knows it.
        var remoteInitiator: RemoteIdentity

        init(_ transcript: HandshakeVectors.Transcript) {
            initiator = LocalIdentity(privateKey: transcript.initiator.staticPrivate.privateKey)
            responder = LocalIdentity(privateKey: transcript.responder.staticPrivate.privateKey)
            remoteResponder = RemoteIdentity(
                publicKey: transcript.responder.staticPublic.publicKey, presharedKey: transcript.psk.presharedKey, local: initiator)
            remoteInitiator = RemoteIdentity(
                publicKey: transcript.initiator.staticPublic.publicKey, presharedKey: transcript.psk.presharedKey, local: responder)
        }
    }

    /// Compares each step's state as it happens, and counts.
    final class Observer {
        let expected: [HandshakeVectors.Step]
        var seen: [String] = []

        init(_ expected: [HandshakeVectors.Step]) {
            self.expected = expected
        }

        func callAsFunction(_ step: NoiseStep, _ state: borrowing NoiseState) {
            let (chainingKey, hash, key) = (state.chainingKey.hex, state.hash.hex, state.cipherKey.hex)
            guard let vector = expected.first(where: { $0.step == step.rawValue }) else {
                Issue.record("no step \(step.rawValue) in the file")
                return
            }
            #expect(chainingKey == vector.chainingKey, "\(step.rawValue)")
            #expect(hash == vector.hash, "\(step.rawValue)")
            if let expectedKey = vector.key { #expect(key == expectedKey, "\(step.rawValue)") }
            seen.append(step.rawValue)
        }
    }

    @Test func `both messages and every state on the way are those of the file, as initiator and as responder`() throws {
        var ran = 0
        for transcript in file.transcripts {
            let sides = Sides(transcript)
            let names = transcript.steps.map(\.step)
            #expect(names == NoiseStep.allCases.map(\.rawValue))
            #expect(sides.initiator.publicKey.hex == transcript.initiator.staticPublic)
            #expect(sides.responder.publicKey.hex == transcript.responder.staticPublic)
            #expect(sides.responder.mac1Key.hex == transcript.mac1KeyOfInitiation)
            #expect(sides.remoteResponder.mac1Key.hex == transcript.mac1KeyOfInitiation)
            #expect(sides.initiator.mac1Key.hex == transcript.mac1KeyOfResponse)
            let timestamp = TAI64N(unixNanoseconds: transcript.unixNs.value)
            #expect(timestamp.bytes.hex == transcript.timestamp)

            let asInitiator = Observer(transcript.steps)
            let created = try InitiationCreation(
                local: sides.initiator, remote: sides.remoteResponder, ephemeral: transcript.initiator.ephemeralPrivate.privateKey,
                senderIndex: transcript.initiator.index, timestamp: timestamp
            ).perform { asInitiator($0, $1) }
            #expect(created.message.bytes.hex == transcript.initiation)
            #expect(created.message.mac1.hex == transcript.initiationMac1)
            #expect(created.message.mac2.hex == transcript.initiationMac2)
            #expect(created.message.ephemeral.hex == transcript.initiator.ephemeralPublic)

            let asResponder = Observer(transcript.steps)
            #expect(CookieChecker.hasValidMAC1(transcript.initiation.bytes, to: sides.responder))
            let opened = try InitiationOpening(local: sides.responder, message: HandshakeInitiation(transcript.initiation))
                .perform { asResponder($0, $1) }
            #expect(opened.initiator.hex == transcript.initiator.staticPublic)
            let authenticated = try opened.authenticate(as: sides.remoteInitiator) { asResponder($0, $1) }
            #expect(authenticated.timestamp == timestamp)
            let response = try ResponseCreation(
                to: authenticated, ephemeral: transcript.responder.ephemeralPrivate.privateKey, senderIndex: transcript.responder.index
            ).perform { asResponder($0, $1) }
            #expect(response.message.bytes.hex == transcript.response)
            #expect(response.message.mac1.hex == transcript.responseMac1)
            #expect(response.message.mac2.hex == transcript.responseMac2)
            #expect(asResponder.seen == names)

            #expect(CookieChecker.hasValidMAC1(transcript.response.bytes, to: sides.initiator))
            let session = try ResponseConsumption(
                local: sides.initiator, remote: sides.remoteResponder, handshake: created.handshake,
                message: HandshakeResponse(transcript.response)
            ).perform { asInitiator($0, $1) }
            #expect(asInitiator.seen == names)

            #expect(session.keys.sending.hex == transcript.keyInitiatorToResponder)
            #expect(session.keys.receiving.hex == transcript.keyResponderToInitiator)
            #expect(response.session.keys.sending.hex == transcript.keyResponderToInitiator)
            #expect(response.session.keys.receiving.hex == transcript.keyInitiatorToResponder)
            #expect(session.localIndex == transcript.initiator.index && session.remoteIndex == transcript.responder.index)
            #expect(response.session.localIndex == transcript.responder.index)
            #expect(response.session.remoteIndex == transcript.initiator.index)
            ran += 1
        }
        #expect(ran == 5 && ran == file.transcripts.count)
    }

    @Test func `the keys that somebody reads along with are those of the file, as initiator and as responder`() throws {
        for transcript in file.transcripts {
            let sides = Sides(transcript)
            let creation = InitiationCreation(
                local: sides.initiator, remote: sides.remoteResponder, ephemeral: transcript.initiator.ephemeralPrivate.privateKey,
                senderIndex: transcript.initiator.index, timestamp: TAI64N(unixNanoseconds: transcript.unixNs.value))
            #expect(creation.keys.localStatic == transcript.initiator.staticPrivate.privateKey)
            #expect(creation.keys.remoteStatic?.hex == transcript.responder.staticPublic)
            #expect(creation.keys.localEphemeral == transcript.initiator.ephemeralPrivate.privateKey)
            #expect(creation.keys.presharedKey == transcript.psk.presharedKey)

            let opening = InitiationOpening(local: sides.responder, message: try HandshakeInitiation(transcript.initiation))
            #expect(opening.keys.localStatic == transcript.responder.staticPrivate.privateKey)
            #expect(opening.keys.remoteStatic == nil && opening.keys.localEphemeral == nil && opening.keys.presharedKey.isZero)
            let response = ResponseCreation(
                to: try opening.perform().authenticate(as: sides.remoteInitiator),
                ephemeral: transcript.responder.ephemeralPrivate.privateKey, senderIndex: transcript.responder.index)
            #expect(response.keys.localStatic == nil && response.keys.remoteStatic?.hex == transcript.initiator.staticPublic)
            #expect(response.keys.localEphemeral == transcript.responder.ephemeralPrivate.privateKey)
            #expect(response.keys.presharedKey == transcript.psk.presharedKey)
        }
    }

    @Test func `what went into each step is what the file says`() throws {
        for transcript in file.transcripts {
            func step(_ step: NoiseStep) throws -> HandshakeVectors.Step {
                try #require(transcript.steps.first { $0.step == step.rawValue })
            }
            let (i, r) = (transcript.initiator, transcript.responder)
            func shared(_ a: HexBytes, _ b: HexBytes) -> HexBytes? { a.privateKey.sharedSecret(with: b.publicKey)?.hex }
            #expect(try step(.initiationEphemeral).public == i.ephemeralPublic)
            #expect(try step(.initiationEphemeralStatic).dh == shared(i.ephemeralPrivate, r.staticPublic))
            #expect(try step(.initiationEphemeralStatic).dh == shared(r.staticPrivate, i.ephemeralPublic))
            #expect(try step(.initiationStatic).plaintext == i.staticPublic)
            #expect(try step(.initiationStatic).sealed == transcript.initiation.slice(HandshakeInitiation.sealedStaticOffset, 48))
            #expect(try step(.initiationStaticStatic).dh == shared(i.staticPrivate, r.staticPublic))
            #expect(try step(.initiationTimestamp).plaintext == transcript.timestamp)
            #expect(try step(.initiationTimestamp).sealed == transcript.initiation.slice(HandshakeInitiation.sealedTimestampOffset, 28))
            #expect(try step(.responseEphemeral).public == r.ephemeralPublic)
            #expect(try step(.responseEphemeralEphemeral).dh == shared(r.ephemeralPrivate, i.ephemeralPublic))
            #expect(try step(.responseStaticEphemeral).dh == shared(r.ephemeralPrivate, i.staticPublic))
            #expect(try step(.responseEmpty).plaintext?.bytes.isEmpty == true)
            #expect(try step(.responseEmpty).sealed == transcript.response.slice(HandshakeResponse.sealedEmptyOffset, 16))

            let before = try step(.responseStaticEphemeral).chainingKey
            var (first, tau, key) = (FixedBytes<32>(), FixedBytes<32>(), FixedBytes<32>())
            unsafe before.withUnsafeBytes { before in
                unsafe transcript.psk.withUnsafeBytes { psk in
                    unsafe first.withUnsafeMutableBytes { first in
                        unsafe tau.withUnsafeMutableBytes { tau in
                            unsafe key.withUnsafeMutableBytes { key in
                                unsafe KDF.kdf3(
                                    key: before, input: psk, into: first.baseAddress!, tau.baseAddress!, key.baseAddress!)
                            }
                        }
                    }
                }
            }
            #expect(try step(.responsePresharedKey).tau == tau.hex)
        }
    }

    @Test func `data messages are padded, sealed and opened as in the file, both ways`() throws {
        var ran = 0
        for transcript in file.transcripts {
            for (sender, local, remote) in [
                ("initiator", transcript.initiator.index, transcript.responder.index),
                ("responder", transcript.responder.index, transcript.initiator.index),
            ] {
                let isInitiator = sender == "initiator"
                let (forth, back) = (transcript.keyInitiatorToResponder, transcript.keyResponderToInitiator)
                let (sending, receiving) = isInitiator ? (forth, back) : (back, forth)
                try withKeypair(
                    sending: sending, receiving: receiving, localIndex: local, remoteIndex: remote, isInitiator: isInitiator
                ) { ours in
                    try withKeypair(sending: receiving, receiving: sending, localIndex: remote, remoteIndex: local) { theirs in
                        for vector in transcript.transport where vector.sender == sender {
                            let packet = vector.packet.bytes
                            let padded = TransportMessage.paddedByteCount(of: packet.count, mtu: transcript.mtu)
                            #expect(padded == vector.padded.bytes.count, "\(vector.name)")
                            let plaintext = packet + Array(repeating: 0, count: padded - packet.count)
                            #expect(plaintext == vector.padded.bytes)
                            #expect(ours.nextCounter == vector.counter.value)
                            #expect(HexBytes(ours.seal(plaintext)) == vector.message, "\(vector.name)")
                            let opened = try theirs.open(vector.message.bytes, at: .at(1))
                            #expect(opened == vector.padded.bytes, "\(vector.name)")
                            #expect(throws: Refusal.replay) { try theirs.open(vector.message.bytes, at: .at(1)) }
                            ran += 1
                        }
                    }
                }
            }
        }
        #expect(ran == file.transcripts.map(\.transport.count).reduce(0, +) && ran > 0)
    }
}
