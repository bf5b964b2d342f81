import Glibc
import TunAdapter

AdapterLog.setLogger { level, _, line in print("\(level): \(line)") }

do {
    let adapter = try Adapter.create(name: "mirror0", pool: "org.example.mirror", options: AdapterOptions(lifetime: .transient))
    try adapter.setAddress("10.7.0.1/24")
    try adapter.bringUp(mtu: 1420)

    var options = SessionOptions(capacity: 0x40_0000)
    options.spinMicroseconds = 50
    let session = try adapter.startSession(options)

    // Spins for 50 µs, then sleeps. Nil: the session has ended, and session.endReason says why.
    while let packet = try session.receive(waiting: .forever) {
        guard packet.count >= 20, var reply = session.allocate(packet.count) else { continue }
        mirror(packet.bytes, into: &reply.bytes)
        print("\(packet.count) bytes back")
        session.send(reply)
    }
} catch {
    print("the mirror ends: \(error)")
    exit(1)
}

/// An IPv4 packet with its addresses swapped, which leaves its checksums right: ask 10.7.0.2, and the answer is yours.
func mirror(_ packet: RawSpan, into reply: inout MutableRawSpan) {
    unsafe reply.withUnsafeMutableBytes { to in unsafe packet.withUnsafeBytes { unsafe to.copyMemory(from: $0) } }
    unsafe reply.storeBytes(of: packet.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self), toByteOffset: 12, as: UInt32.self)
    unsafe reply.storeBytes(of: packet.unsafeLoadUnaligned(fromByteOffset: 12, as: UInt32.self), toByteOffset: 16, as: UInt32.self)
}
