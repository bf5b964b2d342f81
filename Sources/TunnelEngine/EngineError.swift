internal import LinuxSystem

/// Why an engine could not be started or changed.
public enum EngineError: Error, Hashable, Sendable {
    /// Another program listens on the UDP port.
    case portInUse(UInt16)
    /// The UDP port is below 1024 and takes a privilege that this process lacks.
    case portRefused(UInt16)
    /// The system refused something; the text names it.
    case system(String)

    init(_ error: SystemError, port: UInt16) {
        self =
            if error.isAddressInUse {
                .portInUse(port)
            } else if error.operation == "bind", error.isPermissionDenied, (1..<1024).contains(port) {
                .portRefused(port)
            } else {
                .system("\(error)")
            }
    }
}

extension EngineError: CustomStringConvertible {
    /// What is wrong and what helps, for people.
    public var description: String {
        switch self {
        case .portInUse(let port): "UDP port \(port) is in use by another program; choose another ListenPort, or leave it out"
        case .portRefused(let port): "UDP port \(port) takes CAP_NET_BIND_SERVICE; choose a ListenPort from 1024 up"
        case .system(let text): text
        }
    }
}
