import Glibc
import LinuxSystem
import Testing

@Suite struct ProcessConditionTests {
    private func condition(_ state: String, flags: Int = 4_194_560, threads: Int = 1, signals: String = "0000000000000000")
        -> ProcessCondition?
    {
        ProcessCondition(
            stat: "701 (a) S b) \(state) 1 701 701 0 -1 \(flags) 1 2 3 4 5 6 7 8 20 0 \(threads) 0 5001 100 200\n",
            status:
                "Name:\ta) S b\nState:\t\(state) (any)\nThreads:\t\(threads)\nSigPnd:\t0000000000000000\nShdPnd:\t\(signals)\nSigBlk:\tffffffffffffffff\n"
        )
    }

    @Test(arguments: ["R", "S", "D", "I"])
    func `one that waits or works runs`(state: String) {
        #expect(condition(state) == .running)
        // SIGTERM waits to be taken.
        #expect(condition(state, signals: "0000000000004000") == .running)
    }

    @Test(arguments: ["T", "t"])
    func `one that was stopped is, until it is killed`(state: String) {
        #expect(condition(state) == .stopped)
        #expect(condition(state, signals: "0000000000000100") == .ending)
    }

    @Test func `one is at its end from the signal until its last thread is gone`() {
        #expect(condition("S", signals: "0000000000004100") == .ending)
        #expect(condition("D", flags: 0x40_0104) == .ending)
        #expect(condition("Z", flags: 0x40_0104, threads: 4) == .ending)
        #expect(condition("Z", flags: 0x40_0104) == .ended)
        #expect(condition("X", flags: 0x40_0104, threads: 0) == .ended)
    }

    @Test func `one whose image is written is at its end`() {
        let stat = "701 (a) S 1 701 701 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 5001 100 200"
        #expect(ProcessCondition(stat: stat, status: "Name:\ta\nCoreDumping:\t1\nShdPnd:\t0\n") == .ending)
        #expect(ProcessCondition(stat: stat, status: "Name:\ta\nCoreDumping:\t0\nShdPnd:\t0\n") == .running)
    }

    @Test func `what isn't of a process is nothing`() {
        #expect(ProcessCondition(stat: "", status: "") == nil)
        #expect(ProcessCondition(stat: "701 (a) S 1 2 3", status: "") == nil)
        #expect(ProcessCondition(of: -1) == nil)
    }

    @Test func `the kernel says it of real ones`() throws {
        #expect(ProcessCondition(of: getpid()) == .running)
        let child = try ChildProcess.start("/bin/sleep", ["100"])
        kill(child.identifier, SIGSTOP)
        var looks = 0
        while ProcessCondition(of: child.identifier) != .stopped, looks < 10_000 {
            usleep(1000)
            looks += 1
        }
        #expect(ProcessCondition(of: child.identifier) == .stopped)
        kill(child.identifier, SIGKILL)
        // It is never seen to go on.
        while let condition = ProcessCondition(of: child.identifier), condition != .ended { #expect(condition == .ending) }
        #expect(ProcessCondition(of: child.identifier) == .ended)
        #expect(child.wait() == .signalled(SIGKILL))
        #expect(ProcessCondition(of: child.identifier) == nil)
    }
}
