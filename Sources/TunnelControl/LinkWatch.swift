internal import LinuxSystem

/// Hears of changes of one interface: `wg-quick` and people set the MTU after the tunnel has been made.
struct LinkWatch: ~Copyable {
    private let monitor: NetlinkMonitor?
    private let interface: String

    /// Without netlink, nothing is heard.
    init(_ interface: String) {
        self.interface = interface
        monitor = try? NetlinkMonitor([.links])
    }

    /// Readable while there is news; negative where there never is.
    var descriptor: Int32 {
        switch monitor {
        case .some(let monitor): monitor.descriptor
        case .none: -1
        }
    }

    /// The interface's MTU, if there was news of it. An interface that went away may only have moved to another namespace.
    func news() -> UInt32? {
        let events: [NetlinkEvent]
        switch monitor {
        case .some(let monitor): events = (try? monitor.events()) ?? []
        case .none: events = []
        }
        var mtu: UInt32?
        for event in events {
            switch event {
            case .linkChanged(let link) where link.name == interface: mtu = link.mtu
            case .missed: mtu = (try? LinkSetup.mtu(of: interface)) ?? mtu
            default: break
            }
        }
        return mtu
    }
}
