internal import WireGuardCrypto

/// What the AEAD libraries take for messages of several sizes, in place, as the data path calls them.
enum CipherCost {
    static func run(_ arguments: Arguments) -> Bool {
        let choice = BackendChoice.make(.automatic)
        print("\nAEAD; automatic: \(choice.backend.rawValue) (\(choice.reason)); one processor\n")
        print("              " + column("bytes", 8) + column("seal ns") + column("open ns") + column("seal Gb/s"))
        for backend in TransportCipher.Backend.allCases {
            let cipher = TransportCipher(backend)
            guard cipher.backend == backend else {
                print("\(backend.rawValue): not available")
                continue
            }
            for size in [0, 64, 128, 256, 512, 1024, 1280, 1420, 1500] {
                let (seal, open) = measure(cipher, size)
                print(
                    backend.rawValue + String(repeating: " ", count: 14 - backend.rawValue.count) + column("\(size)", 8) + column(seal)
                        + column(open) + column(Double(size) * 8 / seal))
            }
        }
        return true
    }

    private static func measure(_ cipher: borrowing TransportCipher, _ size: Int) -> (Double, Double) {
        let messages = 256
        let stride = (size + TransportCipher.tagCount + 63) & ~63
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 + messages * stride, alignment: 64)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 7)
        let key = UnsafeRawPointer(memory.baseAddress!)
        let first = unsafe memory.baseAddress! + 64
        var (seal, open) = (Double.infinity, Double.infinity)
        for _ in 0..<40 {
            // Opened is what was sealed, so that tags are right.
            seal = min(
                seal,
                nanoseconds(each: messages, rounds: 1) {
                    for i in 0..<messages {
                        let message = unsafe first + i * stride
                        unsafe cipher.seal(counter: UInt64(i), key: key, plaintext: message, count: size, into: message)
                    }
                })
            open = min(
                open,
                nanoseconds(each: messages, rounds: 1) {
                    for i in 0..<messages {
                        let message = unsafe first + i * stride
                        let isAuthentic = unsafe cipher.open(
                            counter: UInt64(i), key: key, sealed: message, count: size + TransportCipher.tagCount, into: message)
                        precondition(isAuthentic)
                    }
                })
        }
        return (seal, open)
    }
}
