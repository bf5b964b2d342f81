internal import LinuxSystem

/// Something that changed of an adapter's interface.
public enum AdapterChange: Hashable, Sendable {
    case broughtUp
    case broughtDown
    /// A session or descriptor was attached where none was.
    case attached
    /// The last one was detached.
    case detached
    /// Bytes of an IP packet.
    case mtuChanged(UInt32)
    /// The adapter's new name.
    case renamed(String)
    /// The interface was deleted, or moved to another namespace. Nothing follows.
    case deleted
}

/// Hears what happens to an adapter's interface, whoever does it. Sleep on its ``descriptor``, then take the ``next()`` ones.
public struct AdapterChanges: ~Copyable, Sendable {
    private let monitor: NetlinkMonitor
    private let adapter: Adapter
    private var last: Snapshot?

    private struct Snapshot: Hashable {
        var isUp: Bool
        var isAttached: Bool
        var mtu: UInt32
        var name: String
    }

    fileprivate init(_ adapter: Adapter) throws(AdapterError) {
        let monitor: NetlinkMonitor
        do throws(SystemError) {
            monitor = try NetlinkMonitor(.links)
        } catch {
            throw .changing(error, adapter.interfaceName)
        }
        let name = adapter.name
        let link = try adapter.link()
        self.monitor = monitor
        self.adapter = adapter
        last = Snapshot(isUp: link.isUp, isAttached: link.isInUse, mtu: link.mtu, name: name)
    }

    /// Readable while there may be changes. It belongs to this value.
    public var descriptor: Int32 { monitor.descriptor }

    /// What has changed since the last call, without waiting.
    public mutating func next() throws(AdapterError) -> [AdapterChange] {
        guard last != nil else { return [] }
        let events: [NetlinkEvent]
        do throws(SystemError) {
            events = try monitor.events()
        } catch {
            throw .changing(error, "watch")
        }
        var changes: [AdapterChange] = []
        for event in events {
            switch event {
            case .linkChanged(let link) where link.index == adapter.interfaceIndex:
                note(link.isUp, link.isAttached, link.mtu, link.adapterIdentity?.name(interfaceName: link.name) ?? link.name, &changes)
            case .linkRemoved(let link) where link.index == adapter.interfaceIndex: end(&changes)
            case .missed:
                if let link = try? adapter.link() {
                    note(link.isUp, link.isInUse, link.mtu, adapter.name, &changes)
                } else {
                    end(&changes)
                }
            default: break
            }
        }
        return changes
    }

    private mutating func note(_ isUp: Bool, _ isAttached: Bool, _ mtu: UInt32, _ name: String, _ changes: inout [AdapterChange]) {
        guard let old = last else { return }
        if isUp != old.isUp { changes.append(isUp ? .broughtUp : .broughtDown) }
        if isAttached != old.isAttached { changes.append(isAttached ? .attached : .detached) }
        if mtu != old.mtu { changes.append(.mtuChanged(mtu)) }
        if name != old.name { changes.append(.renamed(name)) }
        last = Snapshot(isUp: isUp, isAttached: isAttached, mtu: mtu, name: name)
    }

    private mutating func end(_ changes: inout [AdapterChange]) {
        guard last != nil else { return }
        last = nil
        changes.append(.deleted)
    }
}

extension Adapter {
    /// Starts to listen to what changes of the adapter from now on. Call it from a thread of the adapter's namespace.
    /// - Throws: `handleEndOfFile` when the adapter is gone.
    public func changes() throws(AdapterError) -> AdapterChanges {
        try AdapterChanges(self)
    }
}
