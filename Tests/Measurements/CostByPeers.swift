internal import LinuxSystem
internal import NetworkTypes
import SeededRandom
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What a packet costs in the tunnel's core, without the cipher, with few and with many prefixes and peers.
enum CostByPeers {
    static func run(_ arguments: Arguments) -> Bool {
        let time = TimePoint(now: Clock.now, unixNanoseconds: Clock.unixNanoseconds)
        lookups(time)
        print("\na packet in the core (look up, counters, headers, replay window, source check; no cipher), ns; one processor\n")
        print(column("peers", 8) + column("prefixes") + column("traffic", 26) + column("out ns") + column("in ns"))
        for peers in [1, 100, arguments.number("peers", default: 10_000)] {
            guard packets(peers: peers, time) else { return false }
        }
        return true
    }

    // MARK: Lookups

    private static func lookups(_ time: TimePoint) {
        print("\nlongest-prefix lookup, ns; one processor\n")
        print(
            column("prefixes", 10) + column("IPv4, random", 16) + column("IPv4, eight", 16) + column("IPv6, random", 16)
                + column("IPv6, eight", 16))
        for count in [1, 100, 10_000, 1_000_000] {
            var line = column("\(count)", 10)
            for isV6 in [false, true] {
                let (random, few) = lookup(count, isV6, time)
                line += column(random, 16) + column(few, 16)
            }
            print(line)
        }
    }

    private static func lookup(_ count: Int, _ isV6: Bool, _ time: TimePoint) -> (Double, Double) {
        var generator = SplitMix64(seed: UInt64(count))
        var prefixes: [IPPrefix] = []
        var addresses: [IPAddress] = []
        prefixes.reserveCapacity(count)
        for _ in 0..<count {
            let address: IPAddress =
                isV6
                ? .v6(IPv6Address(high: 0x2000_0000_0000_0000 | generator.next() >> 3, low: generator.next()))
                : .v4(IPv4Address(rawValue: UInt32.random(in: 0...UInt32.max, using: &generator)))
            prefixes.append(
                IPPrefix(
                    address, length: isV6 ? UInt8.random(in: 40...64, using: &generator) : UInt8.random(in: 18...32, using: &generator)))
            if addresses.count < 1 << 16 { addresses.append(address) }
        }
        var tunnel = SimulatedTunnel(PrivateKey.random(using: &generator), at: time)
        tunnel.add(PrivateKey.random(using: &generator).publicKey, number: 1, prefixes: prefixes, at: time)
        var found = 0
        let lookups = 1 << 18
        let random = nanoseconds(each: lookups) {
            for i in 0..<lookups where tunnel.tunnel.route(addresses[i % addresses.count]) != nil { found += 1 }
        }
        let few = nanoseconds(each: lookups) {
            for i in 0..<lookups where tunnel.tunnel.route(addresses[(i & 7) % addresses.count]) != nil { found += 1 }
        }
        precondition(found == 10 * lookups, "an address of a prefix was not found")
        return (random, few)
    }

    // MARK: Packets

    private static func packets(peers: Int, _ time: TimePoint) -> Bool {
        var generator = SystemRandomNumberGenerator()
        var centre = SimulatedTunnel(PrivateKey.random(using: &generator), at: time)
        var indices: [UInt32] = []
        for i in 0..<peers {
            var peer = SimulatedTunnel(PrivateKey.random(using: &generator), at: time)
            peer.add(centre.key.publicKey, number: 0, prefixes: [IPPrefix(.v4(IPv4Address(rawValue: 0)), length: 0)], at: time)
            centre.add(peer.key.publicKey, number: i, at: time)
            guard let initiation = centre.initiate(to: SimulatedTunnel.inner(i), at: time).first,
                let message = unsafe try? initiation.bytes.withUnsafeBytes(HandshakeInitiation.init(copying:)),
                let response = peer.receive(initiation.bytes, from: SimulatedTunnel.endpoint(0), at: time).first
            else { return false }
            _ = centre.receive(response.bytes, from: SimulatedTunnel.endpoint(i), at: time)
            indices.append(message.senderIndex)
        }
        var counters = [UInt64](repeating: 0, count: peers)
        for isSpread in peers == 1 ? [false] : [false, true] {
            let traffic = isSpread ? "each to another peer" : "all to one peer"
            let out = outbound(&centre, peers: peers, isSpread, time)
            let into = inbound(&centre, indices, &counters, isSpread, time)
            print(column("\(peers)", 8) + column("\(peers)") + column(traffic, 26) + column(out) + column(into))
        }
        guard centre.tunnel.drops.total == 0 else {
            print("FAIL \(centre.tunnel.drops.total) packets were dropped")
            return false
        }
        return true
    }

    private static let batch = 256
    private static let size = 1400
    private static let stride = 1536

    private static func number(_ packet: Int, _ peers: Int, _ isSpread: Bool) -> Int {
        // A step that visits all peers before it comes back to the first.
        isSpread ? packet &* 7919 % peers : peers / 2
    }

    private static func outbound(_ centre: inout SimulatedTunnel, peers: Int, _ isSpread: Bool, _ time: TimePoint) -> Double {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: batch * stride, alignment: 64)
        defer { unsafe memory.deallocate() }
        var packet = 0
        var best = Double.infinity
        for _ in 0..<200 {
            for i in 0..<batch {
                let to = SimulatedTunnel.inner(number(packet + i, peers, isSpread))
                unsafe InnerPacket.write(
                    to: memory.baseAddress! + i * stride + 16, count: size, from: SimulatedTunnel.inner(0), to: to, port: 1)
            }
            packet += batch
            let start = Clock.monotonicNanoseconds
            for i in 0..<batch {
                let bytes = unsafe memory.baseAddress! + i * stride + 16
                guard let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(start: bytes, count: size)),
                    let slot = centre.tunnel.route(header.destination), centre.tunnel.destination(of: slot) != nil,
                    case .seal = unsafe centre.tunnel.prepare(bytes, count: size, to: slot, at: time)
                else { preconditionFailure("a packet without a session") }
            }
            centre.tunnel.finishOutbound(at: time)
            best = min(best, Double(Clock.monotonicNanoseconds - start) / Double(batch))
        }
        return best
    }

    private static func inbound(
        _ centre: inout SimulatedTunnel, _ indices: [UInt32], _ counters: inout [UInt64], _ isSpread: Bool, _ time: TimePoint
    ) -> Double {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: batch * stride, alignment: 64)
        defer { unsafe memory.deallocate() }
        var packet = 0
        var best = Double.infinity
        for _ in 0..<200 {
            for i in 0..<batch {
                let peer = number(packet + i, indices.count, isSpread)
                let message = unsafe memory.baseAddress! + i * stride
                unsafe TransportMessage(receiverIndex: indices[peer], counter: counters[peer]).write(to: message)
                unsafe InnerPacket.write(
                    to: message + 16, count: size, from: SimulatedTunnel.inner(peer), to: SimulatedTunnel.inner(0), port: 1)
                counters[peer] += 1
            }
            let start = Clock.monotonicNanoseconds
            for i in 0..<batch {
                let peer = number(packet + i, indices.count, isSpread)
                let message = unsafe UnsafeMutableRawBufferPointer(start: memory.baseAddress! + i * stride, count: size + 32)
                let arrival = Arrival(sender: SimulatedTunnel.endpoint(peer), source: nil, trafficClass: 0)
                guard case .open(let job) = unsafe centre.tunnel.prepareOpening(message, at: time),
                    case .deliver = unsafe centre.tunnel.accept(job, packet: message.baseAddress! + 16, arrival: arrival, at: time)
                else { preconditionFailure("a packet was not accepted") }
            }
            centre.tunnel.finishInbound(at: time)
            best = min(best, Double(Clock.monotonicNanoseconds - start) / Double(batch))
            packet += batch
        }
        return best
    }
}
