public import NetworkTypes
public import TunnelCore
public import WireGuardCrypto

/// What the stages noted of one packet on its way: flat memory, so that noting costs no allocation and no reference count.
///
/// Numbers of turns, super-packets and super-datagrams only tell one from the next; they start anywhere and may wrap.
public struct PacketNotes: Sendable, Hashable {
    /// What kind of datagram it is or was in.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// A data message that carries a packet, one that carries none, the messages of a handshake, and the cookie reply.
        case data, keepalive, initiation, response, cookie
        /// None of WireGuard's.
        case unknown
    }

    /// What became of it.
    public enum Fate: UInt8, Sendable, Hashable, CaseIterable {
        /// Handed to the kernel: as a datagram on the way out, as a packet on the way in.
        case forwarded
        /// There was nothing to hand on: a keepalive, or a handshake message that was heeded.
        case consumed
        /// It waits for a session, and is recorded again when it leaves.
        case waiting
        /// See ``PacketNotes/drop``.
        case dropped
    }

    /// A part of something larger: the `index`th of `count`, from 0.
    public struct Part: Sendable, Hashable {
        /// Of the super-packet or super-datagram.
        public var number: UInt32
        public var index: UInt16
        /// How many parts it had; of a super-packet that is cut over two turns, those so far.
        public var count: UInt16

        public init(number: UInt32, index: Int, count: Int) {
            self.number = number
            self.index = UInt16(clamping: index)
            self.count = UInt16(clamping: count)
        }
    }

    /// The session's side of a data message, as it stands in its header.
    public struct Session: Sendable, Hashable {
        /// Names the session at its receiver.
        public var receiverIndex: UInt32
        /// The message's number in it.
        public var counter: UInt64

        public init(receiverIndex: UInt32, counter: UInt64) {
            self.receiverIndex = receiverIndex
            self.counter = counter
        }
    }

    /// Who did the cipher's work.
    public struct Worker: Sendable, Hashable {
        /// Which library.
        public var library: Library
        /// 0: the packet thread itself; else a helper's number.
        public var thread: UInt8

        public enum Library: UInt8, Sendable, Hashable, CaseIterable {
            case libsodium, libipsecMB

            /// Its name.
            public var name: String { self == .libsodium ? "libsodium" : "libipsec-mb" }
        }

        public init(library: Library, thread: Int) {
            self.library = library
            self.thread = UInt8(clamping: thread)
        }
    }

    public var direction: PathDirection
    public var kind: Kind
    public var fate: Fate
    /// Why it was dropped; nil if it wasn't.
    public var drop: DropReason?

    // MARK: The turn

    /// When its turn began, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
    /// Which turn of its way it went with.
    public var turn: UInt32 = 0
    /// Packets that went with it.
    public var batchCount: UInt16 = 0
    /// Where it stood among them as it was read or received, from 0.
    public var position: UInt16 = 0
    /// When each stage of its turn had ended.
    public var stages = StageTimes()

    // MARK: The packet

    /// Bytes of the inner packet, padding left out; 0 where there is none, or none was seen.
    public var packetLength: UInt32 = 0
    /// Out: the super-packet of the TUN device that it was cut from. In: the one that it was merged into, or itself alone.
    public var superPacket: Part?
    /// Out: where it stood after arranging, from 0.
    public var place: UInt16?
    /// Out: it had waited for a session.
    public var hasWaited = false

    // MARK: The peer and the session

    /// Nil where nobody knows, as of datagrams that nobody could open.
    public var peer: PublicKey?
    /// The entry that decided: out, the destination's; in, the source's.
    public var allowedIP: IPPrefix?
    /// Of data and keepalives; nil where it was dropped before it had one.
    public var session: Session?
    /// Who sealed or opened it; nil if nobody did.
    public var worker: Worker?

    // MARK: The datagram

    /// Bytes of the UDP payload; 0 if there was none.
    public var datagramLength: UInt32 = 0
    /// The super-datagram that it left or came in.
    public var superDatagram: Part?
    /// Out: the kernel refused the super-datagram, and its datagrams went one by one.
    public var leftAlone = false
    /// The other end of the datagram's way.
    public var remote: Endpoint?
    /// Our address on that way; nil where the kernel chooses one.
    public var local: EndpointSource?
    /// Our UDP port.
    public var localPort: UInt16 = 0
    /// Of the outer header, ECN included.
    public var trafficClass: UInt8 = 0
    /// In: its peer was elsewhere before, and is followed there.
    public var moved = false
    /// What the kernel said when it was handed over, as in errno(3); 0: it took it.
    public var errno: Int32 = 0

    /// Nothing noted yet.
    @inlinable
    public init(_ direction: PathDirection, _ kind: Kind, _ fate: Fate, unixNanoseconds: UInt64) {
        self.direction = direction
        self.kind = kind
        self.fate = fate
        self.unixNanoseconds = unixNanoseconds
    }

    /// It was dropped.
    @inlinable
    public mutating func drop(for reason: DropReason) {
        drop = reason
        fate = .dropped
    }
}

/// When the stages of a turn ended: nanoseconds from its beginning. A stage that the packet didn't come to has none.
public struct StageTimes: Sendable {
    /// The end of each stage; 0: the packet didn't come so far.
    public var ends = InlineArray<6, UInt32>(repeating: 0)

    @inlinable
    public init() {}

    /// How long stage number `stage` took; nil if the packet didn't come to it.
    public func duration(of stage: Int) -> Interval? {
        guard ends[stage] > 0 else { return nil }
        let before = stage == 0 ? 0 : (0..<stage).map { ends[$0] }.max() ?? 0
        return Interval(nanoseconds: UInt64(ends[stage] > before ? ends[stage] - before : 0))
    }

    /// The last stage that the packet came to; nil if none was noted.
    public var last: Int? { ends.indices.last { ends[$0] > 0 } }
}

extension StageTimes: Hashable {
    public static func == (a: StageTimes, b: StageTimes) -> Bool {
        a.ends.indices.allSatisfy { a.ends[$0] == b.ends[$0] }
    }

    public func hash(into hasher: inout Hasher) {
        for stage in ends.indices { hasher.combine(ends[stage]) }
    }
}
