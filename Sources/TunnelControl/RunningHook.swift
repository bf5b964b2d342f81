internal import LinuxSystem
internal import NetworkTypes

/// The hook that runs now, written down so that what is left of it when the tunnel's process is killed can be ended: its next commands would
/// change a machine that somebody else answers for by then. What a hook has left in the background by its end stays.
struct RunningHook: Hashable {
    /// The process that leads the hook's group, as it began.
    let leader: ProcessEntry

    /// Bytes of the longest text.
    static let maximumSize = 128

    var text: String { "\(leader.group) \(leader.session) \(leader.start)\n" }

    init(leader: ProcessEntry) {
        self.leader = leader
    }

    /// Reads what ``text`` wrote, to its last byte; nil for anything else.
    init?(_ bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).dropLast().split(separator: " ")
        guard words.count == 3, let group = Int32(words[0]), group > 1, let session = Int32(words[1]), session >= 0,
            let start = UInt64(words[2])
        else { return nil }
        self.init(leader: ProcessEntry(identifier: group, group: group, session: session, start: start))
        guard Array(text.utf8) == bytes else { return nil }
    }

    /// Which of these processes are left of it. A number that has been given to another process meanwhile is nobody's here: while a group
    /// has members its number isn't given away, and a later one has another leader, or another session.
    func remains(in processes: [ProcessEntry]) -> [Int32] {
        let group = processes.filter { $0.group == leader.group && $0.session == leader.session && $0.start >= leader.start }
        guard processes.allSatisfy({ $0.identifier != leader.identifier || $0 == leader }) else { return [] }
        return group.map(\.identifier)
    }
}

extension TunnelRecord {
    /// A hook has begun.
    func note(_ child: ChildProcess) {
        guard let leader = ProcessEntry(of: child.identifier), leader.group == child.identifier else { return }
        // Without it only what a killed process leaves behind isn't found.
        try? directory.records?.replace(RuntimeDirectory.hookName(interface), with: Array(RunningHook(leader: leader).text.utf8))
    }

    /// The hook has ended.
    func forgetHook() {
        directory.records?.remove(RuntimeDirectory.hookName(interface))
    }

    /// Ends what a process that was killed has left of the hook that it ran.
    func endHook() {
        let name = RuntimeDirectory.hookName(interface)
        guard let bytes = (try? directory.records?.read(name, limit: RunningHook.maximumSize)) ?? nil else { return }
        if let hook = RunningHook(bytes) {
            // A shell may start one more while we look.
            for _ in 0..<20 {
                let left = hook.remains(in: ProcessEntry.all)
                guard !left.isEmpty else { break }
                for process in left { Process.signal(process, SignalDescriptor.kill) }
                SystemThread.sleep(.milliseconds(10))
            }
        }
        forgetHook()
    }
}
