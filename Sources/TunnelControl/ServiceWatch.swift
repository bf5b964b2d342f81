internal import TunnelEngine

/// What systemd's watchdog is told, as a function of whether the tunnel's threads move: it hears of us only while both do.
///
/// Asked at regular times, twice in the watchdog's patience: a thread that hangs is noticed at the second of them, and what is left of the
/// patience then is its chance to come back before the service is started anew.
struct ServiceWatch: Hashable {
    /// What to do at one of these times.
    struct Turn: Hashable {
        /// Whether the watchdog is fed.
        var feeds: Bool
        /// Whether the threads are asked again. One that owes an answer is not asked for another.
        var asks: Bool
        /// The service's new status line; nil where it stays.
        var status: String?
    }

    private var silent: [EngineThread] = []

    /// - Parameters:
    ///   - silent: the threads that have not answered what they were asked the last time.
    ///   - well: the status line of a tunnel that moves.
    mutating func turn(silent: [EngineThread], well: String) -> Turn {
        defer { self.silent = silent }
        let status = silent == self.silent ? nil : silent.isEmpty ? well : Self.status(silent)
        return Turn(feeds: silent.isEmpty, asks: silent.isEmpty, status: status)
    }

    private static func status(_ silent: [EngineThread]) -> String {
        let names = silent.map { thread in
            switch thread {
            case .packets: "the packet thread"
            case .handshakes: "the handshake thread"
            }
        }
        let verb = names.count == 1 ? "hangs" : "hang"
        return "\(names.joined(separator: " and ")) \(verb): the watchdog starts the tunnel anew unless that passes"
    }
}
