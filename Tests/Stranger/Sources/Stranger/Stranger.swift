import TunAdapter

/// Answers what is sent to one network with itself: the example of how the adapter should feel, as a program.
@main struct Stranger {
    static func main() throws {
        let adapter: Adapter
        do {
            adapter = try Adapter.create(name: "demo0", pool: "org.example.demo", options: AdapterOptions(lifetime: .transient))
        } catch {
            print("skipped: \(error)")
            return
        }
        try adapter.setAddress("10.7.0.1/24")
        try adapter.bringUp(mtu: 1420)
        let session = try adapter.startSession(capacity: 0x40_0000)
        guard var first = session.allocate(20) else { return print("no room in a new ring") }
        var bytes = first.bytes
        // An IPv4 header for protocol 253, from the network behind to this host.
        for (i, byte) in [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0x65, 0xd6, 10, 7, 0, 9, 10, 7, 0, 1].enumerated() {
            bytes.storeBytes(of: UInt8(byte), toByteOffset: i, as: UInt8.self)
        }
        session.send(first)
        // The kernel answers it: protocol unreachable.
        guard let answer = try session.receive(waiting: .milliseconds(5000)) else { return print("no answer from the kernel") }
        print("\(adapter.name) received \(answer.count) bytes, protocol \(answer.bytes.unsafeLoad(fromByteOffset: 9, as: UInt8.self))")
    }
}
