internal import ArgumentParser
internal import LinuxSystem
internal import TunnelConfiguration
internal import TunnelDiagnosis
internal import WireGuardCrypto

struct GenkeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "genkey", abstract: "Make a private key.")

    func run() throws {
        var generator = SystemRandomNumberGenerator()
        print(PrivateKey.random(using: &generator).secretBase64)
    }
}

struct GenpskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "genpsk", abstract: "Make a preshared key, which both peers must have.")

    func run() throws {
        var generator = SystemRandomNumberGenerator()
        print(PresharedKey.random(using: &generator).secretBase64)
    }
}

struct PubkeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pubkey", abstract: "Read a private key from standard input, write its public key.")

    func run() throws {
        if Process.isTerminal(0) { Terminal.error("paste a private key, then press Ctrl-D") }
        print(try Self.publicKey(of: try FileSystem.readStandardInput(limit: 4096)).base64)
    }

    /// The public key of the private key in `input`, white space around it aside.
    static func publicKey(of input: [UInt8]) throws -> PublicKey {
        let text = String(decoding: input, as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1 else {
            throw CommandFailure("expected one private key on standard input, got \(words.isEmpty ? "nothing" : "\(words.count) words")")
        }
        do {
            return try PrivateKey(base64: words[0]).publicKey
        } catch {
            throw CommandFailure("that is not a private key: \(error.explanation)")
        }
    }
}

/// A failure whose text is for the user as it is.
struct CommandFailure: Error, CustomStringConvertible {
    static let noTunnel = "no tunnel is up; `sudo wg-lite up CONFIG` brings one up"

    let description: String
    let status: ExitCode

    init(_ description: String, status: ExitCode = .failure) {
        self.description = description
        self.status = status
    }
}

extension ExitCode {
    /// The file is at fault, so trying again changes nothing: EX_CONFIG of sysexits(3). The service's unit doesn't restart after it.
    static let configuration = ExitCode(78)

    /// A tunnel or file that is only to be looked at isn't there, or can't be asked.
    static let nothingToLookAt = ExitCode(2)
}

extension KeyTextError {
    /// What is wrong, without the key.
    var explanation: String {
        switch self {
        case .length(let count): "it has \(counted(count, "character", "characters")), a key has 44"
        case .character(let position): "character \(position + 1) is not one of base64's"
        case .padding: "it does not end in `=`"
        case .trailingBits: "it is damaged near its end"
        }
    }
}
