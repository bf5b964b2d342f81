import CLinuxShims
import Glibc

/// Control messages of a received datagram, against a reader that only knows their layout (cmsg(3)).
enum ControlFuzz {
    static func run(_ bytes: [UInt8]) {
        // Its own block, so that reading past its end is noticed.
        let control = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
        defer { unsafe control.deallocate() }
        for i in bytes.indices { unsafe control.storeBytes(of: bytes[i], toByteOffset: i, as: UInt8.self) }
        var header = unsafe msghdr()
        unsafe header.msg_control = control
        unsafe header.msg_controllen = bytes.count
        var found = clinux_datagram_control()
        unsafe clinux_read_datagram_control(&header, &found)
        let expected = naive(bytes)
        precondition(found.segment_size == expected.segmentSize && found.traffic_class == expected.trafficClass)
        precondition((found.has_local_address != 0) == (expected.interface != nil))
        if let interface = expected.interface { precondition(found.interface_index == interface) }
    }

    private static func naive(_ bytes: [UInt8]) -> (segmentSize: Int32, trafficClass: UInt8, interface: UInt32?) {
        func number(_ at: Int, _ count: Int) -> Int { (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[at + $1]) } }
        var result: (segmentSize: Int32, trafficClass: UInt8, interface: UInt32?) = (0, 0, nil)
        var at = 0
        while bytes.count - at >= 16 {
            let length = number(at, 7)
            guard bytes[at + 7] == 0, length >= 16, length <= bytes.count - at else { return result }
            let (level, type, data, size) = (number(at + 8, 4), number(at + 12, 4), at + 16, length - 16)
            switch (level, type) {
            case (17, 104) where size >= 4: result.segmentSize = Int32(truncatingIfNeeded: number(data, 4))
            case (0, 1) where size >= 1: result.trafficClass = bytes[data]
            case (41, 67) where size >= 4: result.trafficClass = bytes[data]
            case (0, 8) where size >= 12: result.interface = UInt32(number(data, 4))
            case (41, 50) where size >= 20: result.interface = UInt32(number(data + 16, 4))
            default: break
            }
            at += (length + 7) & ~7
        }
        return result
    }
}
