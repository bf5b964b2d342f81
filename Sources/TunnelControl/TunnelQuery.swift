internal import LinuxSystem
public import TunnelConfiguration

/// Asking running tunnels for their state, ours and others', over the UAPI.
public enum TunnelQuery {
    /// The state of a tunnel. It holds keys.
    public static func state(of interface: String) throws(SetupError) -> UAPIAnswer {
        let step = "ask \(interface)"
        var failure: SystemError?
        for directory in RuntimeDirectory.candidates {
            do throws(SystemError) {
                let socket = try UnixSocket.connect(to: directory.socket(of: interface))
                try socket.writeAll(UAPIClient.get)
                var answer = UAPIAnswer()
                while !answer.isComplete {
                    let chunk = try socket.readChunk()
                    guard !chunk.isEmpty else { break }
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
        throw SetupError(step, failure, remedy: failure.isPermissionDenied ? "the tunnel is another user's: run with sudo" : nil)
    }
}
