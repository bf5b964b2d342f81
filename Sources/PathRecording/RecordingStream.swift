public import WireGuardCrypto

/// A recording as a stream of bytes: what goes over the control socket, and what may be kept in a file. All numbers are little-endian.
///
/// ```
/// stream  "WGLR", version (1 byte: 1), 3 zero bytes, frames
/// frame   length (4 bytes) of what follows, kind (1 byte), fields
/// field   tag (1 byte), length (a base-128 number: seven bits a byte, lowest first, the top bit says that more follow), value
/// kinds   1 header, 2 packet, 3 lost, 4 secret, 5 end
/// ```
///
/// The header comes first and the end last. Frames of unknown kinds and fields of unknown tags are passed over, so that later versions can
/// say more; a field that is absent has no value. The tags stand with their frames in ``RecordingFrame``.
public enum RecordingStream {
    /// How every stream begins.
    public static let preamble: [UInt8] = Array("WGLR".utf8) + [version, 0, 0, 0]
    /// The version that is written, and the only one that is read.
    public static let version: UInt8 = 1
    /// The longest frame: two of the largest packets and what was noted of them.
    public static let longestFrame = 0x2_4000

    /// Why bytes are no recording.
    public enum Failure: Error, Hashable, Sendable {
        /// It doesn't begin like one.
        case preamble
        /// It is of another version.
        case version(UInt8)
        /// A frame is longer than ``longestFrame``, or empty.
        case frameLength(Int)
        /// A frame's fields don't fill it, or one has an impossible value.
        case field(kind: UInt8, tag: UInt8)
    }
}

/// A piece of a recording.
public enum RecordingFrame: Sendable, Hashable {
    /// What comes first, once.
    case header(RecordingHeader)
    /// One packet that met the filter, when its way had ended or it began to wait.
    case packet(PacketRecord)
    /// So many packets that should have been recorded found no room since the last such frame.
    case lost(UInt64)
    /// A key, if keys were asked for.
    case secret(RecordingSecret)
    /// It ends, and why: nothing for a count that was reached.
    case end(String)

    enum Kind {
        static let header: UInt8 = 1
        static let packet: UInt8 = 2
        static let lost: UInt8 = 3
        static let secret: UInt8 = 4
        static let end: UInt8 = 5
        static let known = header...end
    }
}

/// What a recording is of.
public struct RecordingHeader: Sendable, Hashable {
    /// Tag 1: the interface's name.
    public var interface: String
    /// Tag 2, 8 bytes: when it began, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
    /// Tag 3, 32 bytes: our public key; nil without one.
    public var publicKey: PublicKey?
    /// Tag 4, 2 bytes: the MTU of the interface.
    public var mtu: UInt16 = 0
    /// Tag 5: what was asked for, as ``RecordingRequest`` writes it.
    public var request = RecordingRequest()

    public init(interface: String, unixNanoseconds: UInt64) {
        self.interface = interface
        self.unixNanoseconds = unixNanoseconds
    }
}

/// A key of a session, told only if it was asked for; it comes before the packets that need it.
public struct RecordingSecret: Sendable, Hashable {
    /// What it is, in the words of Wireshark's key log.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// Ours.
        case localStaticPrivateKey = 1
        case remoteStaticPublicKey = 2
        /// The one that we made for this handshake.
        case localEphemeralPrivateKey = 3
        /// Told only if there is one: zeros are none.
        case presharedKey = 4

        /// As a key log has it.
        public var name: String {
            switch self {
            case .localStaticPrivateKey: "LOCAL_STATIC_PRIVATE_KEY"
            case .remoteStaticPublicKey: "REMOTE_STATIC_PUBLIC_KEY"
            case .localEphemeralPrivateKey: "LOCAL_EPHEMERAL_PRIVATE_KEY"
            case .presharedKey: "PRESHARED_KEY"
            }
        }
    }

    /// Tag 1, 1 byte.
    public var kind: Kind
    /// Tag 2: 32 bytes, wiped with the last copy.
    private let key: Key

    public init(_ kind: Kind, bytes: [UInt8]) {
        self = unsafe bytes.withUnsafeBytes { unsafe RecordingSecret(kind, copying: $0) }
    }

    /// With a copy of `key`, of 96 bytes at most.
    public init(_ kind: Kind, copying key: UnsafeRawBufferPointer) {
        self.kind = kind
        self.key = unsafe Key(key)
    }

    /// Calls `body` with the key's bytes.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe body(key.bytes)
    }

    public static func == (a: RecordingSecret, b: RecordingSecret) -> Bool {
        unsafe a.kind == b.kind && a.key.bytes.elementsEqual(b.key.bytes)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        unsafe hasher.combine(bytes: key.bytes)
    }

    @safe private final class Key: Sendable {
        // SAFETY: written in `init`, before anybody else has it, and given back in `deinit`.
        nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

        init(_ key: UnsafeRawBufferPointer) {
            let memory = unsafe KeyMemory.allocate(byteCount: max(1, key.count))
            if let source = key.baseAddress { unsafe memory.copyMemory(from: source, byteCount: key.count) }
            unsafe bytes = UnsafeRawBufferPointer(start: memory, count: key.count)
        }

        deinit {
            unsafe KeyMemory.deallocate(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), byteCount: max(1, bytes.count))
        }
    }
}
