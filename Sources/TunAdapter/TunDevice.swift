internal import LinuxSystem

/// An attached TUN queue, set up for a session: which header stands before its packets, and which offloads the kernel agreed to.
struct TunDevice: ~Copyable {
    /// What 6.2 and later kernels do (TUN_F_* 0x6f): TCP and UDP segmentation.
    private static let allOffloads: TunDescriptor.Offload = [
        .checksum, .tcp4Segmentation, .tcp6Segmentation, .tcpECN, .udp4Segmentation, .udp6Segmentation,
    ]
    /// What every kernel does (0x0f): TCP segmentation.
    private static let tcpOffloads: TunDescriptor.Offload = [.checksum, .tcp4Segmentation, .tcp6Segmentation, .tcpECN]

    let tun: TunDescriptor
    /// The interface's name when the queue was attached.
    let interface: String
    /// Whether a ``VirtioNetHeader`` stands before every packet, read and written.
    let hasVirtioHeader: Bool
    /// The offloads that are on; empty without the header.
    let offload: TunDescriptor.Offload

    /// Takes over a queue that is attached, and agrees on offloads with the kernel: all, else TCP's, else none.
    ///
    /// An earlier holder's header size and offloads stay with a persistent interface, so they are set in every case.
    /// - Throws: EBADFD if the queue isn't attached, or its interface is gone.
    init(attached tun: consuming TunDescriptor, offload wanted: Bool) throws(SystemError) {
        let (interface, flags) = try tun.attachment()
        let hasVirtioHeader = flags.contains(.virtioNetHeader)
        if hasVirtioHeader { try tun.setVirtioNetHeaderSize(Int32(VirtioNetHeader.size)) }
        var agreed: TunDescriptor.Offload = []
        if wanted && hasVirtioHeader {
            for candidate in [Self.allOffloads, Self.tcpOffloads] where agreed.isEmpty {
                if (try? tun.setOffload(candidate)) != nil { agreed = candidate }
            }
        }
        if agreed.isEmpty { try tun.setOffload([]) }
        self.init(tun: tun, interface: interface, hasVirtioHeader: hasVirtioHeader, offload: agreed)
    }

    private init(tun: consuming TunDescriptor, interface: String, hasVirtioHeader: Bool, offload: TunDescriptor.Offload) {
        self.tun = tun
        self.interface = interface
        self.hasVirtioHeader = hasVirtioHeader
        self.offload = offload
    }

    /// The same queue once more.
    func duplicate() throws(SystemError) -> TunDevice {
        TunDevice(tun: try tun.duplicate(), interface: interface, hasVirtioHeader: hasVirtioHeader, offload: offload)
    }
}
