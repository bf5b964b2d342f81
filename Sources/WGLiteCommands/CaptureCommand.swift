internal import ArgumentParser
internal import LinuxSystem
internal import PathRecording
internal import TunnelControl

struct CaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture", abstract: "Write a tunnel's packets to a file that Wireshark reads.",
        usage: "wg-lite capture --write <file> [<options>] [<interface>] [<filter> ...]",
        discussion: """
            The file is a pcapng with two interfaces: the inner one has the packets that programs send and receive, the outer one the datagrams \
            that carry them, with the headers of IP and UDP made from the sockets' addresses. On the way out a packet stands in front of its \
            datagram, on the way in behind it. Comments say whose it is, which session and counter it has, and why it was dropped if it was. \
            Packets are captured whole. `-w -` writes to a pipe: wg-lite capture office -w - | tshark -r -

            The filter is that of `wg-lite trace`: addresses, `port 443`, `tcp`, `peer KEY`, `out`, `in`, `drops`, `handshakes`, `1/100`.

            It ends with Ctrl-C, after --count packets, or with the tunnel, and says what is in the file. The tunnel doesn't wait for it: what \
            it can't take in time is missing there, and counted.

            --keys and --keys-file give away the keys of sessions, to Wireshark and to whoever gets the file: everything that those sessions \
            carry can be read with them, and handshakes that peers begin, as long as our private key is the same. Since only sessions whose handshake is seen can \
            be decrypted, a handshake with each peer that has an endpoint is begun first (with at most 64).
            """)

    @Argument(help: "A running interface (without, the only one that is up), then the words of a filter.", completion: TunnelNames.running)
    var words: [String] = []

    @Option(
        name: [.short, .customLong("write")], help: "The file, made with the permissions 0600; - for standard output.", completion: .file())
    var write: String

    @Option(name: [.customShort("n"), .long], help: "End after so many packets; a packet and its datagram are one.")
    var count: UInt64?

    @Flag(help: "Write the keys of the sessions that begin meanwhile into the capture.")
    var keys = false

    @Option(help: "Write the keys into this file (0600), for Wireshark's preference wg.keylog_file.", completion: .file())
    var keysFile: String?

    func validate() throws {
        guard count != 0 else { throw ValidationError("--count is 1 or more.") }
        guard keysFile != "-", keysFile != write else { throw ValidationError("--keys-file is a file of its own.") }
    }

    func run() throws {
        let running = RuntimeDirectory.runningInterfaces().map(\.name)
        let watched = try WatchedTunnel(words, running: running)
        guard write != "-" || !Process.isTerminal(1) else {
            throw CommandFailure(
                "a capture is nothing to read on a terminal: write it to a file, or `wg-lite capture \(watched.interface) -w - | tshark -r -`",
                status: ExitCode(64))
        }
        var request = RecordingRequest(try TraceCommand.filter(watched.filter, running), count: count)
        request.payload = true
        request.keys = keys || keysFile != nil
        request.handshakes = request.keys
        let capture = try Capture.begin(of: watched.interface, request, to: write, embedsKeys: keys, keysFile: keysFile)
        try capture.run()
    }
}
