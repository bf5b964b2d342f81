import TunnelConfiguration
import TunnelCore

/// UAPI requests and answers: how they are cut into pieces changes nothing, and what was understood is understood again when written.
enum UAPIFuzz {
    static func run(_ bytes: [UInt8]) {
        let whole = requests(bytes, piece: max(1, bytes.count))
        precondition(whole == requests(bytes, piece: 1) && whole == requests(bytes, piece: 7))
        for case .set(let update) in parse(bytes, piece: max(1, bytes.count)) {
            let text = UAPIClient.text(of: update)
            precondition(requests(text, piece: text.count) == [text], "\(String(decoding: text, as: UTF8.self))")
        }
    }

    static func runAnswer(_ bytes: [UInt8]) {
        func read(piece: Int) -> String {
            var answer = UAPIAnswer()
            for start in stride(from: 0, to: bytes.count, by: piece) { answer.consume(bytes[start..<min(start + piece, bytes.count)]) }
            return "\(answer.isComplete) \(String(describing: answer.errno)) \(answer.snapshot)"
        }
        let whole = read(piece: max(1, bytes.count))
        precondition(whole == read(piece: 1) && whole == read(piece: 5))
    }

    private static func parse(_ bytes: [UInt8], piece: Int) -> [UAPIRequest] {
        var parser = UAPIRequestParser()
        var requests: [UAPIRequest] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            parser.consume(bytes[start..<min(start + piece, bytes.count)]) { requests.append($0) }
        }
        return requests
    }

    /// Requests as something that can be compared.
    private static func requests(_ bytes: [UInt8], piece: Int) -> [[UInt8]] {
        parse(bytes, piece: piece).map { request in
            switch request {
            case .get: Array("get".utf8)
            case .set(let update): UAPIClient.text(of: update)
            case .refused(let operation, let error): Array("refused \(String(describing: operation)) \(error.errno) \(error.reason)".utf8)
            }
        }
    }
}
