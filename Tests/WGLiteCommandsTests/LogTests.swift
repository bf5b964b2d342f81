import LinuxSystem
import Logging
import NetworkTypes
import ScratchFiles
import Testing

@testable import WGLiteCommands

@Suite struct LogTests {
    @Test func `log lines in their three forms`() {
        let line = LogLine(.warning, "a \"b\"\nc", at: 1_769_862_896_789_000_000)
        #expect(line.written(as: .text, tunnel: "wg0") == "2026-01-31T12:34:56.789Z warning: a \"b\"\nc")
        #expect(line.written(as: .journald, tunnel: "wg0") == "<4>a \"b\"\n<4>c")
        #expect(
            line.written(as: .json, tunnel: "wg0")
                == "{\"time\":1769862896789,\"level\":\"warning\",\"tunnel\":\"wg0\",\"message\":\"a \\\"b\\\"\\nc\"}")
    }

    @Test func `the system's log has times of its own, and JSON where that is asked for`() {
        let line = LogLine(.notice, "up")
        #expect(line.systemLogDatagram(.text, tunnel: "wg0").hasSuffix("]: wg0: notice: up"))
        #expect(line.systemLogDatagram(.journald, tunnel: "wg0").hasPrefix("<29>wg-lite["))
        #expect(line.systemLogDatagram(.json, tunnel: "wg0").hasSuffix("\"message\":\"up\"}"))
    }

    @Test func `a line has an end, whatever somebody makes us say`() {
        let line = LogLine(.notice, String(repeating: "ä", count: 1 << 20))
        #expect(line.text.utf8.count <= LogLine.longestText + 8)
    }

    @Test(arguments: [
        (UInt64(0), "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"), (951_868_799, "2000-02-29T23:59:59.000Z"),
        (951_868_800, "2000-03-01T00:00:00.000Z"), (1_709_164_800, "2024-02-29T00:00:00.000Z"), (4_107_542_399, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"), (1_798_761_599, "2026-12-31T23:59:59.000Z"),
    ])
    func `times`(seconds: UInt64, text: String) {
        #expect(UTCTime(nanoseconds: seconds * 1_000_000_000).description == text)
    }

    @Test func `a flood of log lines is cut, and the gap is told`() {
        var budget = LogBudget()
        var written = 0
        var now = Instant(nanoseconds: 0)
        for _ in 0..<10_000 {
            if case .write = budget.admit(at: now) { written += 1 }
            now = now + .milliseconds(1)
        }
        #expect(written >= 99 && written <= 101)
        #expect(budget.admit(at: now + .seconds(1)) != .omit)
        var fresh = LogBudget()
        for _ in 0..<60 { _ = fresh.admit(at: now) }
        #expect(fresh.admit(at: now + .seconds(1)) == .write(omitted: 10))
    }

    /// Reads until `count` lines have come; what was read before counts.
    static func read(_ pipe: borrowing FileDescriptor, until isComplete: (String) -> Bool) throws -> String {
        var bytes: [UInt8] = []
        while !isComplete(String(decoding: bytes, as: UTF8.self)) {
            guard DescriptorPoll.wait([.init(pipe.rawValue)], for: .seconds(30)) == [true] else { break }
            bytes += try pipe.readChunk()
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a log that nobody reads holds up nobody; what was dropped is counted, and told when somebody reads`() throws {
        var pipe = try Pipe()
        let reading = pipe.takeReadingEnd()
        let writing = pipe.takeWritingEnd()
        // Full to the last byte, as a pipe is whose reader hangs.
        try writing.setNonBlocking()
        while (try? writing.writeAll([UInt8(ascii: "\n")])) != nil {}
        try writing.setNonBlocking(false)
        let log = try LogDestination(tunnel: "wg0", format: .text, descriptor: writing.rawValue, mostLines: 10)
        // This ends although the pipe is full: that is what the test is about.
        for i in 0..<40 { log.write(level: .notice) { "line \(i)" } }
        log.drain(within: .milliseconds(1))
        let before = Clock.now
        for _ in 0..<100 { log.drain(within: .seconds(1)) }
        #expect(Clock.now.since(before) < .seconds(20), "who waits in vain once waits no more")
        /// How many were told to be dropped: in two lines if the writer took its first late.
        func dropped(_ text: String) -> Int {
            var count = 0
            for line in text.split(separator: "\n") where line.contains(" dropped: nobody took them in time)") {
                count += Int(line.split(separator: "(").last?.prefix { $0.isNumber } ?? "") ?? 0
            }
            return count
        }
        func written(_ text: String) -> Int { text.split(separator: "\n").count { $0.contains(" notice: line ") } }
        let text = try Self.read(reading) { written($0) + dropped($0) >= 40 }
        #expect((10...12).contains(written(text)) && written(text) + dropped(text) == 40, "\(text)")
        log.drain(within: .seconds(20))
        _ = consume writing
    }

    @Test func `without a system log the background's lines go to a file of a bounded size, with times`() throws {
        let directory = try TemporaryDirectory()
        let owned = try OwnedDirectory(directory.path, owners: [Process.effectiveUser])
        let file = BoundedFile("wg0.log", in: owned, limit: 4096)
        let log = try LogDestination(tunnel: "wg0", format: .journald, systemLog: directory["nothing"])
        #expect(log.switchToSystemLog(or: file))
        for i in 0..<10 { log.write(level: .notice) { "line \(i)" } }
        log.drain(within: .seconds(20))
        let text = String(decoding: try FileSystem.read(file.path), as: UTF8.self)
        #expect(text.split(separator: "\n").count == 10 && text.hasSuffix("Z notice: line 9\n"))
        for i in 0..<2000 { try file.append(Array("line \(i)\n".utf8)) }
        #expect(try FileSystem.read(file.path).count <= 4096)
        #expect(owned.entries() == ["wg0.log", "wg0.log.old"])
        log.close(within: .seconds(1))
        #expect(owned.entries().isEmpty)
    }
}
