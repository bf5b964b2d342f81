public import LinuxSystem

extension Session {
    /// Starts a session on a TUN queue that somebody else attached and handed over; the interface stays whose it is.
    ///
    /// Offload needs a queue that was attached with `virtioNetHeader`.
    /// - Throws: `invalidParameter` for options out of their limits, or a descriptor that is no attached TUN queue; `outOfMemory`
    ///   without memory or descriptors.
    public static func start(attached queue: consuming TunDescriptor, _ options: SessionOptions = SessionOptions()) throws(AdapterError)
        -> Session
    {
        try options.validate()
        let device: TunDevice
        do throws(SystemError) {
            try queue.descriptor.setNonBlocking()
            device = try TunDevice(attached: queue, offload: options.offload)
        } catch {
            throw AdapterError(.invalidParameter, "a descriptor that was handed over is no attached TUN queue: \(error)")
        }
        return try Session(device: device, options: options)
    }
}
