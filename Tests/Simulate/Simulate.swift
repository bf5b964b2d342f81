internal import Glibc
internal import LinuxSystem
internal import TunnelSimulation

/// Lives of simulated tunnels: `simulate [--lives N] [--from SEED] [--threads N]`, or one again: `simulate --seed SEED [--steps 3,17]`.
///
/// Ends with 1 after the first life that goes wrong, when it has printed the shortest form of it that still does.
@main
struct Simulate {
    static func main() {
        var options: [String: String] = [:]
        var words = CommandLine.arguments.dropFirst()
        while let name = words.popFirst() {
            guard ["--lives", "--from", "--threads", "--seed", "--steps"].contains(name), let value = words.popFirst() else { usage() }
            options[name] = value
        }
        func number(_ name: String, default value: UInt64) -> UInt64 {
            guard let text = options[name] else { return value }
            guard let number = UInt64(text) else { usage() }
            return number
        }
        if options["--seed"] != nil {
            again(seed: number("--seed", default: 0), steps: options["--steps"])
        } else {
            let lives = number("--lives", default: 2000)
            let from = number("--from", default: 1)
            let many = Lives(first: from, end: from + lives)
            var threads = SystemThreads()
            for _ in 0..<number("--threads", default: 1) { try? threads.start(name: "lives", stackSize: 4 << 20) { many.work() } }
            threads.join()
            exit(many.report())
        }
    }

    private static func usage() -> Never {
        print("usage: simulate [--lives N] [--from SEED] [--threads N] | --seed SEED [--steps 3,17,…]")
        exit(2)
    }

    private static func again(seed: UInt64, steps: String?) -> Never {
        let plan = Life.Plan(seed: seed)
        var kept = Array(plan.steps.indices)
        if let steps {
            kept = steps.split(separator: ",").compactMap { Int($0) }.filter { plan.steps.indices.contains($0) }
        }
        let life = Life(seed: seed, plan: plan)
        life.run(kept: kept)
        print(story(seed: seed, plan: plan, kept: kept, violations: life.violations))
        exit(life.violations.isEmpty ? 0 : 1)
    }

    static func story(seed: UInt64, plan: Life.Plan, kept: [Int], violations: [String]) -> String {
        var lines = [
            "seed \(seed): \(plan.nodeCount) nodes, links \(plan.links.map { "\($0[0] + 1)-\($0[1] + 1)" }.joined(separator: " "))"
        ]
        lines += kept.map { "  \($0): \(plan.steps[$0])" }
        lines += violations.isEmpty ? ["  nothing went wrong"] : violations.prefix(3).map { "  wrong: \($0)" }
        lines.append("again: simulate --seed \(seed) --steps \(kept.map { "\($0)" }.joined(separator: ","))")
        return lines.joined(separator: "\n")
    }
}
