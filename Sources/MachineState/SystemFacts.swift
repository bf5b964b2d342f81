public import NetworkTypes

/// The few things of a machine that what a tunnel asks of it depends on.
public struct SystemFacts: Hashable, Sendable {
    /// The interface's name now.
    public var interface: String
    /// Bytes that the narrowest way to an endpoint takes, headers included; nil where none is known.
    public var outerMTU: UInt32?
    /// The first routing table from ``firstTable`` up that holds no routes but the tunnel's own.
    public var freeTable: UInt32
    /// The first rule's place behind the kernel's own, in each family, whatever the rule does.
    public var firstPriority: [AddressFamily: UInt32]
    /// The number of the table that the configuration names; nil where it names none, or none that is known.
    public var namedTable: UInt32?
    /// nft where there is one, else iptables; nil: neither, and no filter is set.
    public var firewallTool: FirewallRules.Tool?
    /// What keeps the name servers here.
    public var nameServerMethod: NameServers.Method
    /// Whether the interface is the only way out of its network namespace: then its routes stand in the main table, and nothing has to be kept
    /// out of them. Name servers are its namespace's own.
    public var isAlone = false

    public init(
        interface: String, outerMTU: UInt32? = nil, freeTable: UInt32 = firstTable, firstPriority: [AddressFamily: UInt32] = [:],
        namedTable: UInt32? = nil, firewallTool: FirewallRules.Tool? = nil, nameServerMethod: NameServers.Method = .file
    ) {
        self.interface = interface
        self.outerMTU = outerMTU
        self.freeTable = freeTable
        self.firstPriority = firstPriority
        self.namedTable = namedTable
        self.firewallTool = firewallTool
        self.nameServerMethod = nameServerMethod
    }

    /// The first table that is asked for; as wg-quick's.
    public static let firstTable: UInt32 = 51820
    /// The kernel's rule for the main table stands here.
    public static let mainRulePriority: UInt32 = 32766
}
