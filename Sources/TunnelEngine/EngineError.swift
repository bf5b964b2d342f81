internal import LinuxSystem

/// Why an engine could not be started or changed.
public enum EngineError: Error, Hashable, Sendable {
    /// Another program listens on the UDP port.
    case portInUse(UInt16)
    /// The system refused something; the text names it.
    case system(String)

    init(_ error: SystemError, port: UInt16) {
        self = error.isAddressInUse ? .portInUse(port) : .system("\(error)")
    }
}

extension EngineError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .portInUse(let port): "UDP port \(port) is in use by another program; choose another ListenPort, or leave it out"
        case .system(let text): text
        }
    }
}
