import LinuxSystem
import NetworkTypes
import ScratchFiles
import Testing
import TunnelConfiguration

@testable import TunnelControl

@Suite struct HooksTests {
    private func hooks(_ report: SetupReport = .silent, directory: String = "/") throws -> Hooks {
        try Hooks(interface: "wg0", directory: directory, cancellation: Cancellation(), report: report)
    }

    @Test(arguments: [
        ("ip link show %i", "ip link show wg0"), ("%i%i", "wg0wg0"), ("100%", "100%"), ("date +%s %%i", "date +%s %wg0"), ("", ""),
    ])
    func `%i stands for the interface`(command: String, expanded: String) {
        #expect(Hooks.expand(Array(command.utf8), interface: "wg0") == Array(expanded.utf8))
    }

    @Test func `hooks run in order, where the caller is, and the first that fails ends it`() throws {
        let directory = try TemporaryDirectory()
        let told = Told()
        #expect(throws: SetupError("run PostUp `exit 3`", "it ended with status 3")) {
            try hooks(told.report, directory: directory.path).run(
                ["echo one %i >>log", "echo two >>log", "exit 3", "echo never >>log"], of: "PostUp")
        }
        #expect(try FileSystem.read(directory["log"]) == Array("one wg0\ntwo\n".utf8))
        #expect(told.all.first == "command: echo one wg0 >>log")
        #expect(throws: SetupError("run PreUp `kill -9 $$`", "signal 9 ended it")) { try hooks().run(["kill -9 $$"], of: "PreUp") }
    }

    @Test(
        .enabled(if: ChildProcess.find("bash") != nil, "bash is not installed"),
        arguments: ["false; true", "false | cat", "(exit 4); echo"])
    func `a command that fails anywhere fails the hook`(command: String) throws {
        #expect(throws: SetupError.self) { try hooks().run([HookCommand(bytes: Array(command.utf8))], of: "PostUp") }
    }

    @Test func `the shell is given a hook's bytes as they stand in the file`() throws {
        let directory = try TemporaryDirectory()
        let line = Array("PostUp = printf %s ".utf8) + [0x66, 0xfc, 0x72] + Array(" >latin\n".utf8)
        let file = ConfigurationFile(text: Array("[Interface]\n".utf8) + line, name: "latin.conf")
        try hooks(directory: directory.path).run(file.interface.postUp.map(\.value), of: "PostUp")
        #expect(try FileSystem.read(directory["latin"]) == [0x66, 0xfc, 0x72])
    }

    @Test func `what a hook leaves running isn't waited for`() throws {
        let start = Clock.now
        var hooks = try hooks()
        hooks.show = { _ in }
        try hooks.run(["sleep 60 & echo $! >/dev/null"], of: "PostDown")
        #expect(Clock.now.since(start) < .seconds(20))
    }

    @Test func `a hook that hangs is ended by who interrupts it, with what it started`() throws {
        let cancellation = try Cancellation()
        let hooks = Hooks(interface: "wg0", directory: "/", cancellation: cancellation, report: .silent)
        let thread = try SystemThread(name: "interrupts") {
            SystemThread.sleep(.milliseconds(100))
            cancellation.cancel()
        }
        let start = Clock.now
        #expect(throws: SetupError("run PreDown `sleep 61 | cat`", "interrupted")) { try hooks.run(["sleep 61 | cat"], of: "PreDown") }
        #expect(Clock.now.since(start) < .seconds(20))
        thread.join()
    }
}

@Suite struct ChildProcessTests {
    @Test func `output of any length is read to its end while input of any length is written`() throws {
        let cat = try #require(ChildProcess.find("cat"))
        let input = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let completion = try ChildProcess.run(cat, [], input: input)
        #expect(completion.isSuccess && completion.bytes == input)
    }

    @Test func `a program that takes too long is ended and named so`() throws {
        let sleep = try #require(ChildProcess.find("sleep"))
        let completion = try ChildProcess.run(sleep, ["60"], limit: .milliseconds(50))
        #expect(completion.reason == .tooSlow && !completion.isSuccess)
    }

    @Test func `a program that doesn't read its input is no trouble`() throws {
        let completion = try ChildProcess.run("/bin/sh", ["-c", "exit 0"], input: [UInt8](repeating: 7, count: 1 << 20))
        #expect(completion.status == .exited(0))
    }
}

@Suite struct HostResolverTests {
    @Test func `answers come one by one from one thread, and a question can be given up`() throws {
        let resolver = try HostResolver { question in
            if question.host == "slow" { SystemThread.sleep(.milliseconds(300)) }
            return .failed(question.host)
        }
        let never = try Cancellation()
        #expect(try resolver.resolve(.init(host: "a", service: "1"), cancelledBy: never.descriptor) == .failed("a"))
        let cancelled = try Cancellation()
        cancelled.cancel()
        #expect(try resolver.resolve(.init(host: "slow", service: "1"), cancelledBy: cancelled.descriptor) == nil)
        #expect(try resolver.resolve(.init(host: "b", service: "1"), cancelledBy: never.descriptor) == .failed("b"))
        resolver.stop()
    }
}

@Suite struct DriftTests {
    @Test func `what vanishes is put back once; what vanishes again at once is said once and left`() {
        var drift = Drift()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        #expect(drift.answer([], at: start) == .nothing)
        #expect(drift.answer(["rule"], at: start) == .putBack)
        #expect(drift.answer([], at: start + .seconds(1)) == .nothing)
        #expect(drift.answer(["rule"], at: start + .seconds(2)) == .say)
        #expect(drift.answer(["rule"], at: start + .seconds(3)) == .nothing)
        #expect(drift.answer(["rule"], at: start + .seconds(600)) == .nothing)
        var later = Drift()
        #expect(later.answer(["rule"], at: start) == .putBack)
        #expect(later.answer(["rule"], at: start + .seconds(60)) == .putBack)
    }

    @Test func `what can't be put back is tried again at each look, and told once`() {
        var drift = Drift()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        #expect(drift.answer(["route"], at: start) == .putBack)
        let news = [drift.note("IPv6 is disabled"), drift.note("IPv6 is disabled"), drift.note("no such device")]
        #expect(news == [true, false, true])
        #expect(drift.failure == "no such device")
        #expect(drift.answer(["route"], at: start + .seconds(1)) == .putBack)
        #expect(drift.since == start)
        let isNews = drift.note(nil)
        #expect(isNews)
        #expect(drift.failure == nil)
        #expect(drift.answer([], at: start + .seconds(2)) == .nothing)
    }
}
