internal import NetworkTypes

/// Whether the packet thread is busy, and what it therefore asks of the scheduler.
///
/// Under load it wants the processor for short slices, because a slice is given the sooner the shorter it is: what waits for a processor
/// behind four others is the latency of a busy machine. With a lone packet that would be wrong: a thread with a short slice takes the
/// processor from the program that has just sent, before that program sleeps, and what it wakes in turn has to start on another processor,
/// with cold caches. A ping through an idle machine took a tenth longer.
struct PacketLoad {
    /// Packets moved in one turn of the loop that make it busy.
    static let busyPackets = 16
    /// How long there must be no such turn until it is busy no more.
    private static let calm = Interval.milliseconds(100)

    private static let shortSlice = Interval(nanoseconds: 200_000)
    private var lastBusy: Instant?

    /// The time slice to ask for; nil: the system's own.
    var timeSlice: Interval? { lastBusy == nil ? nil : Self.shortSlice }

    /// Notes how many packets a turn of the loop moved.
    /// - Returns: whether ``timeSlice`` has changed.
    mutating func moved(_ packets: Int, at now: Instant) -> Bool {
        let wasBusy = lastBusy
        if packets >= Self.busyPackets {
            lastBusy = now
        } else if let last = lastBusy, now >= last + Self.calm {
            lastBusy = nil
        }
        return (lastBusy == nil) != (wasBusy == nil)
    }
}
