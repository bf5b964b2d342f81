public import LinuxSystem

extension Session {
    /// Starts a session on a TUN queue that somebody else attached and handed over; the interface stays whose it is.
    ///
    /// It must have been attached with `noPacketInformation`, which nobody can ask it for afterwards. Offload needs `virtioNetHeader`.
    /// - Throws: `invalidParameter` for options out of their limits, or a descriptor that is no attached TUN queue, one of a TAP interface
    ///   included; `outOfMemory` without memory or descriptors.
    public static func start(attached queue: consuming TunDescriptor, _ options: SessionOptions = SessionOptions()) throws(AdapterError)
        -> Session
    {
        try options.validate()
        let (interface, flags): (String, TunDescriptor.Flags)
        do throws(SystemError) {
            (interface, flags) = try queue.attachment()
        } catch {
            throw .handedOver(error)
        }
        guard flags.contains(.tun) else {
            throw AdapterError(
                .invalidParameter, "a queue that was handed over is the TAP interface \(interface)'s: its packets are Ethernet frames",
                remedy: "attach it with IFF_TUN | IFF_NO_PI, and IFF_VNET_HDR for offload")
        }
        let device: TunDevice
        do throws(SystemError) {
            try queue.descriptor.setNonBlocking()
            device = try TunDevice(attached: queue, offload: options.offload)
        } catch {
            throw .handedOver(error)
        }
        return try Session(device: device, options: options)
    }

    /// The same on a duplicate of the descriptor `number`, which stays the caller's.
    package static func start(duplicating number: Int32, _ options: SessionOptions) throws(AdapterError) -> Session {
        let copy: FileDescriptor
        do throws(SystemError) {
            copy = try .duplicate(of: number)
        } catch {
            throw .handedOver(error)
        }
        return try start(attached: TunDescriptor(owning: copy), options)
    }
}
