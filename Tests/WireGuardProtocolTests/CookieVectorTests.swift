import NetworkTypes
import Testing
import VectorFiles
import WireGuardCrypto

@testable import WireGuardProtocol

@Suite struct CookieVectorTests {
    @Test func `cookies are made, answered, used and refused as in the file`() throws {
        let file: CookieVectors = try .load()
        var (ran, repliesRefused, messagesRefused) = (0, 0, 0)
        for exchange in file.cookies {
            let replier = LocalIdentity(privateKey: exchange.staticPrivateOfReplier.privateKey)
            let sender = LocalIdentity(privateKey: exchange.staticPrivateOfSender.privateKey)
            let remoteReplier = RemoteIdentity(
                publicKey: exchange.staticPublicOfReplier.publicKey, presharedKey: exchange.psk.presharedKey, local: sender)
            #expect(replier.cookieKey.hex == exchange.cookieKey)
            #expect(remoteReplier.cookieKey.hex == exchange.cookieKey)
            let source = Endpoint(address: try #require(IPAddress(exchange.sourceAddress)), port: exchange.sourcePort)
            var generator = SeededGenerator(state: 1)

            // The replier's side.
            var checker = CookieChecker(secret: exchange.secret.fixed(), at: .at(0))
            let cookie = checker.cookie(for: source, at: .at(119.9), using: &generator)
            #expect(cookie.hex == exchange.cookie, "\(exchange.name)")
            let reply = unsafe exchange.message.withUnsafeBytes {
                unsafe checker.reply(to: $0, cookie: cookie, nonce: exchange.nonce.fixed(), local: replier)
            }
            #expect(reply.bytes.hex == exchange.reply)
            #expect(CookieChecker.hasValidMAC1(exchange.message.bytes, to: replier))
            #expect(CookieChecker.hasValidMAC1(exchange.retried.bytes, to: replier))
            func hasValidMAC2(_ message: HexBytes) -> Bool {
                unsafe message.withUnsafeBytes { unsafe checker.hasValidMAC2($0, from: source, at: .at(119.9), using: &generator) }
            }
            #expect(hasValidMAC2(exchange.retried))
            for message in exchange.refusedWhenUnderLoad {
                #expect(CookieChecker.hasValidMAC1(message.message.bytes, to: replier), "\(message.name)")
                #expect(!hasValidMAC2(message.message), "\(message.name)")
                messagesRefused += 1
            }

            // The sender's side.
            func sent() throws -> PeerCookie {
                var cookie = PeerCookie()
                if exchange.message.bytes.count == HandshakeInitiation.byteCount {
                    var message = try HandshakeInitiation(exchange.message)
                    #expect(message.mac1.hex == exchange.messageMac1)
                    cookie.addMAC2(to: &message, at: .at(0))
                    #expect(message.bytes.hex == exchange.message)
                } else {
                    var message = try HandshakeResponse(exchange.message)
                    #expect(message.mac1.hex == exchange.messageMac1)
                    cookie.addMAC2(to: &message, at: .at(0))
                    #expect(message.bytes.hex == exchange.message)
                }
                return cookie
            }
            func retried(with cookie: inout PeerCookie, at now: Instant) throws -> HexBytes {
                if exchange.retried.bytes.count == HandshakeInitiation.byteCount {
                    var message = try HandshakeInitiation(exchange.retried)
                    message.mac1 = FixedBytes()
                    message.mac2 = FixedBytes()
                    message.addMAC1(key: remoteReplier.mac1Key)
                    #expect(message.mac1.hex == exchange.retriedMac1)
                    cookie.addMAC2(to: &message, at: now)
                    return message.bytes.hex
                }
                var message = try HandshakeResponse(exchange.retried)
                message.mac1 = FixedBytes()
                message.mac2 = FixedBytes()
                message.addMAC1(key: remoteReplier.mac1Key)
                #expect(message.mac1.hex == exchange.retriedMac1)
                cookie.addMAC2(to: &message, at: now)
                return message.bytes.hex
            }
            var pending = try sent()
            try pending.accept(CookieReply(exchange.reply), from: remoteReplier, at: .at(10))
            #expect(throws: Refusal.cookie) { try pending.accept(CookieReply(exchange.reply), from: remoteReplier, at: .at(10)) }
            let inTime = try retried(with: &pending, at: .at(129.9))
            #expect(inTime == exchange.retried)
            #expect(inTime.slice(inTime.bytes.count - 16, 16) == exchange.retriedMac2)
            let tooLate = try retried(with: &pending, at: .at(130))
            #expect(tooLate.bytes.suffix(16).allSatisfy { $0 == 0 })

            for refused in exchange.refusedReplies {
                var pending = try sent()
                // The index leads to nobody in the core's table; nothing else covers it.
                if let reply = try? CookieReply(refused.reply), reply.receiverIndex != (try CookieReply(exchange.reply)).receiverIndex {
                    #expect(refused.name == "receiver index")
                } else {
                    #expect(throws: Refusal.self, "\(refused.name)") {
                        try pending.accept(CookieReply(refused.reply), from: remoteReplier, at: .at(10))
                    }
                }
                repliesRefused += 1
            }
            ran += 1
        }
        #expect(ran == 3 && ran == file.cookies.count)
        #expect(repliesRefused == file.cookies.map(\.refusedReplies.count).reduce(0, +) && repliesRefused == 33)
        #expect(messagesRefused == file.cookies.map(\.refusedWhenUnderLoad.count).reduce(0, +) && messagesRefused == 15)
    }

    @Test func `a cookie is worthless once its secret is 120 s old`() throws {
        let file: CookieVectors = try .load()
        let exchange = try #require(file.cookies.first)
        let source = Endpoint(address: try #require(IPAddress(exchange.sourceAddress)), port: exchange.sourcePort)
        var generator = SeededGenerator(state: 2)
        var checker = CookieChecker(secret: exchange.secret.fixed(), at: .at(50))
        func isValid(at now: Instant) -> Bool {
            unsafe exchange.retried.withUnsafeBytes { unsafe checker.hasValidMAC2($0, from: source, at: now, using: &generator) }
        }
        #expect(isValid(at: .at(169.999)))
        #expect(!isValid(at: .at(170)))
        #expect(!isValid(at: .at(170.1)))
    }
}
