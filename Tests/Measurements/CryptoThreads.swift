internal import LinuxSystem
internal import NetworkTypes
internal import TunAdapter
internal import TunnelCore
internal import TunnelEngine
internal import WireGuardCrypto

/// What one flow gains on its way out from several threads that seal: packets of one flow through one engine into a socket that nobody reads.
///
/// Its packet loop, its helpers and the feeding thread share this machine's processors; a gain needs idle ones.
enum CryptoThreads {
    private static let packetSize = 1400
    private static let burst = 64
    /// Packets that may be ahead of what is sealed: a few turns of the packet loop.
    private static let window = 400
    private static let measured = Interval.milliseconds(1500)
    private static let rounds = 5

    static func run() -> Bool {
        print("\none flow, \(packetSize) bytes a packet, sealed and sent by one engine; \(Processors.available) processors\n")
        print("     AEAD  threads  thousand packets/s   of one thread's")
        do {
            for backend in TransportCipher.Backend.allCases where TransportCipher(backend).backend == backend {
                var rates: [Int: [Double]] = [:]
                // Turn by turn, so that a machine that slows down slows all of them down.
                for _ in 0..<rounds {
                    for threads in [1, 2, 4] { rates[threads, default: []].append(try rate(backend, threads)) }
                }
                let medians = rates.mapValues { $0.sorted()[rounds / 2] }
                for threads in [1, 2, 4] {
                    let (rate, single) = (medians[threads]!, medians[1]!)
                    let tenths = Int(rate / single * 100)
                    let ratio = "\(tenths / 100).\(tenths % 100 < 10 ? "0" : "")\(tenths % 100)"
                    print(
                        "\(pad(backend == .libsodium ? "libsodium" : "ipsec-mb", 9)) \(pad("\(threads)", 8)) \(pad("\(Int(rate / 1000))", 19)) \(pad(ratio, 17))"
                    )
                }
            }
            return true
        } catch {
            print("measure threads: \(error)")
            return false
        }
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Packets sealed a second.
    private static func rate(_ backend: TransportCipher.Backend, _ threads: Int) throws -> Double {
        let pair = try EnginePair(backend: backend, cryptoThreads: threads)
        defer { pair.stop() }
        let sink = try UDPSocket(family: .v4, port: 0, mark: 0)
        let template = UnsafeMutableRawPointer.allocate(byteCount: packetSize, alignment: 16)
        defer { unsafe template.deallocate() }
        unsafe InnerPacket.write(
            to: template, count: packetSize, from: EnginePair.address(0), to: EnginePair.address(1), port: 1000)
        var batch = OutgoingBatch(capacity: burst)
        func feed(_ count: Int) {
            guard pair.ends[0].allocate(count: count, size: packetSize, lastSize: packetSize, into: &batch) else { return }
            for i in 0..<batch.count {
                unsafe batch.unsafeBytes(at: i).copyMemory(from: UnsafeRawBufferPointer(start: template, count: packetSize))
            }
            pair.ends[0].send(&batch)
            pair.ends[0].flush()
        }
        func sealed() -> Int { Int(pair.engines[0].snapshot().peers[0].sentBytes) / packetSize }
        // The first packet makes the session; then the datagrams go where nobody spends time on them.
        feed(1)
        while pair.engines[0].snapshot().peers[0].lastHandshake == nil { SystemThread.sleep(.milliseconds(1)) }
        var update = TunnelUpdate()
        var peer = PeerUpdate(publicKey: pair.engines[0].snapshot().peers[0].publicKey)
        peer.endpoint = Endpoint(address: .v4(IPv4Address(rawValue: 0x7f00_0001)), port: sink.port)
        update.peers = [peer]
        try pair.engines[0].apply(update)

        let before = sealed()
        var fed = before
        let start = Clock.now
        while Clock.now.since(start) < measured {
            if fed - sealed() > window {
                SystemThread.yield()
                continue
            }
            feed(burst)
            fed += burst
        }
        return Double(sealed() - before) / (Double(Clock.now.since(start).nanoseconds) / 1e9)
    }
}
