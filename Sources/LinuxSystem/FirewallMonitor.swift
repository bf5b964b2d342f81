internal import CLinuxShims
internal import Glibc

/// Hears what nftables removes in the network namespace of the thread that opened it, whichever program asked for it; sleep on its
/// ``descriptor``. What iptables has built on nftables is among it. Source: nfnetlink multicast group NFNLGRP_NFTABLES.
public struct FirewallMonitor: ~Copyable, Sendable {
    /// What has gone.
    public struct Removals: Hashable, Sendable {
        /// The names of the tables that went, or of which something did.
        public var tables: Set<String> = []
        /// More happened than the socket could hold: look at everything.
        public var hasMissed = false

        public init() {}
    }

    private let socket: NetlinkSocket

    /// Hears all removals from now on.
    /// - Throws: where the kernel has no nftables, or this process may not hear of it.
    public init() throws(SystemError) {
        socket = NetlinkSocket(
            owning: try NetlinkSocket.open(
                groups: 1 << (UInt32(CLINUX_NFNLGRP_NFTABLES) - 1), nonBlocking: true, family: CLINUX_NETLINK_NETFILTER))
    }

    /// Readable while there is news. It belongs to this value.
    public var descriptor: Int32 { socket.descriptor.rawValue }

    /// What has gone since the last call, without blocking.
    public func removals() throws(SystemError) -> Removals {
        var removals = Removals()
        while true {
            do {
                try socket.receive { message in
                    if let table = Self.table(message) { removals.tables.insert(table) }
                }
            } catch {
                if error.isWouldBlock { return removals }
                guard error.errno == ENOBUFS else { throw error }
                removals.hasMissed = true
            }
        }
    }

    /// The table that a message removes, or something of it; nil for other messages.
    static func table(_ message: NetlinkMessage) -> String? {
        guard [CLINUX_NFT_DELTABLE, CLINUX_NFT_DELCHAIN, CLINUX_NFT_DELRULE].contains(Int32(message.type)) else { return nil }
        return message.attributes(after: MemoryLayout<nfgenmsg>.size)[Int(CLINUX_NFTA_TABLE)]?.string
    }
}
