// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of tunadapter.h, where each function is documented.

public import CTunAdapter
internal import TunAdapter

@c @implementation
public func tunadapter_receive_packet(_ session: OpaquePointer!, _ size: UnsafeMutablePointer<UInt32>!) -> UnsafeMutablePointer<UInt8>! {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        guard let size = unsafe size else { throw AdapterError(.invalidParameter, "size is NULL") }
        guard let packet = try unsafe session.unsafeReceive() else {
            _ = AdapterError.Code.noMoreItems.fail()
            return nil
        }
        unsafe size.pointee = UInt32(truncatingIfNeeded: packet.count)
        return unsafe packet.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }
}

@c @implementation
public func tunadapter_release_packet(_ session: OpaquePointer!, _ packet: UnsafePointer<UInt8>!) -> tunadapter_status {
    unsafe giveBack(session, packet) { session, packet throws(AdapterError) in try unsafe session.unsafeRelease(packet) }
}

@c @implementation
public func tunadapter_allocate_packet(_ session: OpaquePointer!, _ size: UInt32) -> UnsafeMutablePointer<UInt8>! {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        try unsafe session.unsafeAllocate(Int(size)).assumingMemoryBound(to: UInt8.self)
    }
}

@c @implementation
public func tunadapter_send_packet(_ session: OpaquePointer!, _ packet: UnsafePointer<UInt8>!) -> tunadapter_status {
    unsafe giveBack(session, packet) { session, packet throws(AdapterError) in
        try unsafe session.unsafeSend(packet)
        try checkRunning(session)
    }
}

@c @implementation
public func tunadapter_send_packet_shortened(
    _ session: OpaquePointer!, _ packet: UnsafePointer<UInt8>!, _ size: UInt32
) -> tunadapter_status {
    unsafe giveBack(session, packet) { session, packet throws(AdapterError) in
        try unsafe session.unsafeSend(packet, count: Int(size))
        try checkRunning(session)
    }
}

@c @implementation
public func tunadapter_abandon_packet(_ session: OpaquePointer!, _ packet: UnsafePointer<UInt8>!) -> tunadapter_status {
    unsafe giveBack(session, packet) { session, packet throws(AdapterError) in try unsafe session.unsafeAbandon(packet) }
}

@c @implementation
public func tunadapter_receive_packets(
    _ session: OpaquePointer!, _ packets: UnsafeMutablePointer<tunadapter_packet>!, _ count: UInt32
) -> Int32 {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        let received = try unsafe fill(packets, count) { room throws(AdapterError) in try unsafe session.unsafeReceive(into: room) }
        if received == 0 {
            _ = AdapterError.Code.noMoreItems.fail()
            return -1
        }
        return received
    }
}

@c @implementation
public func tunadapter_release_packets(
    _ session: OpaquePointer!, _ packets: UnsafePointer<tunadapter_packet>!, _ count: UInt32
) -> tunadapter_status {
    unsafe giveBack(session) { session throws(AdapterError) in
        try unsafe each(packets, count) { packets throws(AdapterError) in try unsafe session.unsafeRelease(packets) }
    }
}

@c @implementation
public func tunadapter_allocate_packets(
    _ session: OpaquePointer!, _ size: UInt32, _ packets: UnsafeMutablePointer<tunadapter_packet>!, _ count: UInt32
) -> Int32 {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        try unsafe fill(packets, count) { room throws(AdapterError) in try unsafe session.unsafeAllocate(Int(size), into: room) }
    }
}

@c @implementation
public func tunadapter_send_packets(
    _ session: OpaquePointer!, _ packets: UnsafePointer<tunadapter_packet>!, _ count: UInt32
) -> tunadapter_status {
    unsafe giveBack(session) { session throws(AdapterError) in
        try unsafe each(packets, count) { packets throws(AdapterError) in try unsafe session.unsafeSend(packets) }
        try checkRunning(session)
    }
}

/// Runs `body` on a session, an ended one too: its packets are given back after its end.
@inline(__always)
private func giveBack(_ handle: OpaquePointer?, _ body: (Session) throws(AdapterError) -> Void) -> tunadapter_status {
    unsafe with(handle, .session, Session.self, endedToo: true) { session throws(AdapterError) in
        defer { if session.hasEnded { unsafe retireIfEnded(handle, session) } }
        try body(session)
        return TUNADAPTER_SUCCESS
    }
}

@inline(__always)
private func giveBack(
    _ handle: OpaquePointer?, _ packet: UnsafePointer<UInt8>?, _ body: (Session, UnsafeRawPointer) throws(AdapterError) -> Void
) -> tunadapter_status {
    unsafe giveBack(handle) { session throws(AdapterError) in
        guard let packet = unsafe packet else { throw AdapterError(.invalidHandle, "the packet is NULL") }
        try unsafe body(session, UnsafeRawPointer(packet))
    }
}

/// With the last packet of a session whose handle was given to tunadapter_end_session the rings go.
private func retireIfEnded(_ handle: OpaquePointer?, _ session: Session) {
    if unsafe handles.isEnded(handle) { unsafe retireIfUnused(handle, session) }
}

func checkRunning(_ session: Session) throws(AdapterError) {
    if session.hasEnded { throw session.endReason ?? AdapterError(.handleEndOfFile, "the session has ended") }
}

/// `UnsafePacket` and `tunadapter_packet` are both a pointer and two 32-bit numbers: arrays of the one are arrays of the other.
private var isLayoutEqual: Bool {
    unsafe MemoryLayout<UnsafePacket>.stride == MemoryLayout<tunadapter_packet>.stride
        && MemoryLayout<UnsafePacket>.offset(of: \.count) == MemoryLayout<tunadapter_packet>.offset(of: \.size)
        && MemoryLayout<UnsafePacket>.offset(of: \.superPacket) == MemoryLayout<tunadapter_packet>.offset(of: \.super_packet)
}

private func fill(
    _ packets: UnsafeMutablePointer<tunadapter_packet>?, _ count: UInt32,
    _ body: (UnsafeMutableBufferPointer<UnsafePacket>) throws(AdapterError) -> Int
) throws(AdapterError) -> Int32 {
    guard let packets = unsafe packets, count > 0, count <= UInt32(Int32.max) else {
        throw AdapterError(.invalidParameter, "packets is NULL or count is 0 or too large")
    }
    // SAFETY: equal layouts, and the caller's array has `count` elements.
    precondition(isLayoutEqual)
    let start = unsafe UnsafeMutableRawPointer(packets).assumingMemoryBound(to: UnsafePacket.self)
    return Int32(try unsafe body(UnsafeMutableBufferPointer(start: start, count: Int(count))))
}

private func each(
    _ packets: UnsafePointer<tunadapter_packet>?, _ count: UInt32, _ body: (UnsafeBufferPointer<UnsafePacket>) throws(AdapterError) -> Void
) throws(AdapterError) {
    guard let packets = unsafe packets else { throw AdapterError(.invalidParameter, "packets is NULL") }
    // SAFETY: as above.
    precondition(isLayoutEqual)
    let start = unsafe UnsafeRawPointer(packets).assumingMemoryBound(to: UnsafePacket.self)
    try unsafe body(UnsafeBufferPointer(start: start, count: Int(count)))
}
