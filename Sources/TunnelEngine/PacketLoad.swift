internal import LinuxSystem
internal import NetworkTypes

/// Whether the packet thread is busy, and what it asks of the scheduler while it is.
///
/// Under load it wants the processor for short slices, because a slice is given the sooner the shorter it is: what waits for a processor
/// behind four others is the latency of a busy machine. With a lone packet that would be wrong: a thread with a short slice takes the
/// processor from the program that has just sent, before that program sleeps, and what it wakes in turn has to start on another processor,
/// with cold caches. A ping through an idle machine took a tenth longer.
struct PacketLoad {
    /// Packets moved in one turn of the loop that make it busy.
    private static let busyPackets = 16
    private static let timeSlice = Interval(nanoseconds: 200_000)
    /// How long there must be no such turn until it is busy no more.
    private static let calm = Interval.milliseconds(100)

    private var isBusy = false
    private var lastBusy = Instant(nanoseconds: 0)

    /// Called by the packet thread after each turn.
    mutating func moved(_ packets: Int, at now: Instant) {
        if packets >= Self.busyPackets {
            lastBusy = now
            if !isBusy { change(to: true) }
        } else if isBusy, now >= lastBusy + Self.calm {
            change(to: false)
        }
    }

    private mutating func change(to busy: Bool) {
        isBusy = busy
        SystemThread.requestTimeSlice(busy ? Self.timeSlice : nil)
    }
}
