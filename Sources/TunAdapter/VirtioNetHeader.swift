/// What stands before every packet of a TUN queue with IFF_VNET_HDR: how to complete the checksum, and how a super-packet is cut.
///
/// 10 bytes, fields in the machine's byte order. Source: virtio 1.2 section 5.1.6, `struct virtio_net_hdr` in <linux/virtio_net.h>.
struct VirtioNetHeader: Hashable {
    /// Its size on the queue, the kernel's default (TUNSETVNETHDRSZ).
    static let size = 10
    /// The flag that the checksum field holds the pseudo-header's sum only (VIRTIO_NET_HDR_F_NEEDS_CSUM).
    static let needsChecksum: UInt8 = 1

    /// How a super-packet is segmented (VIRTIO_NET_HDR_GSO_*).
    enum Segmentation {
        static let none: UInt8 = 0
        static let tcp4: UInt8 = 1
        static let tcp6: UInt8 = 4
        static let udp: UInt8 = 5
        /// A bit beside the TCP types: the first segment carries CWR.
        static let ecn: UInt8 = 0x80
    }

    var flags: UInt8 = 0
    var segmentation: UInt8 = Segmentation.none
    /// The headers' bytes: a hint only.
    var headerLength: UInt16 = 0
    /// The payload of each segment but the last.
    var segmentSize: UInt16 = 0
    /// Where the checksummed part begins, from the packet's first byte.
    var checksumStart: UInt16 = 0
    /// Where in it the checksum field is.
    var checksumOffset: UInt16 = 0

    /// The header of a whole packet with its checksum in place.
    init() {}

    /// The header at `bytes`, ``size`` of them.
    init(bytes: UnsafeRawPointer) {
        // SAFETY: the caller vouches for `size` bytes.
        unsafe flags = bytes.load(fromByteOffset: 0, as: UInt8.self)
        unsafe segmentation = bytes.load(fromByteOffset: 1, as: UInt8.self)
        unsafe headerLength = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        unsafe segmentSize = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        unsafe checksumStart = bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        unsafe checksumOffset = bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
    }

    /// Stores ``size`` bytes at `bytes`.
    func write(to bytes: UnsafeMutableRawPointer) {
        // SAFETY: the caller vouches for `size` bytes.
        unsafe bytes.storeBytes(of: flags, toByteOffset: 0, as: UInt8.self)
        unsafe bytes.storeBytes(of: segmentation, toByteOffset: 1, as: UInt8.self)
        unsafe bytes.storeBytes(of: headerLength, toByteOffset: 2, as: UInt16.self)
        unsafe bytes.storeBytes(of: segmentSize, toByteOffset: 4, as: UInt16.self)
        unsafe bytes.storeBytes(of: checksumStart, toByteOffset: 6, as: UInt16.self)
        unsafe bytes.storeBytes(of: checksumOffset, toByteOffset: 8, as: UInt16.self)
    }
}
