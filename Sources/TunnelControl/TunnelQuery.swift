internal import LinuxSystem
public import TunnelConfiguration

/// Asking running tunnels for their state, ours and others', over the UAPI.
public enum TunnelQuery {
    /// Bytes of the longest answer: a million allowed IPs of 10,000 peers take a quarter of it.
    private static let longestAnswer = 256 << 20

    /// The state of a tunnel. It holds keys.
    public static func state(of interface: String) throws(SetupError) -> UAPIAnswer {
        let step = "ask \(interface)"
        var failure: SystemError?
        for directory in RuntimeDirectory.present {
            do throws(SystemError) {
                let socket = try UnixSocket.connect(to: directory.socket(of: interface))
                try socket.writeAll(UAPIClient.get)
                var answer = UAPIAnswer()
                var count = 0
                while !answer.isComplete {
                    let chunk = try socket.readChunk()
                    guard !chunk.isEmpty else { break }
                    count += chunk.count
                    guard count <= longestAnswer else { throw SystemError(errno: ErrorNumber.tooBig, operation: "read") }
                    answer.consume(chunk[...])
                }
                guard let errno = answer.errno else { throw SystemError(errno: ErrorNumber.inputOutput, operation: "read") }
                guard errno == 0 else { throw SystemError(errno: errno, operation: "get") }
                return answer
            } catch {
                if !error.isMissing { failure = failure ?? error }
            }
        }
        guard let failure else { throw SetupError(step, "it is not up", remedy: "`wg-lite show interfaces` lists what is") }
        if failure.isWouldBlock { throw SetupError(step, "it doesn't answer", remedy: "its process hangs: end it, or see its log") }
        guard !failure.isPermissionDenied else {
            throw SetupError(step, "permission denied: the tunnel is another user's", remedy: "run with sudo")
        }
        throw SetupError(step, failure)
    }
}
