/// How an adapter is made.
public struct AdapterOptions: Hashable, Sendable {
    /// How long an adapter lives.
    public enum Lifetime: Hashable, Sendable {
        /// Until somebody deletes it: it outlives handles and processes, though not a reboot or its network namespace.
        case persistent
        /// As long as its last descriptor: gone with the ``Adapter`` that made it and its session, or with the process, even when killed.
        /// A moment later where a child process, between fork(2) and execve(2), still has a copy; its name is taken until then.
        case transient
    }

    /// How long it lives.
    public var lifetime = Lifetime.persistent
    /// The GUID to give it; nil: a random one.
    public var guid: AdapterGUID?
    /// Whether it is in a pool, where every process finds it by its name; that is kept in the interface's alias, which `ip link` shows.
    ///
    /// An unlisted adapter is a plain TUN interface: in no pool and without an alias. Its name is the interface's, so it must be one that the
    /// kernel takes. Nobody lists or opens it; only the handle that made it knows its GUID.
    public var isListed = true
    /// How many descriptors can be attached at a time, 1 to ``AdapterIdentity/maximumQueueCount``; fixed for the adapter's life.
    ///
    /// A session uses one. The kernel spreads flows over all that are attached: whoever opens a further one must read it.
    public var queueCount = 1
    /// The user who may start sessions without CAP_NET_ADMIN; nil, and no ``group`` either: the maker's effective user.
    ///
    /// The kernel asks for both where both are set, and for nothing where neither is: everybody who may open `/dev/net/tun` could attach.
    /// This library never leaves it at that.
    public var owner: UInt32?
    /// The group whose members may start sessions without CAP_NET_ADMIN; nil: any group of the ``owner``'s.
    public var group: UInt32?
    /// Whether the kernel gives the interface an IPv6 link-local address by itself, and solicits routers over it.
    public var makesLinkLocalAddress = false
    /// The file of the network namespace to make it in, for example `/run/netns/left`, `/proc/4711/ns/net`, or `/proc/self/fd/7` for an open
    /// descriptor; nil: the calling thread's.
    ///
    /// It takes CAP_SYS_ADMIN, here and in the user namespace that owns the other. The handle works from every thread then, wherever that is,
    /// and keeps the namespace alive.
    public var networkNamespace: String?

    /// A persistent adapter with one queue and a random GUID.
    public init() {}

    /// One queue, a random GUID.
    public init(lifetime: Lifetime, isListed: Bool = true) {
        self.lifetime = lifetime
        self.isListed = isListed
    }

    /// Checks the limits, those of the names included.
    /// - Throws: `invalidParameter`.
    func validate(name: String, pool: String) throws(AdapterError) {
        try AdapterIdentity.checkName(name)
        if isListed {
            try AdapterIdentity.checkPool(pool)
        } else {
            try AdapterIdentity.checkUnlistedName(name)
            guard pool.isEmpty else {
                throw AdapterError(
                    .invalidParameter, "a pool, \(pool), for an unlisted adapter", remedy: "leave the pool out, or make the adapter listed")
            }
            guard guid == nil else {
                throw AdapterError(
                    .invalidParameter, "a GUID for an unlisted adapter, where nothing keeps it", remedy: "make the adapter listed")
            }
        }
        guard (1...AdapterIdentity.maximumQueueCount).contains(queueCount) else {
            throw AdapterError(
                .invalidParameter, "an adapter with \(queueCount) queues", remedy: "use 1 to \(AdapterIdentity.maximumQueueCount)")
        }
    }
}
