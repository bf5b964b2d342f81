public import NetworkTypes

/// Cryptokey routing: which peer a destination belongs to, and which peer may use a source. The longest matching prefix decides.
///
/// One path-compressed binary trie for each address family over all peers, in flat memory: a node for each prefix and at most one
/// more for each fork, so a lookup costs a few dependent loads however many prefixes there are, allocates nothing and touches no
/// reference count. The prefixes of one peer are also linked in the order in which they came.
///
/// With more than a handful of prefixes the last results are remembered by address, until any prefix changes: the packets of a flow
/// cost one load, however deep the trie has become.
///
/// Source: whitepaper section 2; the trie is that of Linux's allowedips.c in idea.
@safe
public struct AllowedIPs: ~Copyable {
    struct Node {
        /// The prefix, left-aligned: an IPv4 one uses the upper 32 bits of `high`.
        var high: UInt64
        var low: UInt64
        var length: UInt8
        var isV6: Bool
        /// The peer whose prefix this is; `none` at a mere fork.
        var peer: UInt32
        var children: (UInt32, UInt32)
        /// The neighbours among the peer's prefixes.
        var next: UInt32
        var previous: UInt32

        func child(_ bit: Int) -> UInt32 { bit == 0 ? children.0 : children.1 }

        mutating func setChild(_ bit: Int, _ node: UInt32) {
            if bit == 0 { children.0 = node } else { children.1 = node }
        }
    }

    /// The result of a lookup.
    struct Remembered {
        var high: UInt64
        var low: UInt64
        /// ``generation`` of the trie that gave it, and the address family in the lowest bit.
        var tag: UInt64
        var peer: UInt32
    }

    /// So few prefixes are walked as fast as a result is found.
    private static let walkedCount = 8
    /// 128 KiB; a power of two.
    private static let rememberedCount = 4096

    /// No node, no peer.
    static let none = UInt32.max

    var nodes: UnsafeMutablePointer<Node>
    /// Nil as long as there have been few prefixes.
    private var remembered: UnsafeMutablePointer<Remembered>?
    var capacity = 0
    var used = 0
    /// Freed nodes, chained by `next`.
    var firstFree = none
    var rootV4 = none
    var rootV6 = none
    /// The first and last prefix of each peer, by slot.
    var lists: [(first: UInt32, last: UInt32)] = []

    /// How many prefixes there are.
    public private(set) var count = 0

    /// Changes whenever a lookup may have another result than before, so that a caller may keep the last one.
    public private(set) var generation: UInt64 = 0

    init() {
        unsafe nodes = .allocate(capacity: 1)
    }

    deinit {
        unsafe nodes.deallocate()
        unsafe remembered?.deallocate()
    }

    /// The peer with the longest prefix that contains `address`.
    @inline(__always)
    public func lookup(_ address: IPAddress) -> UInt32? {
        switch address {
        case .v4(let v4): find(UInt64(v4.rawValue) << 32, 0, isV6: false)
        case .v6(let v6): find(v6.high, v6.low, isV6: true)
        }
    }

    private func find(_ high: UInt64, _ low: UInt64, isV6: Bool) -> UInt32? {
        guard count > Self.walkedCount, let remembered = unsafe remembered else {
            return isV6 ? walk(high, low, from: rootV6, width: 128) : walk(high, low, from: rootV4, width: 32)
        }
        var hash = (high ^ low &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
        hash ^= hash >> 32
        // SAFETY: the index is below `rememberedCount`. Lookups take turns as everything else does, so nobody else writes there.
        let place = unsafe remembered + Int(hash & UInt64(Self.rememberedCount - 1))
        let tag = generation << 1 | (isV6 ? 1 : 0)
        if unsafe place.pointee.tag == tag && place.pointee.high == high && place.pointee.low == low {
            let peer = unsafe place.pointee.peer
            return peer == Self.none ? nil : peer
        }
        let peer = isV6 ? walk(high, low, from: rootV6, width: 128) : walk(high, low, from: rootV4, width: 32)
        unsafe place.pointee = Remembered(high: high, low: low, tag: tag, peer: peer ?? Self.none)
        return peer
    }

    /// The longest prefix that holds an address, and whose it is: what ``lookup(_:)`` goes by, for those who want to see it.
    public func match(_ address: IPAddress) -> (peer: UInt32, prefix: IPPrefix)? {
        let (high, low, isV6) = Self.key(address)
        var best: (peer: UInt32, prefix: IPPrefix)?
        var index = isV6 ? rootV6 : rootV4
        while index != Self.none {
            // SAFETY: links lead to used nodes only.
            let node = unsafe nodes[Int(index)]
            guard Self.commonBits(high, low, node.high, node.low) >= Int(node.length) else { break }
            if node.peer != Self.none { best = (node.peer, IPPrefix(address, length: node.length)) }
            guard Int(node.length) < address.bitWidth else { break }
            index = node.child(Self.bit(high, low, Int(node.length)))
        }
        return best
    }

    private func walk(_ high: UInt64, _ low: UInt64, from root: UInt32, width: UInt8) -> UInt32? {
        var best = Self.none
        var index = root
        while index != Self.none {
            // SAFETY: links lead to used nodes only.
            let node = unsafe nodes + Int(index)
            guard unsafe Self.commonBits(high, low, node.pointee.high, node.pointee.low) >= Int(node.pointee.length) else { break }
            if unsafe node.pointee.peer != Self.none { best = unsafe node.pointee.peer }
            guard unsafe node.pointee.length < width else { break }
            index = unsafe node.pointee.child(Self.bit(high, low, Int(node.pointee.length)))
        }
        return best == Self.none ? nil : best
    }

    /// Gives `prefix` to `peer`; whoever had it loses it.
    public mutating func insert(_ prefix: IPPrefix, peer: UInt32) {
        let (high, low, isV6) = Self.key(prefix.address)
        let length = prefix.length
        var parent = Self.none
        var side = 0
        var index = isV6 ? rootV6 : rootV4
        while index != Self.none {
            let node = unsafe nodes[Int(index)]
            let common = min(Self.commonBits(high, low, node.high, node.low), Int(node.length), Int(length))
            if common < Int(node.length) {
                insertAbove(index, common, parent, side, (high, low, length, isV6), peer)
                return
            }
            if node.length == length {
                guard node.peer != peer else { return }
                if node.peer != Self.none { unlink(index) }
                link(index, to: peer)
                return
            }
            parent = index
            side = Self.bit(high, low, Int(node.length))
            index = node.child(side)
        }
        let leaf = allocate(high, low, length, isV6)
        attach(leaf, parent, side, isV6)
        link(leaf, to: peer)
    }

    /// Takes `prefix` from `peer`; nothing happens if it is another's.
    public mutating func remove(_ prefix: IPPrefix, peer: UInt32) {
        let (high, low, isV6) = Self.key(prefix.address)
        removeNode(high, low, prefix.length, isV6, peer)
    }

    /// Takes all its prefixes from `peer`.
    public mutating func removeAll(of peer: UInt32) {
        guard Int(peer) < lists.count else { return }
        while lists[Int(peer)].first != Self.none {
            let node = unsafe nodes[Int(lists[Int(peer)].first)]
            removeNode(node.high, node.low, node.length, node.isV6, peer)
        }
    }

    /// The prefixes of `peer`, in the order in which it was given them.
    public func prefixes(of peer: UInt32) -> [IPPrefix] {
        guard Int(peer) < lists.count else { return [] }
        var prefixes: [IPPrefix] = []
        var index = lists[Int(peer)].first
        while index != Self.none {
            let node = unsafe nodes[Int(index)]
            let address: IPAddress =
                node.isV6
                ? .v6(IPv6Address(high: node.high, low: node.low)) : .v4(IPv4Address(rawValue: UInt32(node.high >> 32)))
            prefixes.append(IPPrefix(address, length: node.length))
            index = node.next
        }
        return prefixes
    }

    // MARK: Keys

    private static func key(_ address: IPAddress) -> (UInt64, UInt64, Bool) {
        switch address {
        case .v4(let v4): (UInt64(v4.rawValue) << 32, 0, false)
        case .v6(let v6): (v6.high, v6.low, true)
        }
    }

    /// How many leading bits two keys share.
    @inline(__always)
    private static func commonBits(_ high: UInt64, _ low: UInt64, _ otherHigh: UInt64, _ otherLow: UInt64) -> Int {
        let difference = high ^ otherHigh
        return difference != 0 ? difference.leadingZeroBitCount : 64 + (low ^ otherLow).leadingZeroBitCount
    }

    /// The bit behind the first `position` ones.
    @inline(__always)
    private static func bit(_ high: UInt64, _ low: UInt64, _ position: Int) -> Int {
        position < 64 ? Int((high << UInt64(position)) >> 63) : Int((low << UInt64(position - 64)) >> 63)
    }

    private static func masked(_ high: UInt64, _ low: UInt64, _ length: Int) -> (UInt64, UInt64) {
        if length <= 64 { return (length == 0 ? 0 : high & (.max << UInt64(64 - length)), 0) }
        return (high, length == 128 ? low : low & (.max << UInt64(128 - length)))
    }

    // MARK: The trie

    /// Puts a prefix above the node at `index`, which it shares only its first `common` bits with.
    private mutating func insertAbove(
        _ index: UInt32, _ common: Int, _ parent: UInt32, _ side: Int, _ key: (UInt64, UInt64, UInt8, Bool), _ peer: UInt32
    ) {
        let (high, low, length, isV6) = key
        let lower = unsafe nodes[Int(index)]
        let lowerSide = Self.bit(lower.high, lower.low, common)
        if common == Int(length) {
            // The new prefix contains the old node.
            let new = allocate(high, low, length, isV6)
            unsafe nodes[Int(new)].setChild(lowerSide, index)
            attach(new, parent, side, isV6)
            link(new, to: peer)
            return
        }
        let (forkHigh, forkLow) = Self.masked(high, low, common)
        let fork = allocate(forkHigh, forkLow, UInt8(common), isV6)
        let leaf = allocate(high, low, length, isV6)
        unsafe nodes[Int(fork)].setChild(lowerSide, index)
        unsafe nodes[Int(fork)].setChild(1 - lowerSide, leaf)
        attach(fork, parent, side, isV6)
        link(leaf, to: peer)
    }

    private mutating func attach(_ index: UInt32, _ parent: UInt32, _ side: Int, _ isV6: Bool) {
        if parent != Self.none {
            unsafe nodes[Int(parent)].setChild(side, index)
        } else if isV6 {
            rootV6 = index
        } else {
            rootV4 = index
        }
    }

    private mutating func removeNode(_ high: UInt64, _ low: UInt64, _ length: UInt8, _ isV6: Bool, _ peer: UInt32) {
        var grandparent = Self.none
        var parentSide = 0
        var parent = Self.none
        var side = 0
        var index = isV6 ? rootV6 : rootV4
        while index != Self.none {
            let node = unsafe nodes[Int(index)]
            guard Self.commonBits(high, low, node.high, node.low) >= Int(node.length), node.length <= length else { return }
            if node.length == length { break }
            (grandparent, parentSide) = (parent, side)
            (parent, side) = (index, Self.bit(high, low, Int(node.length)))
            index = node.child(side)
        }
        guard index != Self.none, unsafe nodes[Int(index)].peer == peer else { return }
        unlink(index)
        splice(index, parent, side, isV6)
        // A fork that lost one of its two branches is none any more.
        if parent != Self.none, unsafe nodes[Int(parent)].peer == Self.none { splice(parent, grandparent, parentSide, isV6) }
    }

    /// Takes a node without a peer out of the trie, unless it is a fork.
    private mutating func splice(_ index: UInt32, _ parent: UInt32, _ side: Int, _ isV6: Bool) {
        let children = unsafe nodes[Int(index)].children
        guard children.0 == Self.none || children.1 == Self.none else { return }
        attach(children.0 == Self.none ? children.1 : children.0, parent, side, isV6)
        unsafe nodes[Int(index)].next = firstFree
        firstFree = index
    }

    // MARK: A peer's prefixes

    private mutating func link(_ index: UInt32, to peer: UInt32) {
        while lists.count <= Int(peer) { lists.append((Self.none, Self.none)) }
        let last = lists[Int(peer)].last
        unsafe nodes[Int(index)].peer = peer
        unsafe nodes[Int(index)].previous = last
        unsafe nodes[Int(index)].next = Self.none
        if last == Self.none {
            lists[Int(peer)].first = index
        } else {
            unsafe nodes[Int(last)].next = index
        }
        lists[Int(peer)].last = index
        count += 1
        generation &+= 1
        if unsafe count > Self.walkedCount && remembered == nil {
            unsafe remembered = .allocate(capacity: Self.rememberedCount)
            let nothing = Remembered(high: 0, low: 0, tag: .max, peer: Self.none)
            unsafe remembered!.initialize(repeating: nothing, count: Self.rememberedCount)
        }
    }

    private mutating func unlink(_ index: UInt32) {
        let node = unsafe nodes[Int(index)]
        if node.previous == Self.none {
            lists[Int(node.peer)].first = node.next
        } else {
            unsafe nodes[Int(node.previous)].next = node.next
        }
        if node.next == Self.none {
            lists[Int(node.peer)].last = node.previous
        } else {
            unsafe nodes[Int(node.next)].previous = node.previous
        }
        unsafe nodes[Int(index)].peer = Self.none
        count -= 1
        generation &+= 1
    }

    // MARK: Memory

    private mutating func allocate(_ high: UInt64, _ low: UInt64, _ length: UInt8, _ isV6: Bool) -> UInt32 {
        let (high, low) = Self.masked(high, low, Int(length))
        let node = Node(
            high: high, low: low, length: length, isV6: isV6, peer: Self.none, children: (Self.none, Self.none), next: Self.none,
            previous: Self.none)
        if firstFree != Self.none {
            let index = firstFree
            firstFree = unsafe nodes[Int(index)].next
            unsafe nodes[Int(index)] = node
            return index
        }
        if used == capacity {
            let larger = UnsafeMutablePointer<Node>.allocate(capacity: max(64, capacity * 2))
            unsafe larger.moveInitialize(from: nodes, count: used)
            unsafe nodes.deallocate()
            unsafe nodes = larger
            capacity = max(64, capacity * 2)
        }
        unsafe (nodes + used).initialize(to: node)
        used += 1
        return UInt32(used - 1)
    }
}
