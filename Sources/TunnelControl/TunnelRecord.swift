internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration

/// The file that remembers what of a tunnel outlives its process; see ``MachineState/SystemRecord``.
struct TunnelRecord: Sendable {
    let interface: String
    let directory: RuntimeDirectory

    /// What a process that was killed left behind.
    struct Leftover {
        /// All that it had of the system.
        var state: SystemState
        /// Whether that is in another network namespace: rules and routes of the same look are somebody else's here.
        var isElsewhere: Bool

        /// What of it can be taken back from here: the file of name servers belongs to no network namespace.
        var here: SystemState {
            guard isElsewhere else { return state }
            var rest = SystemState()
            if let nameServers = state.nameServers, nameServers.method == .file { rest.nameServers = nameServers }
            return rest
        }
    }

    /// What a process that was killed left behind; nil if there is no record.
    /// - Throws: when it isn't one of ours to its last byte; nothing of it counts then.
    func read() throws(SetupError) -> Leftover? {
        guard let records = directory.records else { return nil }
        let name = RuntimeDirectory.recordName(interface)
        let step = "take back what an earlier process left behind"
        let remedy = "look at that file; if it isn't needed, remove it"
        do throws(SystemError) {
            guard let bytes = try records.read(name, limit: SystemRecord.maximumSize) else { return nil }
            if let state = SystemRecord.read(bytes, interface: interface) {
                return Leftover(state: state, isElsewhere: isElsewhere(bytes))
            }
        } catch {
            throw SetupError(step, "\(error)", remedy: remedy)
        }
        throw SetupError(step, "\(records.path(of: name)) isn't a record of \(interface); nothing was changed", remedy: remedy)
    }

    /// What is to be taken back here, all of it.
    /// - Throws: when it is in another network namespace.
    func readToTakeBack() throws(SetupError) -> SystemState? {
        guard let left = try read() else { return nil }
        guard !left.isElsewhere else {
            throw SetupError(
                "take back what an earlier process left behind", "it is in another network namespace; nothing was changed",
                remedy:
                    "run `wg-lite down \(interface)` there (`ip netns exec`, `nsenter --net`); where that is gone with all that was in it, "
                    + "remove \(directory.records?.path(of: RuntimeDirectory.recordName(interface)) ?? "its record")")
        }
        return left.state
    }

    private static var namespace: UInt64? { (try? NetworkNamespace.currentIdentity()).map { UInt64($0.inode) } }

    /// Whether a record is about another network namespace than this one.
    private func isElsewhere(_ bytes: [UInt8]) -> Bool {
        guard let there = SystemRecord.namespace(bytes), let here = Self.namespace else { return false }
        return there != here
    }

    /// Remembers what `state` would leave behind. Call it *before* the change: taking back what didn't happen is harmless, forgetting isn't.
    func write(_ state: SystemState) throws(SetupError) {
        guard let records = directory.records else { return }
        let text = SystemRecord.text(state, namespace: Self.namespace)
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

    // MARK: Other tunnels

    /// How long other tunnels' processes are waited for: longer than any program that they call may take.
    private static let patience = Interval.seconds(30)

    /// Looks and acts while no other tunnel's process changes the machine: two that look at the same moment would find the same table free,
    /// and the same places for rules. Where the others take too long, the wait is given up or the lock can't be had, it goes on; what fails
    /// then is undone.
    func inTurn<Result, Failure: Error>(
        _ cancellation: Cancellation?, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let lock = turn(cancellation) else { return try body() }
        defer { _ = lock.rawValue }
        return try body()
    }

    private func turn(_ cancellation: Cancellation?) -> FileDescriptor? {
        guard let records = directory.records else { return nil }
        let end = Clock.now + Self.patience
        while Clock.now < end, !(cancellation?.isCancelled ?? false) {
            do throws(SystemError) {
                if let lock = try records.lockWhole() { return lock }
            } catch {
                return nil
            }
            SystemThread.sleep(.milliseconds(20))
        }
        return nil
    }

    /// Whether another of our tunnels has had reverse path filters look at marks.
    var othersAcceptMarkedSources: Bool {
        guard let records = directory.records else { return false }
        let own = RuntimeDirectory.recordName(interface)
        return records.entries().contains { name in
            guard name.hasSuffix(".record"), name != own, let bytes = (try? records.read(name, limit: SystemRecord.maximumSize)) ?? nil
            else { return false }
            guard !isElsewhere(bytes) else { return false }
            return SystemRecord.read(bytes, interface: interface)?.acceptsMarkedSources ?? false
        }
    }
}
