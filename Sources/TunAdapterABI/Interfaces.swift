// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of tunadapter.h, where each function is documented.

public import CTunAdapter
internal import LinuxSystem
internal import NetworkTypes
import Synchronization
internal import TunAdapter

@c @implementation
public func tunadapter_set_address(_ adapter: OpaquePointer!, _ address: UnsafePointer<CChar>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in try unsafe adapter.setAddress(interfaceAddress(address)) }
}

@c @implementation
public func tunadapter_add_address(_ adapter: OpaquePointer!, _ address: UnsafePointer<CChar>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in try unsafe adapter.addAddress(interfaceAddress(address)) }
}

@c @implementation
public func tunadapter_remove_address(_ adapter: OpaquePointer!, _ address: UnsafePointer<CChar>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in try unsafe adapter.removeAddress(interfaceAddress(address)) }
}

private func interfaceAddress(_ pointer: UnsafePointer<CChar>?) throws(AdapterError) -> IPInterfaceAddress {
    try unsafe Adapter.interfaceAddress(text(pointer, "the address"))
}

@c @implementation
public func tunadapter_bring_up(_ adapter: OpaquePointer!, _ mtu: UInt32) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in try adapter.bringUp(mtu: mtu == 0 ? nil : mtu) }
}

@c @implementation
public func tunadapter_bring_down(_ adapter: OpaquePointer!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in try adapter.bringDown() }
}

@c @implementation
public func tunadapter_get_link(_ adapter: OpaquePointer!, _ link: UnsafeMutablePointer<tunadapter_link>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in
        let place = try unsafe required(link, "link")
        let link = try adapter.link()
        unsafe place.pointee = tunadapter_link(
            interface_index: link.interfaceIndex, mtu: link.mtu, is_up: link.isUp, is_in_use: link.isInUse, is_persistent: link.isPersistent
        )
    }
}

/// Changes heard and not yet asked for.
private final class Watch: Sendable {
    struct State: ~Copyable {
        var changes: AdapterChanges
        var waiting: [AdapterChange] = []
    }

    let state: Mutex<State>
    /// Readable while changes wait, here or at the kernel's.
    private let poller: Poller
    /// Signalled while some wait here, of which the kernel's side knows nothing any more.
    private let waiting: EventDescriptor

    var descriptor: Int32 { poller.rawValue }

    init(_ adapter: Adapter) throws(AdapterError) {
        let changes = try adapter.changes()
        do throws(SystemError) {
            poller = try Poller()
            waiting = try EventDescriptor()
            try poller.add(changes.descriptor, token: 0)
            try poller.add(waiting.rawValue, token: 1)
        } catch {
            throw AdapterError(.outOfMemory, "a watch of \(adapter.interfaceName): \(error)")
        }
        state = Mutex(State(changes: changes))
    }

    func next() throws(AdapterError) -> AdapterChange? {
        try state.withLock { state throws(AdapterError) in
            if state.waiting.isEmpty {
                state.waiting = try state.changes.next()
                if state.waiting.count > 1 { waiting.signal() }
            } else if state.waiting.count == 1 {
                waiting.clear()
            }
            return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
        }
    }
}

@c @implementation
public func tunadapter_watch_adapter(_ adapter: OpaquePointer!) -> OpaquePointer! {
    unsafe with(adapter, .adapter, Adapter.self) { adapter throws(AdapterError) in
        unsafe handle(.watch) { () throws(AdapterError) in try Watch(adapter) }
    }
}

@c @implementation
public func tunadapter_watch_event(_ watch: OpaquePointer!) -> Int32 {
    unsafe with(watch, .watch, Watch.self) { watch throws(AdapterError) in watch.descriptor }
}

@c @implementation
public func tunadapter_next_change(_ watch: OpaquePointer!, _ change: UnsafeMutablePointer<tunadapter_change>!) -> tunadapter_status {
    unsafe with(watch, .watch, Watch.self) { watch throws(AdapterError) in
        let place = try unsafe required(change, "change")
        guard let next = try watch.next() else { return AdapterError.Code.noMoreItems.fail() }
        unsafe place.pointee = tunadapter_change(next)
        return TUNADAPTER_SUCCESS
    }
}

@c @implementation
public func tunadapter_free_watch(_ watch: OpaquePointer!) -> tunadapter_status {
    guard unsafe watch != nil else { return TUNADAPTER_SUCCESS }
    return unsafe with(watch, .watch, Watch.self, endedToo: true) { _ throws(AdapterError) in
        guard unsafe handles.retire(watch) else { throw AdapterError(.invalidHandle, "the watch was freed already") }
        return TUNADAPTER_SUCCESS
    }
}

extension tunadapter_change {
    fileprivate init(_ change: AdapterChange) {
        switch change {
        case .broughtUp: self.init(kind: TUNADAPTER_CHANGE_UP, mtu: 0)
        case .broughtDown: self.init(kind: TUNADAPTER_CHANGE_DOWN, mtu: 0)
        case .attached: self.init(kind: TUNADAPTER_CHANGE_ATTACHED, mtu: 0)
        case .detached: self.init(kind: TUNADAPTER_CHANGE_DETACHED, mtu: 0)
        case .mtuChanged(let mtu): self.init(kind: TUNADAPTER_CHANGE_MTU, mtu: mtu)
        case .renamed: self.init(kind: TUNADAPTER_CHANGE_RENAMED, mtu: 0)
        case .deleted: self.init(kind: TUNADAPTER_CHANGE_DELETED, mtu: 0)
        }
    }
}
