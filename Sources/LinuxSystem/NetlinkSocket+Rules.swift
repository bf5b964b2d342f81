internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// A policy routing rule that sends what it matches to a table.
public struct RuleSpecification: Hashable, Sendable {
    public var family: AddressFamily
    /// The rule's place: the lower is asked first. nil lets the kernel put it before the rules that it has.
    public var priority: UInt32?
    /// The firewall mark that it matches; nil: any.
    public var mark: UInt32?
    /// Which bits of the mark count; nil: all.
    public var mask: UInt32?
    /// Matches what it otherwise wouldn't.
    public var isInverted: Bool
    /// The number of the table that is looked up.
    public var table: UInt32
    /// Passes over routes found in the table whose prefix is this long or shorter.
    public var suppressPrefixLength: UInt32?

    public init(
        family: AddressFamily, priority: UInt32? = nil, mark: UInt32? = nil, mask: UInt32? = nil, isInverted: Bool = false,
        table: UInt32 = RouteSpecification.mainTable, suppressPrefixLength: UInt32? = nil
    ) {
        self.family = family
        self.priority = priority
        self.mark = mark
        self.mask = mask
        self.isInverted = isInverted
        self.table = table
        self.suppressPrefixLength = suppressPrefixLength
    }

    /// - Returns: nil where `message` isn't about a rule that leads to a table.
    init?(_ message: NetlinkMessage) {
        guard let part = message.fixedPart(as: fib_rule_hdr.self), part.action == UInt8(FR_ACT_TO_TBL),
            let family = AddressFamily(number: part.family)
        else { return nil }
        let attributes = message.attributes(after: MemoryLayout<fib_rule_hdr>.size)
        self.family = family
        // The rule with priority 0 comes without one.
        priority = attributes[Int(FRA_PRIORITY)]?.uint32 ?? 0
        mark = attributes[Int(FRA_FWMARK)]?.uint32
        mask = attributes[Int(FRA_FWMASK)]?.uint32
        isInverted = part.flags & UInt32(CLINUX_FIB_RULE_INVERT) != 0
        table = attributes[Int(FRA_TABLE)]?.uint32 ?? UInt32(part.table)
        // The kernel says -1 for none.
        suppressPrefixLength = attributes[Int(FRA_SUPPRESS_PREFIXLEN)]?.uint32.flatMap { $0 == .max ? nil : $0 }
    }
}

extension NetlinkSocket {
    /// The rules of a family that lead to tables, in order of priority.
    public mutating func rules(family: AddressFamily) throws(SystemError) -> [RuleSpecification] {
        try listRules(family) { RuleSpecification($0) }.sorted { $0.priority ?? 0 < $1.priority ?? 0 }
    }

    /// The places of all rules of a family in order, also of those that lead to no table: that refuse what they match, or go on elsewhere.
    public mutating func rulePriorities(family: AddressFamily) throws(SystemError) -> [UInt32] {
        // The rule with priority 0 comes without one.
        try listRules(family) { $0.attributes(after: MemoryLayout<fib_rule_hdr>.size)[Int(FRA_PRIORITY)]?.uint32 ?? 0 }.sorted()
    }

    private mutating func listRules<Rule>(_ family: AddressFamily, _ read: (NetlinkMessage) -> Rule?) throws(SystemError) -> [Rule] {
        let request = NetlinkRequest("list", "rules", type: Int(RTM_GETRULE))
        var part = fib_rule_hdr()
        part.family = family.number
        request.setFixedPart(part)
        return try list(request, read)
    }

    /// Adds a rule.
    /// - Throws: EEXIST when there is the same one.
    public mutating func addRule(_ rule: RuleSpecification) throws(SystemError) {
        try changeRule("add", Int(RTM_NEWRULE), NLM_F_CREATE | NLM_F_EXCL, rule)
    }

    /// Removes the first rule that matches all that is said.
    /// - Throws: ENOENT when none does.
    public mutating func removeRule(_ rule: RuleSpecification) throws(SystemError) {
        try changeRule("remove", Int(RTM_DELRULE), 0, rule)
    }

    private mutating func changeRule(_ operation: String, _ type: Int, _ flags: Int32, _ rule: RuleSpecification) throws(SystemError) {
        let request = NetlinkRequest("\(operation) rule", "to table \(rule.table)", type: type, flags: flags)
        var part = fib_rule_hdr()
        part.family = rule.family.number
        part.action = UInt8(FR_ACT_TO_TBL)
        part.table = rule.table < 256 ? UInt8(rule.table) : UInt8(RT_TABLE_COMPAT.rawValue)
        if rule.isInverted { part.flags = UInt32(CLINUX_FIB_RULE_INVERT) }
        request.setFixedPart(part)
        request.put(Int(FRA_TABLE), rule.table)
        if let priority = rule.priority { request.put(Int(FRA_PRIORITY), priority) }
        if let mark = rule.mark { request.put(Int(FRA_FWMARK), mark) }
        if let mask = rule.mask { request.put(Int(FRA_FWMASK), mask) }
        if let length = rule.suppressPrefixLength { request.put(Int(FRA_SUPPRESS_PREFIXLEN), length) }
        try perform(request)
    }
}
