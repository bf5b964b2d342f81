internal import Glibc
internal import LinuxSystem
internal import TunnelSimulation

/// Lives of simulated tunnels: `simulate [--lives N] [--from SEED] [--threads N]`, or one again: `simulate --seed SEED [--steps 3,17]`.
///
/// Ends with 1 after the first life that goes wrong, when it has printed the shortest form of it that still does. One that ends the program is
/// shortened by `simulate --shrink SEED`, which lives each attempt in a program of its own.
@main
struct Simulate {
    static func main() {
        var options: [String: String] = [:]
        var words = CommandLine.arguments.dropFirst()
        while let name = words.popFirst() {
            guard ["--lives", "--from", "--threads", "--seed", "--steps", "--shrink"].contains(name), let value = words.popFirst() else {
                usage()
            }
            options[name] = value
        }
        func number(_ name: String, default value: UInt64) -> UInt64 {
            guard let text = options[name] else { return value }
            guard let number = UInt64(text) else { usage() }
            return number
        }
        if options["--seed"] != nil {
            again(seed: number("--seed", default: 0), steps: options["--steps"])
        } else if options["--shrink"] != nil {
            shrink(seed: number("--shrink", default: 0))
        } else {
            let lives = number("--lives", default: 2000)
            let from = number("--from", default: 1)
            let many = Lives(first: from, end: from + lives)
            let count = Int(number("--threads", default: 1))
            LastWords.prepare(threads: count)
            var threads = SystemThreads()
            for each in 0..<count { try? threads.start(name: "lives", stackSize: 4 << 20) { many.work(thread: each) } }
            threads.join()
            exit(many.report())
        }
    }

    private static func usage() -> Never {
        print("usage: simulate [--lives N] [--from SEED] [--threads N] | --seed SEED [--steps 3,17,…|none]")
        exit(2)
    }

    private static func again(seed: UInt64, steps: String?) -> Never {
        let plan = Life.Plan(seed: seed)
        var kept = Array(plan.steps.indices)
        if let steps {
            let numbers = steps == noSteps ? [] : steps.split(separator: ",").map { Int($0) }
            kept = numbers.compactMap { $0 }.filter { plan.steps.indices.contains($0) }
            if kept.count != numbers.count { usage() }
        }
        let life = Life(seed: seed, plan: plan)
        life.run(kept: kept)
        print(story(seed: seed, plan: plan, kept: kept, violations: life.violations))
        exit(life.violations.isEmpty ? 0 : 1)
    }

    /// A life that ends the program, as a trap does: each attempt is lived by a program of its own.
    private static func shrink(seed: UInt64) -> Never {
        let plan = Life.Plan(seed: seed)
        func death(_ kept: [Int]) -> Int32? {
            let child = try? ChildProcess.start(
                "/proc/self/exe", ["--seed", "\(seed)", "--steps", words(of: kept)], output: .null, error: .null)
            guard case .signalled(let signal)? = child?.wait() else { return nil }
            return signal
        }
        guard let signal = death(Array(plan.steps.indices)) else { again(seed: seed, steps: nil) }
        let kept = LifeShrinking.shrink(Array(plan.steps.indices)) { death($0) == signal }
        print(story(seed: seed, plan: plan, kept: kept, violations: ["the program ended with signal \(signal)"]))
        exit(1)
    }

    /// What `--steps` says when nothing is left of them.
    private static let noSteps = "none"

    private static func words(of kept: [Int]) -> String {
        kept.isEmpty ? noSteps : kept.map { "\($0)" }.joined(separator: ",")
    }

    static func story(seed: UInt64, plan: Life.Plan, kept: [Int], violations: [String]) -> String {
        var lines = [
            "seed \(seed): \(plan.nodeCount) nodes, links \(plan.links.map { "\($0[0] + 1)-\($0[1] + 1)" }.joined(separator: " "))"
        ]
        lines += kept.map { "  \($0): \(plan.steps[$0])" }
        lines += violations.isEmpty ? ["  nothing went wrong"] : violations.prefix(3).map { "  wrong: \($0)" }
        lines.append("again: scripts/simulate --seed \(seed) --steps \(words(of: kept))")
        return lines.joined(separator: "\n")
    }
}
