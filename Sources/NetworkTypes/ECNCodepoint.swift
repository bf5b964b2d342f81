/// The two lowest bits of an IPv4 packet's type of service or an IPv6 packet's traffic class. Source: RFC 3168 section 5.
public enum ECNCodepoint: UInt8, Sendable, Hashable {
    /// The transport doesn't take part: routers drop the packet where they would mark it.
    case notECT = 0
    /// The transport takes part, and says so with the codepoint that L4S has for itself (RFC 9331).
    case ect1 = 1
    /// The transport takes part.
    case ect0 = 2
    /// Congestion was experienced.
    case ce = 3

    /// The codepoint in a type of service or traffic class.
    @inlinable
    public init(trafficClass: UInt8) {
        switch trafficClass & 3 {
        case 0: self = .notECT
        case 1: self = .ect1
        case 2: self = .ect0
        default: self = .ce
        }
    }

    /// What a packet carries after it left a tunnel, or nil if it must be dropped: congestion met by a packet whose ends
    /// would not understand the mark. Source: RFC 6040 figure 4.
    @inlinable
    public static func decapsulated(inner: ECNCodepoint, outer: ECNCodepoint) -> ECNCodepoint? {
        switch (inner, outer) {
        case (.notECT, .ce): nil
        case (.notECT, _): .notECT
        case (.ce, _), (_, .ce): .ce
        case (.ect0, .ect1): .ect1
        case (.ect0, _): .ect0
        case (.ect1, _): .ect1
        }
    }
}
