public import WireGuardCrypto

/// What an engine is started with; everything else comes with a `TunnelUpdate`.
public struct EngineOptions: Sendable {
    /// The interface's MTU: payloads are padded, but not past it.
    public var mtu = 1420
    /// The UDP port to listen on; 0 lets the kernel choose.
    public var listenPort: UInt16 = 0
    /// SO_MARK on outgoing datagrams; 0 for none.
    public var firewallMark: UInt32 = 0
    /// Threads that seal and open packets, the packet loop's own included: 1 or more. Helpers pay where processors are idle.
    public var cryptoThreads = 1
    /// Which library seals and opens.
    public var aead = BackendChoice.Preference.automatic
    /// Where the engine writes what a person should know. Called on any of its threads.
    public var log: @Sendable (EngineLogLevel, String) -> Void = { _, _ in }

    public init() {}
}

/// How much a log line matters.
public enum EngineLogLevel: Sendable {
    case debug, info, notice, warning, error
}
