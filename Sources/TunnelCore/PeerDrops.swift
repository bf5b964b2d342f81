public import WireGuardCrypto
internal import WireGuardProtocol

/// How often packets of one peer were dropped, by reason. Small, because every peer has it; a count stops at four thousand million.
struct PeerDrops {
    private var counts = InlineArray<32, UInt32>(repeating: 0)

    init() {
        precondition(DropReason.allCases.count == counts.count)
    }

    @inline(__always)
    mutating func add(_ reason: DropReason, _ count: Int = 1) {
        let (sum, overflows) = counts[reason.rawValue].addingReportingOverflow(UInt32(clamping: count))
        counts[reason.rawValue] = overflows ? .max : sum
    }

    subscript(reason: DropReason) -> UInt32 { counts[reason.rawValue] }
}

/// Packets of one peer that were dropped for one reason.
public struct PeerDropCount: Sendable, Hashable {
    /// Whose.
    public var publicKey: PublicKey
    /// Why.
    public var reason: DropReason
    /// How many.
    public var count: UInt64
}

extension Tunnel {
    /// Appends what was dropped of the peers of some slots, for callers who can't keep others from the tunnel for as long as all of them take.
    /// - Returns: whether there are more behind them.
    public func appendDrops(_ slots: Range<Int>, to drops: inout [PeerDropCount]) -> Bool {
        for slot in UInt32(slots.lowerBound)..<UInt32(max(slots.lowerBound, min(slots.upperBound, peers.slotCount))) {
            guard let entry = unsafe peers[slot] else { continue }
            for reason in DropReason.allCases {
                let count = unsafe entry.pointee.drops[reason]
                guard count > 0 else { continue }
                unsafe drops.append(PeerDropCount(publicKey: entry.pointee.peer.remote.publicKey, reason: reason, count: UInt64(count)))
            }
        }
        return slots.upperBound < peers.slotCount
    }
}
