import NetworkTypes
import Testing
import WireGuardProtocol

/// The whitepaper's numbers, written down once more: everything else, the simulation's naive model too, takes them from ``Limits``.
@Suite struct LimitsTests {
    @Test func `the limits are those of the whitepaper`() {
        // Section 6.1.
        #expect(Limits.rekeyAfterMessages == 1_152_921_504_606_846_976)
        #expect(Limits.rejectAfterMessages == 18_446_744_073_709_543_423)
        #expect(Limits.rekeyAfterTime == .seconds(120))
        #expect(Limits.rejectAfterTime == .seconds(180))
        #expect(Limits.rekeyAttemptTime == .seconds(90))
        #expect(Limits.rekeyTimeout == .seconds(5))
        #expect(Limits.keepaliveTimeout == .seconds(10))
        // What follows from them: sections 6.2, 6.3 and 6.5.
        #expect(Limits.rekeyOnReceiveAfterTime == .seconds(165))
        #expect(Limits.newHandshakeTimeout == .seconds(15))
        #expect(Limits.zeroKeysAfterTime == .seconds(540))
        #expect(Limits.maximumHandshakeTries == 18)
        // Sections 5.4.6 and 5.4.7, and what the kernel's has beside them.
        #expect(Limits.paddingMultiple == 16)
        #expect(Limits.cookieLifetime == .seconds(120))
        #expect(Limits.rekeyJitter == .milliseconds(334))
        #expect(Limits.initiationInterval == .milliseconds(20))
    }
}
