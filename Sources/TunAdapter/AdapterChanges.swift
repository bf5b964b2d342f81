internal import LinuxSystem
internal import NetworkTypes

/// Something that changed of an adapter's interface.
public enum AdapterChange: Hashable, Sendable {
    /// The interface was set up.
    case broughtUp
    /// It was set down.
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
///
/// Of an interface that is down the kernel doesn't say when descriptors come and go: it is asked once a second as long as it is down.
public struct AdapterChanges: ~Copyable, Sendable {
    private let source: Source
    /// A handle of its own: the one that made a transient adapter goes when its user forgets it, and the adapter with it.
    private let adapter: Adapter
    private var last: Snapshot?

    /// What is slept on.
    private struct Source: ~Copyable, Sendable {
        let monitor: NetlinkMonitor
        let timer: TimerDescriptor
        let poller: Poller

        init() throws(SystemError) {
            let monitor = try NetlinkMonitor(.links)
            let timer = try TimerDescriptor()
            let poller = try Poller()
            try poller.add(monitor.descriptor, token: 0)
            try poller.add(timer.rawValue, token: 1)
            self.monitor = monitor
            self.timer = timer
            self.poller = poller
        }
    }

    private struct Snapshot: Hashable {
        var isUp: Bool
        var isAttached: Bool
        var mtu: UInt32
        var name: String
    }

    fileprivate init(_ watched: Adapter) throws(AdapterError) {
        let interface = watched.interfaceName
        let source = try watched.inNamespace(interface) { () throws(AdapterError) in
            do throws(SystemError) {
                return try Source()
            } catch {
                throw .changing(error, interface)
            }
        }
        let adapter = try Adapter(watching: watched)
        let name = adapter.name
        let link = try adapter.link()
        self.source = source
        self.adapter = adapter
        last = Snapshot(isUp: link.isUp, isAttached: link.isInUse, mtu: link.mtu, name: name)
        if !link.isUp { self.source.timer.tick(each: Self.interval) }
    }

    private static let interval = Interval.seconds(1)

    /// Readable while there may be changes. It belongs to this value.
    public var descriptor: Int32 { source.poller.rawValue }

    /// What has changed since the last call, without waiting.
    public mutating func next() throws(AdapterError) -> [AdapterChange] {
        guard last != nil else { return [] }
        let events: [NetlinkEvent]
        do throws(SystemError) {
            events = try source.monitor.events()
        } catch {
            throw .changing(error, "watch")
        }
        var changes: [AdapterChange] = []
        for event in events {
            switch event {
            case .linkChanged(let link) where link.index == adapter.interfaceIndex:
                note(link.isUp, link.isAttached, link.mtu, link.adapterIdentity?.name(interfaceName: link.name) ?? link.name, &changes)
            case .linkRemoved(let link) where link.index == adapter.interfaceIndex: end(&changes)
            case .missed: ask(&changes)
            default: break
            }
        }
        if source.timer.clear() { ask(&changes) }
        return changes
    }

    private mutating func ask(_ changes: inout [AdapterChange]) {
        do throws(AdapterError) {
            let link = try adapter.link()
            note(link.isUp, link.isInUse, link.mtu, adapter.name, &changes)
        } catch {
            if error.code == .handleEndOfFile { end(&changes) }
        }
    }

    private mutating func note(_ isUp: Bool, _ isAttached: Bool, _ mtu: UInt32, _ name: String, _ changes: inout [AdapterChange]) {
        guard let old = last else { return }
        if isUp != old.isUp {
            changes.append(isUp ? .broughtUp : .broughtDown)
            source.timer.tick(each: isUp ? nil : Self.interval)
        }
        if isAttached != old.isAttached { changes.append(isAttached ? .attached : .detached) }
        if mtu != old.mtu { changes.append(.mtuChanged(mtu)) }
        if !name.isExactly(old.name) { changes.append(.renamed(name)) }
        last = Snapshot(isUp: isUp, isAttached: isAttached, mtu: mtu, name: name)
    }

    private mutating func end(_ changes: inout [AdapterChange]) {
        guard last != nil else { return }
        last = nil
        // Nothing is ready from now on: nobody takes back what would come.
        source.poller.remove(source.monitor.descriptor)
        source.timer.tick(each: nil)
        changes.append(.deleted)
    }
}

extension Adapter {
    /// A second handle, which keeps nothing alive.
    fileprivate convenience init(watching other: Adapter) throws(AdapterError) {
        let (link, identity) = try other.locked { state throws(AdapterError) in
            (try Self.refresh(&state, other.interfaceIndex), state.identity)
        }
        let netlink = try other.inNamespace(link.name) { () throws(AdapterError) in
            do throws(SystemError) {
                return try NetlinkSocket()
            } catch {
                throw .changing(error, link.name)
            }
        }
        self.init(link: link, identity: identity, namespace: other.namespace, netlink: netlink, device: nil)
    }

    /// Starts to listen to what changes of the adapter from now on. Call it from a thread of the adapter's namespace. It keeps no transient
    /// adapter alive.
    /// - Throws: `handleEndOfFile` when the adapter is gone.
    public func changes() throws(AdapterError) -> AdapterChanges {
        try AdapterChanges(self)
    }
}
