/// A locally unique identifier of an interface, in the bit layout of NET_LUID: from the lowest bit 24 reserved ones, 24 of the
/// interface's index, 16 of its type.
public struct AdapterLUID: Hashable, Sendable {
    /// The type that virtual interfaces of one vendor have (propVirtual of IANA's ifType registry).
    public static let virtualInterfaceType: UInt16 = 53

    /// All 64 bits.
    public let rawValue: UInt64

    /// From all 64 bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// - Parameters:
    ///   - interfaceType: IANA's number of it.
    ///   - interfaceIndex: only its lower 24 bits have a place.
    public init(interfaceType: UInt16 = virtualInterfaceType, interfaceIndex: UInt32) {
        rawValue = UInt64(interfaceType) << 48 | UInt64(interfaceIndex & 0xff_ffff) << 24
    }

    /// The interface's type, a number of IANA's ifType registry.
    public var interfaceType: UInt16 { UInt16(rawValue >> 48) }
    /// The lower 24 bits of the interface's index.
    public var interfaceIndex: UInt32 { UInt32(rawValue >> 24 & 0xff_ffff) }
}
