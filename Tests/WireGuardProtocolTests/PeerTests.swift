import NetworkTypes
import Testing
import WireGuardCrypto

@testable import WireGuardProtocol

@Suite struct PeerTests {
    let packet: [UInt8] = Array(repeating: 7, count: 32)

    /// A pair with a session that `a` initiated and both have used.
    func connected(seed: UInt64 = 1) -> Pair {
        var pair = Pair(seed: seed)
        pair.a.send(packet, at: pair.now)
        pair.exchange()
        pair.b.delivered = []
        return pair
    }

    @Test func `staged data goes out with the session that it asked for`() {
        var pair = Pair()
        pair.a.send(packet, at: pair.now)
        pair.exchange()
        #expect(pair.b.delivered == [packet] && pair.a.staged.isEmpty)
        pair.b.send(packet, at: pair.now)
        pair.exchange()
        #expect(pair.a.delivered == [packet])
        #expect(pair.initiationsOfA.count == 1 && pair.initiationsOfB.isEmpty)
        let wallClock = pair.a.wallClock + pair.now.nanoseconds
        #expect(pair.a.peer.lastHandshake == wallClock && pair.b.peer.lastHandshake == wallClock)
        #expect(pair.a.refusals.isEmpty && pair.b.refusals.isEmpty)
        expectIndicesMatch(&pair)
    }

    func expectIndicesMatch(_ pair: inout Pair, _ comment: Comment? = nil) {
        let (a, b) = (pair.a.heldIndices, pair.b.heldIndices)
        let (registeredA, registeredB) = (pair.a.registered, pair.b.registered)
        #expect(a == registeredA, comment)
        #expect(b == registeredB, comment)
    }

    @Test func `the responder does not send before the initiator did`() {
        var pair = Pair()
        pair.a.beginHandshake(at: pair.now, isRetry: false)
        pair.b.receive(pair.a.outbox.removeFirst(), at: pair.now)
        let hasNext = unsafe pair.b.peer.keypairs.next != nil
        let canSend = unsafe pair.b.peer.sendingKeypair(at: pair.now) != nil
        #expect(hasNext && !canSend && pair.b.peer.lastHandshake == nil)
        pair.b.send(packet, at: pair.now)
        #expect(pair.b.outbox.count == 1, "the response alone")
        pair.exchange()
        #expect(pair.a.delivered == [packet], "confirmed by the initiator's keepalive")
        #expect(pair.b.keepalivesReceived == 1)
        let nextIsGone = unsafe pair.b.peer.keypairs.next == nil
        #expect(nextIsGone)
    }

    @Test func `both ends initiating at once end up with one working session each way and no delay`() {
        var pair = Pair()
        pair.a.send([1], at: pair.now)
        pair.b.send([2], at: pair.now)
        pair.exchange()
        #expect(pair.b.delivered == [[1]] && pair.a.delivered == [[2]])
        for n in 3..<20 as Range<UInt8> {
            pair.a.send([n], at: pair.now)
            pair.b.send([n], at: pair.now)
            pair.exchange()
        }
        #expect(pair.a.delivered.count == 18 && pair.b.delivered.count == 18)
        #expect(pair.a.refusals.isEmpty && pair.b.refusals.isEmpty)
        expectIndicesMatch(&pair)
    }

    @Test func `different preshared keys make no session`() {
        let key = { (byte: UInt8) in
            let bytes = [UInt8](repeating: byte, count: 32)
            return unsafe bytes.withBytes { unsafe PresharedKey($0)! }
        }
        var pair = Pair(presharedKeys: (key(1), key(2)))
        pair.a.send(packet, at: pair.now)
        pair.exchange()
        #expect(pair.a.refusals == [.empty] && pair.b.delivered.isEmpty)
        var same = Pair(presharedKeys: (key(1), key(1)))
        same.a.send(packet, at: same.now)
        same.exchange()
        #expect(same.b.delivered == [packet])
    }

    @Test func `only one initiation goes out in 5 s`() {
        var pair = Pair()
        pair.bIsHeard = false
        for step in 0..<49 {
            pair.a.send(packet, at: pair.now + .milliseconds(UInt64(step) * 100))
        }
        pair.exchange()
        #expect(pair.initiationsOfA.count == 1)
    }

    @Test func `an unanswered initiation is repeated 18 times in all, then the packets are dropped`() {
        var pair = Pair()
        pair.aIsHeard = false
        pair.a.send(packet, at: pair.now)
        pair.run(for: .seconds(89))
        #expect(!pair.a.staged.isEmpty)
        pair.run(for: .seconds(400))
        #expect(pair.initiationsOfA.count == 18 && pair.a.staged.isEmpty)
        #expect(pair.a.peer.pendingHandshake != nil)
        pair.run(for: .seconds(200))
        #expect(pair.a.peer.pendingHandshake == nil, "wiped 540 s after giving up")
        #expect(pair.a.peer.nextDeadline == .distantFuture && pair.a.registered.isEmpty)
        pair.aIsHeard = true
        pair.a.send(packet, at: pair.now)
        pair.exchange()
        #expect(pair.b.delivered == [packet], "a new packet tries again")
    }

    @Test func `a persistent keepalive brings the session back after a handshake was given up`() {
        var pair = connected()
        pair.a.peer.setPersistentKeepalive(.seconds(25), at: pair.now)
        pair.run(for: .seconds(1))
        pair.aIsHeard = false
        pair.bIsHeard = false
        pair.run(for: .seconds(1000))
        #expect(pair.initiationsOfA.count > 60)
        pair.aIsHeard = true
        pair.bIsHeard = true
        pair.b.keepalivesReceived = 0
        pair.run(for: .seconds(60))
        #expect(pair.b.keepalivesReceived >= 2)
        expectIndicesMatch(&pair)
    }

    @Test func `only the initiator renews a session because of its age, after 120 s`() {
        var pair = connected()
        let start = pair.now
        for second in 1...130 as ClosedRange<UInt64> {
            pair.run(until: start + .seconds(second))
            pair.a.send(packet, at: pair.now)
            pair.b.send(packet, at: pair.now)
            pair.exchange()
        }
        #expect(pair.initiationsOfA.map { $0.since(start) } == [.seconds(0), .seconds(120)])
        #expect(pair.initiationsOfB.isEmpty)
        #expect(pair.a.delivered.count == 130 && pair.b.delivered.count == 130)
        let isInitiator = unsafe pair.b.peer.keypairs.current?.pointee.isInitiator
        #expect(isInitiator == false)
        expectIndicesMatch(&pair)
    }

    @Test func `the initiator that only receives renews at 165 s, once`() {
        var pair = connected()
        let start = pair.now
        pair.run(until: start + .seconds(164))
        pair.b.send(packet, at: pair.now)
        pair.exchange()
        #expect(pair.initiationsOfA.count == 1)
        pair.run(until: start + .seconds(165))
        pair.aIsHeard = false
        for _ in 0..<5 {
            pair.b.send(packet, at: pair.now)
            pair.exchange()
        }
        #expect(pair.a.delivered.count == 6)
        #expect(pair.initiationsOfA.map { $0.since(start) } == [.seconds(0), .seconds(165)])
    }

    @Test func `what comes on an old session asks for a new one once, and again on the next session`() {
        var pair = connected()
        let late = pair.now + .seconds(165)
        #expect(pair.a.peer.didReceive(carryingData: false, at: pair.now + .milliseconds(164_999)) == [])
        #expect(pair.a.peer.didReceive(carryingData: false, at: late) == .initiateHandshake)
        #expect(pair.a.peer.didReceive(carryingData: true, at: late + .seconds(10)) == [])
        #expect(pair.b.peer.didReceive(carryingData: true, at: late) == [], "the responder leaves it to the initiator")
        pair.now = late + .seconds(10)
        pair.a.beginHandshake(at: pair.now, isRetry: false)
        pair.exchange()
        #expect(pair.a.peer.didReceive(carryingData: false, at: pair.now + .seconds(165)) == .initiateHandshake)
    }

    @Test func `a session of 180 s neither sends nor receives`() {
        var pair = connected()
        let start = pair.now
        pair.a.outbox = []
        let keypair = unsafe pair.b.peer.sendingKeypair(at: start + .milliseconds(179_999))!
        let late = unsafe keypair.pointee.seal(packet)
        let tooOld = unsafe pair.b.peer.sendingKeypair(at: start + .seconds(180)) == nil
        #expect(tooOld)
        pair.a.receive(late, at: start + .milliseconds(179_999))
        #expect(pair.a.delivered == [packet])
        pair.a.receive(unsafe keypair.pointee.seal(packet), at: start + .seconds(180))
        #expect(pair.a.refusals == [.expired])
    }

    @Test func `silence after data makes a new handshake after 15 s`() {
        var pair = connected()
        let start = pair.now
        pair.run(for: .seconds(20))
        pair.aIsHeard = false
        pair.b.send(packet, at: pair.now)
        let sent = pair.now
        pair.run(for: .seconds(16))
        #expect(pair.initiationsOfB.count == 1)
        let wait = pair.initiationsOfB[0].since(sent)
        #expect(wait >= .seconds(15) && wait < .milliseconds(15_334))
        #expect(sent.since(start) == .seconds(20))
    }

    @Test func `unanswered data is answered with a keepalive after 10 s, and then both are quiet`() {
        var pair = connected()
        pair.a.send(packet, at: pair.now)
        pair.run(for: .seconds(9))
        #expect(pair.a.keepalivesReceived == 0)
        pair.run(for: .seconds(2))
        #expect(pair.a.keepalivesReceived == 1)
        pair.run(for: .seconds(100))
        #expect(pair.a.keepalivesReceived == 1 && pair.b.keepalivesReceived == 0)
        #expect(pair.initiationsOfA.count == 1 && pair.initiationsOfB.isEmpty)
    }

    @Test func `all keys are gone after 540 s of silence`() {
        var pair = connected()
        pair.run(for: .seconds(539))
        #expect(!pair.a.registered.isEmpty)
        pair.run(for: .seconds(2))
        #expect(pair.a.registered.isEmpty && pair.b.registered.isEmpty)
        #expect(pair.a.peer.nextDeadline == .distantFuture && pair.b.peer.nextDeadline == .distantFuture)
        expectIndicesMatch(&pair)
    }

    @Test func `an unanswered initiation's secret is gone after 540 s, however often the other end calls meanwhile`() {
        var pair = Pair()
        pair.aIsHeard = false
        pair.a.send(packet, at: pair.now)
        pair.run(for: .seconds(120))
        let last = pair.initiationsOfA.last!
        #expect(pair.initiationsOfA.count == 18 && pair.a.peer.pendingHandshake != nil)
        // Its initiations arrive, our responses don't.
        while pair.now < last + .seconds(539) {
            pair.b.send(packet, at: pair.now)
            pair.run(until: min(pair.now + .seconds(50), last + .seconds(539)))
        }
        #expect(pair.a.peer.pendingHandshake != nil, "so long it may be answered")
        pair.run(for: .seconds(1))
        #expect(pair.a.peer.pendingHandshake == nil)
        expectIndicesMatch(&pair)
    }

    @Test func `a session that the other end made ends our own initiation, and its late response changes nothing`() {
        var pair = Pair()
        pair.a.send(packet, at: pair.now)
        // Ours arrives, and its response is held back.
        pair.b.receive(pair.a.outbox.removeFirst(), at: pair.now)
        let late = pair.b.outbox.removeFirst()
        pair.now = pair.now + .seconds(5)
        pair.b.peer.expireSessions().unregister { _ in }
        pair.b.send(packet, at: pair.now)
        pair.exchange()
        #expect(pair.a.delivered == [packet] && pair.b.delivered == [packet])
        #expect(pair.a.peer.pendingHandshake == nil)
        let current = unsafe pair.a.peer.keypairs.current!.pointee.localIndex
        pair.a.receive(late, at: pair.now)
        #expect(pair.a.refusals == [.index])
        let after = unsafe pair.a.peer.keypairs.current!.pointee.localIndex
        #expect(after == current)
        expectIndicesMatch(&pair)
    }

    @Test func `2^60 messages make a new session, the last counter none`() {
        var pair = connected()
        unsafe pair.b.peer.keypairs.current!.pointee.nextCounter = Limits.rekeyAfterMessages - 1
        #expect(pair.b.peer.didSend(carryingData: true, at: pair.now) == [])
        unsafe pair.b.peer.keypairs.current!.pointee.nextCounter = Limits.rekeyAfterMessages + 1
        #expect(pair.b.peer.didSend(carryingData: true, at: pair.now) == .initiateHandshake, "whoever initiated")
        let current = unsafe pair.b.peer.keypairs.current!
        unsafe current.pointee.nextCounter = Limits.rejectAfterMessages - 3
        let reserved = unsafe current.pointee.reserveCounters(10)
        #expect(reserved == Limits.rejectAfterMessages - 3..<Limits.rejectAfterMessages)
        let none = unsafe current.pointee.reserveCounters(10)
        #expect(none.isEmpty)
        let isOver = unsafe pair.b.peer.sendingKeypair(at: pair.now) == nil
        #expect(isOver)
    }

    @Test func `a replayed initiation is refused, and so is a second one within 20 ms`() {
        var pair = Pair()
        pair.a.beginHandshake(at: pair.now, isRetry: false)
        let first = pair.a.outbox.removeFirst()
        pair.a.beginHandshake(at: pair.now + .seconds(5), isRetry: true)
        let second = pair.a.outbox.removeFirst()
        pair.b.receive(first, at: pair.now)
        pair.b.receive(first, at: pair.now + .seconds(1))
        #expect(pair.b.refusals == [.replay])
        pair.b.receive(second, at: pair.now + .milliseconds(19))
        #expect(pair.b.refusals == [.replay, .flood])
        pair.b.receive(second, at: pair.now + .milliseconds(20))
        pair.b.receive(first, at: pair.now + .seconds(2))
        #expect(pair.b.refusals == [.replay, .flood, .replay])
    }

    @Test func `a replayed response is refused`() {
        var pair = Pair()
        pair.a.beginHandshake(at: pair.now, isRetry: false)
        pair.b.receive(pair.a.outbox.removeFirst(), at: pair.now)
        let response = pair.b.outbox.removeFirst()
        pair.a.receive(response, at: pair.now)
        let counter = unsafe pair.a.peer.keypairs.current!.pointee.nextCounter
        pair.a.receive(response, at: pair.now)
        #expect(pair.a.refusals == [.state])
        let after = unsafe pair.a.peer.keypairs.current!.pointee.nextCounter
        #expect(counter == after, "no new keypair, so no counter twice")
    }

    @Test func `work that was begun with other keys is refused when it comes back`() throws {
        var pair = connected()
        let (local, remote) = (pair.a.local, pair.a.peer.remote)
        var generator = SeededGenerator(state: 9)
        var created = try InitiationCreation(
            local: local, remote: remote, senderIndex: 5, timestamp: TAI64N(unixNanoseconds: 0), using: &generator
        ).perform()
        pair.a.peer.replaceRemote(RemoteIdentity(remote, presharedKey: .zero))
        #expect(throws: Refusal.state) { try pair.a.peer.send(&created, at: pair.now).unregister { _ in } }
        #expect(created.localIndex == 5)
    }

    @Test func `expired sessions are no longer sent on but still received, and a new one may begin at once`() {
        var pair = connected()
        let late = unsafe pair.b.peer.keypairs.current!.pointee.seal(packet)
        pair.a.unregister(pair.a.peer.expireSessions())
        let canSend = unsafe pair.a.peer.sendingKeypair(at: pair.now) != nil
        #expect(!canSend)
        pair.a.receive(late, at: pair.now)
        #expect(pair.a.delivered == [packet])
        pair.a.send(packet, at: pair.now)
        #expect(pair.a.outbox.count == 1)
        pair.now = pair.now + .seconds(1)
        pair.exchange()
        #expect(pair.b.refusals == [.replay], "the wall clock did not go on")
    }

    @Test func `a lost response does not leave the responder waiting`() {
        var pair = Pair()
        pair.bIsHeard = false
        pair.a.beginHandshake(at: pair.now, isRetry: false)
        pair.exchange()
        // The initiator is gone for good; the responder has something to say.
        pair.a.unregister(pair.a.peer.stop())
        pair.b.send(packet, at: pair.now + .seconds(1))
        #expect(pair.b.outbox.isEmpty)
        pair.bIsHeard = true
        pair.run(for: .seconds(6))
        #expect(pair.initiationsOfB.count == 1 && pair.a.delivered == [packet])
        expectIndicesMatch(&pair)
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `an hour of traffic over a lossy wire keeps the ends in step`(seed: UInt64) {
        var pair = Pair(seed: seed)
        var generator = SeededGenerator(state: seed ^ 0xabcd)
        let end = pair.now + .seconds(3600)
        while pair.now < end {
            pair.aIsHeard = UInt8.random(in: 0..<10, using: &generator) < 7
            pair.bIsHeard = UInt8.random(in: 0..<10, using: &generator) < 7
            if Bool.random(using: &generator) { pair.a.send(packet, at: pair.now) } else { pair.b.send(packet, at: pair.now) }
            pair.run(for: .milliseconds(UInt64.random(in: 1...20_000, using: &generator)))
            expectIndicesMatch(&pair, "seed \(seed)")
        }
        // Once the wire is whole again, everything arrives.
        pair.aIsHeard = true
        pair.bIsHeard = true
        pair.run(for: .seconds(6))
        pair.a.delivered = []
        pair.b.delivered = []
        pair.a.send([1], at: pair.now)
        pair.b.send([2], at: pair.now)
        pair.run(for: .seconds(30))
        #expect(pair.a.delivered.last == [2] && pair.b.delivered.last == [1], "seed \(seed)")
        let gaps = zip(pair.initiationsOfA, pair.initiationsOfA.dropFirst()).map { $1.since($0) }
        #expect(gaps.allSatisfy { $0 >= .seconds(5) }, "seed \(seed)")
    }
}
