import Testing

@testable import TunnelDiagnosis

@Suite struct ProbeSizesTests {
    /// Asks a path until it is known.
    static func probe(_ mtu: UInt32, passing: UInt32) -> (PathProbe?, bursts: Int) {
        var sizes = ProbeSizes(least: 576, most: mtu)
        var bursts = 0
        while bursts < 10 {
            let next = sizes.next
            if next.isEmpty { break }
            bursts += 1
            sizes.take(next, answered: Set(next.filter { $0 <= passing }))
            if sizes.answered == nil { break }
        }
        return (sizes.result, bursts)
    }

    @Test(arguments: [576, 577, 600, 1234, 1280, 1372, 1419] as [UInt32])
    func `the largest size that passes is found within 8 bytes in a few bursts`(passing: UInt32) throws {
        let (result, bursts) = Self.probe(1420, passing: passing)
        let probe = try #require(result)
        #expect(probe.largestAnswered! <= passing && passing - probe.largestAnswered! <= 8)
        #expect(probe.smallestLost! > passing)
        #expect(bursts <= 3)
    }

    @Test func `a path that takes all is known after one burst`() {
        let (result, bursts) = Self.probe(1420, passing: 1420)
        #expect(result == PathProbe(largestAnswered: 1420, smallestLost: nil))
        #expect(bursts == 1)
    }

    @Test func `nobody who answers tells nothing`() {
        #expect(Self.probe(1420, passing: 0).0 == nil)
    }

    @Test func `a small packet that is lost by chance isn't the path's`() {
        var sizes = ProbeSizes(least: 576, most: 1420)
        let next = sizes.next
        sizes.take(next, answered: Set(next.dropFirst()))
        #expect(sizes.result == PathProbe(largestAnswered: 1420, smallestLost: nil))
    }
}
