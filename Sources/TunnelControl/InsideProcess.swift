internal import LinuxSystem
internal import NetworkTypes
internal import TunAdapter

/// The process that makes a tunnel's own namespaces and stays there: it opens what is to belong to them for the process outside, which runs the
/// tunnel, and carries published ports' connections.
///
/// It has one thread when it enters, as a user namespace demands. When the process outside goes without a word, it ends what lives inside.
public enum InsideProcess {
    /// The words of this program that start it, before the number of its channel.
    public static let command = "inside"

    /// Runs to its end.
    /// - Parameter channel: the inherited end of the channel to the process outside.
    public static func run(channel number: Int32) {
        let channel = DescriptorChannel(owning: FileDescriptor(owning: number))
        SignalDescriptor.ignoreBrokenPipes()
        // The files that it makes are for whoever runs inside, whatever the caller keeps to himself.
        Process.setFileCreationMask(0o022)
        guard let message = (try? channel.receive()) ?? nil,
            let request = InsideRequest(String(decoding: message.bytes, as: UTF8.self)),
            request.publishedPorts.count == message.descriptors.count
        else { return }
        do throws(SetupError) {
            let warning = try prepare(request)
            try handOver(request, warning, channel)
        } catch {
            return answer(channel, error)
        }
        let forwarder = PortForwarder(Array(zip(message.descriptors, request.publishedPorts)), addresses: request.addresses)
        if !serve(channel, forwarder) { endNeighbours() }
    }

    private static func answer(_ channel: borrowing DescriptorChannel, _ error: SetupError) {
        try? channel.send(Array("error\0\(error.step)\0\(error.cause)\0\(error.remedy ?? "")".utf8))
    }

    /// Enters new namespaces and sets them up, but for the tunnel's interface.
    private static func prepare(_ request: InsideRequest) throws(SetupError) -> String? {
        let (user, group) = (Process.effectiveUser, Process.effectiveGroup)
        let settings = NamespaceRefusal.Settings.current
        do throws(SystemError) {
            // Who needs no user namespace keeps all that he may.
            do throws(SystemError) {
                try Namespaces.enterNew(withUser: false)
            } catch {
                try Namespaces.enterNew(withUser: true)
                try Namespaces.mapOntoItself(user: user, group: group)
            }
            let warning = try InsideFiles.place(resolverText: request.resolverText)
            var netlink = try NetlinkSocket()
            if let loopback = try netlink.link(named: "lo") { try netlink.changeLink(loopback.index, LinkChange(isUp: true)) }
            // Ping without a privilege, and ports below 1024: they are nobody else's here. Where /proc/sys can't be written (some containers)
            // it stays as it is.
            try? FileSystem.write(Array("\(group) \(group)\n".utf8), to: "/proc/sys/net/ipv4/ping_group_range")
            try? FileSystem.write(Array("0\n".utf8), to: "/proc/sys/net/ipv4/ip_unprivileged_port_start")
            return warning
        } catch {
            throw NamespaceRefusal(error, settings).error
        }
    }

    /// Makes the interface, and sends it with the namespaces.
    private static func handOver(
        _ request: InsideRequest, _ warning: String?, _ channel: borrowing DescriptorChannel
    ) throws(SetupError) {
        let adapter = try TunnelDevice.makeAdapter(request.interface)
        do {
            let tun = try adapter.openDeviceObject().takeDescriptor()
            let spaces = [
                try FileDescriptor.open("/proc/self/ns/user", flags: 0).take(),
                try FileDescriptor.open("/proc/self/ns/net", flags: 0).take(),
                try FileDescriptor.open("/proc/self/ns/mnt", flags: 0).take(), try FileDescriptor.open("/", flags: 0).take(),
            ]
            defer { for number in spaces { _ = FileDescriptor(owning: number) } }
            try channel.send(Array("ok\0\(warning ?? "")".utf8), [tun.rawValue] + spaces)
        } catch {
            throw SetupError("hand the interface over", "\(error)")
        }
        // Its handle goes: the interface is the other process's from now on.
    }

    /// Answers until the other process goes.
    /// - Returns: whether it said so.
    private static func serve(_ channel: borrowing DescriptorChannel, _ forwarder: PortForwarder) -> Bool {
        while true {
            let ready = DescriptorPoll.wait([.init(channel.rawValue)] + forwarder.interests)
            forwarder.advance(ready.dropFirst())
            guard ready[0] else { continue }
            guard let message = (try? channel.receive()) ?? nil,
                let question = InsideQuestion(String(decoding: message.bytes, as: UTF8.self))
            else { return false }
            do throws(SystemError) {
                switch question {
                case .netlink(let groups):
                    let socket = try NetlinkSocket.open(monitoring: groups.map { .init(rawValue: $0) })
                    try channel.send(Array("ok".utf8), [socket.rawValue])
                case .neighbours: try channel.send(Array("\(Namespaces.neighbours.count)".utf8))
                case .leave: return true
                }
            } catch {
                try? channel.send(Array("\(error.errno)".utf8))
            }
        }
    }

    /// What nobody looks after any more; a process that it starts meanwhile is found in the next round.
    private static func endNeighbours() {
        for _ in 0..<100 {
            let neighbours = Namespaces.neighbours
            if neighbours.isEmpty { return }
            for process in neighbours { Process.signal(process, SignalDescriptor.kill) }
            SystemThread.sleep(.milliseconds(10))
        }
    }
}
