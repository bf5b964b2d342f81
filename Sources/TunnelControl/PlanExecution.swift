internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine

/// Carries out plans: the one place that changes the system for a tunnel.
///
/// Before anything is changed, whatever of it would outlive the process is recorded; should the record be impossible, nothing is changed.
/// A step that fails brings the inverses of those before it, in the opposite order.
struct PlanExecution {
    let observation: SystemObservation
    let record: TunnelRecord
    /// The tunnel that runs; nil for what one that was killed left behind.
    let device: TunnelDevice?
    let report: SetupReport
    /// Steps whose failure can be lived with; it is told.
    var tolerates: (Step) -> Bool = { _ in false }

    private var tools: ExternalTools { observation.tools }
    private var tunnel: String { observation.tunnel }

    /// Makes the system what `plan` says, all or nothing.
    /// - Parameter owned: what is the tunnel's. After a failure it is what it was before, and what couldn't be undone.
    func perform(_ plan: Plan, owned: inout SystemState) throws(SetupError) {
        guard !plan.isEmpty else {
            owned = plan.owned
            return
        }
        try record.write(
            plan.steps.reduce(into: owned.union(plan.owned)) { state, step in
                if case .addRoute = step { state.apply(step) }
                if case .addRule = step { state.apply(step) }
            })
        var result = plan.owned
        var done: [Step] = []
        for step in plan.steps {
            do throws(SetupError) {
                try checkCancellation(before: step)
                try perform(step)
                done.append(step)
            } catch {
                guard !tolerates(step) || tools.isCancelled else {
                    if !error.isUncertain { result.forget(step) }
                    report.warning("\(error)")
                    continue
                }
                // One that isn't done at once may have been done in part, and one whose program was ended as a whole.
                throw error.adding(undo(step.isAtomic && !error.isUncertain ? done : done + [step], of: plan, &owned))
            }
        }
        owned = result
        narrow(result)
    }

    /// Records what is left of a change that is over. Should that fail, what was recorded before it says more, and holds as well.
    private func narrow(_ state: SystemState) {
        do throws(SetupError) {
            try record.write(state)
        } catch {
            report.warning("\(error)")
        }
    }

    /// The way from what is there to nothing of what outlives the interface.
    func planToTakeBack(_ owned: SystemState) -> Plan {
        var remaining = owned.outliving
        // Others may rely by now on what we switched on.
        if remaining.acceptsMarkedSources, SystemObservation.othersUseMarks(but: owned) { remaining.acceptsMarkedSources = false }
        // Programs are asked to take rules and servers back without a look whether they are there: of what is gone they take nothing.
        var asked = SystemState()
        asked.firewall = remaining.firewall
        if let servers = remaining.nameServers, servers.method != .file { asked.nameServers = servers }
        var looked = remaining
        looked.firewall = nil
        if asked.nameServers != nil { looked.nameServers = nil }
        // What can't be looked at is taken to be there.
        var observed = (try? observation.state(owned: looked, firewallMark: 0).outliving) ?? looked
        observed.acceptsMarkedSources = observed.acceptsMarkedSources && remaining.acceptsMarkedSources
        (observed.firewall, observed.nameServers) = (asked.firewall, asked.nameServers ?? observed.nameServers)
        return Plan(from: observed, owned: remaining, to: SystemState())
    }

    /// Takes back all that outlives the interface. What can't be is kept in the record, and said.
    /// - Returns: the failures.
    func takeBack(_ owned: SystemState) -> [SetupError] {
        let plan = planToTakeBack(owned)
        var remaining = plan.observed
        var failures: [SetupError] = []
        for step in plan.steps {
            do throws(SetupError) {
                try perform(step)
                remaining.apply(step)
            } catch {
                failures.append(error)
                // Who gave up one program that hangs didn't mean the next.
                tools.cancellation?.reset()
            }
        }
        do throws(SetupError) {
            if failures.isEmpty { try record.remove() } else { try record.write(remaining) }
        } catch {
            failures.append(error)
        }
        return failures
    }

    /// The inverses of what was done; then a look at what is there, since a route can't come back before the address has gone that brought
    /// the same one, and since the kernel drops some by itself.
    /// - Returns: what couldn't be undone.
    private func undo(_ done: [Step], of plan: Plan, _ owned: inout SystemState) -> [SetupError] {
        let patient = undoing
        var standing: [Step] = []
        for step in done.reversed() {
            guard let inverse = step.inverse else { continue }
            if patient.tools.isCancelled || (try? patient.perform(inverse)) == nil { standing.append(step) }
        }
        // Whatever either state has may be ours by now.
        var either = owned.union(plan.owned)
        if !standing.contains(where: \.isFirewall) { either.firewall = owned.firewall }
        if !standing.contains(where: \.isNameServers) { either.nameServers = owned.nameServers }
        var failures: [SetupError] = []
        // Whoever takes everything down looks for himself.
        guard !patient.tools.isCancelled else {
            owned = either
            narrow(owned)
            return failures
        }
        do throws(SetupError) {
            let mark = { device?.engine.snapshot().firewallMark ?? 0 }
            for step in Plan(from: try patient.observation.state(owned: either, firewallMark: mark()), owned: either, to: plan.observed)
                .steps
            {
                do throws(SetupError) {
                    try patient.perform(step)
                } catch {
                    failures.append(error)
                }
            }
            // What couldn't be undone is ours, for whoever takes everything down; what isn't there any more is missed by nobody.
            if !failures.isEmpty {
                either.keep(try patient.observation.state(owned: either, firewallMark: mark()))
                owned = either
            }
        } catch {
            owned = either
            failures.append(error)
        }
        narrow(owned)
        return failures
    }

    /// The same for taking back what was done, which is given up only where somebody else takes back all of it.
    var undoing: PlanExecution {
        let observation = SystemObservation(
            link: observation.link, tunnel: tunnel, tools: ExternalTools(cancellation: tools.cancellation, isUndoing: true),
            inside: observation.inside)
        return PlanExecution(observation: observation, record: record, device: device, report: report)
    }

    private func checkCancellation(before step: Step) throws(SetupError) {
        if tools.isCancelled { throw SetupError(step.action, "interrupted") }
    }

    /// Carries out one step. What is there already, or gone already, is as good.
    private func perform(_ step: Step) throws(SetupError) {
        do throws(SystemError) {
            var netlink = try observation.inside.netlink()
            let link = observation.link
            if let command = step.command(interface: try netlink.link(index: link)?.name ?? tunnel, tunnel: tunnel) {
                report.command(command)
            }
            switch step {
            case .addAddress(let address): try netlink.addAddress(address, toLink: link)
            case .removeAddress(let address):
                try tolerating(ErrorNumber.addressNotAvailable) { () throws(SystemError) in
                    try netlink.removeAddress(address, fromLink: link)
                }
            case .keepSecondaryAddresses: try netlink.changeLink(link, LinkChange(keepsSecondaryAddresses: true))
            case .setLink(_, let to): try netlink.changeLink(link, LinkChange(isUp: to.isUp, mtu: to.mtu == 0 ? nil : to.mtu))
            case .addRoute(let route): try netlink.addRoute(route.specification(link: link))
            case .removeRoute(let route):
                try tolerating(ErrorNumber.noSuchProcess) { () throws(SystemError) in
                    try netlink.removeRoute(route.specification(link: link))
                }
            case .addRule(let rule): try netlink.addRule(rule.specification)
            case .removeRule(let rule):
                try tolerating(ErrorNumber.noEntry) { () throws(SystemError) in try netlink.removeRule(rule.specification) }
            case .acceptMarkedSources(let accepts):
                try FileSystem.write([UInt8(ascii: accepts ? "1" : "0")], to: SystemObservation.markedSourcesPath)
            case .setMark, .setFirewall, .setNameServers: break
            }
        } catch {
            throw SetupError(step, error)
        }
        switch step {
        case .setMark(_, let mark):
            var update = TunnelUpdate()
            update.firewallMark = mark
            try device?.apply(update, step: step.action)
        case .setLink(_, let to): _ = device?.follow(LinkWatch.State(mtu: to.mtu, isUp: to.isUp))
        case .setFirewall(let from, let to): try tools.setFirewall(from: from, to: to, tunnel: tunnel, for: step.action)
        case .setNameServers(let from, let to):
            var netlink = try? NetlinkSocket()
            let name = ((try? netlink?.link(index: observation.link)) ?? nil)?.name ?? tunnel
            try NameServerSetup(tools: tools, tunnel: tunnel).set(from: from, to: to, interface: name, for: step.action)
        default: break
        }
    }

    private func tolerating(_ errno: Int32, _ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch {
            guard error.errno == errno else { throw error }
        }
    }
}

extension SystemState {
    /// A step that was to bring something failed and was lived with: it isn't there.
    fileprivate mutating func forget(_ step: Step) {
        switch step {
        case .setNameServers(let former, _?): nameServers = former
        case .acceptMarkedSources(true): acceptsMarkedSources = false
        default: break
        }
    }
}

extension SetupError {
    /// A step of a plan that failed.
    init(_ step: Step, _ error: SystemError) {
        var remedy: String?
        if error.errno == ErrorNumber.exists, case .addRoute(let route) = step {
            self.init(
                step.action, "there is one to the same destination already",
                remedy: "see `ip route show \(route.destination)\(route.table == TunnelRoute.mainTable ? "" : " table \(route.table)")`")
            return
        }
        if case .addAddress(let address) = step, address.address.family == .v6, error.isPermissionDenied {
            remedy = "IPv6 is disabled on this interface: sysctl net.ipv6.conf.all.disable_ipv6=0, or leave IPv6 addresses out"
        }
        self.init(step.action, error, remedy: remedy)
    }

    /// The same with what went wrong while it was undone.
    fileprivate func adding(_ failures: [SetupError]) -> SetupError {
        guard !failures.isEmpty else { return self }
        var error = self
        error.isPartial = true
        let list = failures.map { "\($0)" }.joined(separator: "\n  ")
        error.remedy = (remedy.map { "\($0)\n  " } ?? "") + "not everything could be undone: \(list)"
        return error
    }
}
