internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What the handshake thread notes of its messages for those who look on; nothing while nobody does.
@safe
struct HandshakeNotes: ~Copyable {
    private var notes = TurnNotes(.handshakes, capacity: DatagramOutbox.capacity)
    private var port: UInt16 = 0
    private var flush: UInt32 = 0

    /// Whether somebody looks on.
    var isOn: Bool { notes.isOn }

    /// Looks whether somebody looks on.
    mutating func begin(_ engine: Engine, at time: TimePoint) {
        notes.begin(engine, at: time)
        if notes.isOn { port = engine.sockets.withLock { $0.port } }
    }

    /// It is known what became of a message from the network.
    /// - Parameters:
    ///   - datagram: the message as it came.
    ///   - drop: why it was dropped; nil if it was heeded.
    ///   - peer: whose it is, where that is known.
    mutating func answered(_ datagram: HandshakeDatagram, _ drop: DropReason?, peer: PublicKey?) {
        guard notes.isOn else { return }
        let kind = unsafe datagram.withUnsafeBytes { unsafe PacketNotes.Kind(of: $0) }
        var note = PacketNotes(.inbound, kind, .consumed, unixNanoseconds: Clock.unixNanoseconds)
        if let drop { note.drop(for: drop) }
        note.peer = peer
        note.remote = datagram.sender
        note.local = datagram.source
        note.localPort = port
        if let number = unsafe notes.add(note, packet: UnsafeRawBufferPointer(start: nil, count: 0), length: 0) {
            unsafe datagram.withUnsafeBytes { unsafe notes.keep(datagram: $0, of: number) }
        }
        notes.finish(StageTimes())
    }

    /// Messages were handed to the kernel.
    mutating func sent(_ v4: borrowing DatagramSendQueue, _ v6: borrowing DatagramSendQueue, _ engine: Engine) {
        guard notes.isOn else { return }
        flush &+= 1
        var cursor = DatagramSendQueue.DepartureCursor()
        while let departure = v4.departure(after: &cursor) { sent(departure, engine) }
        cursor = DatagramSendQueue.DepartureCursor()
        while let departure = v6.departure(after: &cursor) { sent(departure, engine) }
        notes.finish(StageTimes())
    }

    private mutating func sent(_ departure: DatagramSendQueue.Departure, _ engine: Engine) {
        let datagram = unsafe UnsafeRawBufferPointer(start: departure.start, count: departure.size)
        var note = unsafe PacketNotes(.outbound, PacketNotes.Kind(of: datagram), .forwarded, unixNanoseconds: Clock.unixNanoseconds)
        note.take(departure, flush: flush)
        note.localPort = port
        if let reference = PeerReference(rawValue: departure.tag) {
            note.peer = engine.tunnel.withLock { $0.publicKey(of: reference) }
        }
        if let number = unsafe notes.add(note, packet: UnsafeRawBufferPointer(start: nil, count: 0), length: 0) {
            unsafe notes.keep(datagram: datagram, of: number)
        }
    }

    /// Tells the keys that a step will be computed with to those who asked for them.
    mutating func tell(_ step: HandshakeStep) {
        guard notes.wantsKeys, let keys = step.keys else { return }
        if let key = keys.localStatic { unsafe key.withUnsafeBytes { unsafe notes.tell(.localStaticPrivateKey, $0) } }
        if let key = keys.remoteStatic { unsafe key.withUnsafeBytes { unsafe notes.tell(.remoteStaticPublicKey, $0) } }
        if let key = keys.localEphemeral { unsafe key.withUnsafeBytes { unsafe notes.tell(.localEphemeralPrivateKey, $0) } }
        if !keys.presharedKey.isZero { unsafe keys.presharedKey.withUnsafeBytes { unsafe notes.tell(.presharedKey, $0) } }
    }
}
