/// Receiver indices that no longer lead anywhere, with the keypairs behind them.
///
/// Consume it with ``unregister(_:)`` or ``takeOver(_:)``, so that the index table learns of it. The keypairs that nobody took over are
/// wiped and freed when the value ends.
@safe
public struct ReleasedIndices: ~Copyable {
    // SAFETY: whoever makes one gives its keypairs up; `takeOver(_:)` empties it.

    private var keypairs: InlineArray<3, UnsafeMutablePointer<Keypair>?>
    private let handshakeIndex: UInt32?

    init(handshakeIndex: UInt32? = nil) {
        unsafe keypairs = InlineArray(repeating: nil)
        self.handshakeIndex = handshakeIndex
    }

    init(
        _ first: UnsafeMutablePointer<Keypair>?, _ second: UnsafeMutablePointer<Keypair>? = nil,
        _ third: UnsafeMutablePointer<Keypair>? = nil, handshakeIndex: UInt32? = nil
    ) {
        unsafe keypairs = [first, second, third]
        self.handshakeIndex = handshakeIndex
    }

    deinit {
        for i in 0..<3 {
            // SAFETY: a keypair that is still here was taken over by nobody.
            if let keypair = unsafe keypairs[i] { unsafe Keypair.deallocate(keypair) }
        }
    }

    /// Calls `body` with each index; then the keypairs are wiped and freed.
    ///
    /// For owners whose every use of a keypair's keys happens under the lock that is held now.
    public consuming func unregister(_ body: (_ localIndex: UInt32) -> Void) {
        if let handshakeIndex { body(handshakeIndex) }
        for i in 0..<3 {
            if let keypair = unsafe keypairs[i] { unsafe body(keypair.pointee.localIndex) }
        }
    }

    /// Calls `body` with each index and hands over the keypair behind it, nil for that of a handshake.
    ///
    /// For owners that use keys outside their lock: `body` unregisters the index, and later calls ``Keypair/deallocate(_:)`` once nobody
    /// uses the keypair any more.
    @unsafe
    public consuming func takeOver(_ body: (_ localIndex: UInt32, _ keypair: UnsafeMutablePointer<Keypair>?) -> Void) {
        if let handshakeIndex { body(handshakeIndex, nil) }
        for i in 0..<3 {
            if let keypair = unsafe keypairs[i] {
                unsafe keypairs[i] = nil
                unsafe body(keypair.pointee.localIndex, keypair)
            }
        }
    }
}
