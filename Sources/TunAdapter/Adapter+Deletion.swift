internal import Glibc
internal import LinuxSystem
import Synchronization

extension Adapter {
    /// Deletes the adapter; it is no error when it is gone already.
    ///
    /// Sessions that this cuts off end with `handleEndOfFile`; so do those of other processes when `force` is given.
    /// - Parameter force: delete it even though a session runs, here or in another process.
    /// - Throws: `busy` while a session runs and `force` isn't given, after a quarter of a second as ``startSession(_:)``; `accessDenied`
    ///   without the privilege; `handleEndOfFile` when it was moved to another network namespace and no descriptor of it is at hand here.
    public func delete(force: Bool = false) throws(AdapterError) {
        try withStateWhenFree { state throws(AdapterError) in try delete(force: force, &state) }
    }

    /// Deletes the adapter, or finds it busy, at once.
    func delete(force: Bool, _ state: inout State) throws(AdapterError) {
        do throws(AdapterError) {
            let link = try Self.refresh(&state, interfaceIndex)
            let name = state.identity.name(interfaceName: link.name)
            var claim: Claim?
            if let session = state.session.session, !session.hasEnded {
                guard force else {
                    throw AdapterError(.busy, "adapter \(name) has a session in this process", remedy: "end it, or delete with force")
                }
            } else if !force {
                claim = try self.claim(link, &state)
            }
            do throws(SystemError) {
                try state.netlink.deleteLink(interfaceIndex)
            } catch {
                throw .changing(error, name)
            }
            _ = consume claim
            let identity = state.identity
            state.log(.info, "deleted \(identity.description(name))")
        } catch {
            guard error.code == .handleEndOfFile else { throw error }
            try deleteElsewhere(force: force, &state)
        }
        // Only now: a deletion that was refused leaves the session as it is.
        state.session.session?.end()
        state.device = nil
    }

    /// The interface isn't in its namespace any more: gone by itself, which is what was asked for, or moved to another namespace.
    private func deleteElsewhere(force: Bool, _ state: inout State) throws(AdapterError) {
        let name = state.identity.name(interfaceName: state.interfaceName)
        do throws(SystemError) {
            if let session = state.session.session, let device = try session.duplicateDevice(), (try? device.attachment()) != nil {
                guard force else {
                    throw SystemError(errno: EBUSY, operation: name)
                }
                try device.setPersistent(false)
            } else if let device = state.device?.descriptor.rawValue, try TunDescriptor(owning: .duplicate(of: device)).isAttached {
                // A transient one, which goes with the descriptor.
            } else {
                let others = try state.netlink.neighbours()
                for other in others where isThis(other, isListed: state.identity.isListed, state.interfaceName) {
                    throw SystemError(errno: EXDEV, operation: name)
                }
            }
        } catch {
            switch error.errno {
            case EBUSY:
                throw AdapterError(.busy, "adapter \(name) has a session in this process", remedy: "end it, or delete with force")
            case EXDEV:
                throw AdapterError(
                    .handleEndOfFile, "adapter \(name) was moved to another network namespace", remedy: "delete its interface there")
            default: throw .changing(error, name)
            }
        }
    }

    /// Whether an interface of another namespace is this adapter's. An unlisted one keeps its index and name where they are free.
    private func isThis(_ link: LinkInfo, isListed: Bool, _ interfaceName: String) -> Bool {
        guard link.tun?.isTun == true else { return false }
        if let identity = link.adapterIdentity { return identity.guid == guid }
        return !isListed && link.index == interfaceIndex && link.name.isExactly(interfaceName)
    }

    /// What keeps everybody else from starting a session between the question whether one runs and the deletion.
    private struct Claim: ~Copyable {
        let device: TunDescriptor?
        let lock: NamespaceLock?
    }

    private func claim(_ link: LinkInfo, _ state: inout State) throws(AdapterError) -> Claim? {
        // The handle that made a transient adapter holds its only queue; without a session nobody else does.
        if state.device != nil && queueCount == 1 { return nil }
        guard queueCount > 1 else { return Claim(device: try attach(link.name, &state), lock: nil) }
        let lock = try takeLock(link.name)
        let own: UInt32 = state.device == nil ? 0 : 1
        guard (link.tun?.queueCount ?? 0) <= own else {
            throw AdapterError(
                .busy, "adapter \(link.name): a descriptor is attached", remedy: "close it, or delete the adapter with force")
        }
        return Claim(device: nil, lock: lock)
    }
}
