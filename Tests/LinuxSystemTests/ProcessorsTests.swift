import LinuxSystem
import Testing

@Suite struct ProcessorsTests {
    @Test func `there is at least one processor`() {
        #expect(Processors.available >= 1)
    }

    @Test(
        arguments: [
            ("max 100000", nil), ("100000 100000", 1), ("150000 100000\n", 2), ("20000 100000", 1), ("400000 100000", 4), ("", nil),
            ("0 0", nil),
        ] as [(String, Int?)])
    func `a quota counts in whole processors, rounded up`(text: String, processors: Int?) {
        #expect(Processors.processors(ofQuota: text) == processors)
    }
}
