import LinuxSystem
import NetworkTypes
import PathRecording
import TunnelConfiguration
import TunnelCore
import TunnelDiagnosis
import WireGuardCrypto

@testable import TunnelControl

/// Text that another process wrote, read by one of its readers: what was understood is understood as the same when written again.
enum LinesFuzz {
    private static let readers: [@Sendable (String) -> Void] = [
        { text in checkAgain(ControlChannel.Request(text), { $0.description }, ControlChannel.Request.init) },
        { text in checkAgain(ProbeNote(text), { $0.description }, ProbeNote.init) },
        { text in checkAgain(TunnelEvent(line: text), \.line, TunnelEvent.init(line:)) },
        { text in checkAgain(PathFigures(text: text), \.text, PathFigures.init(text:)) },
        { text in checkFigures(text) },
        { text in checkAgain(Diagnosis(text: text).map(Compared.init), \.text) { Diagnosis(text: $0).map(Compared.init) } },
        { text in checkAgain(TunnelReport(text: text).map(Compared.init), \.text) { TunnelReport(text: $0).map(Compared.init) } },
        // Control characters are escaped the first time.
        { text in checkAgain(PeerNames(text: PeerNames(text: text).text), \.text, PeerNames.init(text:)) },
        { text in checkAgain(InsideRequest(text), \.text, InsideRequest.init) },
        { text in checkAgain(InsideQuestion(text), \.text, InsideQuestion.init) },
        { text in
            guard let confined = NameServiceSwitch.confined(text) else { return }
            precondition(NameServiceSwitch.confined(confined) == nil, "\(confined) asks a service of the machine")
        },
        { text in
            guard let entry = ProcessEntry(stat: text) else { return }
            let fields = ["\(entry.group)", "\(entry.session)"] + [String](repeating: "0", count: 15) + ["\(entry.start)"]
            precondition(ProcessEntry(stat: "\(entry.identifier) () S 0 \(fields.joined(separator: " "))") == entry)
        },
        { text in
            guard let key = try? PublicKey(base64: "BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") else { return }
            var stamps = SentTimestamps()
            stamps.recall("\(key.base64) \(text)", of: key)
            var again = SentTimestamps()
            again.recall(stamps.text(of: key), of: key)
            precondition(again == stamps)
            _ = stamps.observe(at: TimePoint(now: .init(nanoseconds: 1), unixNanoseconds: 1), lastSent: .init(nanoseconds: 1))
        },
    ]

    /// - Parameter bytes: which reader, and the text.
    static func run(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        readers[Int(first) % readers.count](String(decoding: bytes.dropFirst(), as: UTF8.self))
    }

    private static func checkAgain<Value: Equatable>(_ value: Value?, _ write: (Value) -> String, _ read: (String) -> Value?) {
        guard let value else { return }
        let text = write(value)
        precondition(read(text) == value, "\(text) was not read as it was written")
    }

    /// Figures are also computed with, whatever they are.
    private static func checkFigures(_ text: String) {
        let all = text.split(separator: "\u{0}", maxSplits: 1).compactMap { PathFigures(text: String($0)) }
        guard let first = all.first, let last = all.last else { return }
        for figures in [first, last, last.difference(since: first)] {
            for direction in PathDirection.allCases {
                _ = figures[direction].latency.percentile(0.99)
                for stage in figures[direction].stages {
                    _ = stage.times.percentile(0.5)
                    _ = stage.packetsPerBatch
                    _ = stage.timePerPacket
                }
            }
        }
    }
}

/// What can't be compared itself, as something that can.
private struct Compared: Equatable {
    var values: [String]
    var text: String

    init(_ diagnosis: Diagnosis) {
        values = [diagnosis.interface, "\(diagnosis.findings)", "\(diagnosis.peers)", "\(diagnosis.verdict)"]
        text = diagnosis.text
    }

    init(_ report: TunnelReport) {
        values = Compared(report.diagnosis).values + report.figures.map { "\($0.name) \($0.value)" }
        text = report.text
    }
}
