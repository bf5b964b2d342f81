import Glibc
import Testing

@testable import LinuxSystem

@Suite struct JournalStreamTests {
    @Test func `a descriptor is the journal's only if the journal's name is its own`() throws {
        let (one, other) = unsafe (open("/dev/null", O_WRONLY), open("/", O_RDONLY))
        defer {
            close(one)
            close(other)
        }
        var status = stat()
        try #require(unsafe fstat(one, &status) == 0)
        let name = "\(status.st_dev):\(status.st_ino)"
        #expect(Process.isStream(one, named: name))
        #expect(!Process.isStream(other, named: name))
        #expect(!Process.isStream(one, named: nil))
        #expect(!Process.isStream(-1, named: name))
    }
}
