internal import LinuxSystem
internal import Synchronization

/// Whether the engine's two threads still move: somebody asks, both are woken, and each answers after its next turn.
///
/// A thread that waits for work answers as fast as one that has some; one that hangs, in a lock or anywhere else, never does. The packet
/// loop looks at it only when it is woken for something that isn't a packet.
final class EngineProgress: Sendable {
    private let asked = Atomic<UInt64>(0)
    private let packets = Atomic<UInt64>(0)
    private let handshakes = Atomic<UInt64>(0)

    func ask() {
        asked.add(1, ordering: .sequentiallyConsistent)
    }

    /// Called by the thread itself.
    func answer(_ thread: EngineThread) {
        let number = asked.load(ordering: .sequentiallyConsistent)
        switch thread {
        case .packets: packets.store(number, ordering: .sequentiallyConsistent)
        case .handshakes: handshakes.store(number, ordering: .sequentiallyConsistent)
        }
    }

    /// The threads that have not answered the last question.
    var silent: [EngineThread] {
        let number = asked.load(ordering: .sequentiallyConsistent)
        var threads: [EngineThread] = []
        if packets.load(ordering: .sequentiallyConsistent) != number { threads.append(.packets) }
        if handshakes.load(ordering: .sequentiallyConsistent) != number { threads.append(.handshakes) }
        return threads
    }
}

/// One of an engine's two threads.
public enum EngineThread: Sendable, Hashable, CaseIterable {
    /// Moves packets.
    case packets
    /// Handshakes and timers.
    case handshakes
}

extension Engine {
    /// Asks both threads for a sign of life; ``silentThreads`` says who still owes one.
    public func askForProgress() {
        progress.ask()
        attention.signal()
        control.signal()
    }

    /// The threads that have not finished a turn since the last ``askForProgress()``; none where nobody has asked.
    public var silentThreads: [EngineThread] { progress.silent }
}
