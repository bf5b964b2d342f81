internal import CLinuxShims
internal import Glibc

/// The tables of nftables in the calling thread's network namespace, asked of the kernel itself.
public enum FirewallTables {
    /// A table; one that was removed and made again is another.
    public struct Table: Hashable, Sendable {
        /// The kernel's number of its family: 1 for `inet`.
        public var family: UInt8
        public var name: String
        /// The kernel's number of this table; 0 where it has none (before Linux 4.16).
        public var handle: UInt64
    }

    /// All that there are now.
    /// - Throws: where the kernel has no nftables, or this process may not ask.
    public static func all() throws(SystemError) -> Set<Table> {
        var socket = NetlinkSocket(owning: try NetlinkSocket.open(groups: 0, nonBlocking: false, family: CLINUX_NETLINK_NETFILTER))
        let request = NetlinkRequest("list", "tables of the packet filter", type: Int(CLINUX_NFT_GETTABLE))
        request.setFixedPart(nfgenmsg())
        return Set(try socket.list(request) { Table($0) })
    }
}

extension FirewallTables.Table {
    /// - Returns: nil where `message` isn't about a table.
    init?(_ message: NetlinkMessage) {
        guard Int32(message.type) == CLINUX_NFT_NEWTABLE, let part = message.fixedPart(as: nfgenmsg.self) else { return nil }
        let attributes = message.attributes(after: MemoryLayout<nfgenmsg>.size)
        guard let name = attributes[Int(CLINUX_NFTA_TABLE_NAME)]?.string else { return nil }
        self.init(family: part.nfgen_family, name: name, handle: attributes[Int(CLINUX_NFTA_TABLE_HANDLE)]?.bigEndianUInt64 ?? 0)
    }
}
