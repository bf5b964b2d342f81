import Glibc
import NetworkTypes
import Testing

@testable import LinuxSystem

@Suite struct SendRecourseTests {
    private typealias Circumstances = SendRecourse.Circumstances

    @Test(arguments: [ECONNREFUSED, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET])
    func `what only an earlier datagram can have caused is tried again, but not for ever`(error: Int32) {
        for repeats in 0..<4 {
            #expect(SendRecourse.after(error, Circumstances(hasSource: true, repeats: repeats)) == .again)
        }
        #expect(SendRecourse.after(error, Circumstances(repeats: 4)) == .lose)
    }

    @Test(arguments: [ENETUNREACH, EHOSTUNREACH])
    func `what may be an earlier datagram's is tried again once, then without the source, then lost`(error: Int32) {
        #expect(SendRecourse.after(error, Circumstances(hasSource: true)) == .again)
        #expect(SendRecourse.after(error, Circumstances(hasSource: true, repeats: 1)) == .withoutSource)
        #expect(SendRecourse.after(error, Circumstances(repeats: 1)) == .lose)
        #expect(SendRecourse.after(error, Circumstances(isProven: true)) == .lose)
    }

    @Test func `a refused source comes before a refused segmentation`() {
        #expect(SendRecourse.after(EINVAL, Circumstances(isSuperDatagram: true, hasSource: true)) == .withoutSource)
        #expect(SendRecourse.after(EINVAL, Circumstances(isSuperDatagram: true)) == .cut)
        #expect(SendRecourse.after(EIO, Circumstances(isSuperDatagram: true, hasSource: true)) == .cut)
        #expect(SendRecourse.after(EMSGSIZE, Circumstances(isSuperDatagram: true, repeats: 1)) == .cut)
        #expect(SendRecourse.after(EINVAL, Circumstances()) == .lose)
        #expect(SendRecourse.after(EMSGSIZE, Circumstances(repeats: 1)) == .lose)
    }

    @Test func `our own firewall's refusal is final, an interruption and a full buffer are not`() {
        #expect(SendRecourse.after(EPERM, Circumstances(isSuperDatagram: true, hasSource: true)) == .lose)
        #expect(SendRecourse.after(EINTR, Circumstances(repeats: 9)) == .again)
        #expect(SendRecourse.after(EAGAIN, Circumstances()) == .whenWritable)
    }
}

/// Limits that the test macros can be asked about: they copy what they look at.
private final class Limits {
    private var limits = SegmentSizeLimits()
    let start = Instant(nanoseconds: 5)

    func allow(_ size: Int, to destination: IPAddress, after interval: Interval = .seconds(0)) -> Bool {
        limits.allow(size, to: destination, at: start + interval)
    }

    func refuse(_ size: Int, to destination: IPAddress, after interval: Interval = .seconds(0)) {
        limits.refuse(size, to: destination, at: start + interval)
    }
}

@Suite struct SegmentSizeLimitsTests {
    private let here = IPAddress("192.0.2.1")!
    private let there = IPAddress("192.0.2.2")!

    @Test func `a refusal holds for that destination, that size and larger, and a minute`() {
        let limits = Limits()
        #expect(limits.allow(1400, to: here))
        limits.refuse(1400, to: here)
        #expect(!limits.allow(1400, to: here) && !limits.allow(1401, to: here))
        #expect(limits.allow(1399, to: here) && limits.allow(9000, to: there))
        #expect(limits.allow(1400, to: here, after: SegmentSizeLimits.retryInterval))
    }

    @Test func `a smaller size that is refused later counts, and is forgotten with the minute`() {
        let limits = Limits()
        limits.refuse(1000, to: here)
        limits.refuse(1400, to: here, after: .seconds(1))
        #expect(!limits.allow(1000, to: here, after: .seconds(2)))
        limits.refuse(1400, to: here, after: .seconds(62))
        #expect(limits.allow(1399, to: here, after: .seconds(63)) && !limits.allow(1400, to: here, after: .seconds(63)))
    }

    @Test func `ten thousand destinations take no more room than one, and only cost a try`() {
        let limits = Limits()
        let addresses = (0..<10_000).map { IPAddress.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: UInt64($0))) }
        for address in addresses {
            limits.refuse(1400, to: address)
            #expect(!limits.allow(1400, to: address))
        }
        #expect(addresses.filter { !limits.allow(1400, to: $0) }.count <= 256)
    }
}
