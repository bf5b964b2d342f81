public import NetworkTypes
public import PathRecording
public import WireGuardCrypto

/// A recording on its way into a capture: frames in, blocks out.
public struct RecordingCapture: Sendable {
    /// Where the blocks are.
    public private(set) var encoder: CaptureEncoder
    /// Handshakes whose keys were told.
    public private(set) var handshakesWithKeys = 0
    private let embedsKeys: Bool
    private let peerName: @Sendable (PublicKey) -> String
    private var recordCount: UInt64 = 0
    private var missed = InlineArray<2, UInt64>(repeating: 0)
    /// Static keys are told again with each handshake.
    private var told: Set<RecordingSecret> = []

    /// Begins a capture.
    /// - Parameters:
    ///   - unixNanoseconds: when it begins.
    ///   - embedsKeys: whether keys are written into it.
    ///   - peerName: how a peer is called in comments.
    public init(
        _ section: CaptureEncoder.Section, at unixNanoseconds: UInt64, embedsKeys: Bool,
        peerName: @escaping @Sendable (PublicKey) -> String
    ) {
        self.peerName = peerName
        encoder = CaptureEncoder(section, at: unixNanoseconds)
        self.embedsKeys = embedsKeys
    }

    /// Takes what comes next in the recording.
    /// - Parameter source: our address on the way to an endpoint, where the kernel chooses it.
    /// - Returns: lines for a key log of its own, if there are new ones. They are secrets.
    public mutating func take(_ frame: RecordingFrame, source: (Endpoint) -> IPAddress?) -> KeyLog? {
        switch frame {
        case .header, .end: return nil
        case .lost(let count):
            // Whose other side didn't fit isn't known: most have both.
            for side in missed.indices { missed[side] += count }
            return nil
        case .packet(let record):
            recordCount += 1
            for packet in record.captured(identity: recordCount, source: source, peerName: peerName) {
                let side = Int(packet.side.rawValue)
                encoder.add(packet, missed: missed[side])
                missed[side] = 0
            }
            return nil
        case .secret(let secret):
            if secret.kind == .localEphemeralPrivateKey { handshakesWithKeys += 1 }
            let isStatic = secret.kind == .localStaticPrivateKey || secret.kind == .remoteStaticPublicKey
            guard !isStatic || told.insert(secret).inserted, let log = KeyLog(secret) else { return nil }
            if embedsKeys { encoder.add(log) }
            return log
        }
    }

    /// Takes what is to be written next: whole blocks.
    public mutating func takeBlocks() -> [UInt8] { encoder.take() }

    /// Ends the capture.
    /// - Parameter unixNanoseconds: when it ends.
    public mutating func finish(at unixNanoseconds: UInt64) {
        for side in CapturedPacket.Side.allCases { encoder.addMissed(missed[Int(side.rawValue)], of: side) }
        encoder.finish(at: unixNanoseconds)
    }
}
