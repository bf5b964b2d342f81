internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelView
internal import WireGuardCrypto

extension TunnelReading {
    /// Asks one of our tunnels for all that is shown of it.
    /// - Parameter names: what people call its peers.
    init(of interface: String, names: [PublicKey: String]) throws(SetupError) {
        guard let (figures, report) = try TunnelQuery.pathFigures(of: interface) else {
            // Whose it is, or that it isn't there, is told by asking it.
            _ = try TunnelQuery.state(of: interface)
            throw SetupError(
                "see the path of \(interface)", "it is run by another program, which counts nothing of a packet's way",
                remedy: "`wg-lite status \(interface)` says how it is")
        }
        let state = try TunnelQuery.state(of: interface)
        self.init(interface: interface, figures: figures, diagnosis: report.diagnosis, snapshot: state.snapshot, names: names)
    }

    /// The first look of a command that only looks: where there is nothing to look at, it ends with the status that says so.
    static func first(of interface: String, names: [PublicKey: String]) throws(CommandFailure) -> TunnelReading {
        do throws(SetupError) {
            return try TunnelReading(of: interface, names: names)
        } catch {
            throw CommandFailure(error.description, status: .nothingToLookAt)
        }
    }
}

/// Asks a tunnel once a second, on a thread of its own: whoever shows the answers never waits for one.
final class TunnelReadings: Sendable {
    enum News: Sendable {
        case sight(TunnelSight)
        /// It couldn't be asked; `isGone`: because it isn't up any more.
        case failure(String, isGone: Bool)
    }

    private struct State {
        var interface: String
        var isFresh = true
        var news: [News] = []
    }

    /// Signalled when there is news.
    let event: EventDescriptor
    private let state: Mutex<State>

    init(_ interface: String) throws {
        event = try EventDescriptor()
        state = Mutex(State(interface: interface))
    }

    /// Begins to ask.
    func start() throws {
        try SystemThread(name: "readings", stackSize: 4 << 20) { [self] in ask() }.detach()
    }

    /// Goes on with another tunnel.
    func change(to interface: String) {
        state.withLock {
            $0.interface = interface
            $0.isFresh = true
        }
    }

    /// What has come since the last time.
    func take() -> [News] {
        event.clear()
        return state.withLock { state in
            defer { state.news = [] }
            return state.news
        }
    }

    /// The least time between two questions, and how often the time that one took: what is asked costs the tunnel no more than that part of it.
    static let rest = Interval.seconds(1)
    static let restFactor: UInt64 = 20

    private func ask() {
        var earlier: TunnelReading?
        var names: [PublicKey: String] = [:]
        while true {
            let (interface, isFresh) = state.withLock { state in
                defer { state.isFresh = false }
                return (state.interface, state.isFresh)
            }
            if isFresh {
                earlier = nil
                names = TunnelQuery.peerNames(of: interface)
            }
            let began = Clock.now
            let news: News
            do throws(SetupError) {
                let reading = try TunnelReading(of: interface, names: names)
                news = .sight(TunnelSight(reading, since: earlier))
                earlier = reading
            } catch {
                news = .failure(
                    "\(interface): \(error.cause)", isGone: !RuntimeDirectory.runningInterfaces().contains { $0.name == interface })
                earlier = nil
            }
            state.withLock { state in
                // Nobody waits for what was asked of another tunnel.
                if state.interface == interface { state.news.append(news) }
            }
            event.signal()
            let took = Clock.now.since(began).nanoseconds
            // The first difference is wanted sooner than a second after the start.
            let rest = isFresh ? Interval.milliseconds(400) : Self.rest
            SystemThread.sleep(max(rest, Interval(nanoseconds: took * Self.restFactor)))
        }
    }
}
