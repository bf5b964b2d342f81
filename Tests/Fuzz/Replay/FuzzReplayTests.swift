import Foundation
import SeededRandom
import Testing

/// The corpora of the fuzzer again, and a little noise around each of their inputs.
@Suite struct FuzzReplayTests {
    static func corpus(_ entry: FuzzEntry) throws -> [(name: String, bytes: [UInt8])] {
        let directory = try #require(Bundle.module.resourceURL).appendingPathComponent("Corpora/\(entry.rawValue)")
        return try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, [UInt8](try Data(contentsOf: $0))) }
    }

    @Test(arguments: FuzzEntry.allCases) func `what the fuzzer found does no harm, nor what is near it`(entry: FuzzEntry) throws {
        let inputs = try Self.corpus(entry)
        #expect(!inputs.isEmpty, "a corpus without inputs tests nothing")
        var random = SplitMix64(seed: 1)
        for (_, bytes) in inputs {
            entry.run(bytes)
            guard !bytes.isEmpty else { continue }
            var changed = bytes
            changed[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            entry.run(changed)
            entry.run(Array(bytes.dropLast(Int.random(in: 0..<bytes.count, using: &random))))
        }
        entry.run([])
    }
}
