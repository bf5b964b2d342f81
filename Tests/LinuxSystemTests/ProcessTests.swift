import LinuxSystem
import Testing

@Suite struct ProcessTests {
    @Test func `the words it was started with are the kernel's, read without /proc`() {
        // Swift reads its list from /proc, which is there while tests run.
        #expect(Process.arguments == CommandLine.arguments)
        #expect(!Process.arguments.isEmpty)
    }
}
