internal import Glibc
internal import LinuxSystem
import Synchronization

extension Adapter {
    /// Renames the adapter, with a running session too.
    ///
    /// Where the kernel takes the name for an interface, the interface gets it; otherwise the interface is renamed to a derived name. Before
    /// kernel 6.2 the interface is set down for it and up again, and loses its routes.
    /// - Parameter name: 1 to 127 bytes of UTF-8 without control characters; for an unlisted adapter one that the kernel takes.
    /// - Throws: `invalidParameter` for a name out of its limits; `alreadyExists` for one that is taken, see ``create(name:pool:options:)``;
    ///   `handleEndOfFile` when the adapter is gone.
    public func rename(to name: String) throws(AdapterError) {
        try AdapterIdentity.checkName(name)
        try NetworkNamespace.inTurn(waitingAtMost: Self.longestTurn) { () throws(AdapterError) in try changeName(to: name) }
    }

    private func changeName(to name: String) throws(AdapterError) {
        let refusal: AdapterError? = try locked { state throws(AdapterError) in
            let link = try Self.refresh(&state, interfaceIndex)
            let old = state.identity.name(interfaceName: link.name)
            guard !name.isExactly(old) else { return nil }
            if !state.identity.isListed { try AdapterIdentity.checkUnlistedName(name) }
            let renamed = state.identity.renamed(name)
            do throws(SystemError) {
                let links = try state.netlink.links()
                let refusal = Self.refusal(of: renamed, name, excluding: interfaceIndex, in: links)
                if refusal == nil {
                    let interface = Self.interfaceName(for: renamed, name, among: links, own: link)
                    try Self.rename(link, to: interface, alias: renamed.alias, &state.netlink)
                    state.identity = renamed
                    state.interfaceName = interface
                    state.log(.info, "renamed adapter \(old) to \(name), interface \(interface)")
                }
                return refusal
            } catch {
                return .changing(error, old)
            }
        }
        if let refusal { throw refusal }
    }

    /// The name itself, or a derived one that is free; the interface keeps its name if that is one of them.
    private static func interfaceName(for identity: AdapterIdentity, _ name: String, among links: [LinkInfo], own: LinkInfo) -> String {
        guard identity.displayName != nil else { return name }
        var attempt = 0
        while true {
            let candidate = identity.derivedInterfaceName(attempt: attempt)
            let isTaken = links.contains { $0.index != own.index && $0.isCalled(candidate) }
            if !isTaken || attempt == 16 { return candidate }
            attempt += 1
        }
    }

    /// Both names change in one request, so that nobody sees the one without the other; within it the kernel changes the interface's first.
    /// From a name that was the interface's to a richer one the alias goes first, or the derived name would be seen as the adapter's.
    private static func rename(
        _ link: LinkInfo, to name: String, alias: String?, _ netlink: inout NetlinkSocket
    ) throws(SystemError) {
        let change = LinkChange(name: name.isExactly(link.name) ? nil : name, alias: alias)
        if let alias, AdapterIdentity(alias: alias)?.displayName != nil, let former = link.alias, link.adapterIdentity?.displayName == nil {
            try netlink.changeLink(link.index, LinkChange(alias: alias))
            do throws(SystemError) {
                try changeName(link, change, &netlink)
            } catch {
                try? netlink.changeLink(link.index, LinkChange(alias: former))
                throw error
            }
        } else {
            try changeName(link, change, &netlink)
        }
    }

    private static func changeName(_ link: LinkInfo, _ change: LinkChange, _ netlink: inout NetlinkSocket) throws(SystemError) {
        do throws(SystemError) {
            try netlink.changeLink(link.index, change)
        } catch {
            // Kernels before 6.2 rename only what is down.
            guard error.errno == EBUSY, link.isUp else { throw error }
            try netlink.changeLink(link.index, LinkChange(isUp: false))
            defer { try? netlink.changeLink(link.index, LinkChange(isUp: true)) }
            try netlink.changeLink(link.index, change)
        }
    }
}
