internal import NetworkTypes
internal import PathRecording
internal import TunnelDiagnosis
internal import WireGuardCrypto

/// What `wg-lite top` shows, and what its keys change: a value without terminal or clock.
public struct TopScreen: Sendable {
    /// What a key asks for beyond another picture.
    public enum Request: Hashable, Sendable {
        /// Go on, end, let go of the terminal until continued (SIGTSTP), or write every line anew.
        case nothing, quit, suspend, redraw
        /// Another tunnel, if there is one.
        case nextTunnel
    }

    enum Mode: Hashable, Sendable {
        case list, help
        case peer(PublicKey)
    }

    /// Readings that the curves go back.
    static let history = 120

    private(set) var sight: TunnelSight?
    private(set) var mode = Mode.list
    private(set) var order = PeerOrder.traffic
    private(set) var isReversed = false
    private(set) var isPaused = false
    /// Why there is nothing newer; nil while there is.
    private(set) var trouble: String?
    /// Peers' places in the chosen order.
    private(set) var places: [Int] = []
    /// The chosen one, in `places`.
    private(set) var selection = 0
    /// Bytes a second out and in, the latest last.
    private(set) var rates: [(out: Double, into: Double)] = []
    /// Whether there are other tunnels to go to.
    public var hasOthers = false

    public init() {}

    /// Takes a newer picture, unless it is paused. Who was chosen stays so.
    public mutating func take(_ newer: TunnelSight) {
        trouble = nil
        guard !isPaused else { return }
        let chosen = chosenPeer?.reading.publicKey
        sight = newer
        if let now = newer.now {
            rates.append(
                (now.perSecond(now.outbound.innerBytes(.outbound)), now.perSecond(now.inbound.innerBytes(.inbound))))
            if rates.count > Self.history { rates.removeFirst() }
        }
        sort(keeping: selection == 0 ? nil : chosen)
    }

    /// The last question was not answered.
    public mutating func take(trouble: String) {
        self.trouble = trouble
    }

    /// The peer that is chosen.
    var chosenPeer: PeerSight? {
        guard let sight, places.indices.contains(selection) else { return nil }
        return sight.peers[places[selection]]
    }

    private mutating func sort(keeping chosen: PublicKey?) {
        guard let sight else { return }
        places = order.sorted(sight.peers, reversed: isReversed)
        if let chosen { selection = places.firstIndex { sight.peers[$0].reading.publicKey == chosen } ?? selection }
        selection = min(max(0, selection), max(0, places.count - 1))
    }

    /// What a key does.
    /// - Parameter page: how many peers are in view.
    public mutating func press(_ key: TerminalKey, page: Int = 10) -> Request {
        switch key {
        case .interrupt: return .quit
        case .suspend: return .suspend
        case .redraw: return .redraw
        case .character("q"): return .quit
        case .escape:
            mode = .list
        case .tab: return .nextTunnel
        case .up, .character("k"): move(by: -1)
        case .down, .character("j"): move(by: 1)
        case .pageUp: move(by: -page)
        case .pageDown: move(by: page)
        case .home, .character("g"): move(by: -places.count)
        case .end, .character("G"): move(by: places.count)
        case .enter:
            if case .peer = mode { mode = .list } else if let peer = chosenPeer { mode = .peer(peer.reading.publicKey) }
        case .character("h"), .character("?"): mode = mode == .help ? .list : .help
        case .character("p"), .character(" "): isPaused.toggle()
        case .character("s"):
            order = order.next
            isReversed = false
            selection = 0
            sort(keeping: nil)
        case .character("r"):
            isReversed.toggle()
            selection = 0
            sort(keeping: nil)
        case .character: break
        }
        return .nothing
    }

    /// In a peer's own view, the keys go from peer to peer.
    private mutating func move(by count: Int) {
        selection = min(max(0, selection + count), max(0, places.count - 1))
        if case .peer = mode, let peer = chosenPeer { mode = .peer(peer.reading.publicKey) }
    }
}
