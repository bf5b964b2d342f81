import LinuxSystem
import Testing

@testable import TunnelControl

@Suite struct RunningHookTests {
    private let hook = RunningHook(leader: ProcessEntry(identifier: 700, group: 700, session: 600, start: 5000))

    private func entry(_ identifier: Int32, group: Int32 = 700, session: Int32 = 600, start: UInt64 = 5001) -> ProcessEntry {
        ProcessEntry(identifier: identifier, group: group, session: session, start: start)
    }

    @Test func `it is read as it was written, and nothing else is`() {
        #expect(hook.text == "700 600 5000\n")
        #expect(RunningHook(Array(hook.text.utf8)) == hook)
        for text in [
            "", "\n", "700 600 5000", "700 600 5000\n\n", "700  600 5000\n", "+700 600 5000\n", "0700 600 5000\n", "1 600 5000\n",
            "-1 600 5000\n", "0 600 5000\n", "700 600\n", "700 600 5000 1\n", "700 600 -5\n",
        ] {
            #expect(RunningHook(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func `what is left of its group is found, with its leader or without`() {
        let others = [entry(800, group: 800), entry(600, group: 600, start: 10), entry(1, group: 1, session: 1, start: 1)]
        #expect(hook.remains(in: others + [hook.leader, entry(701)]) == [700, 701])
        #expect(hook.remains(in: others + [entry(701), entry(702)]) == [701, 702])
        #expect(hook.remains(in: others).isEmpty)
    }

    @Test func `a number that was given away again is nobody's`() {
        #expect(hook.remains(in: [entry(700, start: 9000), entry(701, start: 9001)]).isEmpty)
        #expect(hook.remains(in: [entry(701, session: 650)]).isEmpty)
        #expect(hook.remains(in: [entry(701, start: 4999)]).isEmpty)
    }

    @Test(arguments: ["sleep", "a b", ") S 1 1 1 (", "", "\n"])
    func `a process may be called anything`(name: String) {
        let rest = "S 699 700 600 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 5001 100 200"
        #expect(ProcessEntry(stat: "701 (\(name)) \(rest)\n") == entry(701))
        #expect(ProcessEntry(stat: "701 \(name) S 1") == nil)
    }

    @Test func `this process is found`() {
        #expect(ProcessEntry(of: Process.identifier)?.identifier == Process.identifier)
        #expect(ProcessEntry.all.contains { $0.identifier == Process.identifier })
    }
}
