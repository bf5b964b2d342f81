internal import CLinuxShims
internal import Glibc

/// An open `/dev/net/tun`: one queue of a TUN interface once it is attached. Source: the kernel's Documentation/networking/tuntap.rst.
///
/// The interface belongs to the network namespace in which the descriptor was *opened*.
public struct TunDescriptor: ~Copyable, Sendable {
    /// How a queue is attached (IFF_… of linux/if_tun.h).
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// IP packets, without an Ethernet header.
        public static let tun = Flags(rawValue: 0x0001)
        /// No four bytes of flags and protocol before each packet.
        public static let noPacketInformation = Flags(rawValue: 0x1000)
        /// Several descriptors may attach, each a queue; fixed when the interface is made.
        public static let multiQueue = Flags(rawValue: 0x0100)
        /// A `virtio_net_hdr` of 10 bytes before each packet: what segmentation offload needs.
        public static let virtioNetHeader = Flags(rawValue: 0x4000)
        /// Only reported: the interface outlives its descriptors.
        public static let persistent = Flags(rawValue: 0x0800)
        /// Fail with EBUSY where the interface exists instead of attaching to it.
        public static let exclusive = Flags(rawValue: 0x8000)
    }

    /// What the kernel may hand over, or be handed, unfinished (TUN_F_… of linux/if_tun.h).
    public struct Offload: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Checksums of TCP and UDP that are only begun; all others need it.
        public static let checksum = Offload(rawValue: 0x01)
        /// TCP super-packets of IPv4.
        public static let tcp4Segmentation = Offload(rawValue: 0x02)
        /// TCP super-packets of IPv6.
        public static let tcp6Segmentation = Offload(rawValue: 0x04)
        /// TCP super-packets whose first segment alone says CWR.
        public static let tcpECN = Offload(rawValue: 0x08)
        /// UDP super-packets of IPv4; from Linux 6.2 on.
        public static let udp4Segmentation = Offload(rawValue: 0x20)
        /// UDP super-packets of IPv6; from Linux 6.2 on.
        public static let udp6Segmentation = Offload(rawValue: 0x40)
    }

    /// The path that every error names.
    public static let path = "/dev/net/tun"

    /// The descriptor itself: reading gives one packet, writing takes one.
    public let descriptor: FileDescriptor

    /// Opens the device, non-blocking, attached to nothing yet.
    /// - Throws: ENOENT without the device, EACCES without permission for it, ENXIO or ENODEV without the driver.
    public init() throws(SystemError) {
        descriptor = try FileDescriptor.open(Self.path, flags: O_RDWR | O_NONBLOCK)
    }

    /// Takes over a descriptor that is open, and perhaps attached, already.
    public init(owning descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Attaches to the interface `name`, or makes it if there is none. A made one is gone with its last descriptor.
    /// - Returns: the interface's name, chosen by the kernel where `name` is empty or has a `%d`.
    /// - Throws: EPERM without CAP_NET_ADMIN (or ownership); EBUSY while another descriptor is attached to a single-queue interface,
    ///   or with `.exclusive` where it exists; EINVAL where it is of another kind or queue mode.
    public func attach(name: String, flags: Flags) throws(SystemError) -> String {
        var attached: String?
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: InterfaceName.size) { buffer in
            // SAFETY: the buffer holds 16 bytes, zeroed, of which at most 15 are filled: always terminated.
            unsafe buffer.initialize(repeating: 0)
            for (i, byte) in name.utf8.prefix(InterfaceName.maximumLength).enumerated() { unsafe buffer[i] = CChar(bitPattern: byte) }
            guard unsafe clinux_tun_attach(descriptor.rawValue, buffer.baseAddress, flags.rawValue) == 0 else { return }
            unsafe attached = String(cString: buffer.baseAddress!)
        }
        guard let attached else { throw SystemError(operation: "TUNSETIFF", subject: name) }
        return attached
    }

    /// Whether `number` is an open descriptor of the TUN driver that is attached to an interface.
    public static func isAttachedQueue(_ number: Int32) -> Bool {
        var status = stat()
        // The driver's device number, always: others give the request a meaning of their own.
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFCHR, status.st_rdev == 10 << 8 | 200 else { return false }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: InterfaceName.size) { name in
            // SAFETY: the kernel fills 16 bytes.
            var flags: UInt16 = 0
            return unsafe clinux_tun_interface(number, name.baseAddress, &flags) == 0
        }
    }

    /// The interface this descriptor is attached to and how; its name follows renames. `noPacketInformation` says nothing here: the driver
    /// reports with the same bit (IFF_NOFILTER) that no filter is attached.
    /// - Throws: EBADFD when it is attached to none, or when that was deleted.
    public func attachment() throws(SystemError) -> (name: String, flags: Flags) {
        var found: (String, Flags)?
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: InterfaceName.size) { buffer in
            // SAFETY: the kernel fills 16 bytes with a terminated name.
            unsafe buffer.initialize(repeating: 0)
            var flags: UInt16 = 0
            guard unsafe clinux_tun_interface(descriptor.rawValue, buffer.baseAddress, &flags) == 0 else { return }
            unsafe found = (String(cString: buffer.baseAddress!), Flags(rawValue: flags))
        }
        guard let found else { throw SystemError(operation: "TUNGETIFF", subject: Self.path) }
        return found
    }

    /// Whether the interface outlives its descriptors.
    public func setPersistent(_ persistent: Bool) throws(SystemError) {
        try check(clinux_tun_set_persistent(descriptor.rawValue, persistent ? 1 : 0), "TUNSETPERSIST")
    }

    /// The user who may attach without CAP_NET_ADMIN.
    public func setOwner(_ user: UInt32) throws(SystemError) {
        try check(clinux_tun_set_owner(descriptor.rawValue, user), "TUNSETOWNER")
    }

    /// The group whose members may attach without CAP_NET_ADMIN.
    public func setGroup(_ group: UInt32) throws(SystemError) {
        try check(clinux_tun_set_group(descriptor.rawValue, group), "TUNSETGROUP")
    }

    /// What the kernel may leave unfinished for this reader. It succeeds without `virtioNetHeader` too, and means nothing then.
    /// - Throws: EINVAL for what this kernel can't: segmentation without `checksum`, UDP segmentation before 6.2.
    public func setOffload(_ offload: Offload) throws(SystemError) {
        try check(clinux_tun_set_offload(descriptor.rawValue, offload.rawValue), "TUNSETOFFLOAD")
    }

    /// The size of the virtio header, at least 10.
    public func setVirtioNetHeaderSize(_ size: Int32) throws(SystemError) {
        try check(clinux_tun_set_header_size(descriptor.rawValue, size), "TUNSETVNETHDRSZ")
    }

    /// The flags that this driver knows.
    public func features() throws(SystemError) -> Flags {
        var features: UInt32 = 0
        try check(unsafe clinux_tun_features(descriptor.rawValue, &features), "TUNGETFEATURES")
        return Flags(rawValue: UInt16(truncatingIfNeeded: features))
    }

    /// Another descriptor of the same queue.
    public func duplicate() throws(SystemError) -> TunDescriptor {
        TunDescriptor(owning: try descriptor.duplicate())
    }

    /// The network namespace of its interface.
    /// - Throws: EPERM without CAP_NET_ADMIN there.
    public func namespace() throws(SystemError) -> NetworkNamespace.Identity {
        let number = clinux_tun_namespace(descriptor.rawValue)
        guard number >= 0 else { throw SystemError(operation: "SIOCGSKNS", subject: Self.path) }
        return try NetworkNamespace(owning: FileDescriptor(owning: number)).identity
    }

    /// Whether it is attached to an interface that is there.
    public var isAttached: Bool { (try? attachment()) != nil }

    /// Gives up the descriptor to the caller.
    public consuming func takeDescriptor() -> FileDescriptor { descriptor }

    private func check(_ result: Int32, _ operation: String) throws(SystemError) {
        guard result >= 0 else { throw SystemError(operation: operation, subject: Self.path) }
    }
}
