internal import Glibc

/// Measures and counts what a release build does: `measure WHAT`.
///
/// No product of the package; `scripts/test` runs what can fail (`allocations`), `scripts/bench-core` and `scripts/bench-handshakes`
/// what is only told.
@main
struct Measure {
    static func main() {
        let arguments = Arguments(CommandLine.arguments.dropFirst(2))
        let succeeded: Bool
        switch CommandLine.arguments.dropFirst().first {
        case "allocations": succeeded = AllocationCount.run(arguments)
        case "peers": succeeded = CostByPeers.run(arguments)
        case "ciphers": succeeded = CipherCost.run(arguments)
        case "handshakes": succeeded = HandshakeCost.run(arguments)
        case "threads": succeeded = CryptoThreads.run()
        case "flood": succeeded = HandshakeFlood.run(arguments)
        case "crowd": succeeded = HandshakeCrowd.run(arguments)
        case "flood-peers": succeeded = HandshakeFlood.printPeers(arguments)
        default:
            print(
                "usage: measure allocations [--packets N] | peers | ciphers | handshakes [--peers N] | threads | flood ... | crowd ... | flood-peers"
            )
            exit(2)
        }
        exit(succeeded ? 0 : 1)
    }
}
