public import WireGuardCrypto

extension PublicKey {
    /// Reads the 44 characters of base64 that `wg` writes; other spellings of the same bytes are refused.
    public init(base64 text: some StringProtocol) throws(KeyTextError) {
        self = try unsafe Self.decoding(KeyText.withBytes(base64: Array(text.utf8)[...]) { unsafe PublicKey($0) })
    }

    init(base64 text: ArraySlice<UInt8>) throws(KeyTextError) {
        self = try unsafe Self.decoding(KeyText.withBytes(base64: text) { unsafe PublicKey($0) })
    }

    init(hex text: ArraySlice<UInt8>) throws(KeyTextError) {
        self = try unsafe Self.decoding(KeyText.withBytes(hex: text) { unsafe PublicKey($0) })
    }

    private static func decoding(_ result: Result<PublicKey?, KeyTextError>) throws(KeyTextError) -> PublicKey {
        guard let key = try result.get() else { throw .length(0) }
        return key
    }

    /// The 44 characters of base64, as `wg` shows a key.
    public var base64: String {
        String(decoding: unsafe withUnsafeBytes { unsafe KeyText.base64($0) }.bytes, as: UTF8.self)
    }

    /// The key's first and last characters, enough to recognise it in a log line: `xTIB…Dg=`.
    public var abbreviation: String {
        let text = base64
        return "\(text.prefix(4))…\(text.suffix(3))"
    }

    func appendHex(to text: inout [UInt8]) {
        unsafe withUnsafeBytes { unsafe KeyText.appendHex($0, to: &text) }
    }
}

extension PrivateKey {
    /// Reads the 44 characters of base64 that `wg` writes; what was decoded on the way is wiped.
    public init(base64 text: some StringProtocol) throws(KeyTextError) {
        try self.init(base64: Array(text.utf8)[...])
    }

    init(base64 text: ArraySlice<UInt8>) throws(KeyTextError) {
        guard let key = try unsafe KeyText.withBytes(base64: text, { unsafe PrivateKey($0) }).get() else { throw .length(0) }
        self = key
    }

    /// The 44 characters of base64. A copy of the secret, which stays in memory: for a program that shows it and ends.
    public var secretBase64: String {
        String(decoding: secretText.bytes, as: UTF8.self)
    }

    /// The 44 characters of base64. A copy of the secret: for writing it to its file, never to a log.
    var secretText: SecretText {
        unsafe withUnsafeBytes { unsafe KeyText.base64($0) }
    }

    func appendHex(to text: inout [UInt8]) {
        unsafe withUnsafeBytes { unsafe KeyText.appendHex($0, to: &text) }
    }
}

extension PresharedKey {
    /// Reads the 44 characters of base64 that `wg` writes; what was decoded on the way is wiped.
    public init(base64 text: some StringProtocol) throws(KeyTextError) {
        try self.init(base64: Array(text.utf8)[...])
    }

    init(base64 text: ArraySlice<UInt8>) throws(KeyTextError) {
        guard let key = try unsafe KeyText.withBytes(base64: text, { unsafe PresharedKey($0) }).get() else { throw .length(0) }
        self = key
    }

    init(hex text: ArraySlice<UInt8>) throws(KeyTextError) {
        guard let key = try unsafe KeyText.withBytes(hex: text, { unsafe PresharedKey($0) }).get() else { throw .length(0) }
        self = key
    }

    /// The 44 characters of base64. A copy of the secret, which stays in memory: for a program that shows it and ends.
    public var secretBase64: String {
        String(decoding: secretText.bytes, as: UTF8.self)
    }

    /// The 44 characters of base64. A copy of the secret: for writing it to its file, never to a log.
    var secretText: SecretText {
        unsafe withUnsafeBytes { unsafe KeyText.base64($0) }
    }

    func appendHex(to text: inout [UInt8]) {
        unsafe withUnsafeBytes { unsafe KeyText.appendHex($0, to: &text) }
    }
}

/// A private key as the UAPI writes it, where all zeros stands for none.
enum PrivateKeyText {
    /// The key, or nil within for all zeros.
    static func decode(hex text: ArraySlice<UInt8>) throws(KeyTextError) -> PrivateKey? {
        try unsafe KeyText.withBytes(hex: text) { bytes in
            unsafe bytes.allSatisfy { $0 == 0 } ? nil : PrivateKey(bytes)
        }.get()
    }
}
