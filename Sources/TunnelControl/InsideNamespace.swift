internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import Synchronization
public import TunnelConfiguration

/// Namespaces of a tunnel's own, as the process outside sees them: the TUN queue, and a process inside that opens sockets there.
///
/// The caller owns the user namespace, so that these sockets let him change what is inside; outside he has no privilege and needs none.
public final class InsideNamespace: Sendable {
    /// The interface's queue; whoever starts the session takes it.
    let tun: Int32
    /// Where programs are started.
    let place: ChildProcess.Place
    /// nil once ``leave()`` was called.
    private let channel: Mutex<DescriptorChannel?>
    private let process: ChildProcess
    /// What couldn't be set up inside and can be lived with; nil if everything was.
    public let warning: String?

    private init(
        tun: Int32, place: ChildProcess.Place, channel: consuming DescriptorChannel, process: ChildProcess, warning: String?
    ) {
        self.tun = tun
        self.place = place
        self.channel = Mutex(channel)
        self.process = process
        self.warning = warning
    }

    deinit {
        leave()
        for number in [place.user, place.network, place.mounts, place.root] { _ = FileDescriptor(owning: number) }
    }

    /// Makes the namespaces with an interface of that name.
    /// - Parameters:
    ///   - file: its name servers are those inside, and its addresses may be what published services listen at.
    ///   - ports: to be published.
    public static func make(
        _ interface: String, _ file: ConfigurationFile, publishing ports: [PublishedPort]
    ) throws(SetupError) -> InsideNamespace {
        if let missing = Surroundings.current.missingDevice {
            throw SetupError("create the interface \(interface)", missing.cause, remedy: missing.remedy)
        }
        let servers = NameServers(
            method: .file, servers: file.interface.dnsServers.map(\.value), searchDomains: file.interface.dnsSearchDomains.map(\.value))
        let request = InsideRequest(
            interface: interface, resolverText: InsideFiles.resolverText(servers, file: file.name), publishedPorts: ports.map(\.inside),
            addresses: file.interface.addresses.map(\.value.address))
        var listeners: [Int32] = []
        // They are the other process's once they are sent.
        defer { for number in listeners { _ = FileDescriptor(owning: number) } }
        for port in ports { listeners.append(try port.listen().take()) }
        let words: [String]
        do throws(SystemError) {
            var other: FileDescriptor?
            let channel = try DescriptorChannel(other: &other)
            let end = other.take()!
            let process = try ChildProcess.start(
                Process.executable, [InsideProcess.command, "\(end.rawValue)"], name: "wg-lite", output: .null, error: .descriptor(2),
                passing: (end.rawValue, as: end.rawValue), newSession: true)
            _ = consume end
            try channel.send(Array(request.text.utf8), listeners)
            let answer = try channel.receive()
            words = String(decoding: answer?.bytes ?? [], as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
                .map(String.init)
            let numbers = answer?.descriptors ?? []
            if words.first == "ok", numbers.count == 5 {
                return InsideNamespace(
                    tun: numbers[0], place: .init(user: numbers[1], network: numbers[2], mounts: numbers[3], root: numbers[4]),
                    channel: channel, process: process, warning: words.count > 1 && !words[1].isEmpty ? words[1] : nil)
            }
            for number in numbers { _ = FileDescriptor(owning: number) }
            // The other process goes when nobody is at this end any more.
            _ = consume channel
            _ = process.wait()
        } catch {
            throw SetupError("make a namespace for the tunnel", error)
        }
        // All were sent, and there was no room here for what didn't arrive.
        if words.first == "ok" {
            throw NamespaceRefusal(SystemError(errno: ErrorNumber.tooManyOpenFiles, operation: "recvmsg"), .current).error
        }
        guard words.first == "error", words.count == 4 else {
            throw SetupError("make a namespace for the tunnel", "the process that is to make it ended without a word")
        }
        throw SetupError(words[1], words[2], remedy: words[3].isEmpty ? nil : words[3])
    }

    fileprivate func openNetlink() throws(SystemError) -> NetlinkSocket {
        NetlinkSocket(owning: try ask(.netlink(groups: nil)))
    }

    fileprivate func openMonitor(_ groups: NetlinkMonitor.Groups) throws(SystemError) -> NetlinkMonitor {
        NetlinkMonitor(owning: try ask(.netlink(groups: groups.rawValue)))
    }

    private func ask(_ question: InsideQuestion) throws(SystemError) -> FileDescriptor {
        let answer = try exchange(question)
        guard let number = answer?.descriptors.first else {
            let errno = answer.flatMap { Int32(String(decoding: $0.bytes, as: UTF8.self)) } ?? ErrorNumber.brokenPipe
            throw SystemError(errno: errno, operation: "socket", subject: "in the tunnel's namespace")
        }
        return FileDescriptor(owning: number)
    }

    private func exchange(_ question: InsideQuestion) throws(SystemError) -> DescriptorChannel.Message? {
        try channel.withLock { channel throws(SystemError) in
            try channel?.send(Array(question.text.utf8))
            return try channel?.receive() ?? nil
        }
    }

    /// Whether any process lives inside.
    var isInhabited: Bool {
        guard let answer = (try? exchange(.neighbours)) ?? nil else { return false }
        return (Int(String(decoding: answer.bytes, as: UTF8.self)) ?? 0) > 0
    }

    /// The number of the process inside, which isn't one of those that live there for themselves.
    var processIdentifier: Int32 { process.identifier }

    /// Lets the process inside go, and waits for it: where the first process of a container waits for nobody, it would stay a zombie. Whatever
    /// else lives there is left alone, without a network. Nothing can be opened there any more.
    public func leave() {
        guard let channel = channel.withLock({ $0.take() }) else { return }
        try? channel.send(Array(InsideQuestion.leave.text.utf8))
        // Its end closes as it goes. Somebody may have stopped it.
        if !DescriptorPoll.wait([.init(channel.rawValue)], for: .seconds(2))[0] { process.signal(SignalDescriptor.kill) }
        _ = process.wait()
    }
}

/// Where a tunnel's interface is: in namespaces of its own, or, nil, where this process is.
extension InsideNamespace? {
    /// A netlink socket there.
    func netlink() throws(SystemError) -> NetlinkSocket {
        switch self {
        case .some(let inside): try inside.openNetlink()
        case .none: try NetlinkSocket()
        }
    }

    /// Hears what changes there.
    func monitor(_ groups: NetlinkMonitor.Groups) throws(SystemError) -> NetlinkMonitor {
        switch self {
        case .some(let inside): try inside.openMonitor(groups)
        case .none: try NetlinkMonitor(groups)
        }
    }
}
