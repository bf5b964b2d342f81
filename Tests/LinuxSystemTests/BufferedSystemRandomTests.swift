import LinuxSystem
import Testing

@Suite struct BufferedSystemRandomTests {
    @Test func `no number comes twice, over many refills`() {
        let random = BufferedSystemRandom()
        let numbers = (0..<10_000).map { _ in random.next() }
        #expect(Set(numbers).count == numbers.count)
    }

    @Test func `every bit is sometimes set and sometimes not`() {
        let random = BufferedSystemRandom()
        let numbers = (0..<200).map { _ in random.next() }
        #expect(numbers.reduce(0, |) == .max)
        #expect(numbers.reduce(.max, &) == 0)
    }
}
