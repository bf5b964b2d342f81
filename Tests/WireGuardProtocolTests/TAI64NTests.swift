import Testing
import VectorFiles

@testable import WireGuardProtocol

@Suite struct TAI64NTests {
    @Test func `labels are those of the file`() throws {
        let file: TAI64NVectors = try .load()
        for vector in file.cases {
            let (seconds, nanoseconds) = vector.unixNs.value.quotientAndRemainder(dividingBy: 1_000_000_000)
            let label = TAI64N(unixSeconds: UInt64(seconds), nanoseconds: UInt32(nanoseconds))
            if let short = UInt64(exactly: vector.unixNs.value) { #expect(TAI64N(unixNanoseconds: short) == label) }
            #expect(label.bytes.hex == vector.timestamp)
            #expect(TAI64N(label.bytes) == label)
        }
        #expect(file.cases.count == 16)
    }

    @Test func `labels are ordered as in the file`() throws {
        let file: TAI64NVectors = try .load()
        for vector in file.order {
            let (first, second) = (TAI64N(unixNanoseconds: vector.firstNs.value), TAI64N(unixNanoseconds: vector.secondNs.value))
            #expect((second > first) == vector.secondIsNewer, "\(vector.firstNs.value), \(vector.secondNs.value)")
        }
        #expect(file.order.count == 11)
    }

    @Test func `received labels keep the bits that we would not send`() {
        let bytes = HexBytes([0x40, 0, 0, 0, 0, 0, 0, 0x0a, 0x12, 0x34, 0x56, 0x78])
        #expect(TAI64N(bytes.fixed()).nanoseconds == 0x1234_5678)
    }
}
