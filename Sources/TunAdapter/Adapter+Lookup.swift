internal import LinuxSystem

extension Adapter {
    /// The adapter `name` of `pool` in the calling thread's network namespace, whichever process made it.
    /// - Parameters:
    ///   - name: its name; also the name of its interface, where that is derived.
    ///   - pool: whose it is.
    /// - Throws: `fileNotFound` when nothing has the name; `alreadyExists` when what has it is no adapter of this library, or is one
    ///   of another pool; `invalidParameter` for names out of their limits.
    public static func open(name: String, pool: String) throws(AdapterError) -> Adapter {
        try AdapterIdentity.checkName(name)
        try AdapterIdentity.checkPool(pool)
        let links = try Self.links()
        var other: LinkInfo?
        var derived: LinkInfo?
        for link in links {
            if let identity = link.adapterIdentity, identity.pool.isExactly(pool) {
                if identity.name(interfaceName: link.name).isExactly(name) { return try Adapter(opening: link, identity) }
                if link.name.isExactly(name) { derived = link }
            } else if link.isCalled(name) || link.adapterIdentity?.name(interfaceName: link.name).isExactly(name) == true {
                other = link
            }
        }
        if let derived, let identity = derived.adapterIdentity { return try Adapter(opening: derived, identity) }
        if let other { throw .taken(name, other) }
        throw AdapterError(.fileNotFound, "pool \(pool) has no adapter \(name)", remedy: "create it, or list the pool's adapters")
    }

    /// A handle of its own for an adapter that a listing has found.
    convenience init(opening link: LinkInfo, _ identity: AdapterIdentity) throws(AdapterError) {
        let namespace: NetworkNamespace.Identity
        let netlink: NetlinkSocket
        do throws(SystemError) {
            namespace = try NetworkNamespace.currentIdentity()
            netlink = try NetlinkSocket()
        } catch {
            throw .changing(error, link.name)
        }
        self.init(link: link, identity: identity, namespace: namespace, netlink: netlink, device: nil)
    }

    static func links() throws(AdapterError) -> [LinkInfo] {
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            return try netlink.links()
        } catch {
            throw .changing(error, "list")
        }
    }
}
