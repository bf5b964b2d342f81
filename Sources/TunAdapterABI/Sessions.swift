// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of tunadapter.h, where each function is documented.

public import CTunAdapter
internal import TunAdapter

@c @implementation
public func tunadapter_start_session(_ adapter: OpaquePointer!, _ capacity: UInt32) -> OpaquePointer! {
    unsafe with(adapter, .adapter, Adapter.self) { adapter throws(AdapterError) in
        unsafe handle(.session) { () throws(AdapterError) in try adapter.startSession(capacity: Int(capacity)) }
    }
}

@c @implementation
public func tunadapter_start_session_with_options(
    _ adapter: OpaquePointer!, _ options: UnsafePointer<tunadapter_session_options>!
) -> OpaquePointer! {
    unsafe with(adapter, .adapter, Adapter.self) { adapter throws(AdapterError) in
        unsafe handle(.session) { () throws(AdapterError) in try unsafe adapter.startSession(SessionOptions(options)) }
    }
}

@c @implementation
public func tunadapter_start_session_on_device(
    _ device: Int32, _ options: UnsafePointer<tunadapter_session_options>!
) -> OpaquePointer! {
    unsafe handle(.session) { () throws(AdapterError) in
        try unsafe Session.start(duplicating: device, SessionOptions(options))
    }
}

@c @implementation
public func tunadapter_start_memory_sessions(
    _ options: UnsafePointer<tunadapter_session_options>!, _ first: UnsafeMutablePointer<OpaquePointer?>!,
    _ second: UnsafeMutablePointer<OpaquePointer?>!
) -> tunadapter_status {
    do throws(AdapterError) {
        let first = try unsafe required(first, "first")
        let second = try unsafe required(second, "second")
        let options = try unsafe SessionOptions(options)
        let (left, right) = try MemoryAdapter.pair()
        let leftSession = try left.startSession(options)
        let rightSession = try right.startSession(options)
        guard let leftHandle = unsafe handle(.session, { () throws(AdapterError) in leftSession }) else { return tunadapter_last_error() }
        guard let rightHandle = unsafe handle(.session, { () throws(AdapterError) in rightSession }) else {
            _ = unsafe tunadapter_end_session(leftHandle)
            return tunadapter_last_error()
        }
        unsafe first.pointee = leftHandle
        unsafe second.pointee = rightHandle
        return TUNADAPTER_SUCCESS
    } catch {
        return error.fail()
    }
}

extension SessionOptions {
    /// NULL stands for the defaults.
    fileprivate init(_ options: UnsafePointer<tunadapter_session_options>?) throws(AdapterError) {
        self.init()
        guard let options = unsafe options else { return }
        guard unsafe options.pointee.struct_size == UInt32(MemoryLayout<tunadapter_session_options>.size) else { throw .structSize }
        let given = unsafe options.pointee
        capacity = Int(given.capacity)
        headroom = Int(given.headroom)
        tailroom = Int(given.tailroom)
        payloadAlignment = Int(given.payload_alignment)
        spinMicroseconds = given.spin_microseconds
        offload = given.offload
    }
}

@c @implementation
public func tunadapter_end_session(_ session: OpaquePointer!) -> tunadapter_status {
    guard unsafe session != nil else { return TUNADAPTER_SUCCESS }
    return unsafe withSession(session) { ending throws(AdapterError) in
        guard unsafe handles.end(session) else { throw AdapterError(.handleEndOfFile, "the session was ended already") }
        ending.end()
        ending.reportHeldAtEnd()
        unsafe retireIfUnused(session, ending)
    }
}

/// An ended session's rings stay as long as somebody holds packets in them.
///
/// Not before they are closed: a thread that was let in before the end may be about to allocate, and another one, which sees the mark of the
/// end already, gives its last packet back here.
func retireIfUnused(_ handle: OpaquePointer?, _ session: Session) {
    if session.isDrained { unsafe handles.retire(handle) }
}

@c @implementation
public func tunadapter_get_held_packets(
    _ session: OpaquePointer!, _ received: UnsafeMutablePointer<UInt32>!, _ allocated: UnsafeMutablePointer<UInt32>!
) -> tunadapter_status {
    unsafe withSession(session, endedToo: true) { session throws(AdapterError) in
        let held = session.heldPackets
        if let received = unsafe received { unsafe received.pointee = UInt32(held.received) }
        if let allocated = unsafe allocated { unsafe allocated.pointee = UInt32(held.allocated) }
    }
}

@c @implementation
public func tunadapter_is_packet_available(_ session: OpaquePointer!) -> Bool {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        if session.isPacketAvailable { return true }
        try checkRunning(session)
        return false
    }
}

@c @implementation
public func tunadapter_wait_for_packet(_ session: OpaquePointer!, _ milliseconds: UInt32) -> tunadapter_status {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        if session.waitForPacket(WaitLimit(milliseconds)) { return TUNADAPTER_SUCCESS }
        return (session.hasEnded ? AdapterError.Code.handleEndOfFile : .timeout).fail()
    }
}

@c @implementation
public func tunadapter_wait_for_space(_ session: OpaquePointer!, _ size: UInt32, _ milliseconds: UInt32) -> tunadapter_status {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in
        guard size > 0, size <= TUNADAPTER_MAX_PACKET_SIZE else {
            throw AdapterError(.invalidParameter, "a packet of \(size) bytes", remedy: "packets have 1 to 65535 bytes")
        }
        if session.waitForSpace(WaitLimit(milliseconds), count: Int(size)) { return TUNADAPTER_SUCCESS }
        return (session.hasEnded ? AdapterError.Code.handleEndOfFile : .timeout).fail()
    }
}

extension WaitLimit {
    fileprivate init(_ milliseconds: UInt32) {
        self = milliseconds == .max ? .forever : .milliseconds(UInt64(milliseconds))
    }
}

@c @implementation
public func tunadapter_read_event(_ session: OpaquePointer!) -> Int32 {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in session.readEvent }
}

@c @implementation
public func tunadapter_space_event(_ session: OpaquePointer!) -> Int32 {
    unsafe with(session, .session, Session.self) { session throws(AdapterError) in session.spaceEvent }
}

@c @implementation
public func tunadapter_get_statistics(
    _ session: OpaquePointer!, _ statistics: UnsafeMutablePointer<tunadapter_statistics>!
) -> tunadapter_status {
    unsafe withSession(session) { session throws(AdapterError) in
        let place = try unsafe required(statistics, "statistics")
        let now = session.statistics
        unsafe place.pointee = tunadapter_statistics(
            received: now.received, reads: now.reads, malformed: now.malformed, sent: now.sent, writes: now.writes,
            dropped_while_down: now.droppedWhileDown, refused: now.refused)
    }
}
