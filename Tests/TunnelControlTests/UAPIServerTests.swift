import LinuxSystem
import NetworkTypes
import ScratchFiles
import Synchronization
import Testing
import TunnelConfiguration
import TunnelCore

@testable import TunnelControl

@Suite struct UAPIServerTests {
    /// A tunnel without sockets, served.
    final class Served: Sendable {
        private let tunnel = Mutex(Tunnel(mtu: 1420, seed: 1))
        let answerErrno = Mutex<Int32>(0)

        var handler: UAPIServer.Tunnel {
            UAPIServer.Tunnel(
                snapshot: { [self] in tunnel.withLock { $0.snapshot(listenPort: 51820, firewallMark: 0) } },
                apply: { [self] update in
                    tunnel.withLock { $0.apply(update, at: TimePoint(now: Clock.now, unixNanoseconds: Clock.unixNanoseconds)) }
                    return answerErrno.withLock { $0 }
                })
        }
    }

    static func server(_ directory: TemporaryDirectory, _ served: Served = Served()) throws -> UAPIServer {
        let server = try UAPIServer(path: directory["t.sock"], tunnel: served.handler, report: .silent)
        try server.start()
        return server
    }

    /// Sends a text and reads as many answers as it asks for.
    static func ask(_ socket: borrowing FileDescriptor, _ text: String, answers: Int = 1) throws -> String {
        try socket.writeAll(Array(text.utf8))
        var answer: [UInt8] = []
        var ends = 0
        while ends < answers {
            let chunk = try socket.readChunk()
            if chunk.isEmpty { break }
            for byte in chunk {
                if byte == UInt8(ascii: "\n"), answer.last == byte { ends += 1 }
                answer.append(byte)
            }
        }
        return String(decoding: answer, as: UTF8.self)
    }

    static let key = String(repeating: "ab", count: 32)

    @Test func `changes are applied and shown, several requests a connection`() throws {
        let directory = try TemporaryDirectory()
        let server = try Self.server(directory)
        defer { server.stop() }
        let socket = try UnixSocket.connect(to: directory["t.sock"])
        #expect(try Self.ask(socket, "set=1\npublic_key=\(Self.key)\nallowed_ip=10.0.0.0/8\n\n") == "errno=0\n\n")
        let state = try Self.ask(socket, "get=1\n\n")
        #expect(state.contains("public_key=\(Self.key)\n"))
        #expect(state.contains("allowed_ip=10.0.0.0/8\n"))
        // The standard's keys and no others: strict readers end at one that they don't know.
        let keys = Set(state.split(separator: "\n").map { $0.prefix { $0 != "=" } })
        #expect(
            keys.isSubset(of: [
                "private_key", "listen_port", "fwmark", "public_key", "preshared_key", "protocol_version", "endpoint",
                "last_handshake_time_sec", "last_handshake_time_nsec", "tx_bytes", "rx_bytes", "persistent_keepalive_interval",
                "allowed_ip",
                "errno",
            ]))
        #expect(state.hasSuffix("errno=0\n\n"))
        #expect(try Self.ask(socket, "set=1\nlisten_port=x\n\nget=1\n\n", answers: 2).hasPrefix("errno=-22\n\n"))
    }

    @Test func `requests arrive whole however they are cut`() throws {
        let directory = try TemporaryDirectory()
        let server = try Self.server(directory)
        defer { server.stop() }
        let socket = try UnixSocket.connect(to: directory["t.sock"])
        for byte in "set=1\npublic_key=\(Self.key)\npersistent_keepalive_interval=9\n\n".utf8 { try socket.writeAll([byte]) }
        #expect(try Self.ask(socket, "get=1\n\n", answers: 2).contains("persistent_keepalive_interval=9\n"))
    }

    @Test func `a client that doesn't read its answer holds up nobody`() throws {
        let directory = try TemporaryDirectory()
        let served = Served()
        let server = try Self.server(directory, served)
        defer { server.stop() }
        let slow = try UnixSocket.connect(to: directory["t.sock"])
        var many = "set=1\n"
        for i in 0..<3000 {
            let digits = String(0x10000 + i, radix: 16)
            many += "public_key=\(String(repeating: "1", count: 64 - digits.count))\(digits)\nallowed_ip=10.\(i >> 8).\(i & 255).0/24\n"
        }
        #expect(try Self.ask(slow, many + "\n") == "errno=0\n\n")
        try slow.writeAll(Array("get=1\n\nget=1\n\nget=1\n\n".utf8))
        let other = try UnixSocket.connect(to: directory["t.sock"])
        #expect(try Self.ask(other, "set=1\nfwmark=1\n\n") == "errno=0\n\n")
        let text = try Self.ask(slow, "", answers: 3)
        #expect(text.split(separator: "\n").count { $0 == "errno=0" } == 3)
        #expect(text.split(separator: "\n").count { $0.hasPrefix("public_key=") } == 9000)
    }

    @Test func `clients that never read give way to those who wait, however many there are`() throws {
        let directory = try TemporaryDirectory()
        let server = try Self.server(directory)
        defer { server.stop() }
        let socket = try UnixSocket.connect(to: directory["t.sock"], patience: .seconds(60))
        var many = "set=1\n"
        for i in 0..<3000 {
            let digits = String(0x10000 + i, radix: 16)
            many += "public_key=\(String(repeating: "1", count: 64 - digits.count))\(digits)\n"
        }
        #expect(try Self.ask(socket, many + "\n") == "errno=0\n\n")
        var silent: [FileDescriptorBox] = []
        for _ in 0..<(2 * UAPIServer.mostAnswers) {
            let client = try UnixSocket.connect(to: directory["t.sock"])
            try client.writeAll(Array("get=1\n\n".utf8))
            silent.append(FileDescriptorBox(client))
        }
        // A change needs no turn; a question has to wait until two of the silent ones have given way.
        #expect(try Self.ask(socket, "set=1\nfwmark=1\n\n") == "errno=0\n\n")
        #expect(try Self.ask(socket, "get=1\n\n").split(separator: "\n").count { $0.hasPrefix("public_key=") } == 3000)
        withExtendedLifetime(silent) {}
    }

    /// Many clients stay connected.
    final class FileDescriptorBox {
        let descriptor: FileDescriptor
        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    @Test func `a client that goes away in the middle changes nothing`() throws {
        let directory = try TemporaryDirectory()
        let server = try Self.server(directory)
        defer { server.stop() }
        do {
            let half = try UnixSocket.connect(to: directory["t.sock"])
            try half.writeAll(Array("set=1\npublic_key=\(Self.key)\n".utf8))
        }
        let socket = try UnixSocket.connect(to: directory["t.sock"])
        #expect(!(try Self.ask(socket, "get=1\n\n").contains("public_key")))
    }

    @Test func `a refused change carries its number, negative`() throws {
        let directory = try TemporaryDirectory()
        let served = Served()
        served.answerErrno.withLock { $0 = 98 }
        let server = try Self.server(directory, served)
        defer { server.stop() }
        let socket = try UnixSocket.connect(to: directory["t.sock"])
        #expect(try Self.ask(socket, "set=1\nlisten_port=1\n\n") == "errno=-98\n\n")
    }

    @Test func `the socket is its owner's alone, a second server is refused, and a dead one's socket gives way`() throws {
        let directory = try TemporaryDirectory()
        let server = try Self.server(directory)
        #expect(FileSystem.status(directory["t.sock"])?.permissions == 0o600)
        #expect(throws: SetupError.self) { try Self.server(directory) }
        server.stop()
        #expect(!FileSystem.exists(directory["t.sock"]))
        _ = try UnixSocket.listen(at: directory["t.sock"])
        #expect(FileSystem.exists(directory["t.sock"]))
        let next = try Self.server(directory)
        next.stop()
    }

    @Test func `removing the socket ends the server`() throws {
        let directory = try TemporaryDirectory()
        let server = try Self.server(directory)
        defer { server.stop() }
        #expect(DescriptorPoll.wait([.init(server.endDescriptor)], for: .milliseconds(1)) == [false])
        FileSystem.remove(directory["t.sock"])
        #expect(DescriptorPoll.wait([.init(server.endDescriptor)], for: .seconds(5)) == [true])
    }
}
