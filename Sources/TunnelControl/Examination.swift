internal import LinuxSystem
public import NetworkTypes
public import TunnelConfiguration
internal import TunnelCore
public import TunnelDiagnosis
internal import WireGuardCrypto

/// Walks the whole way of a tunnel, from the TUN device to the echo of its peers, and tells what it sees at each step. Changes nothing.
public struct Examination {
    private let interface: String?
    private let file: ConfigurationFile?
    private let end: Instant
    private let tell: (ExaminationCheck) -> Void

    /// - Parameters:
    ///   - interface: a tunnel that is up; nil for none.
    ///   - file: what a tunnel is, or would be, brought up from.
    ///   - limit: when to stop, whatever has been looked at by then.
    ///   - tell: called with each step as it is over.
    public init(interface: String?, file: ConfigurationFile?, limit: Interval, tell: @escaping (ExaminationCheck) -> Void) {
        self.interface = interface
        self.file = file
        end = Clock.now + limit
        self.tell = tell
    }

    private func patience(atMost interval: Interval) -> Interval { min(interval, end.since(Clock.now)) }

    /// What was there to look at, and what it comes to.
    public enum Outcome {
        /// There was neither a tunnel nor a file.
        case machine
        /// A file whose tunnel is not up, or can't be asked; nil if it isn't known or can't be used.
        case file(Diagnosis?)
        /// A tunnel that is up.
        case tunnel(Diagnosis)
    }

    /// Goes all the way.
    public func run() -> Outcome {
        SystemChecks.all(isUp: interface != nil).forEach(tell)
        if let file { tell(Self.check(file)) }
        names()
        guard let interface, let trial = PathTrial(of: interface),
            let first = try? TunnelQuery.report(of: interface, begins: true).diagnosis
        else {
            if let interface { tell(ExaminationCheck("tunnel", .bad, "\(interface) can't be asked", remedy: "run with sudo; is it up?")) }
            guard let file, !file.hasErrors else { return interface == nil && file == nil ? .machine : .file(nil) }
            portIsFree(file)
            return .file(FileObservation.diagnosis(of: file, interface: interface ?? "the file"))
        }
        routes(first, interface)
        let settled = handshakes(first, interface)
        for note in paths(trial, settled) { TunnelQuery.note(note, to: interface) }
        conflicts(with: interface)
        return .tunnel((try? TunnelQuery.report(of: interface).diagnosis) ?? settled)
    }

    private static func check(_ file: ConfigurationFile) -> ExaminationCheck {
        let errors = file.diagnostics.filter { $0.severity == .error }
        if let first = errors.first {
            return ExaminationCheck("file", .bad, first.summary, remedy: first.suggestion ?? "wg-lite check \(file.name)")
        }
        if let first = file.diagnostics.first { return ExaminationCheck("file", .warning, first.summary, remedy: first.suggestion ?? "") }
        return ExaminationCheck("file", .good, "\(file.name): \(counted(file.peers.count, "peer", "peers"))")
    }

    private func names() {
        for endpoint in (file?.unresolvedEndpoints ?? []).prefix(4) {
            // The resolver takes the time that it takes; nobody has to wait for it.
            let answer = Answer<HostLookup.Outcome>()
            try? SystemThread(name: "wg-resolver") {
                answer.give(HostLookup.resolve(host: endpoint.name.host, service: endpoint.name.service))
            }.detach()
            switch answer.wait(for: patience(atMost: .seconds(3))) {
            case .found(let found)?:
                tell(ExaminationCheck("name", .good, "\(endpoint.name.host) is \(found[0].address)"))
                if let interface { TunnelQuery.note(.name("\(endpoint.name)", found.map(\.address)), to: interface) }
            case .failed(let why)?, .failedForNow(let why)?:
                tell(
                    ExaminationCheck(
                        "name", .bad, "\(endpoint.name.host): \(why)", remedy: "check the name, and the servers in /etc/resolv.conf"))
            case nil:
                tell(ExaminationCheck("name", .bad, "\(endpoint.name.host): no name server answers", remedy: "see /etc/resolv.conf"))
            }
        }
        // Before the tunnel is up its name servers need not be there.
        for server in (file?.interface.dnsServers ?? []).prefix(3) where interface != nil { nameServer(server.value) }
    }

    private func nameServer(_ server: IPAddress) {
        let limit = patience(atMost: .milliseconds(800))
        func ask(_ interface: String?) -> String {
            do throws(SystemError) {
                guard let time = try NameServerQuery.ask(server, through: interface, patience: limit) else { return "no answer" }
                return "answers in \(time.inWords)"
            } catch {
                return error.message.prefix(1).lowercased() + error.message.dropFirst()
            }
        }
        let routed = ask(nil)
        let inside = interface.map { "; through \($0): \(ask($0))" } ?? ""
        tell(
            ExaminationCheck(
                "name server", routed.hasPrefix("answers") ? .good : .bad, "\(server), as it is routed: \(routed)\(inside)",
                remedy: routed.hasPrefix("answers")
                    ? "" : "`ip route get \(server)`: does it lead into the tunnel, and is it in AllowedIPs?"))
    }

    private func routes(_ diagnosis: Diagnosis, _ interface: String) {
        guard !Isolation.isInside(interface) else {
            return tell(ExaminationCheck("route", .skipped, "\(interface)'s datagrams leave outside: their way isn't seen from in here"))
        }
        guard var machine = Machine(interface: interface) else { return }
        let mark = (try? TunnelQuery.state(of: interface))?.snapshot.firewallMark ?? 0
        for peer in diagnosis.peers.prefix(8) {
            guard let endpoint = peer.endpoint else { continue }
            switch machine.route(to: endpoint, mark: mark) {
            case .via(let name, let isTunnel, let source, let gateway, let mtu)?:
                let way = "\(endpoint) by \(name)\(gateway.map { " over \($0)" } ?? "")\(source.map { " from \($0)" } ?? ""), MTU \(mtu)"
                tell(ExaminationCheck("route", isTunnel ? .bad : .good, isTunnel ? "\(way): into the tunnel itself" : way))
            case RouteObservation.none?: tell(ExaminationCheck("route", .bad, "there is none to \(endpoint)", remedy: "see `ip route`"))
            case nil: tell(ExaminationCheck("route", .skipped, "\(endpoint): not looked up"))
            }
        }
    }

    /// Waits until it is known of each peer whether it answers.
    private func handshakes(_ first: Diagnosis, _ interface: String) -> Diagnosis {
        var last = first
        let limit = Clock.now + patience(atMost: .seconds(3))
        while Clock.now < limit, !last.isDecided, let next = try? TunnelQuery.report(of: interface).diagnosis {
            last = next
            _ = DescriptorPoll.wait([], for: .milliseconds(50))
        }
        for peer in last.peers.prefix(8) {
            let evidence = "\(peer.publicKey.abbreviation): \(peer.state.words)\(peer.evidence.isEmpty ? "" : ", \(peer.evidence)")"
            let outcome: ExaminationCheck.Outcome = peer.state == .working ? .good : peer.state.isBroken ? .bad : .skipped
            tell(ExaminationCheck("handshake", outcome, evidence))
        }
        return last
    }

    private func paths(_ trial: PathTrial, _ diagnosis: Diagnosis) -> [ProbeNote] {
        var notes: [ProbeNote] = []
        for peer in diagnosis.peers.filter({ $0.state == .working }).prefix(3) {
            let name = peer.publicKey.abbreviation
            guard let probe = trial.echo(peer.publicKey, patience: patience(atMost: .milliseconds(500))) else {
                tell(ExaminationCheck("echo", .skipped, "\(name): nobody inside answers an echo"))
                continue
            }
            notes.append(.echo(peer.publicKey, probe))
            let largest = probe.largestAnswered.map { "\($0)" } ?? "?"
            tell(
                probe.smallestLost.map { lost in
                    ExaminationCheck(
                        "echo", .bad, "\(name): packets of \(largest) bytes pass, of \(lost) not", remedy: "write MTU = \(largest)")
                } ?? ExaminationCheck("echo", .good, "\(name): packets of \(largest) bytes pass, as large as the interface has them"))
        }
        if diagnosis.peers.contains(where: \.state.isBroken) {
            let unseen = trial.arrivedUnseen()
            notes.append(.arrived(unseen))
            if let unseen {
                tell(
                    ExaminationCheck(
                        "firewall", .bad,
                        "\(counted(unseen.count, "datagram", "datagrams")) of \(unseen.sender) came to \(unseen.interface) and none reached the tunnel",
                        remedy: "see `nft list ruleset`, chains with hook input, and rp_filter"))
            }
        }
        return notes
    }

    private func conflicts(with interface: String) {
        guard let port = (try? TunnelQuery.state(of: interface))?.snapshot.listenPort else { return }
        let others = RuntimeDirectory.runningInterfaces().map(\.name).filter { $0 != interface }
        let same = others.filter { (try? TunnelQuery.state(of: $0))?.snapshot.listenPort == port }
        tell(
            same.isEmpty
                ? ExaminationCheck("others", .good, others.isEmpty ? "no other tunnel" : "also up: \(others.joined(separator: ", "))")
                : ExaminationCheck("others", .bad, "\(same.joined(separator: ", ")) listens on port \(port) as well"))
    }

    private func portIsFree(_ file: ConfigurationFile) {
        guard let port = file.interface.listenPort?.value, port != 0 else { return }
        do throws(SystemError) {
            _ = try UDPSocket(family: .v4, port: port, mark: 0)
            tell(ExaminationCheck("port", .good, "\(port) is free"))
        } catch {
            tell(ExaminationCheck("port", .bad, "\(port): \(error.message)", remedy: "`ss -ulnp sport = :\(port)` says whose it is"))
        }
    }
}

extension Diagnosis {
    /// Whether it is known of each of the first peers that can be called whether they answer, or an error says more than an answer could.
    public var isDecided: Bool {
        if verdict.outcome == .doesNotWork { return true }
        return peers.filter { $0.endpoint != nil }.prefix(16).allSatisfy { $0.state == .working || $0.state.isBroken }
    }
}
