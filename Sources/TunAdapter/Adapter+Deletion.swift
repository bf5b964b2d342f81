internal import Glibc
internal import LinuxSystem
import Synchronization

extension Adapter {
    /// Deletes the adapter; it is no error when it is gone already.
    ///
    /// Sessions that this cuts off end with `handleEndOfFile`; so do those of other processes when `force` is given.
    /// - Parameter force: delete it even though a session runs, here or in another process.
    /// - Throws: `busy` while a session runs and `force` isn't given, after a quarter of a second as ``startSession(_:)``; `accessDenied`
    ///   without the privilege.
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
                session.end()
            } else if !force {
                claim = try self.claim(link, &state)
            }
            do throws(SystemError) {
                try state.netlink.deleteLink(interfaceIndex)
            } catch {
                throw .changing(error, name)
            }
            _ = consume claim
            AdapterLog.write(.info, "deleted \(state.identity.description(name))")
        } catch {
            // It went by itself, which is what was asked for.
            guard error.code == .handleEndOfFile else { throw error }
        }
        state.device = nil
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
