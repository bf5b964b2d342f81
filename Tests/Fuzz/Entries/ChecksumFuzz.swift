import NetworkTypes

/// The sum of any bytes, wherever they are cut, copied or changed, against one that is made by hand.
enum ChecksumFuzz {
    /// - Parameter bytes: where to cut, which word to change, and what is summed.
    static func run(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return }
        let (cut, word, data) = (Int(bytes[0]), Int(bytes[1]), Array(bytes.dropFirst(2)))
        let expected = NaiveChecksum.sum(data)
        precondition(sum(data).folded % 0xffff == expected % 0xffff && (sum(data).folded == 0) == (expected == 0))
        let at = min(cut, data.count)
        var parts = InternetChecksum()
        parts.add(sum(Array(data[..<at])))
        parts.add(sum(Array(data[at...])), atOddOffset: !at.isMultiple(of: 2))
        precondition(parts.folded == sum(data).folded)
        guard data.count >= 2 else { return }
        let place = word % (data.count / 2) * 2
        var changed = data
        (changed[place], changed[place + 1]) = (bytes[0], bytes[1])
        func number(_ bytes: [UInt8]) -> UInt16 { UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]) }
        let updated = InternetChecksum.updated(sum(data).checksum, replacing: number(data), with: number(changed))
        // The two forms of zero are one number.
        precondition(updated % 0xffff == sum(changed).checksum % 0xffff)
    }

    private static func sum(_ bytes: [UInt8]) -> InternetChecksum {
        var sum = InternetChecksum()
        unsafe OwnBlock.with(bytes) { unsafe sum.add($0) }
        return sum
    }
}
