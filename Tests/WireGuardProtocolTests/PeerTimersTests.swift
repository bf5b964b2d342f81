import NetworkTypes
import Testing

@testable import WireGuardProtocol

@Suite struct PeerTimersTests {
    /// Deadlines with jitter lie in this interval after `seconds`.
    static func jittered(_ seconds: Double) -> ClosedRange<Instant> { .at(seconds)...(.at(seconds + 0.334)) }

    @Test func `nothing is due for an idle peer`() {
        var timers = PeerTimers(jitterSeed: 1)
        #expect(timers.nextDeadline == .distantFuture)
        #expect(timers.expire(at: .at(1_000_000)) == [])
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func `an unanswered handshake is tried 18 times, then given up`(seed: UInt64) throws {
        var timers = PeerTimers(jitterSeed: seed)
        var now = Instant.at(1000)
        timers.handshakeRequested()
        timers.handshakeInitiated(at: now, isNewTry: true)
        var tries = 1
        while tries < 18 {
            let deadline = timers.nextDeadline
            #expect(deadline >= now + Limits.rekeyTimeout && deadline < now + Limits.rekeyTimeout + .milliseconds(334))
            now = deadline
            #expect(timers.expire(at: Instant(nanoseconds: now.nanoseconds - 1)) == [])
            #expect(timers.expire(at: now) == [.retryHandshake, .clearSourceAddress], "seed \(seed), try \(tries)")
            timers.handshakeInitiated(at: now, isNewTry: true)
            tries += 1
        }
        now = timers.nextDeadline
        #expect(timers.expire(at: now) == .dropStaged)
        let whole = now.since(.at(1000))
        #expect(whole >= .seconds(90) && whole <= .seconds(97), "seed \(seed)")
        #expect(timers.nextDeadline == now + .seconds(540))
        #expect(timers.expire(at: timers.nextDeadline) == .zeroKeys)
        #expect(timers.nextDeadline == .distantFuture)
    }

    @Test func `jitter differs between tries and between peers`() {
        var delays: Set<Instant> = []
        for seed in 0..<10 as Range<UInt64> {
            var timers = PeerTimers(jitterSeed: seed)
            for _ in 0..<10 {
                timers.handshakeInitiated(at: .at(0), isNewTry: true)
                delays.insert(timers.nextDeadline)
            }
        }
        #expect(delays.count > 95)
        #expect(delays.min()! < .at(5.03) && delays.max()! > .at(5.3))
    }

    @Test func `an answer ends the tries and starts counting anew`() {
        var timers = PeerTimers(jitterSeed: 3)
        timers.handshakeInitiated(at: .at(0), isNewTry: true)
        timers.handshakeInitiated(at: .at(5), isNewTry: true)
        #expect(timers.handshakeTries == 2)
        timers.handshakeCompleted()
        #expect(timers.handshakeTries == 0 && timers.nextDeadline == .distantFuture)
    }

    @Test func `a packet that asks again keeps the tries going`() {
        var timers = PeerTimers(jitterSeed: 3)
        for _ in 0..<18 { timers.handshakeInitiated(at: .at(0), isNewTry: true) }
        timers.handshakeRequested()
        #expect(timers.expire(at: .at(6)) == [.retryHandshake, .clearSourceAddress])
    }

    @Test func `data received and not answered for 10 s makes a keepalive`() {
        var timers = PeerTimers(jitterSeed: 4)
        timers.authenticatedPacketReceived(at: .at(1))
        #expect(timers.nextDeadline == .distantFuture, "a keepalive is not answered")
        timers.dataReceived(at: .at(1))
        timers.dataReceived(at: .at(7))
        #expect(timers.nextDeadline == .at(11))
        #expect(timers.expire(at: .at(10.99)) == [])
        #expect(timers.expire(at: .at(11)) == .sendKeepalive)
        timers.authenticatedPacketSent(at: .at(11))
        #expect(timers.nextDeadline == .distantFuture)
    }

    @Test func `whatever is sent is as good as a keepalive`() {
        var timers = PeerTimers(jitterSeed: 4)
        timers.dataReceived(at: .at(1))
        timers.authenticatedPacketSent(at: .at(2))
        #expect(timers.nextDeadline == .distantFuture)
    }

    @Test func `data sent and nothing heard for 15 s makes a new handshake`() {
        var timers = PeerTimers(jitterSeed: 5)
        timers.dataSent(at: .at(1))
        let deadline = timers.nextDeadline
        #expect(Self.jittered(16).contains(deadline))
        timers.dataSent(at: .at(9))
        #expect(timers.nextDeadline == deadline, "the first unanswered packet counts")
        #expect(timers.expire(at: deadline) == [.initiateHandshake, .clearSourceAddress])
    }

    @Test func `whatever is heard ends the wait`() {
        var timers = PeerTimers(jitterSeed: 5)
        timers.dataSent(at: .at(1))
        timers.authenticatedPacketReceived(at: .at(2))
        #expect(timers.nextDeadline == .distantFuture)
    }

    @Test func `keys go 540 s after their session was made, whatever was made since`() {
        var timers = PeerTimers(jitterSeed: 6)
        timers.secretsMade(at: .at(0))
        timers.secretsMade(at: .at(120))
        #expect(timers.nextDeadline == .at(540))
        #expect(timers.expire(at: .at(539.9)) == [])
        #expect(timers.expire(at: .at(540)) == .zeroKeys)
        timers.secretsMade(at: .at(120))
        #expect(timers.nextDeadline == .at(660), "what is left goes in its turn")
    }

    @Test func `a persistent keepalive comes at once, then whenever it was quiet for its time`() {
        var timers = PeerTimers(jitterSeed: 7)
        timers.setPersistentKeepalive(.seconds(25), at: .at(100))
        #expect(timers.expire(at: .at(100)) == .sendKeepalive)
        #expect(timers.nextDeadline == .at(125), "even if nothing could be sent")
        timers.authenticatedPacketSent(at: .at(110))
        #expect(timers.nextDeadline == .at(135))
        timers.authenticatedPacketReceived(at: .at(120))
        #expect(timers.nextDeadline == .at(145))
        timers.setPersistentKeepalive(.seconds(25), at: .at(121))
        #expect(timers.nextDeadline == .at(145), "the same again changes nothing")
        timers.setPersistentKeepalive(.seconds(5), at: .at(121))
        #expect(timers.nextDeadline == .at(126))
        timers.setPersistentKeepalive(.seconds(0), at: .at(122))
        #expect(timers.nextDeadline == .distantFuture && timers.persistentKeepalive == nil)
    }

    @Test func `a persistent keepalive goes on after a handshake was given up`() {
        var timers = PeerTimers(jitterSeed: 8)
        timers.setPersistentKeepalive(.seconds(200), at: .at(0))
        #expect(timers.expire(at: .at(0)) == .sendKeepalive)
        for _ in 0..<18 { timers.handshakeInitiated(at: .at(0), isNewTry: true) }
        #expect(timers.expire(at: .at(6)) == .dropStaged)
        #expect(timers.expire(at: .at(200)) == .sendKeepalive)
        #expect(timers.expire(at: .at(400)) == .sendKeepalive)
    }

    @Test func `several deadlines that have passed come together`() {
        var timers = PeerTimers(jitterSeed: 9)
        timers.dataReceived(at: .at(0))
        timers.dataSent(at: .at(0))
        timers.secretsMade(at: .at(0))
        timers.handshakeInitiated(at: .at(0), isNewTry: true)
        #expect(
            timers.expire(at: .at(600)) == [.retryHandshake, .clearSourceAddress, .sendKeepalive, .initiateHandshake, .zeroKeys])
        #expect(timers.nextDeadline == .distantFuture)
    }

    @Test func `stopped timers are silent until a keepalive is set again`() {
        var timers = PeerTimers(jitterSeed: 10)
        timers.setPersistentKeepalive(.seconds(25), at: .at(0))
        timers.dataReceived(at: .at(0))
        timers.stop()
        #expect(timers.nextDeadline == .distantFuture && timers.persistentKeepalive == .seconds(25))
        timers.setPersistentKeepalive(.seconds(25), at: .at(50))
        #expect(timers.nextDeadline == .at(50))
    }
}
