// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of tunadapter.h, where each function is documented.

public import CTunAdapter
internal import LinuxSystem
internal import NetworkTypes
internal import TunAdapter

@c @implementation
public func tunadapter_create_adapter(
    _ pool: UnsafePointer<CChar>!, _ name: UnsafePointer<CChar>!, _ requested_guid: UnsafePointer<tunadapter_guid>!,
    _ reboot_required: UnsafeMutablePointer<Bool>!
) -> OpaquePointer! {
    let made = unsafe handle(.adapter) { () throws(AdapterError) in
        var options = AdapterOptions()
        if let guid = unsafe requested_guid { unsafe options.guid = AdapterGUID(guid.pointee) }
        return try unsafe Adapter.create(name: text(name, "the name"), pool: text(pool, "the pool"), options: options)
    }
    if unsafe made != nil, let reboot_required = unsafe reboot_required { unsafe reboot_required.pointee = false }
    return unsafe made
}

@c @implementation
public func tunadapter_create_adapter_with_options(
    _ pool: UnsafePointer<CChar>!, _ name: UnsafePointer<CChar>!, _ options: UnsafePointer<tunadapter_adapter_options>!
) -> OpaquePointer! {
    unsafe handle(.adapter) { () throws(AdapterError) in
        var chosen = AdapterOptions()
        if let options = unsafe options {
            let given = try unsafe known(options)
            unsafe chosen.lifetime = given.transient ? .transient : .persistent
            unsafe chosen.makesLinkLocalAddress = given.link_local_address
            unsafe chosen.owner = given.has_owner ? given.owner : nil
            unsafe chosen.group = given.has_group ? given.group : nil
            unsafe chosen.queueCount = Int(given.queue_count)
            if let guid = unsafe given.guid { unsafe chosen.guid = AdapterGUID(guid.pointee) }
            unsafe chosen.isListed = !given.unlisted
            if let path = unsafe given.network_namespace { unsafe chosen.networkNamespace = try text(path, "the network namespace") }
        }
        let hasNoPool = unsafe pool == nil && !chosen.isListed
        return try unsafe Adapter.create(name: text(name, "the name"), pool: hasNoPool ? "" : text(pool, "the pool"), options: chosen)
    }
}

@c @implementation
public func tunadapter_open_adapter(_ pool: UnsafePointer<CChar>!, _ name: UnsafePointer<CChar>!) -> OpaquePointer! {
    unsafe handle(.adapter) { () throws(AdapterError) in
        try unsafe Adapter.open(name: text(name, "the name"), pool: text(pool, "the pool"))
    }
}

@c @implementation
public func tunadapter_free_adapter(_ adapter: OpaquePointer!) -> tunadapter_status {
    guard unsafe adapter != nil else { return TUNADAPTER_SUCCESS }
    return unsafe withAdapter(adapter, inheritedToo: true) { _ throws(AdapterError) in
        guard unsafe handles.retire(adapter) else { throw AdapterError(.invalidHandle, "the adapter's handle was freed already") }
    }
}

@c @implementation
public func tunadapter_delete_adapter(
    _ adapter: OpaquePointer!, _ force_close_sessions: Bool, _ reboot_required: UnsafeMutablePointer<Bool>!
) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in
        try adapter.delete(force: force_close_sessions)
        if let reboot_required = unsafe reboot_required { unsafe reboot_required.pointee = false }
    }
}

@c @implementation
public func tunadapter_enumerate_adapters(
    _ pool: UnsafePointer<CChar>!, _ callback: tunadapter_enumerate_callback!, _ context: UnsafeMutableRawPointer!
) -> tunadapter_status {
    do throws(AdapterError) {
        guard let callback = unsafe callback else { throw AdapterError(.invalidParameter, "the callback is NULL") }
        try unsafe AdapterPool(text(pool, "the pool")).visit { adapter throws(AdapterError) in
            let temporary = unsafe try handles.required(.adapter) { () throws(AdapterError) in adapter }
            defer { _ = unsafe tunadapter_free_adapter(temporary) }
            return unsafe callback(temporary, context)
        }
        return TUNADAPTER_SUCCESS
    } catch {
        return error.fail()
    }
}

@c @implementation
public func tunadapter_delete_unused_adapters(_ pool: UnsafePointer<CChar>!, _ deleted: UnsafeMutablePointer<UInt32>!) -> tunadapter_status
{
    do throws(AdapterError) {
        let names = try unsafe AdapterPool(text(pool, "the pool")).deleteUnused()
        if let deleted = unsafe deleted { unsafe deleted.pointee = UInt32(names.count) }
        return TUNADAPTER_SUCCESS
    } catch {
        return error.fail()
    }
}

@c @implementation
public func tunadapter_open_device(_ adapter: OpaquePointer!) -> Int32 {
    unsafe with(adapter, .adapter, Adapter.self) { adapter throws(AdapterError) in
        try adapter.openDeviceObject().takeDescriptor().take()
    }
}

@c @implementation
public func tunadapter_get_guid(_ adapter: OpaquePointer!, _ guid: UnsafeMutablePointer<tunadapter_guid>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in
        unsafe try required(guid, "guid").pointee = tunadapter_guid(adapter.guid)
    }
}

@c @implementation
public func tunadapter_get_luid(_ adapter: OpaquePointer!, _ luid: UnsafeMutablePointer<UInt64>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in
        unsafe try required(luid, "luid").pointee = adapter.luid.rawValue
    }
}

@c @implementation
public func tunadapter_get_name(_ adapter: OpaquePointer!, _ name: UnsafeMutablePointer<CChar>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in
        unsafe copy(adapter.name, to: try required(name, "name"), limit: Int(TUNADAPTER_MAX_NAME))
    }
}

@c @implementation
public func tunadapter_get_interface_name(_ adapter: OpaquePointer!, _ name: UnsafeMutablePointer<CChar>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in
        unsafe copy(adapter.interfaceName, to: try required(name, "name"), limit: Int(TUNADAPTER_MAX_INTERFACE_NAME))
    }
}

@c @implementation
public func tunadapter_set_name(_ adapter: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> tunadapter_status {
    unsafe withAdapter(adapter) { adapter throws(AdapterError) in try unsafe adapter.rename(to: text(name, "the name")) }
}

/// Writes `text` and a terminator; `destination` has room for `limit` bytes and one more.
private func copy(_ text: String, to destination: UnsafeMutablePointer<CChar>, limit: Int) {
    var end = 0
    for byte in text.utf8.prefix(limit) {
        // SAFETY: the header asks for that much room.
        unsafe destination[end] = CChar(bitPattern: byte)
        end += 1
    }
    unsafe destination[end] = 0
}

extension AdapterGUID {
    fileprivate init(_ guid: tunadapter_guid) {
        let (high, low) = unsafe withUnsafeBytes(of: guid.bytes) { bytes in
            unsafe (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    }
}

extension tunadapter_guid {
    fileprivate init(_ guid: AdapterGUID) {
        self.init()
        unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
            unsafe bytes.storeBytes(of: guid.high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: guid.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
    }
}

/// The options of a caller that was compiled with this header, or with an older one, which knew fewer fields: these have their defaults.
private func known(_ options: UnsafePointer<tunadapter_adapter_options>) throws(AdapterError) -> tunadapter_adapter_options {
    let sizes = unsafe [
        MemoryLayout<tunadapter_adapter_options>.offset(of: \.unlisted)!,
        MemoryLayout<tunadapter_adapter_options>.offset(of: \.network_namespace)!,
        MemoryLayout<tunadapter_adapter_options>.stride,
    ]
    // SAFETY: its first field is in all versions, and tells how many bytes follow.
    let size = unsafe Int(UnsafeRawPointer(options).loadUnaligned(as: UInt32.self))
    guard sizes.contains(size) else { throw .structSize }
    var known = unsafe tunadapter_adapter_options()
    unsafe withUnsafeMutableBytes(of: &known) { unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: options, count: size)) }
    return unsafe known
}

extension AdapterError {
    static var structSize: AdapterError {
        AdapterError(.invalidParameter, "struct_size isn't the size of the options", remedy: "start from the header's _INIT value")
    }
}
