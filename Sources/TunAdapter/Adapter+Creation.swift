internal import Glibc
internal import LinuxSystem
internal import NetworkTypes

extension Adapter {
    /// How every queue is attached; the header is what makes offload possible.
    static func flags(queueCount: Int) -> TunDescriptor.Flags {
        queueCount > 1 ? [.tun, .noPacketInformation, .virtioNetHeader, .multiQueue] : [.tun, .noPacketInformation, .virtioNetHeader]
    }

    /// How long a creation or renaming waits for another's end. Both take milliseconds.
    static let longestTurn = Interval.seconds(2)

    /// Makes an adapter in the calling thread's network namespace, or in ``AdapterOptions/networkNamespace``.
    ///
    /// Its owner, if neither ``AdapterOptions/owner`` nor ``AdapterOptions/group`` is chosen, is the effective user of this process: without
    /// an owner the kernel would let everybody attach who may open `/dev/net/tun`.
    /// - Parameters:
    ///   - name: 1 to 127 bytes of UTF-8 without control characters. A name that the kernel takes for an interface (at most 15 bytes,
    ///     no spaces, …) becomes the interface's; for another one an interface name is derived.
    ///   - pool: 1 to 96 bytes of UTF-8 without control characters: whose adapter it is, for example `org.example.product`; empty for an
    ///     unlisted adapter (``AdapterOptions/isListed``).
    ///   - options: how it is made.
    /// - Returns: its handle. A transient adapter lives as long as this handle or its session. This handle has one of its queues: without force
    ///   no other can delete it, nor, where it has only one queue, start a session.
    /// - Throws: `invalidParameter` for what is out of its limits, before anything is made; `alreadyExists` when the pool has an
    ///   adapter of that name, an interface has the name, or an adapter has the GUID; `accessDenied` without the privilege, in the other
    ///   namespace or to enter it; `fileNotFound` without that namespace's file; `notSupported` without a TUN device. Nothing is left behind
    ///   then.
    public static func create(name: String, pool: String, options: AdapterOptions = AdapterOptions()) throws(AdapterError) -> Adapter {
        try options.validate(name: name, pool: pool)
        let identity = AdapterIdentity(pool: pool, name: name, guid: options.guid ?? .random(), queueCount: options.queueCount)
        // Of several who want one name, one at a time: else each could see the others', and all withdraw.
        guard let path = options.networkNamespace else {
            return try NetworkNamespace.inTurn(waitingAtMost: longestTurn) { () throws(AdapterError) in try make(identity, name, options) }
        }
        let outcome: Result<Adapter, AdapterError>
        do throws(SystemError) {
            outcome = try NetworkNamespace(path: path).inside { () throws(AdapterError) in
                try NetworkNamespace.inTurn(waitingAtMost: longestTurn) { () throws(AdapterError) in try make(identity, name, options) }
            }
        } catch {
            throw .entering(error, path)
        }
        return try outcome.unwrapped()
    }

    private static func make(_ identity: AdapterIdentity, _ name: String, _ options: AdapterOptions) throws(AdapterError) -> Adapter {
        do {
            let namespace = try NetworkNamespace.currentIdentity()
            // Of an adapter that was made elsewhere, the handle finds the way back there.
            let home = options.networkNamespace == nil ? nil : try NetworkNamespace()
            var netlink = try NetlinkSocket()
            var links = try netlink.links()
            if let refusal = refusal(of: identity, name, excluding: nil, in: links) { throw refusal }
            let device = try attachNew(identity, name)
            // At once: until then the kernel lets everybody attach.
            try setOwners(of: device, options)
            let interface = try device.attachment().name
            guard let link = try netlink.link(named: interface) else { throw AdapterError.gone(interface) }
            // Persistent last: until then everything goes with the descriptor, should this be killed half-way.
            if let alias = identity.alias { try netlink.changeLink(link.index, LinkChange(alias: alias)) }
            if !options.makesLinkLocalAddress {
                // Without IPv6 in the kernel this fails, and there is nothing to switch off.
                try? netlink.changeLink(link.index, LinkChange(makesLinkLocalAddress: false))
            }
            // Somebody may have made one of the same name or GUID meanwhile; whoever sees the other's withdraws.
            links = try netlink.links()
            if let refusal = refusal(of: identity, name, excluding: link.index, in: links) { throw refusal }
            guard links.first(where: { $0.index == link.index })?.isAttachedToByOthers != true else {
                throw AdapterError(.busy, "somebody attached to interface \(interface) before it had its owner", remedy: "try again")
            }
            AdapterLog.write(.info, "created \(identity.description(name)), interface \(interface)")
            guard options.lifetime == .persistent else {
                return Adapter(link: link, identity: identity, namespace: namespace, home: home, netlink: netlink, device: device)
            }
            try device.setPersistent(true)
            return Adapter(link: link, identity: identity, namespace: namespace, home: home, netlink: netlink, device: nil)
        } catch let error as AdapterError {
            throw error
        } catch let error as SystemError {
            throw .changing(error, name)
        } catch {
            throw AdapterError(.system, "adapter \(name): \(error)")
        }
    }

    private static func setOwners(of device: borrowing TunDescriptor, _ options: AdapterOptions) throws(AdapterError) {
        do throws(SystemError) {
            if let owner = options.owner ?? (options.group == nil ? geteuid() : nil) { try device.setOwner(owner) }
            if let group = options.group { try device.setGroup(group) }
        } catch {
            throw AdapterError(
                .invalidParameter, "the owner or group of the adapter: \(error)", remedy: "use one that exists in this user namespace")
        }
    }

    /// Makes an interface that goes with the descriptor, under the adapter's name or a derived one.
    private static func attachNew(_ identity: AdapterIdentity, _ name: String) throws(AdapterError) -> TunDescriptor {
        var attempt = 0
        while true {
            let interface = identity.displayName == nil ? name : identity.derivedInterfaceName(attempt: attempt)
            let device = try openDevice()
            do {
                _ = try device.attach(name: interface, flags: flags(queueCount: identity.queueCount).union(.exclusive))
                return device
            } catch {
                guard error.errno == EBUSY || error.errno == EEXIST || error.errno == EINVAL else { throw .attaching(error, interface) }
                attempt += 1
                guard identity.displayName != nil, attempt < 16 else {
                    throw AdapterError(
                        .alreadyExists, "an interface or an alternative name \(interface) exists already",
                        remedy: "choose another name; `ip link show \(interface)` shows it")
                }
            }
        }
    }

    static func openDevice() throws(AdapterError) -> TunDescriptor {
        do {
            return try TunDescriptor()
        } catch {
            throw .opening(error)
        }
    }

    /// `alreadyExists` when another adapter or interface stands in the way of `identity` under the name `name`.
    static func refusal(of identity: AdapterIdentity, _ name: String, excluding own: UInt32?, in links: [LinkInfo]) -> AdapterError? {
        for link in links where link.index != own {
            let other = link.adapterIdentity
            if let other, other.guid == identity.guid {
                return AdapterError(
                    .alreadyExists, "adapter \(other.name(interfaceName: link.name)) of pool \(other.pool) has the GUID \(other.guid)")
            }
            if let other, other.pool.isExactly(identity.pool), other.name(interfaceName: link.name).isExactly(name) {
                return AdapterError(
                    .alreadyExists, "pool \(other.pool) has an adapter \(name) already", remedy: "open it, or choose another name")
            }
            // Richer names are no interface names, and may occur once in every pool.
            if identity.displayName == nil, link.isCalled(name) {
                return .taken(name, link)
            }
        }
        return nil
    }
}

extension AdapterError {
    /// The name belongs to `link`, which isn't the caller's.
    static func taken(_ name: String, _ link: LinkInfo) -> AdapterError {
        if let identity = link.adapterIdentity {
            return AdapterError(
                .alreadyExists, "\(name) is an adapter of another pool, \(identity.pool)", remedy: "name that pool, or choose another name")
        }
        return AdapterError(
            .alreadyExists, "an interface \(name) exists already (\(link.kind ?? "hardware")), and is in no pool",
            remedy: "choose another name; `ip link show \(name)` shows it")
    }
}

extension LinkInfo {
    /// Whether descriptors beyond the maker's one have a queue, a disabled one included. Of a single-queue interface nobody else can.
    var isAttachedToByOthers: Bool { (tun?.queueCount ?? 1) + (tun?.disabledQueueCount ?? 0) > 1 }

    /// Whether the kernel finds it by `name`.
    func isCalled(_ name: String) -> Bool {
        self.name.isExactly(name) || alternativeNames.contains { $0.isExactly(name) }
    }

    /// Whose adapter it is; nil where it isn't one of this library's.
    var adapterIdentity: AdapterIdentity? {
        guard tun?.isTun == true else { return nil }
        return alias.flatMap { AdapterIdentity(alias: $0) }
    }
}
