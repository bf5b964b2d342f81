internal import NetworkTypes
internal import TunAdapter

/// The order in which the packets of a turn leave: first those of flows that have little to send, then those of flows that fill the turn.
/// So an answer to a key press doesn't wait behind half a megabyte of somebody's download.
///
/// - A flow's first ``quantum`` packets that come alone, not as part of a super-packet, go ahead of the others.
/// - The order within a flow never changes: once one of its packets stays behind, so do those after it.
/// - A packet whose flow can't be told (a fragment, say) stays behind, and everything after it too.
///
/// The idea is the sparse flows of fq_codel (RFC 8290 section 4.2), within one turn. Nothing here allocates after ``init(capacity:)``.
@safe
struct DepartureOrder: ~Copyable {
    /// The packets of a flow that may go ahead in one turn.
    static let quantum = 4
    /// Flows that are told apart in one turn; any further one stays behind.
    private static let flowCapacity = 16

    private struct Flow {
        var hash: UInt64
        /// Packets that may still go ahead.
        var credit: Int
    }

    private let indices: UnsafeMutablePointer<Int32>
    private let behind: UnsafeMutablePointer<Int32>
    private let flows: UnsafeMutablePointer<Flow>
    private var flowCount = 0
    private var aheadCount = 0
    private var behindCount = 0
    private var isFlowKnown = true

    /// Makes room for turns of `capacity` packets.
    init(capacity: Int) {
        unsafe indices = .allocate(capacity: capacity)
        unsafe behind = .allocate(capacity: capacity)
        unsafe flows = .allocate(capacity: Self.flowCapacity)
    }

    deinit {
        unsafe indices.deallocate()
        unsafe behind.deallocate()
        unsafe flows.deallocate()
    }

    /// The packet that leaves at `position`: an index into the batch that was arranged last.
    @inline(__always)
    subscript(position: Int) -> Int {
        // SAFETY: `position` is below the number of packets that were added.
        unsafe Int(indices[position])
    }

    /// Arranges the packets of `batch`, at most as many as there is room for.
    @inline(never)
    mutating func arrange(_ batch: borrowing ReceivedBatch) {
        begin()
        var index = 0
        while index < batch.count {
            let run = batch.run(from: index)
            index = run.upperBound
            add(run, flow: unsafe FlowHash.of(UnsafeRawBufferPointer(batch.unsafeBytes(at: run.lowerBound))))
        }
        finish()
    }

    /// Forgets the last turn.
    mutating func begin() {
        flowCount = 0
        aheadCount = 0
        behindCount = 0
        isFlowKnown = true
    }

    /// Adds a packet or the packets of a super-packet, in order of arrival.
    /// - Parameters:
    ///   - run: their indices in the batch.
    ///   - flow: nil if it can't be told.
    @inline(__always)
    mutating func add(_ run: Range<Int>, flow: UInt64?) {
        isFlowKnown = isFlowKnown && flow != nil
        if isFlowKnown, let flow, mayGoAhead(flow, isAlone: run.count == 1) {
            // SAFETY: no more packets are added than there is room for.
            unsafe indices[aheadCount] = Int32(truncatingIfNeeded: run.lowerBound)
            aheadCount += 1
            return
        }
        for packet in run {
            // SAFETY: as above.
            unsafe behind[behindCount] = Int32(truncatingIfNeeded: packet)
            behindCount += 1
        }
    }

    /// Puts those that stay behind after the others.
    mutating func finish() {
        // SAFETY: both together are the packets that were added.
        unsafe (indices + aheadCount).update(from: behind, count: behindCount)
    }

    /// Charges the flow for a packet, or for a super-packet, which takes all of its credit.
    private mutating func mayGoAhead(_ hash: UInt64, isAlone: Bool) -> Bool {
        var number = 0
        // SAFETY: `flowCount` of them are initialized.
        while unsafe number < flowCount && flows[number].hash != hash { number += 1 }
        if number == flowCount {
            guard flowCount < Self.flowCapacity else { return false }
            unsafe (flows + number).initialize(to: Flow(hash: hash, credit: Self.quantum))
            flowCount += 1
        }
        let credit = unsafe flows[number].credit
        unsafe flows[number].credit = isAlone ? max(0, credit - 1) : 0
        return isAlone && credit > 0
    }
}
