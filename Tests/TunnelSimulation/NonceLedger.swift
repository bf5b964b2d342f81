internal import WireGuardProtocol

/// Every counter under every key: none is used twice, and none beyond the limit.
package struct NonceLedger {
    /// A session key's 32 bytes.
    package typealias Key = SIMD4<UInt64>

    private struct Nonce: Hashable {
        var key: Key
        var counter: UInt64
    }

    private var highest: [Key: UInt64] = [:]
    private var opened: [Nonce: Int] = [:]

    package init() {}

    /// A message is sealed: its counter is above all that were used with the key. Returns what is wrong.
    package mutating func seal(key: Key, counter: UInt64) -> String? {
        defer { highest[key] = counter }
        if counter >= Limits.rejectAfterMessages { return "counter \(counter) is beyond the limit" }
        if let last = highest[key], counter <= last { return "counter \(counter) was used again, after \(last)" }
        return nil
    }

    /// A message was authentic: no other one has its key and counter, whoever sealed it. Returns what is wrong.
    package mutating func open(key: Key, counter: UInt64, datagram: [UInt8]) -> String? {
        if counter >= Limits.rejectAfterMessages { return "a message was taken whose counter is \(counter)" }
        let other = opened.updateValue(datagram.hashValue, forKey: Nonce(key: key, counter: counter))
        return other == nil || other == datagram.hashValue ? nil : "two messages have counter \(counter) under one key"
    }
}
