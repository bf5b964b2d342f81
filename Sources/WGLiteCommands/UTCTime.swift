/// A time of the Unix epoch as RFC 3339 writes it, in UTC and to the millisecond: `2026-01-31T12:34:56.789Z`.
struct UTCTime: Hashable, Sendable, CustomStringConvertible {
    var nanoseconds: UInt64

    var description: String {
        let seconds = nanoseconds / 1_000_000_000
        let (year, month, day) = Self.date(days: seconds / 86_400)
        func padded(_ number: UInt64, _ width: Int) -> String {
            let digits = "\(number)"
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(seconds / 3600 % 24, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        return "\(date)T\(time).\(padded(nanoseconds / 1_000_000 % 1000, 3))Z"
    }

    /// The Gregorian date, so many days after the first of January 1970.
    static func date(days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        // Years are counted from March on, so that the leap day is the last of its year, in cycles of 400 years from 1 March 0000.
        let sinceMarch = days + 719_468
        let cycle = sinceMarch / 146_097
        let dayOfCycle = sinceMarch % 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        // Months from March on have 153 days in each five.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
