public import NetworkTypes

extension Interval {
    /// The length for people: milliseconds, seconds, minutes, hours or days, rounded down.
    public var inWords: String {
        let seconds = nanoseconds / 1_000_000_000
        switch seconds {
        case 0: return "\(nanoseconds / 1_000_000) ms"
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) days"
        }
    }
}
