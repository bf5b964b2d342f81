public import NetworkTypes
internal import TunnelConfiguration
public import TunnelDiagnosis
public import WireGuardCrypto

/// What somebody who tried the way to a peer found, told to the process that runs the tunnel so that everybody who asks hears of it.
public enum ProbeNote: Hashable, Sendable {
    /// Echoes through the tunnel to a peer.
    case echo(PublicKey, PathProbe)
    /// Datagrams that reach the machine and not the tunnel; nil: there are none (any more).
    case arrived(ArrivedUnseen?)
    /// The addresses of an endpoint's name, as it is written in the file.
    case name(String, [IPAddress])
}

extension ProbeNote: LosslessStringConvertible {
    /// As it goes over the control channel.
    public var description: String {
        switch self {
        case .echo(let peer, let probe):
            "echo \(peer.base64) \(probe.largestAnswered.map { "\($0)" } ?? "-") \(probe.smallestLost.map { "\($0)" } ?? "-")"
        case .arrived(let arrived?): "arrived \(arrived.interface) \(arrived.sender) \(arrived.count)"
        case .arrived(nil): "arrived"
        case .name(let name, let addresses): "name \(name) \(addresses.map { "\($0)" }.joined(separator: ","))"
        }
    }

    public init?(_ description: String) {
        let words = description.split(separator: " ")
        switch (words.first, words.count) {
        case ("echo", 4):
            guard let key = try? PublicKey(base64: words[1]) else { return nil }
            self = .echo(key, PathProbe(largestAnswered: UInt32(words[2]), smallestLost: UInt32(words[3])))
        case ("arrived", 4):
            guard let sender = IPAddress(words[2]), let count = UInt64(words[3]) else { return nil }
            self = .arrived(ArrivedUnseen(interface: String(words[1]), sender: sender, count: count))
        case ("arrived", 1): self = .arrived(nil)
        case ("name", 3):
            let addresses = words[2].split(separator: ",").compactMap { IPAddress($0) }
            guard !addresses.isEmpty else { return nil }
            self = .name(String(words[1]), addresses)
        default: return nil
        }
    }
}

/// The notes that still count.
struct ProbeNotes {
    /// How long one does.
    static let life = Interval.seconds(300)
    /// Echoes of so many peers are kept.
    static let capacity = 64

    private var echoes: [PublicKey: (probe: PathProbe, time: Instant)] = [:]
    private var names: [String: (addresses: [IPAddress], time: Instant)] = [:]
    private var arrived: (unseen: ArrivedUnseen, time: Instant)?

    mutating func take(_ note: ProbeNote, at now: Instant) {
        switch note {
        case .echo(let peer, let probe):
            if echoes.count >= Self.capacity { echoes.removeAll() }
            echoes[peer] = (probe, now)
        case .name(let name, let addresses):
            if names.count >= Self.capacity { names.removeAll() }
            names[name] = (Array(addresses.prefix(16)), now)
        case .arrived(let unseen): arrived = unseen.map { ($0, now) }
        }
    }

    /// Adds them to an observation.
    func complete(_ observation: inout Observation, at now: Instant) {
        for index in observation.peers.indices {
            guard let echo = echoes[observation.peers[index].publicKey], now.since(echo.time) < Self.life else { continue }
            observation.peers[index].probe = echo.probe
        }
        for index in observation.settings.peers.indices where !names.isEmpty {
            guard let name = observation.settings.peers[index].endpointName, let found = names[name], now.since(found.time) < Self.life
            else {
                continue
            }
            observation.settings.peers[index].nameAddresses = found.addresses
        }
        // A peer that was heard since has got through.
        if let arrived, now.since(arrived.time) < Self.life,
            !observation.peers.contains(where: { peer in
                peer.endpoint?.address == arrived.unseen.sender && (peer.lastHandshake.map { $0 < now.since(arrived.time) } ?? false)
            })
        {
            observation.filters.arrivedUnseen = arrived.unseen
        }
    }
}
