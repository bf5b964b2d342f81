internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelCore

/// Turns what became of datagrams into counters, fresh source addresses, and a log line where a person should know.
///
/// What is known of each peer's troubles is with the peer, so that it makes no difference which thread sent.
struct SendReporter: ~Copyable {
    /// Takes what the last flush of `queue` came to. Costs nothing while nothing fails.
    @inline(__always)
    func take(_ report: DatagramSendQueue.Report, of queue: borrowing DatagramSendQueue, _ engine: Engine) {
        if report.droppedDatagrams == 0 && report.staleSource == nil && report.segmentationRefused == 0
            && engine.troubledPeers.load(ordering: .relaxed) == 0
        {
            return
        }
        settle(report, of: queue, engine)
    }

    @inline(never)
    private func settle(_ report: DatagramSendQueue.Report, of queue: borrowing DatagramSendQueue, _ engine: Engine) {
        if report.segmentationRefused != 0 {
            let error = SystemError(errno: report.segmentationRefused, operation: "sendmsg", subject: "UDP_SEGMENT")
            engine.log(.notice, "the kernel refuses to segment UDP (\(error)); sending datagrams one by one until it does")
        }
        let time = TimePoint.current
        var news: [PathNews] = []
        engine.tunnel.withLock { tunnel in
            if let source = report.staleSource { tunnel.forget(source) }
            for index in 0..<queue.outcomeCount {
                let outcome = queue.outcome(at: index)
                let more = tunnel.didSend(
                    to: PeerReference(rawValue: outcome.tag), at: outcome.endpoint, refused: outcome.droppedDatagrams,
                    bytes: outcome.droppedBytes, errno: outcome.error, isTrouble: outcome.error != ErrorNumber.noBufferSpace, at: time)
                if let more { news.append(more) }
            }
            engine.troubledPeers.store(tunnel.troubledPeerCount, ordering: .relaxed)
        }
        engine.tell(news)
    }
}

extension Engine {
    /// Writes the lines that `news` is worth: as many as ``LineBudget`` allows, and none about the end of what nobody was told of.
    func tell(_ news: [PathNews]) {
        for item in news {
            let isEnd = item.kind == .sendingWorks
            let verdict = isEnd ? .say : lineBudget.withLock { $0.take(at: Clock.now) }
            guard verdict != .mute else { continue }
            if case .sendingFails = item.kind { tunnel.withLock { $0.troubleWasTold(item) } }
            let rest = verdict == .sayAsLast ? "; no more lines about peers for \(LineBudget.interval.nanoseconds / 1_000_000_000) s" : ""
            log(item.level, item.text(peerName(item.publicKey)) + rest)
        }
    }
}

extension PathNews {
    fileprivate var level: EngineLogLevel {
        switch kind {
        case .sendingFails, .loopBegins: .warning
        case .sendingWorks, .loopEnds: .notice
        }
    }

    fileprivate func text(_ name: String) -> String {
        let peer = "peer \(name) at \(endpoint)"
        return switch kind {
        case .sendingFails(let errno): "\(SystemError(errno: errno, operation: "cannot send to \(peer)"))"
        case .sendingWorks: "\(peer): datagrams can be sent again"
        case .loopBegins: "\(peer): that address is routed into the tunnel itself, so nothing is sent to it (routing loop)"
        case .loopEnds: "\(peer): that address is no longer routed into the tunnel"
        }
    }
}
