internal import LinuxSystem
public import PathRecording
internal import Synchronization
internal import TunnelCore
public import WireGuardCrypto
internal import WireGuardProtocol

/// Who looks at the engine's packets. While nobody does, a thread reads ``generation`` once a turn, and that is all.
final class FlightRecorder: Sendable {
    /// Readers at the same time.
    static let mostRecordings = 4

    private let recordings = Mutex<[Recording]>([])
    /// Changes whenever a recording begins or ends.
    let generation = Atomic<Int>(0)

    /// Those that are under way.
    var current: [Recording] { recordings.withLock { $0 } }

    /// Lets a recording begin; false if there are as many as there may be.
    fileprivate func begin(_ recording: Recording) -> Bool {
        let hasBegun = recordings.withLock { recordings in
            guard recordings.count < Self.mostRecordings else { return false }
            recordings.append(recording)
            return true
        }
        if hasBegun { generation.add(1, ordering: .releasing) }
        return hasBegun
    }

    fileprivate func end(_ recording: Recording) {
        recordings.withLock { recordings in recordings.removeAll { $0 === recording } }
        generation.add(1, ordering: .releasing)
    }
}

extension Engine {
    /// How many may record at the same time.
    public static var mostRecordings: Int { FlightRecorder.mostRecordings }

    /// With how many peers a handshake is begun for somebody who wants their keys.
    private static let sessionsToRenew = 64

    /// Whose packets they are: our public key, and the interface's MTU.
    public var identity: (publicKey: PublicKey?, mtu: UInt16) {
        tunnel.withLock { ($0.identity?.publicKey, UInt16(clamping: $0.mtu)) }
    }

    /// Begins to record packets, until ``end(_:)-(Recording)``.
    /// - Returns: nil if too many do already, or there is no memory for it.
    public func record(_ request: RecordingRequest) -> Recording? {
        guard let recording = try? Recording(request) else { return nil }
        // Before anybody else writes: with it the initiations that peers begin can be read.
        if request.keys, let key = tunnel.withLock({ $0.identity?.privateKey }) {
            unsafe key.withUnsafeBytes { unsafe recording.tell(.localStaticPrivateKey, $0) }
        }
        guard recorder.begin(recording) else { return nil }
        // Only sessions whose handshake was seen can be decrypted.
        if request.keys { tunnel.withLock { $0.renewSessions(atMost: Self.sessionsToRenew, at: .current) } }
        heedRecordings()
        return recording
    }

    /// Ends a recording; what it has of packets' bytes goes with its last user.
    public func end(_ recording: Recording) {
        recorder.end(recording)
        heedRecordings()
    }

    /// Threads that sleep let go of what has ended, and see what has begun, at once.
    private func heedRecordings() {
        control.signal()
        attention.signal()
    }
}
