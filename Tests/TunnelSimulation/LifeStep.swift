package import SeededRandom

/// One thing that somebody does, or that goes wrong, in a ``Life``. Nodes are numbers that count round.
package enum LifeStep: Sendable {
    // What people do.
    case traffic(from: Int, to: Int, packets: Int, apartMilliseconds: UInt64, isV6: Bool)
    case pause(seconds: UInt64)
    case restart(Int)
    case remove(Int, peer: Int)
    case configure(Int, peer: Int)
    case keepalive(Int, peer: Int, seconds: UInt16)
    case presharedKey(Int, peer: Int, key: UInt8, both: Bool)
    case takeAddress(Int, of: Int, for: Int)
    // What happens to machines.
    case move(Int, address: UInt32, port: UInt16)
    case clock(Int, seconds: Int64)
    case suspend(Int, seconds: UInt64, keepsDatagrams: Bool)
    case useCounters(Int, peer: Int, isLast: Bool)
    case slow(Int, handshakeMilliseconds: UInt64)
    // What the network does.
    case latency(milliseconds: UInt64, jitterMilliseconds: UInt64)
    case loss(Double)
    case duplication(Double)
    case damage(Double)
    case cut(Int, Int)
    case cutOneWay(from: Int, to: Int)
    case mend(Int, Int)
    // What attackers do.
    case replay(datagrams: Int, isFromElsewhere: Bool, to: Target)
    case truncate(datagrams: Int)
    case lengthen(datagrams: Int)
    case flip(datagrams: Int)
    case flood(Int, datagrams: Int, Flood)
    case lie(Int, to: Int, Lie, isV6: Bool)

    /// Whom an attacker gives a datagram that he saw.
    package enum Target: Sendable {
        case receiver
        /// Back to whom it came from.
        case sender
        case node(Int)
    }

    /// What comes from everywhere.
    package enum Flood: CaseIterable, Sendable {
        /// An initiation whose first MAC is wrong.
        case strangers
        /// One initiation again and again, and others each time, whose first MAC is right.
        case initiation, initiations
        /// What looks like messages of sessions that there are.
        case data, cookies
    }

    /// What an authenticated peer may put into a data message although it must not.
    package enum Lie: CaseIterable, Sendable {
        case othersSource, wrongVersion, truncatedHeader, lengthBeyondEnd, lengthBelowHeader, noise, counterBeyondLimit
    }

    /// The next step of a life.
    package static func random(using random: inout SplitMix64) -> LifeStep {
        func node() -> Int { Int.random(in: 0..<1000, using: &random) }
        func number<T: FixedWidthInteger>(_ range: ClosedRange<T>) -> T { T.random(in: range, using: &random) }
        switch number(0...39) {
        case 0...11:
            return .traffic(
                from: node(), to: node(), packets: number(0...59) == 0 ? number(130...260) : number(1...20),
                apartMilliseconds: number(0...2) == 0 ? number(0...2000) : number(0...50),
                isV6: Bool.random(using: &random))
        case 12...14: return .pause(seconds: number(0...4) == 0 ? number(100...1200) : number(1...40))
        case 15: return .restart(node())
        case 16: return .remove(node(), peer: node())
        case 17: return .configure(node(), peer: node())
        case 18: return .keepalive(node(), peer: node(), seconds: number(0...30))
        case 19: return .presharedKey(node(), peer: node(), key: number(0...3), both: number(0...3) != 0)
        case 20: return .takeAddress(node(), of: node(), for: node())
        case 21, 22: return .move(node(), address: number(1 ... .max), port: number(1 ... .max))
        case 23:
            let isLarge = number(0...4) == 0
            return .clock(node(), seconds: isLarge ? number(3600...630_000_000) * (Bool.random(using: &random) ? 1 : -1) : number(-90...90))
        case 24, 25:
            return .suspend(
                node(), seconds: number(0...2) == 0 ? number(60...700) : number(1...30), keepsDatagrams: Bool.random(using: &random))
        case 26: return .useCounters(node(), peer: node(), isLast: Bool.random(using: &random))
        case 27: return .slow(node(), handshakeMilliseconds: number(0...400))
        case 28: return .latency(milliseconds: number(1...400), jitterMilliseconds: number(0...300))
        case 29: return .loss(Double.random(in: 0...0.5, using: &random))
        case 30: return .duplication(Double.random(in: 0...0.4, using: &random))
        case 31: return .damage(Double.random(in: 0...0.2, using: &random))
        case 32: return Bool.random(using: &random) ? .cut(node(), node()) : .cutOneWay(from: node(), to: node())
        case 33: return .mend(node(), node())
        case 34:
            let target: Target = [.receiver, .sender, .node(node())][number(0...2)]
            return .replay(datagrams: number(1...30), isFromElsewhere: Bool.random(using: &random), to: target)
        case 35: return Bool.random(using: &random) ? .truncate(datagrams: number(1...20)) : .lengthen(datagrams: number(1...20))
        case 36: return .flip(datagrams: number(1...20))
        case 37:
            return .flood(
                node(), datagrams: number(0...9) == 0 ? number(1100...1300) : number(1...300), Flood.allCases.randomElement(using: &random)!
            )
        default:
            return .lie(node(), to: node(), Lie.allCases.randomElement(using: &random)!, isV6: Bool.random(using: &random))
        }
    }
}
