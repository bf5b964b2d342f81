// Sends every packet of a TUN interface back with its addresses swapped, as fast as one thread can, in one of several ways; then prints how many
// packets it moved and what they cost. scripts/bench-adapter puts the load on it.
//   adapter-throughput plain | session | session-offload
import Glibc
import LinuxSystem
import NetworkTypes
import Synchronization
import TunAdapter

let ways = ["plain", "session", "session-offload"]
guard let way = CommandLine.arguments.dropFirst().first, ways.contains(way) else {
    print("adapter-throughput \(ways.joined(separator: " | "))")
    exit(2)
}

// Before there are threads that would inherit another mask.
var signals = sigset_t()
unsafe sigemptyset(&signals)
unsafe sigaddset(&signals, SIGTERM)
unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)

do {
    let moved: Moved
    if way == "plain" {
        moved = try reflectByHand(interface: "reflect0", until: signals)
    } else {
        let adapter = try Adapter.create(name: "reflect0", pool: "org.example.throughput", options: AdapterOptions(lifetime: .transient))
        try adapter.setAddress("10.7.0.1/24")
        try adapter.bringUp(mtu: 1500)
        let session = try adapter.startSession(SessionOptions(offload: way == "session-offload"))
        moved = try reflect(session, until: signals)
    }
    var usage = rusage()
    // RUSAGE_SELF, whose type Glibc imports differently from the parameter.
    unsafe getrusage(0, &usage)
    let microseconds = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    print("packets \(moved.packets) reads \(moved.reads) writes \(moved.writes) processor_microseconds \(microseconds)")
} catch {
    print("adapter-throughput: \(error)")
    exit(1)
}
