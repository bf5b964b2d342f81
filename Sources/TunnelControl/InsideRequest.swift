internal import NetworkTypes

/// What the process inside a tunnel's own namespace is asked to set up: a few lines, an empty one, and the text of resolv.conf.
struct InsideRequest: Hashable {
    /// The interface's name.
    var interface: String
    /// What stands in /etc/resolv.conf there.
    var resolverText: String
    /// The ports inside whose listening sockets outside come along, in this order.
    var publishedPorts: [InsidePort] = []
    /// The tunnel's own addresses.
    var addresses: [IPAddress] = []

    init(interface: String, resolverText: String, publishedPorts: [InsidePort] = [], addresses: [IPAddress] = []) {
        self.interface = interface
        self.resolverText = resolverText
        self.publishedPorts = publishedPorts
        self.addresses = addresses
    }

    var text: String {
        let lines =
            ["interface \(interface)"] + publishedPorts.map { "port \($0)" } + addresses.map { "address \($0)" }
        return lines.joined(separator: "\n") + "\n\n" + resolverText
    }

    init?(_ text: String) {
        guard let end = text.firstRange(of: "\n\n") else { return nil }
        self.init(interface: "", resolverText: String(text[end.upperBound...]))
        for line in text[..<end.lowerBound].split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2 else { return nil }
            switch words[0] {
            case "interface": interface = String(words[1])
            case "port":
                guard let port = InsidePort(words[1]) else { return nil }
                publishedPorts.append(port)
            case "address":
                guard let address = IPAddress(words[1]) else { return nil }
                addresses.append(address)
            default: return nil
            }
        }
        guard !interface.isEmpty else { return nil }
    }
}

/// What it is asked later, and what it answers; a word and a number at most.
enum InsideQuestion: Hashable {
    /// A netlink socket of the namespace; with the bits of what it hears of.
    case netlink(groups: UInt32?)
    /// How many processes live there besides it.
    case neighbours
    /// To go, and leave the others alone.
    case leave

    var text: String {
        switch self {
        case .netlink(nil): "netlink"
        case .netlink(let groups?): "monitor \(groups)"
        case .neighbours: "neighbours"
        case .leave: "leave"
        }
    }

    init?(_ text: String) {
        let words = text.split(separator: " ")
        switch (words.first, words.count) {
        case ("netlink", 1): self = .netlink(groups: nil)
        case ("monitor", 2):
            guard let groups = UInt32(words[1]) else { return nil }
            self = .netlink(groups: groups)
        case ("neighbours", 1): self = .neighbours
        case ("leave", 1): self = .leave
        default: return nil
        }
    }
}
