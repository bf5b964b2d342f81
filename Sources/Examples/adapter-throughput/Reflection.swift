import Glibc
import LinuxSystem
import NetworkTypes
import Synchronization
import TunAdapter

/// What was moved, and in how many system calls.
struct Moved {
    var packets = 0
    var reads: UInt64 = 0
    var writes: UInt64 = 0
}

/// Swaps the addresses of an IPv4 packet; its checksums stay right. What is none is left.
@inline(__always)
func swapAddresses(_ packet: UnsafeMutableRawBufferPointer) {
    guard packet.count >= 20 else { return }
    // SAFETY: both addresses are in the packet's first 20 bytes.
    let source = unsafe packet.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
    unsafe packet.storeBytes(of: packet.loadUnaligned(fromByteOffset: 16, as: UInt32.self), toByteOffset: 12, as: UInt32.self)
    unsafe packet.storeBytes(of: source, toByteOffset: 16, as: UInt32.self)
}

/// Runs `body` on a thread of its own when a signal comes.
func onSignal(_ signals: sigset_t, _ body: @escaping @Sendable () -> Void) throws {
    try SystemThread(name: "signal") {
        var signals = signals
        var signal: Int32 = 0
        unsafe sigwait(&signals, &signal)
        body()
    }.detach()
}

/// What somebody writes by hand: one read and one write for each packet, and poll when there is none.
func reflectByHand(interface: String, until signals: sigset_t) throws -> Moved {
    let tun = try TunDescriptor()
    _ = try tun.attach(name: interface, flags: [.tun, .noPacketInformation])
    try tun.setOffload([])
    let stopped = StopFlag()
    try onSignal(signals) { stopped.value.store(true, ordering: .relaxed) }
    var moved = Moved()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 64)
    defer { unsafe buffer.deallocate() }
    while !stopped.value.load(ordering: .relaxed) {
        moved.reads += 1
        switch unsafe tun.descriptor.receive(into: buffer) {
        case .moved(let count):
            let packet = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(count))
            unsafe swapAddresses(packet)
            moved.writes += 1
            moved.packets += 1
            _ = unsafe tun.descriptor.send(UnsafeRawBufferPointer(packet))
        default:
            var poll = pollfd(fd: tun.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            unsafe Glibc.poll(&poll, 1, 100)
        }
    }
    return moved
}

final class StopFlag: Sendable {
    let value = Atomic(false)
}

/// The same through a session, in batches: what one receive brings is copied into slots of the same shape, sent and flushed together.
func reflect(_ session: Session, until signals: sigset_t) throws -> Moved {
    try onSignal(signals) { session.end() }
    var moved = Moved()
    var received = ReceivedBatch()
    var outgoing = OutgoingBatch()
    while !session.hasEnded {
        guard let count = try? session.receive(into: &received) else { break }
        guard count > 0 else {
            _ = session.waitForPacket(.forever)
            continue
        }
        var index = 0
        while index < count {
            let run = received.run(from: index)
            let size = unsafe received.unsafeBytes(at: index).count
            let lastSize = unsafe received.unsafeBytes(at: run.upperBound - 1).count
            let first = outgoing.count
            guard session.allocate(count: run.count, size: size, lastSize: lastSize, into: &outgoing) else {
                session.send(&outgoing)
                guard session.waitForSpace(.forever, count: run.count * (size + 16)) else { break }
                continue
            }
            for i in 0..<run.count {
                let packet = unsafe outgoing.unsafeBytes(at: first + i)
                unsafe packet.copyMemory(from: UnsafeRawBufferPointer(received.unsafeBytes(at: index + i)))
                unsafe swapAddresses(packet)
            }
            index = run.upperBound
        }
        moved.packets += count
        session.send(&outgoing)
        session.flush()
        session.release(&received)
    }
    let statistics = session.statistics
    (moved.reads, moved.writes) = (statistics.reads, statistics.writes)
    return moved
}
