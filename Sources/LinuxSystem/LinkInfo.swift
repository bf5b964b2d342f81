internal import CLinuxShims
internal import Glibc

/// A network interface as the kernel reports it.
public struct LinkInfo: Hashable, Sendable {
    /// What the TUN driver says of an interface of its own.
    public struct Tun: Hashable, Sendable {
        /// It outlives its descriptors.
        public var isPersistent = false
        /// IFF_MULTI_QUEUE: more than one descriptor may be attached.
        public var isMultiQueue = false
        /// IP packets; false: Ethernet frames (TAP).
        public var isTun = false
        /// Attached descriptors; known only of multi-queue interfaces, see ``LinkInfo/hasCarrier`` for the others.
        public var queueCount: UInt32?
        /// Descriptors whose queue is switched off, and can be switched on again; known as ``queueCount``.
        public var disabledQueueCount: UInt32?
        /// Who may attach without CAP_NET_ADMIN.
        public var owner: UInt32?
        /// The group whose members may attach without CAP_NET_ADMIN.
        public var group: UInt32?
    }

    /// The interface index: unique in its namespace while it lives.
    public var index: UInt32
    /// At most 15 bytes.
    public var name: String
    /// Others that it goes by, up to 127 bytes each.
    public var alternativeNames: [String] = []
    /// Free text of up to 255 bytes that the kernel keeps with the interface.
    public var alias: String?
    /// Bytes of an IP packet.
    public var mtu: UInt32 = 0
    /// IFF_… bits.
    public var flags: UInt32
    /// Set administratively up.
    public var isUp: Bool { flags & 0x1 != 0 }
    /// Up, and with carrier.
    public var isRunning: Bool { flags & 0x40 != 0 }
    public var isLoopback: Bool { flags & 0x8 != 0 }
    /// Something is attached at the other side; of a TUN interface: a descriptor.
    public var hasCarrier = false
    /// The driver's kind (`tun`, `veth`, …); nil for hardware and loopback.
    public var kind: String?
    /// Packets that may queue towards the driver.
    public var transmitQueueLength: UInt32 = 0
    /// Only where ``kind`` is `tun`.
    public var tun: Tun?

    /// - Returns: nil where `message` isn't about a link.
    init?(_ message: NetlinkMessage) {
        guard let part = message.fixedPart(as: ifinfomsg.self), part.ifi_family == UInt8(AF_UNSPEC), part.ifi_index > 0
        else { return nil }
        index = UInt32(part.ifi_index)
        flags = part.ifi_flags
        let attributes = message.attributes(after: MemoryLayout<ifinfomsg>.size)
        guard let name = attributes[Int(IFLA_IFNAME)]?.string else { return nil }
        self.name = name
        alias = attributes[Int(IFLA_IFALIAS)]?.string
        mtu = attributes[Int(IFLA_MTU)]?.uint32 ?? 0
        hasCarrier = attributes[Int(IFLA_CARRIER)]?.uint8 == 1
        transmitQueueLength = attributes[Int(IFLA_TXQLEN)]?.uint32 ?? 0
        if let info = attributes[Int(IFLA_LINKINFO)]?.nested {
            kind = info[Int(IFLA_INFO_KIND)]?.string
            if kind == "tun" { tun = Tun(info[Int(IFLA_INFO_DATA)]?.nested) }
        }
        var names: [String] = []
        attributes[Int(IFLA_PROP_LIST)]?.nested.visit { type, value in
            if type == Int(IFLA_ALT_IFNAME) { names.append(value.string) }
        }
        alternativeNames = names
    }
}

extension LinkInfo.Tun {
    init(_ data: NetlinkAttributes?) {
        guard let data else { return }
        isPersistent = data[Int(IFLA_TUN_PERSIST)]?.uint8 == 1
        isMultiQueue = data[Int(IFLA_TUN_MULTI_QUEUE)]?.uint8 == 1
        isTun = data[Int(IFLA_TUN_TYPE)]?.uint8 == 1
        queueCount = data[Int(IFLA_TUN_NUM_QUEUES)]?.uint32
        disabledQueueCount = data[Int(IFLA_TUN_NUM_DISABLED_QUEUES)]?.uint32
        owner = data[Int(IFLA_TUN_OWNER)]?.uint32
        group = data[Int(IFLA_TUN_GROUP)]?.uint32
    }
}

/// What to change of a link; nil leaves as it is.
public struct LinkChange: Hashable, Sendable {
    public var isUp: Bool?
    public var mtu: UInt32?
    public var name: String?
    /// At most 255 bytes; empty removes it.
    public var alias: String?
    /// Packets that wait for the driver at most.
    public var transmitQueueLength: UInt32?
    /// An open descriptor of the network namespace to move the link to.
    public var namespaceDescriptor: Int32?
    /// Whether the link makes itself an IPv6 link-local address when it comes up.
    public var makesLinkLocalAddress: Bool?
    /// Whether others of a network's IPv4 addresses stay when its first goes.
    public var keepsSecondaryAddresses: Bool?

    public init(
        isUp: Bool? = nil, mtu: UInt32? = nil, name: String? = nil, alias: String? = nil, transmitQueueLength: UInt32? = nil,
        namespaceDescriptor: Int32? = nil, makesLinkLocalAddress: Bool? = nil, keepsSecondaryAddresses: Bool? = nil
    ) {
        self.isUp = isUp
        self.mtu = mtu
        self.name = name
        self.alias = alias
        self.transmitQueueLength = transmitQueueLength
        self.namespaceDescriptor = namespaceDescriptor
        self.makesLinkLocalAddress = makesLinkLocalAddress
        self.keepsSecondaryAddresses = keepsSecondaryAddresses
    }
}
