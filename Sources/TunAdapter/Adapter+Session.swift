internal import Glibc
public import LinuxSystem
import Synchronization

extension Adapter {
    /// Starts the adapter's session.
    ///
    /// An adapter has one session at a time, of all processes together. The interface should be up (``bringUp(mtu:)``) for packets to flow.
    /// Unless it is this handle's, a session or descriptor that is in the way gets a quarter of a second to go: one that is closed stays
    /// open while a child process, on its way from fork(2) to execve(2), has a copy.
    /// - Throws: `invalidParameter` for options out of their limits; `busy` while the adapter has a session, here or elsewhere;
    ///   `handleEndOfFile` when the adapter is gone; `accessDenied` without the privilege or ownership.
    public func startSession(_ options: SessionOptions = SessionOptions()) throws(AdapterError) -> Session {
        try options.validate()
        return try withStateWhenFree { state throws(AdapterError) in
            if let session = state.session.session, !session.hasEnded {
                throw AdapterError(
                    .busy, "adapter \(state.identity.name(interfaceName: state.interfaceName)) has a session in this process already",
                    remedy: "end it first")
            }
            let link = try Self.refresh(&state, interfaceIndex)
            // A lock of its own only where the driver doesn't refuse a second descriptor; it goes with the session.
            let lock = try queueCount > 1 ? SessionLock(takeLock(state.interfaceName)) : nil
            let device: TunDevice
            do {
                let descriptor = try state.device?.duplicate() ?? lent(link.name, &state) ?? attach(link.name, &state)
                device = try TunDevice(attached: descriptor, offload: options.offload)
            } catch let error as AdapterError {
                throw error
            } catch let error as SystemError {
                // EBADFD: the interface went a moment ago.
                throw error.errno == EBADFD ? .gone(link.name) : .attaching(error, link.name)
            } catch {
                throw AdapterError(.system, "adapter \(link.name): \(error)")
            }
            let session = try Session(device: device, options: options, onEnd: { lock?.release() })
            state.session.session = session
            state.log(.info, "session of \(link.name) started: two rings of \(options.capacity) bytes")
            return session
        }
    }

    /// Starts the adapter's session with rings of `capacity` bytes, a power of two from 0x20000 to 0x4000000; see ``startSession(_:)``.
    public func startSession(capacity: Int) throws(AdapterError) -> Session {
        try startSession(SessionOptions(capacity: capacity))
    }

    /// A descriptor of the adapter's TUN queue, for what this library doesn't do; it is the caller's.
    ///
    /// While a session runs in this process, or for the handle that made a transient adapter, it is a duplicate of that queue: it takes
    /// packets away from the session. Otherwise a queue is attached anew, and as long as the caller keeps it the sessions of other handles and
    /// processes are refused as `busy` (of an adapter with several queues: only when all are attached); this handle's session shares
    /// it. Reads and writes have a `virtio_net_hdr` of 10 bytes before the packet; `TunDescriptor.attachment()` tells.
    /// - Throws: as ``startSession(_:)``.
    public func openDeviceObject() throws(AdapterError) -> TunDescriptor {
        try withStateWhenFree { state throws(AdapterError) in
            let link = try Self.refresh(&state, interfaceIndex)
            do {
                if queueCount == 1 {
                    if let session = state.session.session, let duplicate = try session.duplicateDevice() {
                        state.lent = duplicate.descriptor.rawValue
                        return duplicate
                    }
                    if state.device != nil { return try state.device!.duplicate() }
                    if let lent = try lent(link.name, &state) { return lent }
                } else if let attached = link.tun?.queueCount, attached >= queueCount {
                    throw AdapterError(.busy, "adapter \(link.name): all of its \(queueCount) queues are attached")
                }
            } catch let error as AdapterError {
                throw error
            } catch {
                throw AdapterError(.outOfMemory, "adapter \(link.name): \(error)")
            }
            let device = try attach(link.name, &state)
            if queueCount == 1 { state.lent = device.descriptor.rawValue }
            return device
        }
    }

    /// A duplicate of the only queue, where the caller still has it from ``openDeviceObject()``: the kernel gives it to nobody else meanwhile.
    /// - Throws: what keeps a descriptor that is open from being duplicated; the next call may find it.
    private func lent(_ interface: String, _ state: inout State) throws(SystemError) -> TunDescriptor? {
        guard let number = state.lent else { return nil }
        let copy: FileDescriptor
        do throws(SystemError) {
            copy = try .duplicate(of: number)
        } catch {
            guard error.errno == EBADF else { throw error }
            state.lent = nil
            return nil
        }
        state.lent = nil
        let device = TunDescriptor(owning: copy)
        // The number can mean another file by now, even a queue of another namespace.
        guard let (name, flags) = try? device.attachment(), name.isExactly(interface), !flags.contains(.multiQueue),
            (try? device.namespace()) ?? namespace == namespace
        else { return nil }
        state.lent = number
        return device
    }

    /// Attaches a new descriptor to the interface, and makes sure that it is this one.
    func attach(_ interface: String, _ state: inout State) throws(AdapterError) -> TunDescriptor {
        let flags = Self.flags(queueCount: queueCount)
        let device = try inNamespace(interface) { () throws(AdapterError) in
            let device = try Self.openDevice()
            do throws(SystemError) {
                _ = try device.attach(name: interface, flags: flags)
                // Of a persistent interface an earlier holder's stays.
                try device.setVirtioNetHeaderSize(Int32(VirtioNetHeader.size))
            } catch {
                throw .attaching(error, interface)
            }
            return device
        }
        let attached: LinkInfo?
        do {
            attached = try state.netlink.link(named: interface)
        } catch {
            throw .attaching(error, interface)
        }
        guard attached?.index == interfaceIndex else {
            // The interface went a moment ago, or has another name: the driver made a new one, which goes again with this descriptor.
            _ = try Self.refresh(&state, interfaceIndex)
            throw AdapterError(.busy, "adapter \(interface) is being renamed", remedy: "try again")
        }
        return device
    }

    /// - Throws: `busy` while another session, of any process, has it.
    func takeLock(_ interface: String) throws(AdapterError) -> NamespaceLock {
        let guid = guid
        return try inNamespace(interface) { () throws(AdapterError) in
            do throws(SystemError) {
                return try NamespaceLock("tunadapter session \(guid)")
            } catch {
                guard error.isAddressInUse else { throw .attaching(error, interface) }
                throw AdapterError(
                    .busy, "adapter \(interface): another process has a session",
                    remedy: "end that session, or delete the adapter with force")
            }
        }
    }
}
