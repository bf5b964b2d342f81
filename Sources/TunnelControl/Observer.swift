internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine
internal import WireGuardCrypto

/// Looks at a running tunnel and the machine around it: the effects behind ``TunnelDiagnosis/Observation``.
///
/// It belongs to the process that runs the tunnel, whose network namespace and mark are the ones that count. Everything is asked of the
/// kernel and answered at once; nothing is sent and nobody is waited for.
/// Any thread may ask; to list the routes of a large router takes its time, so that the thread that must not wait has another one ask.
final class Observer: Sendable {
    let interface: String
    /// What the machine had dropped before the tunnel came.
    private let baseline: KernelCounters

    private struct Memory {
        /// Where the interface is; nil: here.
        var inside: InsideNamespace?
        var notes = ProbeNotes()
        var timestamps = SentTimestamps()
    }

    private let memory = Mutex(Memory())

    /// Endpoints whose routes are looked up in one observation; of more peers the first stand for all.
    static let endpointLimit = 64

    init(interface: String) {
        self.interface = interface
        baseline = Self.counters()
    }

    /// From now on the interface is there.
    func look(inside: InsideNamespace?) { memory.withLock { $0.inside = inside } }

    /// Keeps what was found by trying the way.
    func take(_ note: ProbeNote) { memory.withLock { $0.notes.take(note, at: Clock.now) } }

    /// Takes up what an earlier run of the tunnel has kept.
    func recall(from directory: RuntimeDirectory, of key: PublicKey?) {
        guard let key, let bytes = (try? directory.records?.read(SentTimestamps.fileName(interface), limit: 256)) ?? nil else { return }
        memory.withLock { $0.timestamps.recall(String(decoding: bytes, as: UTF8.self), of: key) }
    }

    /// Keeps for the next run what peers will remember of this one.
    func remember(_ engine: Engine, in directory: RuntimeDirectory) {
        let facts = engine.facts()
        let timestamps = memory.withLock { memory in
            _ = memory.timestamps.observe(at: facts.time, lastSent: facts.lastInitiation)
            return memory.timestamps
        }
        guard let key = facts.publicKey, timestamps.latest > 0 else { return }
        try? directory.records?.replace(SentTimestamps.fileName(interface), with: Array(timestamps.text(of: key).utf8))
    }

    /// What is known now.
    /// - Parameters:
    ///   - file: what the tunnel was brought up from; nil for a device that others configure.
    ///   - link: the interface's index.
    ///   - resolved: the addresses of its endpoints' names.
    func observe(_ engine: Engine, _ file: ConfigurationFile?, link: UInt32, resolved: [EndpointName: Endpoint]) -> Observation {
        let snapshot = engine.snapshot()
        var settings = file.map { TunnelSettings($0, resolved: resolved) } ?? TunnelSettings()
        settings.takeOver(snapshot)
        var observation = Observation(interface: interface, settings: settings)
        let now = Clock.unixNanoseconds
        observation.peers = snapshot.peers.map { PeerObservation($0, at: now) }
        var machine = Machine(interface: interface, index: link, memory.withLock { $0.inside })
        observation.link = machine?.link
        machine?.complete(&observation, mark: snapshot.firewallMark)
        let counters = Self.counters().since(baseline)
        observation.filters.notForwarded = counters.notForwarded
        observation.filters.notForwardedIPv6 = counters.notForwardedIPv6
        observation.filters.vanished = counters.vanished
        observation.filters.reversePathDrops = counters.reversePathDrops
        let facts = engine.facts()
        observation.unixSeconds = facts.time.unixNanoseconds / 1_000_000_000
        observation.complete(with: facts)
        let sockets = engine.observation()
        observation.complete(with: sockets)
        if observation.link?.isUp ?? false, !sockets.v4.isOpen, !sockets.v6.isOpen { observation.takenPort = snapshot.listenPort }
        let lastSent = facts.lastInitiation
        let notes = memory.withLock { memory in
            observation.clockBehindOurTimestamps = memory.timestamps.observe(at: facts.time, lastSent: lastSent)
            return memory.notes
        }
        notes.complete(&observation, at: Clock.now)
        return observation
    }

    private static func counters() -> KernelCounters {
        KernelCounters(
            snmp: text("/proc/thread-self/net/snmp"), netstat: text("/proc/thread-self/net/netstat"),
            snmp6: text("/proc/thread-self/net/snmp6"))
    }

    /// A file of /proc; empty where there is none.
    static func text(_ path: String) -> String {
        ((try? FileSystem.read(path, limit: 1 << 20)) ?? nil).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension TunnelSettings {
    /// What others changed since the file was read, and what there is without one.
    mutating func takeOver(_ snapshot: TunnelSnapshot) {
        publicKey = snapshot.privateKey?.publicKey
        listenPort = snapshot.listenPort
        let running = Dictionary(snapshot.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        // A peer that was removed; not one that is the interface itself, which never was there.
        peers.removeAll { $0.publicKey != publicKey && running[$0.publicKey] == nil }
        for index in peers.indices {
            guard let peer = running[peers[index].publicKey] else { continue }
            peers[index].persistentKeepalive = peer.persistentKeepalive
            let known = Set(peers[index].allowedIPs)
            if !known.isSuperset(of: peer.allowedIPs) { peers[index].allowedIPs = peer.allowedIPs }
        }
        let written = Set(peers.map(\.publicKey))
        for peer in snapshot.peers where !written.contains(peer.publicKey) {
            var settings = PeerSettings(publicKey: peer.publicKey)
            settings.endpoint = peer.endpoint
            settings.allowedIPs = peer.allowedIPs
            settings.hasPresharedKey = peer.presharedKey.map { !$0.isZero } ?? false
            settings.persistentKeepalive = peer.persistentKeepalive
            peers.append(settings)
        }
    }
}

extension PeerObservation {
    /// What every implementation tells.
    init(_ peer: PeerSnapshot, at unixNanoseconds: UInt64) {
        self.init(publicKey: peer.publicKey)
        endpoint = peer.endpoint
        receivedBytes = peer.receivedBytes
        sentBytes = peer.sentBytes
        lastHandshake = peer.lastHandshake.map { Interval(since: $0, at: unixNanoseconds) }
    }
}

extension Interval {
    /// From one time of the Unix epoch to a later one, in nanoseconds; nothing if the clock went back.
    init(since earlier: UInt64, at now: UInt64) {
        self.init(nanoseconds: now > earlier ? now - earlier : 0)
    }
}
