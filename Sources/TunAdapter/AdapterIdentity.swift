internal import LinuxSystem

/// Who an adapter is: its pool, its name, its GUID. It is kept in the interface's alias, where every process of the namespace reads it,
/// and which goes when the interface goes: nothing can be stale.
public struct AdapterIdentity: Hashable, Sendable {
    /// The most bytes of UTF-8 that a name may have.
    public static let maximumNameLength = 127
    /// The most bytes of UTF-8 that a pool's name may have.
    public static let maximumPoolLength = 96
    /// The most queues that the driver gives an interface, less one that has no place in a byte.
    public static let maximumQueueCount = 255

    /// The pool's name; empty for an unlisted adapter.
    public let pool: String
    /// The name, where it isn't the interface's.
    let displayName: String?
    /// What tells it from every other adapter, whatever its name.
    public let guid: AdapterGUID
    /// How many descriptors may attach at a time.
    public let queueCount: Int

    /// The name `name` is the interface's own where the kernel would take it for an interface.
    init(pool: String, name: String, guid: AdapterGUID, queueCount: Int) {
        self.pool = pool
        displayName = InterfaceName.isValid(name) ? nil : name
        self.guid = guid
        self.queueCount = queueCount
    }

    /// Whether it is in a pool, and its interface has an alias that says so.
    var isListed: Bool { !pool.isEmpty }

    /// What the adapter is called, while its interface is called `interfaceName`.
    func name(interfaceName: String) -> String {
        displayName ?? interfaceName
    }

    /// How messages name it.
    func description(_ name: String) -> String {
        isListed ? "adapter \(name) of pool \(pool)" : "unlisted adapter \(name)"
    }

    /// Checks a name against its limits.
    /// - Throws: `invalidParameter`.
    static func checkName(_ name: String) throws(AdapterError) {
        try check(name, "the adapter name", limit: maximumNameLength)
    }

    /// Checks a pool's name against its limits.
    /// - Throws: `invalidParameter`.
    static func checkPool(_ pool: String) throws(AdapterError) {
        try check(pool, "the pool name", limit: maximumPoolLength)
    }

    /// Checks the name of an adapter that has nothing but its interface to keep it.
    /// - Throws: `invalidParameter`.
    static func checkUnlistedName(_ name: String) throws(AdapterError) {
        guard InterfaceName.isValid(name) else {
            throw AdapterError(
                .invalidParameter, "\"\(name)\" can't be the name of an interface, which an unlisted adapter's is",
                remedy: "use 1 to \(InterfaceName.maximumLength) bytes without spaces, slashes, colons and percent signs")
        }
    }

    private static func check(_ text: String, _ what: String, limit: Int) throws(AdapterError) {
        guard !text.isEmpty else { throw AdapterError(.invalidParameter, "\(what) is empty", remedy: "use 1 to \(limit) bytes of UTF-8") }
        guard text.utf8.count <= limit else {
            throw AdapterError(
                .invalidParameter, "\(what) has \(text.utf8.count) bytes of UTF-8", remedy: "use at most \(limit)")
        }
        // They would reach the terminals of everybody who lists interfaces.
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw AdapterError(.invalidParameter, "\(what) contains a control character", remedy: "leave it out")
        }
    }
}

/// The alias: a tag, the length of the pool's name and the number of queues (two hexadecimal digits each), the GUID, and behind a
/// colon each the pool and the display name, which is empty where it is the interface's. A length instead of a separator: whatever a
/// name contains, nothing needs escaping and the longest names fit.
extension AdapterIdentity {
    static let tag = "TA1"
    private static let poolStart = tag.utf8.count + 4 + AdapterGUID.compactLength + 1

    /// Nil for an unlisted adapter, whose interface has none.
    var alias: String? {
        guard isListed else { return nil }
        func hex(_ value: Int) -> String {
            (value < 16 ? "0" : "") + String(value, radix: 16)
        }
        return "\(Self.tag)\(hex(pool.utf8.count))\(hex(queueCount))\(guid.compactText):\(pool):\(displayName ?? "")"
    }

    /// Reads an alias that ``alias`` wrote; nil for every other text.
    init?(alias: String) {
        let bytes = Array(alias.utf8)
        let tag = Array(Self.tag.utf8)
        guard bytes.count > Self.poolStart, bytes.starts(with: tag), bytes[Self.poolStart - 1] == UInt8(ascii: ":"),
            let poolLength = Int(String(decoding: bytes[tag.count..<tag.count + 2], as: UTF8.self), radix: 16),
            let queueCount = Int(String(decoding: bytes[tag.count + 2..<tag.count + 4], as: UTF8.self), radix: 16),
            poolLength > 0, poolLength <= Self.maximumPoolLength, queueCount > 0,
            let guid = AdapterGUID(compactText: bytes[tag.count + 4..<Self.poolStart - 1]),
            bytes.count > Self.poolStart + poolLength, bytes[Self.poolStart + poolLength] == UInt8(ascii: ":")
        else { return nil }
        let name = String(decoding: bytes[(Self.poolStart + poolLength + 1)...], as: UTF8.self)
        self.init(
            pool: String(decoding: bytes[Self.poolStart..<Self.poolStart + poolLength], as: UTF8.self),
            displayName: name.isEmpty ? nil : name, guid: guid, queueCount: queueCount)
        // Only what is written back as it was read is ours: cut-off and made-up aliases are not.
        guard !InterfaceName.isValid(name), self.alias == alias else { return nil }
    }

    private init(pool: String, displayName: String?, guid: AdapterGUID, queueCount: Int) {
        self.pool = pool
        self.displayName = displayName
        self.guid = guid
        self.queueCount = queueCount
    }

    /// The same adapter under another name.
    func renamed(_ name: String) -> AdapterIdentity {
        AdapterIdentity(pool: pool, name: name, guid: guid, queueCount: queueCount)
    }

    /// An interface name for an adapter whose own name can't be one: what is left of the name in plain letters and digits, and
    /// some of the GUID, so that equal names differ.
    /// - Parameter attempt: another one each time, for when the name is taken.
    func derivedInterfaceName(attempt: Int) -> String {
        guard let displayName else { return "" }
        let plain = displayName.lowercased().utf8.filter { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let stem = plain.isEmpty ? "tun" : String(decoding: plain.prefix(10), as: UTF8.self)
        let digits = String((guid.low ^ guid.high &+ UInt64(attempt) &* 0x9e37_79b9) & 0xffff | 0x1_0000, radix: 16).dropFirst()
        return "\(stem)-\(digits)"
    }
}
