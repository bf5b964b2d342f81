package import NetworkTypes
package import TunnelCore
package import WireGuardCrypto

/// Cryptokey routing as one would write it down: a list of prefixes with their owners, searched from end to end.
package struct NaiveRouting {
    private var known: Set<PublicKey> = []
    private var owners: [(prefix: IPPrefix, peer: PublicKey)] = []

    package init() {}

    /// Does what an update says about peers and their prefixes.
    package mutating func apply(_ update: TunnelUpdate, own: PublicKey) {
        if update.replacesPeers { self = NaiveRouting() }
        for peer in update.peers where peer.publicKey != own {
            let key = peer.publicKey
            if peer.removes {
                known.remove(key)
                owners.removeAll { $0.peer == key }
                continue
            }
            if peer.updatesOnly, !known.contains(key) { continue }
            known.insert(key)
            if peer.replacesAllowedIPs { owners.removeAll { $0.peer == key } }
            for change in peer.allowedIPs {
                if change.removes {
                    owners.removeAll { $0.prefix == change.prefix && $0.peer == key }
                } else {
                    owners.removeAll { $0.prefix == change.prefix }
                    owners.append((change.prefix, key))
                }
            }
        }
    }

    package func contains(_ peer: PublicKey) -> Bool { known.contains(peer) }

    /// The owner of the longest prefix that contains an address.
    package func lookup(_ address: IPAddress) -> PublicKey? {
        owners.filter { $0.prefix.contains(address) }.max { $0.prefix.length < $1.prefix.length }?.peer
    }
}
