import ArgumentParser
import Testing

@testable import WGLiteCommands

@Suite struct ServeOptionsTests {
    @Test func `an address is one of the machine's, with a port, or a local socket`() {
        for text in ["127.0.0.1:9586", "[::1]:80", "unix:/run/wg-lite/metrics.sock"] {
            let address = ListenAddress(argument: text)
            #expect(address.map { "\($0)" } == text && address!.isPrivate)
        }
        for text in ["0.0.0.0:9586", "[::]:9586", "192.0.2.7:1", "[::ffff:7f00:1]:80"] {
            #expect(ListenAddress(argument: text).map { !$0.isPrivate } == true)
        }
        for text in ["", "9586", "localhost", "127.0.0.1", "127.0.0.1:0", "unix:", "unix:" + String(repeating: "a", count: 108)] {
            #expect(ListenAddress(argument: text) == nil)
        }
    }

    @Test func `what others could reach has to be asked for twice`() throws {
        #expect(throws: (any Error).self) { try ServeOptions.parse(["--listen", "0.0.0.0:9586"]) }
        #expect(try ServeOptions.parse(["--listen", "0.0.0.0:9586", "--public"]).listen.count == 1)
        #expect(try ServeOptions.parse([]).listen == [.standard])
    }

    @Test func `the program that serves is asked for the same`() throws {
        let words = ["--listen", "127.0.0.1:1", "--listen", "unix:/run/a b", "--public", "wg0", "office"]
        #expect(try ServeOptions.parse(words).words == words)
        #expect(throws: (any Error).self) { try ServeOptions.parse(["../x"]) }
    }
}
