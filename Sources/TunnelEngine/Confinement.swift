internal import LinuxSystem
internal import Synchronization

/// Least privilege on the threads that read what strangers send: they can use the descriptors that are open, and nothing else.
enum Confinement {
    private static let wasTold = Atomic<Bool>(false)

    /// Confines the calling thread for the rest of its life. Where the system refuses some of it, that is logged once.
    static func begin(_ log: (EngineLogLevel, String) -> Void) {
        let failures = SystemThread.confine()
        guard !failures.isEmpty, !wasTold.exchange(true, ordering: .relaxed) else { return }
        log(.notice, "threads keep more privileges than they need: \(failures.map { "\($0)" }.joined(separator: "; "))")
    }
}
