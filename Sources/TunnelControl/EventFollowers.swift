internal import LinuxSystem
internal import Synchronization
internal import TunnelCore

/// The clients that are told what happens to a tunnel. Any thread may tell, and waits for none of them: what a client doesn't read in time
/// is counted instead, and the count is told.
final class EventFollowers: Sendable {
    /// So many at once: the control socket's other places stay free for `down` and questions.
    static let most = 16

    fileprivate struct Follower {
        let client: ControlServer.Client
        var missed = 0
    }

    private let followers = Mutex<[Follower]>([])

    /// Tells a client from now on, or why not.
    func add(_ client: ControlServer.Client) {
        let isTaken = followers.withLock { followers in
            guard followers.count < Self.most else { return false }
            followers.append(Follower(client: client))
            return true
        }
        if !isTaken { client.finish(false, "\(Self.most) others are told already") }
    }

    /// Forgets clients that have gone.
    func remove(_ gone: [ControlServer.Client]) {
        guard !gone.isEmpty else { return }
        followers.withLock { $0.removeAll { follower in gone.contains { $0 === follower.client } } }
    }

    /// Tells all of them.
    func tell(_ event: TunnelEvent) {
        followers.withLock { followers in
            guard !followers.isEmpty else { return }
            let line = event.line
            for index in followers.indices { followers[index].tell(event, line) }
        }
    }

    /// Tells all of them that there will be nothing more.
    func end(_ reason: String) {
        let all = followers.withLock { followers in
            defer { followers = [] }
            return followers
        }
        for follower in all { follower.client.finish(true, reason) }
    }
}

extension EventFollowers.Follower {
    fileprivate mutating func tell(_ event: TunnelEvent, _ line: String) {
        if missed > 0 {
            guard client.say(TunnelEvent(time: event.time, peer: nil, kind: .missed(missed)).line) else {
                missed += 1
                return
            }
            missed = 0
        }
        if !client.say(line) { missed += 1 }
    }
}
