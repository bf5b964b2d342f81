internal import NetworkTypes
internal import WireGuardCrypto

/// The filter as words:
///
/// ```
/// ADDRESS[/LENGTH]           one end of the inner packet       port N        one of its ports
/// from|to ADDRESS[/LENGTH]   its source, its destination       tcp|udp|icmp  its protocol; protocol N
/// peer KEY                   the peer: its key, or 4 or more   via ADDRESS[/LENGTH]   the peer's outer address
///                            characters of its beginning       out|in        the direction
/// drops   only what is dropped      handshakes   only handshake messages      1/N   one in N
/// ```
extension RecordingFilter {
    /// A word that can't be understood.
    public struct Problem: Error, Hashable, Sendable {
        /// The whole text.
        public var text: String
        /// Where the word stands: offset and length in bytes.
        public var offset: Int
        /// Bytes of the word.
        public var length: Int
        /// What is wrong with it.
        public var message: String
        /// Words that could stand there.
        public var expected: [String] = []
    }

    /// The words that a condition begins with.
    public static let words = ["from", "to", "port", "tcp", "udp", "icmp", "protocol", "peer", "via", "out", "in", "drops", "handshakes"]

    /// Reads a filter; an empty one means every packet.
    public init(_ text: String) throws(Problem) {
        var words = Words(text)
        while let word = words.next() {
            switch word.lowercased() {
            case "from": try add(.source, words.prefix(after: word), words)
            case "to": try add(.destination, words.prefix(after: word), words)
            case "via": remote = try words.prefix(after: word)
            case "port": try add(port: words.number(after: word, 1...65535), words)
            case "tcp": try add(protocols: [6], words)
            case "udp": try add(protocols: [17], words)
            case "icmp": try add(protocols: [1, 58], words)
            case "protocol": try add(protocols: [UInt8(words.number(after: word, 0...255))], words)
            case "peer": peer = try words.peer(after: word)
            case "out", "in":
                guard direction == nil else { throw words.problem("`out` and `in` together exclude everything") }
                direction = PathDirection(word: word.lowercased())
            case "drops": dropsOnly = true
            case "handshakes": handshakesOnly = true
            default:
                if word.hasPrefix("1/") {
                    guard let number = UInt32(word.dropFirst(2)), number > 0 else {
                        throw words.problem("a sample is 1/N, for example 1/100")
                    }
                    sampling = number
                } else if word.contains(where: { $0 == "." || $0 == ":" }) || word.contains("/") {
                    try add(.either, words.prefix(word), words)
                } else {
                    throw words.problem("\"\(word)\" is no word of a filter", expected: Self.words)
                }
            }
        }
    }

    private mutating func add(_ end: End, _ prefix: IPPrefix, _ words: Words) throws(Problem) {
        guard let free = addresses.indices.first(where: { addresses[$0] == nil }) else {
            throw words.problem("more than \(Self.limit) addresses")
        }
        addresses[free] = AddressCondition(end: end, prefix: prefix)
    }

    private mutating func add(port number: Int, _ words: Words) throws(Problem) {
        guard let free = ports.indices.first(where: { ports[$0] == nil }) else { throw words.problem("more than \(Self.limit) ports") }
        ports[free] = UInt16(number)
    }

    private mutating func add(protocols numbers: [UInt8], _ words: Words) throws(Problem) {
        for number in numbers where !protocols.indices.contains(where: { protocols[$0] == number }) {
            guard let free = protocols.indices.first(where: { protocols[$0] == nil }) else {
                throw words.problem("more than \(Self.limit) protocols")
            }
            protocols[free] = number
        }
    }
}

/// The words of a filter, one after the other, with the place of the last.
private struct Words {
    private let text: String
    private var rest: Substring
    private var last: Substring = ""

    init(_ text: String) {
        self.text = text
        rest = text[...]
    }

    mutating func next() -> String? {
        rest = rest.drop(while: \.isWhitespace)
        guard !rest.isEmpty else { return nil }
        last = rest.prefix { !$0.isWhitespace }
        rest = rest[last.endIndex...]
        return String(last)
    }

    /// What is wrong with the last word.
    func problem(_ message: String, expected: [String] = []) -> RecordingFilter.Problem {
        RecordingFilter.Problem(
            text: text, offset: text.utf8.distance(from: text.startIndex, to: last.startIndex), length: last.utf8.count, message: message,
            expected: expected)
    }

    private mutating func value(after word: String, _ what: String) throws(RecordingFilter.Problem) -> String {
        guard let value = next() else { throw problem("`\(word)` wants \(what)") }
        return value
    }

    mutating func prefix(after word: String) throws(RecordingFilter.Problem) -> IPPrefix {
        let text = try value(after: word, "an address or a prefix, for example 10.8.0.5 or 10.8.0.0/24")
        return try prefix(text)
    }

    func prefix(_ word: String) throws(RecordingFilter.Problem) -> IPPrefix {
        guard let prefix = IPPrefix(word) else { throw problem("\"\(word)\" is no address or prefix, for example 10.8.0.5 or 10.8.0.0/24") }
        return prefix
    }

    mutating func number(after word: String, _ range: ClosedRange<Int>) throws(RecordingFilter.Problem) -> Int {
        let what = "a number from \(range.lowerBound) to \(range.upperBound)"
        let text = try value(after: word, what)
        guard let number = Int(text), range.contains(number) else { throw problem("`\(word)` wants \(what), not \"\(text)\"") }
        return number
    }

    /// The beginning of a key in base64; in the form `xTIB…Dg=`, what stands before the ellipsis.
    mutating func peer(after word: String) throws(RecordingFilter.Problem) -> RecordingFilter.PeerCondition {
        let text = try value(after: word, "a public key, or 4 or more characters of its beginning")
        let beginning = text.prefix { $0 != "…" && $0 != "=" }.utf8
        let digits = beginning.compactMap { Base64.alphabet.firstIndex(of: $0) }
        guard digits.count == beginning.count, (4...43).contains(digits.count) else {
            throw problem("\"\(text)\" is no public key, nor 4 or more characters of its beginning")
        }
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        for (index, digit) in digits.enumerated() {
            for bit in 0..<6 where digit >> (5 - bit) & 1 == 1 {
                let place = index * 6 + bit
                if place < 256 { bytes[place / 8] |= 0x80 >> UInt8(place % 8) }
            }
        }
        return RecordingFilter.PeerCondition(key: PublicKey(bytes: bytes), bits: min(256, digits.count * 6))
    }
}

/// The 64 digits.
enum Base64 {
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}

extension RecordingFilter: CustomStringConvertible {
    /// The filter as ``init(_:)`` reads it.
    public var description: String {
        var words: [String] = []
        if let direction { words.append(direction.word) }
        for index in addresses.indices {
            guard let condition = addresses[index] else { break }
            switch condition.end {
            case .source: words.append("from \(condition.prefix)")
            case .destination: words.append("to \(condition.prefix)")
            case .either: words.append("\(condition.prefix)")
            }
        }
        for index in ports.indices {
            if let port = ports[index] { words.append("port \(port)") }
        }
        for index in protocols.indices {
            if let number = protocols[index] { words.append("protocol \(number)") }
        }
        if let remote { words.append("via \(remote)") }
        if let peer { words.append("peer \(peer.text)") }
        if dropsOnly { words.append("drops") }
        if handshakesOnly { words.append("handshakes") }
        if sampling > 1 { words.append("1/\(sampling)") }
        return words.joined(separator: " ")
    }
}

extension RecordingFilter.PeerCondition {
    fileprivate var text: String {
        let digits = unsafe key.withUnsafeBytes { bytes in
            (0..<((bits + 5) / 6)).map { index in
                (0..<6).reduce(0) { digit, bit in
                    let place = index * 6 + bit
                    // The last of a whole key's 43 digits has two bits beyond it.
                    return unsafe digit << 1 | (place < 256 ? Int(bytes[place / 8] >> UInt8(7 - place % 8) & 1) : 0)
                }
            }
        }
        return String(decoding: digits.map { Base64.alphabet[$0] }, as: UTF8.self) + (bits == 256 ? "=" : "")
    }
}

extension RecordingFilter: Hashable {
    public static func == (a: RecordingFilter, b: RecordingFilter) -> Bool { a.description == b.description }
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }
}
