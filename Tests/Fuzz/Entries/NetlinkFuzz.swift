import CLinuxShims
import Glibc
import NetworkTypes

@testable import LinuxSystem
@testable import TunAdapter

/// Netlink messages: those are read that a reader finds that only knows their layout, and nothing in them has a value that it can't have.
enum NetlinkFuzz {
    static func run(_ bytes: [UInt8]) {
        let expected = naive(bytes)
        var answer = NetlinkAnswer(sequence: 7)
        var found: [[Int]] = []
        unsafe OwnBlock.with(bytes) { datagram in
            unsafe NetlinkMessage.visit(datagram) { message in
                found.append([message.type, Int(message.flags), Int(message.sequence)])
                let wasOver = answer.outcome != nil
                let isPart = answer.take(message)
                precondition(!isPart || (!wasOver && answer.outcome == nil && message.sequence == 7))
                check(message)
            }
        }
        precondition(found == expected, "found \(found), there are \(expected)")
        if case .failed(let errno, _)? = answer.outcome { precondition((1...4095).contains(errno)) }
    }

    private static func check(_ message: NetlinkMessage) {
        if let link = LinkInfo(message) {
            precondition((1...UInt32(Int32.max)).contains(link.index))
            precondition((link.tun != nil) == (link.kind == "tun") || link.tun == nil)
            if let alias = link.alias, let identity = AdapterIdentity(alias: alias) {
                precondition(identity.isListed && Array((identity.alias ?? "").utf8) == Array(alias.utf8))
                precondition(!identity.name(interfaceName: "tun0").isEmpty && !identity.derivedInterfaceName(attempt: 1).hasPrefix("-"))
            }
        }
        if let route = RouteSpecification(message) {
            precondition(Int(route.destination.length) <= route.destination.address.bitWidth)
            precondition(IPPrefix("\(route.destination)") == route.destination)
        }
        if let rule = RuleSpecification(message) { precondition(rule.suppressPrefixLength != .max) }
        if let address = LinkAddress(message) {
            precondition(IPInterfaceAddress("\(address.address)") == address.address)
            precondition(address.peer != address.address.address)
        }
        if let table = FirewallTables.Table(message) { precondition(!table.name.utf8.contains(0)) }
        _ = NetlinkMonitor.event(message)
        // Attributes one inside of the other, whatever they are.
        var depth = 0
        func descend(_ attributes: NetlinkAttributes) {
            guard depth < 4 else { return }
            depth += 1
            attributes.visit { number, value in
                precondition((0...0x3fff).contains(number))
                precondition(value.uint8 == nil || value.uint32 == nil)
                precondition(!value.string.utf8.contains(0))
                _ = value.address
                descend(value.nested)
            }
            depth -= 1
        }
        for size in [0, 4, 12, 16, 20] { descend(message.attributes(after: size)) }
    }

    /// Type, flags and sequence of each message that is there as a whole.
    private static func naive(_ bytes: [UInt8]) -> [[Int]] {
        func number(_ at: Int, _ count: Int) -> Int { (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[at + $1]) } }
        var messages: [[Int]] = []
        var at = 0
        while at + 16 <= bytes.count {
            let length = number(at, 4)
            guard length >= 16, at + length <= bytes.count else { break }
            messages.append([number(at + 4, 2), number(at + 6, 2), number(at + 8, 4)])
            at += (length + 3) / 4 * 4
        }
        return messages
    }
}
