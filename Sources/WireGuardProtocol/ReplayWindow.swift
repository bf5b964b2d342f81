/// Which counters of a session have been accepted: a ring of 128 words of 64 bits (RFC 6479).
///
/// A counter is accepted once, if it is below ``Limits/rejectAfterMessages`` and at most ``span`` below the highest one accepted. Moving
/// forward clears whole words, so one word is spent on never having to shift bits: 8192 bits remember 8128 counters behind the highest.
///
/// The window may only ever see *authenticated* counters; a forged one could move it past everything that is still in flight.
@frozen
public struct ReplayWindow: Sendable {
    /// How far behind the highest accepted counter another is still judged.
    @inlinable public static var span: UInt64 { 128 * 64 - 64 }

    @usableFromInline var words: InlineArray<128, UInt64>
    @usableFromInline var highest: UInt64

    /// Nothing accepted yet.
    @inlinable
    public init() {
        words = InlineArray(repeating: 0)
        highest = 0
    }

    /// Accepts a counter and remembers it, or says why not: ``Refusal/limit``, ``Refusal/window`` or ``Refusal/replay``.
    ///
    /// - Parameter counter: that of a message whose tag was right.
    @inlinable
    public mutating func accept(_ counter: UInt64) -> Refusal? {
        if counter >= Limits.rejectAfterMessages { return .limit }
        let word = counter >> 6
        if counter > highest {
            let current = highest >> 6
            // Past a whole turn of the ring every word is stale, and each needs to be cleared only once.
            let stale = min(word - current, 128)
            var i: UInt64 = 1
            while i <= stale {
                words[Int((current + i) & 127)] = 0
                i += 1
            }
            highest = counter
        } else if highest - counter > Self.span {
            return .window
        }
        let bit: UInt64 = 1 << (counter & 63)
        let slot = Int(word & 127)
        if words[slot] & bit != 0 { return .replay }
        words[slot] |= bit
        return nil
    }
}
