internal import NetworkTypes
internal import WireGuardCrypto

/// Why a value can't be read: what is wrong with it, and what to write instead.
struct ValueError: Error {
    var message: String
    var suggestion: String?

    init(_ message: String, suggestion: String? = nil) {
        self.message = message
        self.suggestion = suggestion
    }
}

/// The values of a configuration file, each read as `wg` or `wg-quick` reads it.
enum ConfigurationValue {
    static func number(_ text: ArraySlice<UInt8>, _ range: ClosedRange<UInt32>, or word: String? = nil) throws(ValueError) -> UInt32 {
        let wanted = "\(word.map { "\($0) or " } ?? "")a number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = decimal(text) else { throw ValueError("\(quoted(text)) is not \(wanted)") }
        guard number >= UInt64(range.lowerBound), number <= UInt64(range.upperBound) else {
            throw ValueError("\(text.text) is out of range: it must be \(wanted)")
        }
        return UInt32(number)
    }

    static func port(_ text: ArraySlice<UInt8>) throws(ValueError) -> UInt16 {
        UInt16(try number(text, 0...65535))
    }

    static func firewallMark(_ text: ArraySlice<UInt8>) throws(ValueError) -> UInt32 {
        if text.equalsIgnoringCase("off") { return 0 }
        return try notation(text, 0...UInt32.max, or: "`off`, 0x and hexadecimal digits,")
    }

    static func persistentKeepalive(_ text: ArraySlice<UInt8>) throws(ValueError) -> UInt16 {
        text.equalsIgnoringCase("off") ? 0 : UInt16(try number(text, 0...65535, or: "`off`"))
    }

    static func table(_ text: ArraySlice<UInt8>) throws(ValueError) -> RoutingTableChoice {
        if text.equalsIgnoringCase("off") { return .off }
        if text.equalsIgnoringCase("auto") { return .automatic }
        if let first = text.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            let number = try notation(text, 0...UInt32.max, or: "`auto`, `off`, the name of a table,")
            return .number(number == 0 ? RoutingTableChoice.main : number)
        }
        return .named(text.text)
    }

    /// Bytes of the longest packet, in the notations that `ip` takes.
    static func mtu(_ text: ArraySlice<UInt8>) throws(ValueError) -> UInt32 {
        try notation(text, 68...65535)
    }

    static func bool(_ text: ArraySlice<UInt8>) throws(ValueError) -> Bool {
        if text.equalsIgnoringCase("true") { return true }
        if text.equalsIgnoringCase("false") { return false }
        throw ValueError("\(quoted(text)) is neither true nor false")
    }

    static func interfaceAddress(_ text: ArraySlice<UInt8>) throws(ValueError) -> IPInterfaceAddress {
        guard let address = IPInterfaceAddress(text.text) else { throw ValueError(explainPrefix(text, what: "an address")) }
        return address
    }

    static func allowedIP(_ text: ArraySlice<UInt8>) throws(ValueError) -> AllowedIPEntry {
        var rest = text
        var change = AllowedIPEntry.Change.replace
        if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            change = sign == UInt8(ascii: "+") ? .add : .remove
            rest = rest.dropFirst()
        }
        guard let written = IPInterfaceAddress(rest.text) else { throw ValueError(explainPrefix(rest, what: "a prefix")) }
        return AllowedIPEntry(written: written, change: change)
    }

    static func endpoint(_ text: ArraySlice<UInt8>) throws(ValueError) -> EndpointName {
        let noPort = ValueError("\(quoted(text)) has no port", suggestion: "write HOST:PORT, most often \(text.text):51820")
        var host: ArraySlice<UInt8>
        var service: ArraySlice<UInt8>
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { throw ValueError("\(quoted(text)) has no closing `]`") }
            host = text[(text.startIndex + 1)..<end]
            service = text[(end + 1)...]
            guard service.first == UInt8(ascii: ":"), service.count > 1 else { throw noPort }
            service = service.dropFirst()
        } else {
            guard let colon = text.lastIndex(of: UInt8(ascii: ":")) else { throw noPort }
            host = text[..<colon]
            service = text[(colon + 1)...]
            if host.contains(UInt8(ascii: ":")) {
                throw ValueError("an IPv6 address stands in brackets", suggestion: "write [ADDRESS]:PORT, most often [\(text.text)]:51820")
            }
            guard !service.isEmpty else { throw noPort }
        }
        guard !host.isEmpty else { throw ValueError("\(quoted(text)) has no host") }
        if let first = service.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            guard let port = decimal(service), port <= 65535 else {
                throw ValueError("\(quoted(service)) is not a port: they end at 65535")
            }
            guard port != 0 else { throw ValueError("port 0 cannot be sent to") }
        }
        return EndpointName(host: host.text, service: service.text)
    }

    /// What is wrong with a key, without a word of the key.
    static func explain(_ error: KeyTextError) -> ValueError {
        let source = "`wg-lite genkey` makes one, `wg-lite pubkey` its public half"
        return switch error {
        case .length(0): ValueError("the key is missing", suggestion: source)
        case .length(let count):
            ValueError("a key has 44 characters, this one \(count)", suggestion: count < 44 ? "part of it got lost: copy it again" : nil)
        case .character(let at): ValueError("character \(at + 1) of the key is not one of base64's", suggestion: "copy it again")
        case .padding: ValueError("the key does not end in `=`, so it is not 32 bytes", suggestion: "copy it again")
        case .trailingBits: ValueError("the key is damaged near its end, so it is not 32 bytes", suggestion: "copy it again")
        }
    }

    static func decimal(_ text: ArraySlice<UInt8>) -> UInt64? {
        guard !text.isEmpty, text.count <= 19 else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private static func hexadecimal(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard text.count > 2, text.starts(with: Array("0x".utf8)) || text.starts(with: Array("0X".utf8)) else { return nil }
        // The initializer would also read a sign.
        guard let digit = text.dropFirst(2).first, digit != UInt8(ascii: "+"), digit != UInt8(ascii: "-") else { return nil }
        return UInt32(text.dropFirst(2).text, radix: 16)
    }

    /// A number in one of C's notations, which `ip` takes: 0x and hexadecimal digits, 0 and octal ones, or decimal.
    private static func notation(
        _ text: ArraySlice<UInt8>, _ range: ClosedRange<UInt32>, or word: String? = nil
    ) throws(ValueError) -> UInt32 {
        guard text.first == UInt8(ascii: "0"), text.count > 1 else { return try number(text, range, or: word) }
        let octal = text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) } ? UInt32(text.text, radix: 8) : nil
        if let value = hexadecimal(text) ?? octal, range.contains(value) { return value }
        throw ValueError(
            "\(quoted(text)) is not \(word.map { "\($0) or " } ?? "")a number from \(range.lowerBound) to \(range.upperBound)")
    }

    static func quoted(_ text: ArraySlice<UInt8>) -> String {
        "\"\(text.text)\""
    }

    private static func explainPrefix(_ text: ArraySlice<UInt8>, what: String) -> String {
        guard !text.isEmpty else { return "an entry is missing between commas" }
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else { return "\(quoted(text)) is not an IPv4 or IPv6 address" }
        let host = text[..<slash]
        guard let address = IPAddress(host.text) else { return "\(quoted(text)) is not \(what): \(quoted(host)) is not an address" }
        let family = address.bitWidth == 32 ? "IPv4" : "IPv6"
        guard decimal(text[(slash + 1)...]) != nil else { return "\(quoted(text)) is not \(what): after `/` comes its length in bits" }
        return "\(quoted(text)) is not \(what): \(family) lengths end at \(address.bitWidth)"
    }
}
