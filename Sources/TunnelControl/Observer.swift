internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine
internal import WireGuardCrypto

/// Looks at a running tunnel and the machine around it: the effects behind ``TunnelDiagnosis/Observation``.
///
/// It belongs to the process that runs the tunnel, whose network namespace and mark are the ones that count. Everything is asked of the
/// kernel and answered at once; nothing is sent and nobody is waited for.
struct Observer {
    let interface: String
    /// What the machine had dropped before the tunnel came.
    private let baseline: KernelCounters

    private var notes = ProbeNotes()

    /// Endpoints whose routes are looked up in one observation; of more peers the first stand for all.
    static let endpointLimit = 64

    init(interface: String) {
        self.interface = interface
        baseline = Self.counters()
    }

    /// Keeps what was found by trying the way.
    mutating func take(_ note: ProbeNote) { notes.take(note, at: Clock.now) }

    /// What is known now.
    /// - Parameters:
    ///   - file: what the tunnel was brought up from; nil for a device that others configure.
    ///   - resolved: the addresses of its endpoints' names.
    func observe(_ engine: Engine, _ file: ConfigurationFile?, resolved: [EndpointName: Endpoint]) -> Observation {
        let snapshot = engine.snapshot()
        var settings = file.map { TunnelSettings($0, resolved: resolved) } ?? TunnelSettings()
        settings.takeOver(snapshot)
        var observation = Observation(interface: interface, settings: settings)
        let now = Clock.unixNanoseconds
        observation.peers = snapshot.peers.map { PeerObservation($0, at: now) }
        var machine = Machine(interface: interface)
        observation.link = machine?.link
        machine?.complete(&observation, mark: snapshot.firewallMark)
        let counters = Self.counters().since(baseline)
        observation.filters.notForwarded = counters.notForwarded
        observation.filters.reversePathDrops = counters.reversePathDrops
        observation.complete(with: engine, at: now)
        notes.complete(&observation, at: Clock.now)
        return observation
    }

    private static func counters() -> KernelCounters {
        KernelCounters(snmp: text("/proc/thread-self/net/snmp"), netstat: text("/proc/thread-self/net/netstat"))
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
        for peer in snapshot.peers {
            if let index = peers.firstIndex(where: { $0.publicKey == peer.publicKey }) {
                peers[index].persistentKeepalive = peer.persistentKeepalive
                if peer.allowedIPs.contains(where: { !peers[index].allowedIPs.contains($0) }) { peers[index].allowedIPs = peer.allowedIPs }
            } else {
                var settings = PeerSettings(publicKey: peer.publicKey)
                settings.endpoint = peer.endpoint
                settings.allowedIPs = peer.allowedIPs
                settings.hasPresharedKey = peer.presharedKey.map { !$0.isZero } ?? false
                settings.persistentKeepalive = peer.persistentKeepalive
                peers.append(settings)
            }
        }
        // A peer that was removed; not one that is the interface itself, which never was there.
        peers.removeAll { settings in settings.publicKey != publicKey && !snapshot.peers.contains { $0.publicKey == settings.publicKey } }
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
