internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelDiagnosis

/// A tunnel in one line, for `top` where there is no screen.
public enum TopLine {
    /// The time, each way's rate, drops, working peers and the verdict; since the start where there is no earlier reading.
    public static func text(_ sight: TunnelSight) -> String {
        let now = sight.shown
        let dropped = now.drops.reduce(0) { $0 + $1.count }
        let seconds = sight.reading.figures.unixNanoseconds / 1_000_000_000
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let ways = [
            ("out", now.outbound.innerBytes(.outbound), now.outbound.packets),
            ("in", now.inbound.innerBytes(.inbound), now.inbound.stages.last?.packets ?? 0),
        ].map { "\($0.0) \(Quantity.bitRate(bytesPerSecond: now.perSecond($0.1))) \(Quantity.count(now.perSecond($0.2)))/s" }
        return "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60)) UTC  "
            + "\(ways.joined(separator: ", ")), \(dropped) dropped, \(sight.countsByState["working"] ?? 0) of \(counted(sight.peers.count, "peer", "peers")) working; "
            + TerminalText.escaped(sight.reading.diagnosis.verdict.line)
    }
}
