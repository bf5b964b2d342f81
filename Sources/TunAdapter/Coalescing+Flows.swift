// The open flows: a handful, found by hash. Two flows with one hash only close each other's items, because joining compares headers.

extension Coalescing {
    /// The index of the open flow, or -1.
    @inline(__always)
    func findFlow(_ hash: UInt64) -> Int {
        var i = flowCount &- 1
        // SAFETY: `flowCount` of them are initialized.
        while unsafe i >= 0 && flows[i].hash != hash { i &-= 1 }
        return i
    }

    /// Closes the flow's open item, if there is one.
    mutating func closeFlow(_ hash: UInt64) {
        let flow = findFlow(hash)
        if flow >= 0 { removeFlow(flow) }
    }

    mutating func removeFlow(_ index: Int) {
        flowCount &-= 1
        // SAFETY: the last one takes the freed place.
        unsafe flows[index] = flows[flowCount]
    }

    /// Opens a flow; with all places taken, in turn another loses its own.
    mutating func openFlow(_ hash: UInt64, item: Int) {
        let flow = OpenFlow(hash: hash, item: Int32(truncatingIfNeeded: item))
        if flowCount < Limits.openFlows {
            unsafe flows[flowCount] = flow
            flowCount &+= 1
        } else {
            unsafe flows[oldestFlow] = flow
            oldestFlow = (oldestFlow &+ 1) % Limits.openFlows
        }
    }
}
