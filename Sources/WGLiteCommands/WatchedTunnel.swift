internal import ArgumentParser
internal import TunnelControl

/// Whose packets are watched, and which, as words of a command line say it: a running interface, or none where only one is up, then the words
/// of a filter.
struct WatchedTunnel {
    let interface: String
    /// The words of the filter.
    let filter: String

    /// - Throws: when nobody can tell which tunnel is meant.
    init(_ words: [String], running: [String]) throws {
        var rest = words[...]
        if let first = words.first, running.contains(first) {
            interface = first
            rest = rest.dropFirst()
        } else if running.count == 1 {
            interface = running[0]
        } else {
            throw CommandFailure(
                running.isEmpty ? CommandFailure.noTunnel : "which one? These are up: \(running.joined(separator: ", "))",
                status: .nothingToLookAt)
        }
        filter = rest.joined(separator: " ")
    }
}
