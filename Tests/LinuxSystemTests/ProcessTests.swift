import Glibc
import LinuxSystem
import Testing

@Suite struct ProcessTests {
    @Test func `the words it was started with are the kernel's, read without /proc`() {
        // Swift reads its list from /proc, which is there while tests run.
        #expect(Process.arguments == CommandLine.arguments)
        #expect(!Process.arguments.isEmpty)
    }

    @Test func `what can't be written is said with its reason`() throws {
        let full = try FileDescriptor.open("/dev/full", flags: O_WRONLY)
        #expect(FileDescriptor.failure(ofWriting: "", to: full.rawValue) == nil)
        #expect(FileDescriptor.failure(ofWriting: "text", to: full.rawValue)?.name == "ENOSPC")
        #expect(!FileDescriptor.write("text", to: full.rawValue))
    }
}
