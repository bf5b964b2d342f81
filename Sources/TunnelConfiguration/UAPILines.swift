internal import WireGuardCrypto

/// Cuts a stream of bytes, which may be split anywhere, into lines.
///
/// Only a line that is not complete yet is copied; its room is wiped afterwards, since keys pass through here.
struct UAPILines: Sendable {
    /// Bytes of the longest line: `public_key=` with a key needs 75, an IPv6 prefix less.
    static let maximumLength = 1024

    private var partial: [UInt8] = []
    /// Whether the current line was too long, so that the rest of it is dropped.
    private var overflows = false

    /// Gives each complete line to `body`, without its end; nil for one that was too long.
    mutating func consume(_ bytes: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>?) -> Void) {
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let piece = rest[..<end]
            rest = rest[(end + 1)...]
            if overflows || partial.count + piece.count > Self.maximumLength {
                body(nil)
            } else if partial.isEmpty {
                body(piece)
            } else {
                partial += piece
                body(partial[...])
            }
            reset()
        }
        guard !overflows else { return }
        if partial.count + rest.count > Self.maximumLength {
            reset()
            overflows = true
        } else {
            if partial.capacity == 0, !rest.isEmpty { partial.reserveCapacity(Self.maximumLength) }
            partial += rest
        }
    }

    private mutating func reset() {
        overflows = false
        guard !partial.isEmpty else { return }
        unsafe partial.withUnsafeMutableBytes { unsafe wipe($0) }
        partial.removeAll(keepingCapacity: true)
    }
}

extension ArraySlice<UInt8> {
    /// The parts before and after the first `=`.
    var keyAndValue: (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        guard let equals = firstIndex(of: UInt8(ascii: "=")) else { return nil }
        return (self[..<equals], self[(equals + 1)...])
    }

    /// Whether it is exactly `text`.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            // SAFETY: both hold `count` bytes.
            unsafe bytes.elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }
    }
}
