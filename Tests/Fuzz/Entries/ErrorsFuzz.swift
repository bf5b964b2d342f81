import CLinuxShims
import Glibc

/// The error queue's control messages, against a reader that only knows their layout (ip(7), IP_RECVERR).
enum ErrorsFuzz {
    static func run(_ bytes: [UInt8]) {
        var found = clinux_socket_error()
        unsafe OwnBlock.with(bytes) { control in
            var header = unsafe msghdr()
            unsafe header.msg_control = UnsafeMutableRawPointer(mutating: control.baseAddress)
            unsafe header.msg_controllen = control.count
            unsafe clinux_read_error_control(&header, &found)
        }
        let reporter = unsafe withUnsafeBytes(of: &found.reporter) { unsafe Array($0) }
        let expected = naive(bytes)
        precondition(
            expected.head == [UInt32(bitPattern: found.number), UInt32(found.origin), UInt32(found.type), UInt32(found.code), found.info])
        precondition(reporter == expected.reporter, "\(reporter) is not \(expected.reporter)")
    }

    private static func naive(_ bytes: [UInt8]) -> (head: [UInt32], reporter: [UInt8]) {
        func number(_ at: Int, _ count: Int) -> Int { (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[at + $1]) } }
        var head: [UInt32] = [0, 0, 0, 0, 0]
        var reporter = [UInt8](repeating: 0, count: 28)
        var at = 0
        while bytes.count - at >= 16 {
            let length = number(at, 7)
            guard bytes[at + 7] == 0, length >= 16, length <= bytes.count - at else { break }
            let (level, type, data, size) = (number(at + 8, 4), number(at + 12, 4), at + 16, length - 16)
            let address = level == 0 && type == 11 ? 16 : level == 41 && type == 25 ? 28 : 0
            if address > 0 && size >= 16 {
                head = [UInt32(number(data, 4))] + (4...6).map { UInt32(bytes[data + $0]) } + [UInt32(number(data + 8, 4))]
                if size >= 16 + address { reporter.replaceSubrange(..<address, with: bytes[(data + 16)..<(data + 16 + address)]) }
            }
            at += (length + 7) & ~7
        }
        return (head, reporter)
    }
}
