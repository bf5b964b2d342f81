internal import LinuxSystem
import Synchronization

/// A network adapter: a TUN interface of the kernel's, in a pool, with a name and a GUID.
///
/// - This is a handle. What it stands for is the kernel's: every process of the network namespace sees the same adapters, and several
///   handles may stand for one. Forgetting a persistent adapter's handle leaves the adapter; a transient one goes with the handle
///   that made it, or with that one's session if it runs on.
/// - It belongs to the network namespace of the thread that made or opened it: sessions and descriptors must be started from there. One that
///   was made in another (``AdapterOptions/networkNamespace``) is there, and its handle works from every thread.
/// - Names can change under it (``rename(to:)``, `ip link set … name …`), its interface index and GUID can't.
/// - When somebody deletes the interface, calls throw ``AdapterError/Code/handleEndOfFile``.
/// - Every method may be called from any thread.
public final class Adapter: Sendable {
    struct State: ~Copyable {
        var netlink: NetlinkSocket
        /// As last seen; the kernel is asked where it matters.
        var identity: AdapterIdentity
        var interfaceName: String
        /// Of the handle that made a transient adapter: what keeps it alive.
        var device: TunDescriptor?
        var session: WeakSession
        /// The number of a descriptor that was attached for the caller and is his: it may be closed, and mean something else.
        var lent: Int32?
        /// What is to be logged when the lock is given back.
        var lines: [AdapterLog.Line] = []

        mutating func log(_ level: AdapterLog.Level, _ text: @autoclosure () -> String) {
            if let line = AdapterLog.line(level, text()) { lines.append(line) }
        }
    }

    /// A session is its user's; this only asks whether it still runs.
    struct WeakSession {
        weak var session: Session?
    }

    /// The interface's index, the same as long as the adapter lives.
    public let interfaceIndex: UInt32
    /// What tells it from every other adapter, whatever its name. Of an unlisted one this handle's alone.
    public let guid: AdapterGUID
    /// The pool's name; empty for an unlisted adapter.
    public let pool: String
    /// How many descriptors may be attached at a time.
    public let queueCount: Int
    let namespace: NetworkNamespace.Identity
    /// The way to ``namespace`` for threads of others; nil where the handle was made by a thread of it.
    private let home: NetworkNamespace?
    /// Only ``locked(_:)`` takes it.
    private let state: Mutex<State>

    init(
        link: LinkInfo, identity: AdapterIdentity, namespace: NetworkNamespace.Identity, home: consuming NetworkNamespace? = nil,
        netlink: consuming NetlinkSocket, device: consuming TunDescriptor?
    ) {
        interfaceIndex = link.index
        guid = identity.guid
        pool = identity.pool
        queueCount = identity.queueCount
        self.namespace = namespace
        self.home = home
        state = Mutex(
            State(
                netlink: netlink, identity: identity, interfaceName: link.name, device: device, session: WeakSession(session: nil)))
    }

    /// Does `body` while no other thread does.
    ///
    /// Nothing of the caller's runs meanwhile, for it may call this adapter: what is to be logged is logged afterwards, and a session whose last
    /// user forgets it meanwhile goes afterwards, for it logs too.
    func locked<Value: ~Copyable & Sendable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var session: Session?
        var lines: [AdapterLog.Line] = []
        defer {
            for line in lines { AdapterLog.write(line) }
            withExtendedLifetime(session) {}
        }
        return try state.withLock { state throws(Failure) in
            session = state.session.session
            defer { swap(&lines, &state.lines) }
            return try body(&state)
        }
    }

    /// Does `body` in the adapter's network namespace: on the calling thread if it is there, else on one of its own.
    /// - Throws: `invalidParameter` when the calling thread is elsewhere and the handle knows no way.
    func inNamespace<Value: ~Copyable & Sendable>(
        _ interface: String, _ body: @escaping @Sendable () throws(AdapterError) -> Value
    ) throws(AdapterError) -> Value {
        if (try? NetworkNamespace.currentIdentity()) == namespace { return try body() }
        switch home {
        case .some(let home):
            let outcome: Result<Value, AdapterError>
            do throws(SystemError) {
                outcome = try home.inside(body)
            } catch {
                throw .entering(error, "of adapter \(interface)")
            }
            return try outcome.unwrapped()
        case .none:
            throw AdapterError(
                .invalidParameter, "adapter \(interface) is in another network namespace than the calling thread",
                remedy: "call from a thread of the namespace in which the adapter was opened")
        }
    }

    /// The interface index in NET_LUID's layout.
    public var luid: AdapterLUID { AdapterLUID(interfaceIndex: interfaceIndex) }

    /// The adapter's name: the interface's, or the one kept beside it. The last one known when it is gone.
    public var name: String {
        _ = try? link()
        return locked { $0.identity.name(interfaceName: $0.interfaceName) }
    }

    /// The name of the network interface, at most 15 bytes. The last one known when it is gone.
    public var interfaceName: String {
        _ = try? link()
        return locked { $0.interfaceName }
    }

    /// What the kernel says of the interface now.
    /// - Throws: `handleEndOfFile` when it is gone, or is in another namespace now.
    public func link() throws(AdapterError) -> AdapterLink {
        AdapterLink(try locked { state throws(AdapterError) in try Self.refresh(&state, interfaceIndex) })
    }

    /// Asks the kernel for the interface, and takes over its names.
    static func refresh(_ state: inout State, _ index: UInt32) throws(AdapterError) -> LinkInfo {
        let link: LinkInfo?
        do {
            link = try state.netlink.link(index: index)
        } catch {
            throw .changing(error, state.interfaceName)
        }
        // An index is given again only after 2^31 others, so that a TUN interface of that index is it; but an alias can be taken away.
        guard let link, link.tun != nil, link.adapterIdentity.map({ $0.guid == state.identity.guid }) ?? true else {
            throw .gone(state.identity.name(interfaceName: state.interfaceName))
        }
        if let identity = link.adapterIdentity { state.identity = identity }
        state.interfaceName = link.name
        return link
    }
}

/// An adapter's interface as the kernel reports it.
public struct AdapterLink: Hashable, Sendable {
    /// The interface's index, the same as long as the adapter lives.
    public let interfaceIndex: UInt32
    /// The interface's name, at most 15 bytes.
    public let interfaceName: String
    /// Bytes of an IP packet.
    public let mtu: UInt32
    /// Set up: packets flow once a session runs.
    public let isUp: Bool
    /// Somebody, in this process or another, has a session or a descriptor.
    public let isInUse: Bool
    /// It outlives its descriptors.
    public let isPersistent: Bool
    /// Who may start sessions without CAP_NET_ADMIN.
    public let owner: UInt32?
    /// The group whose members may start sessions without CAP_NET_ADMIN; nil: any.
    public let group: UInt32?

    init(_ link: LinkInfo) {
        interfaceIndex = link.index
        interfaceName = link.name
        mtu = link.mtu
        isUp = link.isUp
        isInUse = link.isAttached
        isPersistent = link.tun?.isPersistent ?? false
        owner = link.tun?.owner
        group = link.tun?.group
    }
}

extension LinkInfo {
    /// Whether a descriptor is attached: the driver gives a TUN interface its carrier with the first and takes it with the last.
    var isAttached: Bool { tun?.queueCount.map { $0 > 0 } ?? hasCarrier }
}
