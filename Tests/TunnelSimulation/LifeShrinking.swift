/// Takes steps out of a life that went wrong, as long as it still does.
package enum LifeShrinking {
    /// The numbers of a few steps with which the life of a seed still goes wrong in the same way.
    package static func shrink(seed: UInt64, plan: Life.Plan) -> [Int] {
        func faults(_ kept: [Int]) -> Set<String> {
            let life = Life(seed: seed, plan: plan)
            life.run(kept: kept)
            return Set(life.violations.map(withoutNumbers))
        }
        let whole = Array(plan.steps.indices)
        let fault = faults(whole)
        return shrink(whole) { !faults($0).isDisjoint(with: fault) }
    }

    /// What went wrong, whoever it went wrong for and when.
    package static func withoutNumbers(_ violation: String) -> String { String(violation.filter { !$0.isNumber }) }

    /// Drops runs of steps, long ones first, until no single one can be spared.
    package static func shrink(_ steps: [Int], fails: ([Int]) -> Bool) -> [Int] {
        guard fails(steps) else { return steps }
        var kept = steps
        var size = max(1, kept.count / 2)
        while true {
            var start = 0
            var hasShrunk = false
            while start < kept.count {
                var fewer = kept
                fewer.removeSubrange(start..<min(start + size, fewer.count))
                if fails(fewer) {
                    kept = fewer
                    hasShrunk = true
                } else {
                    start += size
                }
            }
            if size == 1 && !hasShrunk { return kept }
            if !hasShrunk { size = max(1, size / 2) }
        }
    }
}
