internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import WireGuardCrypto

/// Threads that help to seal and open the packets of one batch, on machines with processors to spare.
///
/// The packet loop lays out the batch, everybody takes jobs from it until none is left, and the loop goes on when all are done. So one
/// flow uses several processors and nothing is ever reordered: the ring keeps the order, whoever finishes first. A helper that finds
/// no work watches for a moment and then sleeps.
@safe
final class CryptoWorkers: Sendable {
    /// Below this many jobs waking somebody costs more than it saves.
    static let smallestSharedBatch = 32
    /// Jobs taken at a time.
    private static let grain = 4
    /// How long a helper watches for the next batch before it sleeps.
    private static let watchTime = Interval(nanoseconds: 50_000)

    // SAFETY: written by the packet loop before it publishes a batch (`generation`), read by helpers after they have seen it.
    private nonisolated(unsafe) var jobs: UnsafeMutablePointer<CipherJob>?
    private let count = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let finished = Atomic<Int>(0)
    /// Even: no batch is open. Odd: one is.
    private let generation = Atomic<Int>(0)
    private let inside = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let wake: EventDescriptor
    private let isStopping = Atomic<Bool>(false)
    private let backend: TransportCipher.Backend
    private let threads = Mutex(SystemThreads())

    private let helpers: Int

    /// - Parameters:
    ///   - helpers: threads beside the packet loop's own; none runs before ``start()``.
    ///   - backend: what they seal and open with.
    init(helpers: Int, backend: TransportCipher.Backend) throws(SystemError) {
        self.helpers = helpers
        self.backend = backend
        wake = try EventDescriptor()
    }

    /// Starts the helpers. If one can't be started, ``stop()`` ends the others.
    func start() throws(SystemError) {
        for number in 0..<helpers {
            try threads.withLock { (threads) throws(SystemError) in
                try threads.start(name: "wg-crypto-\(number + 1)") { [self] in
                    // What the system refuses of it was said by the packet loop.
                    _ = SystemThread.confine()
                    help(UInt8(clamping: number + 1))
                }
            }
        }
    }

    /// Ends the helpers and waits for them.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        wake.signal()
        let running = threads.withLock { $0.take() }
        running.join()
    }

    /// Performs all jobs and returns when the last is done. One caller at a time: the packet loop.
    func perform(_ batch: UnsafeMutablePointer<CipherJob>, count total: Int, cipher: borrowing TransportCipher) {
        unsafe jobs = batch
        count.store(total, ordering: .relaxed)
        next.store(0, ordering: .relaxed)
        finished.store(0, ordering: .relaxed)
        generation.add(1, ordering: .sequentiallyConsistent)
        // A helper counts itself among the sleepers before it looks at the generation a last time, so one of us sees the other.
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wake.signal() }
        unsafe take(batch, total, cipher, worker: 0)
        while finished.load(ordering: .acquiring) < total { SystemThread.pause() }
        generation.add(1, ordering: .sequentiallyConsistent)
        // Nobody may still look at this batch when the next one is laid out.
        while inside.load(ordering: .sequentiallyConsistent) > 0 { SystemThread.pause() }
    }

    @inline(never)
    private func take(
        _ batch: UnsafeMutablePointer<CipherJob>, _ total: Int, _ cipher: borrowing TransportCipher, worker: UInt8
    ) {
        while true {
            let first = next.add(Self.grain, ordering: .relaxed).oldValue
            guard first < total else { return }
            let end = min(first + Self.grain, total)
            unsafe cipher.perform(batch + first, count: end - first)
            if worker != 0 { for index in first..<end { unsafe batch[index].worker = worker } }
            finished.add(end - first, ordering: .releasing)
        }
    }

    private func help(_ number: UInt8) {
        let cipher = TransportCipher(backend)
        var idleSince = Clock.now
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            if generation.load(ordering: .sequentiallyConsistent) & 1 == 1 {
                inside.add(1, ordering: .sequentiallyConsistent)
                // Inside counts only if the batch is still open: `perform` waits for us before it opens another.
                if generation.load(ordering: .sequentiallyConsistent) & 1 == 1, let batch = unsafe jobs {
                    unsafe take(batch, count.load(ordering: .relaxed), cipher, worker: number)
                }
                inside.subtract(1, ordering: .sequentiallyConsistent)
                idleSince = Clock.now
            }
            if Clock.now.since(idleSince) < Self.watchTime {
                SystemThread.yield()
                continue
            }
            sleepers.add(1, ordering: .sequentiallyConsistent)
            if generation.load(ordering: .sequentiallyConsistent) & 1 == 0 && !isStopping.load(ordering: .sequentiallyConsistent) {
                _ = wake.wait(for: nil)
                // When stopping it stays signalled, so that every helper sees it.
                if !isStopping.load(ordering: .sequentiallyConsistent) { wake.clear() }
            }
            sleepers.subtract(1, ordering: .sequentiallyConsistent)
            idleSince = Clock.now
        }
    }
}
