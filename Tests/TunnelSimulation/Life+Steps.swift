internal import NetworkTypes
internal import SeededRandom
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

extension Life {
    private func node(_ number: Int) -> SimulatedNode { network.nodes[number % network.nodes.count] }

    /// Two nodes that are linked, whatever the numbers.
    private func pair(_ a: Int, _ b: Int) -> (SimulatedNode, SimulatedNode) {
        let link = plan.links[b % plan.links.count]
        let (first, second) = (network.nodes[link[0]], network.nodes[link[1]])
        return a.isMultiple(of: 2) ? (first, second) : (second, first)
    }

    func perform(_ step: LifeStep) {
        switch step {
        case .traffic(let from, let to, let packets, let apart, let isV6):
            let (sender, receiver) = pair(from, to)
            for _ in 0..<packets {
                let size = Int.random(in: InnerPacket.minimumSize...1420, using: &random)
                network.send(from: sender, to: receiver, size: size, isV6: isV6)
                network.run(for: .milliseconds(apart))
                if apart >= 500 { check() }
            }
        case .pause(let seconds): pass(.seconds(seconds))
        case .restart(let number): restart(node(number))
        case .remove(let number, let peer):
            let (node, other) = pair(number, peer)
            node.configure(other) { $0.removes = true }
            reconfigures(node, other)
        case .configure(let number, let peer):
            let (node, other) = pair(number, peer)
            configure(node, other)
        case .keepalive(let number, let peer, let seconds):
            let (node, other) = pair(number, peer)
            node.configure(other) { $0.persistentKeepalive = seconds }
        case .presharedKey(let number, let peer, let key, let both):
            let (node, other) = pair(number, peer)
            let bytes = [UInt8](repeating: key, count: 32)
            let presharedKey = unsafe bytes.withUnsafeBytes { unsafe PresharedKey($0) }
            reconfigures(node, other)
            node.configure(other) { $0.presharedKey = presharedKey }
            if both { other.configure(node) { $0.presharedKey = presharedKey } }
        case .takeAddress(let number, let owner, let taker):
            // Traffic to the owner goes to somebody else, who has no use for it.
            let (node, other) = pair(number, owner)
            let third = self.node(taker)
            guard isLinked(node, third) else { return }
            reconfigures(node, other)
            node.configure(third) { $0.allowedIPs = [AllowedIPChange(IPPrefix(other.address))] }
        case .move(let number, let address, let port):
            let endpoint = Endpoint(address: .v4(IPv4Address(rawValue: address)), port: port)
            if !network.nodes.contains(where: { $0.endpoint == endpoint }) { node(number).endpoint = endpoint }
        case .clock(let number, let seconds): node(number).moveClock(bySeconds: seconds)
        case .suspend(let number, let seconds, let keeps): node(number).suspend(for: .seconds(seconds), keepsDatagrams: keeps)
        case .useCounters(let number, let peer, let isLast):
            let (node, other) = pair(number, peer)
            node.tunnel.skipCounters(
                of: other.publicKey, to: isLast ? Limits.rejectAfterMessages - 3 : Limits.rekeyAfterMessages - 3)
        case .slow(let number, let milliseconds): node(number).handshakeCost = .milliseconds(milliseconds)
        case .latency(let milliseconds, let jitter):
            network.conditions.latency = .milliseconds(milliseconds)
            network.conditions.jitter = .milliseconds(jitter)
        case .loss(let share): network.conditions.loss = share
        case .duplication(let share): network.conditions.duplication = share
        case .damage(let share): network.conditions.damage = share
        case .cut(let a, let b):
            let (a, b) = pair(a, b)
            network.cut(a, b)
        case .cutOneWay(let from, let to):
            let (a, b) = pair(from, to)
            network.cutOneWay(from: a, to: b)
        case .mend(let a, let b):
            let (a, b) = pair(a, b)
            network.mend(a, b)
        case .replay(let count, let isFromElsewhere, let target):
            attack(count) { datagram, random in
                switch target {
                case .receiver: break
                case .sender: swap(&datagram.source, &datagram.destination)
                case .node(let number): datagram.destination = node(number).endpoint
                }
                if isFromElsewhere { datagram.source = Self.elsewhere(&random) }
            }
        case .truncate(let count):
            attack(count) { datagram, random in datagram.bytes.removeLast(Int.random(in: 1...datagram.bytes.count, using: &random)) }
        case .lengthen(let count):
            attack(count) { datagram, random in
                for _ in 0..<Int.random(in: 1...64, using: &random) { datagram.bytes.append(.random(in: 0...255, using: &random)) }
            }
        case .flip(let count):
            attack(count) { datagram, random in
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    datagram.bytes[Int.random(in: datagram.bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
                }
            }
        case .flood(let number, let count, let kind): flood(node(number), count, kind)
        case .lie(let number, let to, let lie, let isV6):
            let (liar, victim) = pair(number, to)
            tell(lie, liar, victim, isV6: isV6)
        }
    }

    private func restart(_ node: SimulatedNode) {
        guard !node.isSuspended else { return }
        node.restart()
        for peer in network.nodes where isLinked(node, peer) { configure(node, peer) }
    }

    private static func elsewhere(_ random: inout SplitMix64) -> Endpoint {
        Endpoint(
            address: .v4(IPv4Address(rawValue: .random(in: 1 ... .max, using: &random))), port: .random(in: 1 ... .max, using: &random))
    }

    /// Sends datagrams that were seen before, changed.
    private func attack(_ count: Int, _ change: (inout SimulatedNetwork.Recording, inout SplitMix64) -> Void) {
        for _ in 0..<count {
            let isOld = Int.random(in: 0..<4, using: &random) == 0
            guard var datagram = (isOld ? network.oldRecordings : network.recordings).randomElement(using: &random) else { return }
            change(&datagram, &random)
            network.inject(datagram, sender: nil)
        }
        network.run(for: .seconds(1))
    }

    /// Datagrams from everywhere, of somebody who has no session here.
    private func flood(_ victim: SimulatedNode, _ count: Int, _ kind: LifeStep.Flood) {
        let stranger = LocalIdentity(privateKey: PrivateKey.random(using: &random))
        let target = kind == .strangers ? stranger.publicKey : victim.publicKey
        let remote = RemoteIdentity(publicKey: target, presharedKey: .zero, local: stranger)
        func initiation() -> [UInt8]? {
            let creation = InitiationCreation(
                local: stranger, remote: remote, senderIndex: .random(in: 0 ... .max, using: &random),
                timestamp: TAI64N(unixNanoseconds: victim.time.unixNanoseconds), using: &random)
            return unsafe try? creation.perform().message.withUnsafeBytes { unsafe [UInt8]($0) }
        }
        guard let first = initiation() else { return }
        for number in 0..<count {
            let bytes =
                switch kind {
                case .strangers, .initiation: first
                // Few enough that their making costs little.
                case .initiations: number < 100 ? initiation() ?? first : first
                case .data: noise(kind: .transport, count: 16 * .random(in: 2...8, using: &random))
                case .cookies: noise(kind: .cookieReply, count: CookieReply.byteCount)
                }
            let source = Self.elsewhere(&random)
            network.inject(SimulatedNetwork.Recording(bytes: bytes, source: source, destination: victim.endpoint), sender: nil)
        }
        network.run(for: .milliseconds(500))
    }

    /// A message of a kind and with noise inside, for an index that somebody on the way has seen, or for any.
    private func noise(kind: MessageKind, count: Int) -> [UInt8] {
        var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes.replaceSubrange(0..<4, with: [kind.rawValue, 0, 0, 0])
        if let seen = network.recordings.randomElement(using: &random)?.bytes, seen.count >= 8 {
            bytes.replaceSubrange(4..<8, with: seen[4..<8])
        }
        return bytes
    }

    /// A peer whose keys are right puts something wrong inside.
    private func tell(_ lie: LifeStep.Lie, _ liar: SimulatedNode, _ victim: SimulatedNode, isV6: Bool) {
        // No length of IPv6 is below its header's.
        let isV6 = isV6 && lie != .lengthBelowHeader
        let third = network.nodes.first { $0 !== liar && $0 !== victim && isLinked($0, victim) }
        // Another peer's source must not be delivered unless it has become the liar's at the victim, which is looked at then.
        let receiver = lie == .othersSource && third != nil ? victim.publicKey : nil
        let number = network.register(from: liar, to: receiver) { number in
            // One that waits for a session is numbered in its turn; it must not be delivered all the same.
            let nobody: IPAddress = isV6 ? .v6(IPv6Address(high: 0xfd01 << 48, low: 1)) : .v4(IPv4Address(rawValue: 0x0b00_0001))
            let source =
                switch lie {
                case .othersSource: third.map { isV6 ? $0.addressV6 : $0.address } ?? nobody
                case .counterBeyondLimit: nobody
                default: isV6 ? liar.addressV6 : liar.address
                }
            var packet = InnerPacket.make(number: number, from: source, to: isV6 ? victim.addressV6 : victim.address, size: 200)
            switch lie {
            case .othersSource, .counterBeyondLimit: break
            case .wrongVersion: packet[0] = 0x75
            case .truncatedHeader: packet.removeLast(packet.count - (isV6 ? 39 : 19))
            case .lengthBeyondEnd: packet[isV6 ? 4 : 2] = 0xff
            case .lengthBelowHeader: (packet[2], packet[3]) = (0, 19)
            case .noise: packet = packet.map { _ in .random(in: 0...255, using: &random) | 0x80 }
            }
            return packet
        }
        let counter = lie == .counterBeyondLimit ? UInt64.random(in: Limits.rejectAfterMessages ... .max, using: &random) : nil
        liar.sendUnchecked(network.packet(number), to: victim, counter: counter)
        network.run(for: .milliseconds(200))
    }
}
