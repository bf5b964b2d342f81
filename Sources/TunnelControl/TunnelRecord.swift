internal import LinuxSystem
internal import MachineState
internal import TunnelConfiguration

/// The file that remembers what of a tunnel outlives its process; see ``MachineState/SystemRecord``.
struct TunnelRecord: Sendable {
    let interface: String
    let directory: RuntimeDirectory

    /// What a process that was killed left behind; nil if there is no record.
    /// - Throws: when it isn't one of ours to its last byte; nothing of it counts then.
    func read() throws(SetupError) -> SystemState? {
        guard let records = directory.records else { return nil }
        let name = RuntimeDirectory.recordName(interface)
        let step = "take back what an earlier process left behind"
        let remedy = "look at that file; if it isn't needed, remove it"
        do throws(SystemError) {
            guard let bytes = try records.read(name, limit: SystemRecord.maximumSize) else { return nil }
            if let state = SystemRecord.read(bytes, interface: interface) { return state }
        } catch {
            throw SetupError(step, "\(error)", remedy: remedy)
        }
        throw SetupError(step, "\(records.path(of: name)) isn't a record of \(interface); nothing was changed", remedy: remedy)
    }

    /// Remembers what `state` would leave behind. Call it *before* the change: taking back what didn't happen is harmless, forgetting isn't.
    func write(_ state: SystemState) throws(SetupError) {
        guard let records = directory.records else { return }
        let text = SystemRecord.text(state)
        guard !text.isEmpty else { return try remove() }
        do throws(SystemError) {
            try records.replace(RuntimeDirectory.recordName(interface), with: Array(text.utf8))
        } catch {
            throw SetupError("record what is changed", error, remedy: "without it nothing could be taken back after a crash")
        }
    }

    /// - Throws: when it is still there: everything would be taken back a second time.
    func remove() throws(SetupError) {
        let name = RuntimeDirectory.recordName(interface)
        guard let records = directory.records, !records.remove(name) else { return }
        throw SetupError(
            "remove the record \(records.path(of: name))", "it is still there", remedy: "remove it: nothing is left of what it says")
    }
}
