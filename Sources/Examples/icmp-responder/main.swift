// Answers pings in userspace: every address of 10.7.0.0/24 and fd07::/64 behind the adapter is there, without a host.
//   icmp-responder [NAME]     and then, for example, ping 10.7.0.2
import Glibc
import TunAdapter

AdapterLog.setLogger { level, _, line in print("\(level): \(line)") }

// Signals are taken by one waiting task, so they must be blocked before there are other threads.
var signals = sigset_t()
unsafe sigemptyset(&signals)
unsafe sigaddset(&signals, SIGINT)
unsafe sigaddset(&signals, SIGTERM)
unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)

do {
    let name = CommandLine.arguments.dropFirst().first ?? "responder0"
    let adapter = try Adapter.create(name: name, pool: "org.example.responder", options: AdapterOptions(lifetime: .transient))
    try adapter.setAddress("10.7.0.1/24")
    // A kernel without IPv6 has no such address.
    try? adapter.setAddress("fd07::1/64")
    try adapter.bringUp(mtu: 1420)
    let session = try adapter.startSession()
    let stop = signals
    Task.detached {
        var stop = stop
        var signal: Int32 = 0
        unsafe sigwait(&stop, &signal)
        session.end()
    }
    print("answering on \(adapter.interfaceName): try  ping 10.7.0.2")

    var answered = 0
    while let packet = try session.receive(waiting: .forever) {
        guard let request = EchoRequest(packet.bytes), var reply = session.allocate(packet.count) else { continue }
        request.answer(packet.bytes, into: &reply.bytes)
        session.send(reply)
        answered += 1
    }
    print("\(answered) answered; \(session.endReason?.description ?? "")")
} catch {
    // What is wrong and what would help.
    print("icmp-responder: \(error)")
    exit(1)
}
