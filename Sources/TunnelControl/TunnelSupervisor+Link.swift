internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelEngine

extension TunnelSupervisor {
    func linkDescriptor(_ which: (borrowing LinkWatch) -> Int32) -> Int32 {
        switch link {
        case .some(let watch): phase == .ending ? -1 : which(watch)
        case .none: -1
        }
    }

    /// Sees to what is new of the interface, its routes and rules.
    func heedLink(_ device: TunnelDevice) {
        guard var watch = link.take() else { return }
        let before = watch.state
        if watch.update(setup?.current.owned ?? SystemState()) {
            follow(watch.state, device)
            if phase == .running {
                if watch.state.mtu != before.mtu { report.notice("the MTU of \(interface) is \(watch.state.mtu) now") }
                if watch.state.isUp != before.isUp { report.notice("\(interface) is set \(watch.state.isUp ? "up" : "down")") }
            }
        }
        if watch.mayHaveLost, phase == .running { look.hear(at: Clock.now) }
        link = consume watch
    }

    /// Takes over what has become of the interface. The kernel's own WireGuard refuses to set an interface up whose port is taken; here it is
    /// up already, and the port is tried again until it is free.
    func follow(_ state: LinkWatch.State, _ device: TunnelDevice) {
        let wasTried = nextOpening != nil
        nextOpening = nil
        guard let error = device.follow(state) else {
            if wasTried, state.isUp { report.notice("\(interface) can send and receive again") }
            return
        }
        if !wasTried { report.warning("\(interface) is up, but nothing can be sent or received: \(error); it is tried again each second") }
        nextOpening = Clock.now + .seconds(1)
    }

    func openAgain(_ device: TunnelDevice) {
        guard phase != .ending, let watch = link.take() else {
            nextOpening = nil
            return
        }
        follow(watch.state, device)
        link = consume watch
    }
}
