public import TunnelCore
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
    /// The interface's index, so that datagrams that would leave by it are recognized (a routing loop); nil for one that isn't the
    /// kernel's.
    public var interfaceIndex: UInt32?
    /// Whether the interface is up already; if not, nothing is sent before ``Engine/setLinkUp(_:)``.
    public var isLinkUp = true
    /// How a peer is named in the log.
    public var peerName: @Sendable (PublicKey) -> String = { "\($0)" }
    /// Where the engine writes what a person should know. Called on any of its threads.
    public var log: @Sendable (EngineLogLevel, String) -> Void = { _, _ in }

    /// Where the engine tells what happens to the tunnel and its peers. Called on the thread for handshakes, one event after the other and
    /// without any lock; packets don't wait for it, handshakes do.
    public var events: @Sendable (TunnelEvent) -> Void = { _ in }

    /// What suits a tunnel that nobody has wishes for.
    public init() {}

    /// The threads that suit a machine with so many processors.
    ///
    /// Sealing is about 60 % of the packet loop's time on the way out and opening half of it on the way in (`wg-lite status` shows
    /// the shares), so two threads make one flow at most 1.4 times as fast, four 1.8 times, and any number no more than 2.5 times. Half of
    /// the processors are left to the programs that send and receive; below four there is none to spare.
    public static func suitableCryptoThreads(processors: Int) -> Int {
        max(1, min(4, processors / 2))
    }
}

/// How much a log line matters.
public enum EngineLogLevel: Sendable {
    /// From the least to the most.
    case debug, info, notice, warning, error
}
