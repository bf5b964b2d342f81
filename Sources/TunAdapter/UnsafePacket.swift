/// A packet of a batch as a bare pointer, laid out as C sees it. What it points to is held until it is released, or sent.
@unsafe
public struct UnsafePacket {
    /// The packet's first byte, in the ring.
    public var start: UnsafeMutableRawPointer?
    /// Its bytes; of a packet to send 0: it is skipped.
    public var count: UInt32
    /// Equal for consecutive received packets that came as one super-packet.
    public var superPacket: UInt32

    /// A packet of `count` bytes from `start` on.
    public init(start: UnsafeMutableRawPointer?, count: UInt32, superPacket: UInt32 = 0) {
        unsafe self.start = unsafe start
        unsafe self.count = count
        unsafe self.superPacket = superPacket
    }
}
