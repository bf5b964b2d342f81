public import NetworkTypes
public import PathRecording
internal import TunnelConfiguration
public import TunnelCore
public import TunnelDiagnosis
public import WireGuardCrypto

/// All that was asked of one tunnel at one instant.
public struct TunnelReading: Sendable {
    public var interface: String
    /// What the stages have counted since the start.
    public var figures: PathFigures
    public var diagnosis: Diagnosis
    /// In the tunnel's order.
    public var peers: [PeerReading]

    /// - Parameters:
    ///   - snapshot: the peers' counters; nothing of its keys but the public ones is kept.
    ///   - names: what people call the peers.
    public init(
        interface: String, figures: PathFigures, diagnosis: Diagnosis, snapshot: TunnelSnapshot, names: [PublicKey: String] = [:]
    ) {
        self.interface = interface
        self.figures = figures
        self.diagnosis = diagnosis
        var states: [PublicKey: PeerDiagnosis] = [:]
        for peer in diagnosis.peers { states[peer.publicKey] = peer }
        peers = snapshot.peers.map { peer in
            PeerReading(peer, state: states[peer.publicKey], name: names[peer.publicKey], at: figures.unixNanoseconds)
        }
    }
}

/// What is shown of one peer.
public struct PeerReading: Sendable {
    public var publicKey: PublicKey
    /// What people call it; nil where the file doesn't say.
    public var name: String?
    /// Nil until it is known.
    public var endpoint: Endpoint?
    /// Nil where it couldn't be told: the peer is newer than the diagnosis.
    public var state: PeerState?
    /// What shows the state.
    public var evidence: String
    /// How long ago the last handshake was completed.
    public var handshakeAge: Interval?
    /// Bytes of UDP payload since the tunnel is up.
    public var receivedBytes: UInt64
    /// Bytes of UDP payload since the tunnel is up.
    public var sentBytes: UInt64
    public var allowedIPs: [IPPrefix]

    init(_ peer: PeerSnapshot, state: PeerDiagnosis?, name: String?, at now: UInt64) {
        publicKey = peer.publicKey
        // It stands in a file, and is shown on terminals and in pages.
        self.name = name.map { TerminalText.escaped($0) }
        endpoint = peer.endpoint
        self.state = state?.state
        evidence = state?.evidence ?? ""
        handshakeAge = peer.lastHandshake.map { Interval(nanoseconds: now > $0 ? now - $0 : 0) }
        receivedBytes = peer.receivedBytes
        sentBytes = peer.sentBytes
        allowedIPs = peer.allowedIPs
    }

    /// Its name, or the beginning of its key.
    public var title: String { name ?? publicKey.abbreviation }
}
