import CLinuxShims
import Glibc
import NetworkTypes
import Testing

@testable import LinuxSystem

/// The parser is fed with bytes that no kernel sends, but that anybody with the privilege can.
@Suite struct NetlinkParsingTests {
    /// A message as it lies in a datagram, with the length it says instead of its own where one is given.
    private func message(
        _ type: Int, flags: Int = 0, sequence: UInt32 = 7, saying length: UInt32? = nil, _ payload: [UInt8]
    ) -> [UInt8] {
        bytes(length ?? UInt32(16 + payload.count)) + bytes(UInt16(type)) + bytes(UInt16(flags)) + bytes(sequence) + bytes(UInt32(0))
            + payload + [UInt8](repeating: 0, count: -payload.count & 3)
    }

    private func attribute(_ type: Int, saying length: Int? = nil, _ value: [UInt8]) -> [UInt8] {
        bytes(UInt16(length ?? 4 + value.count)) + bytes(UInt16(type)) + value + [UInt8](repeating: 0, count: -value.count & 3)
    }

    private func bytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        (0..<(Integer.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Family, type, index, flags, change; then attributes.
    private func link(index: Int32, _ attributes: [UInt8]) -> [UInt8] {
        [0, 0, 1, 0] + bytes(index) + bytes(UInt32(0x41)) + bytes(UInt32(0)) + attributes
    }

    /// What `read` makes of each message, and the answer's end.
    private func answer<Element>(to sequence: UInt32 = 7, _ datagram: [UInt8], _ read: (NetlinkMessage) -> Element?)
        -> (elements: [Element], outcome: NetlinkAnswer.Outcome?)
    {
        var answer = NetlinkAnswer(sequence: sequence)
        var elements: [Element] = []
        unsafe datagram.withUnsafeBytes { buffer in
            unsafe NetlinkMessage.visit(buffer) { message in
                if answer.take(message), let element = read(message) { elements.append(element) }
            }
        }
        return (elements, answer.outcome)
    }

    private let name = "probe0".utf8 + [0]

    @Test func `a link's message becomes the link, and the end of a listing ends it`() {
        let datagram =
            message(Int(RTM_NEWLINK), link(index: 4, attribute(3, name) + attribute(4, bytes(UInt32(1420)))))
            + message(Int(RTM_NEWLINK), link(index: 5, attribute(3, name) + attribute(33, [1])))
            + message(Int(CLINUX_NLMSG_DONE), bytes(Int32(0)))
        let (links, outcome) = answer(datagram) { LinkInfo($0) }
        #expect(links.map(\.index) == [4, 5] && links.map(\.mtu) == [1420, 0] && links.map(\.hasCarrier) == [false, true])
        #expect(outcome == .done)
    }

    @Test(arguments: [-1, 0, Int32.min] as [Int32])
    func `a link whose index no link can have is none`(_ index: Int32) {
        #expect(answer(message(Int(RTM_NEWLINK), link(index: index, attribute(3, name)))) { LinkInfo($0) }.elements.isEmpty)
    }

    @Test(arguments: [0, 15, 33, 1 << 31, .max, .max - 3] as [UInt32])
    func `a message that says a length it doesn't have ends the datagram`(_ length: UInt32) {
        let datagram = message(Int(RTM_NEWLINK), saying: length, link(index: 4, [])) + message(Int(CLINUX_NLMSG_DONE), bytes(Int32(0)))
        let (links, outcome) = answer(Array(datagram.prefix(32))) { $0.fixedPart(as: ifinfomsg.self)?.ifi_index }
        #expect(links.isEmpty && outcome == nil)
    }

    @Test(arguments: [0, 3, 60, 65535])
    func `an attribute that says a length it doesn't have ends the attributes`(_ length: Int) {
        let attributes = attribute(4, bytes(UInt32(1300))) + attribute(3, saying: length, name)
        #expect(answer(message(Int(RTM_NEWLINK), link(index: 4, attributes))) { LinkInfo($0) }.elements.isEmpty)
        // Nested as well: what can be read is kept.
        let nested = attribute(3, name) + attribute(18, attribute(1, saying: length, Array("tun".utf8)))
        let links = answer(message(Int(RTM_NEWLINK), link(index: 4, nested))) { LinkInfo($0) }.elements
        #expect(links.map(\.kind) == [nil])
    }

    @Test(arguments: [(-1, EPERM), (-17, EEXIST), (-4095, 4095), (Int32.min, EBADMSG), (-4096, EBADMSG)] as [(Int32, Int32)])
    func `an error's number is one that errno has, whatever is sent`(_ code: Int32, _ errno: Int32) {
        for type in [Int(CLINUX_NLMSG_ERROR), Int(CLINUX_NLMSG_DONE)] {
            let outcome = answer(message(type, bytes(code) + [UInt8](repeating: 0, count: 16))) { $0.type }.outcome
            guard case .failed(errno, _)? = outcome else {
                Issue.record("\(String(describing: outcome))")
                continue
            }
        }
    }

    @Test func `a listing that was interrupted is not done, whichever of its messages says so`() {
        let interrupted = Int(CLINUX_NLM_F_DUMP_INTR)
        let one = link(index: 4, attribute(3, name))
        for (first, last) in [(interrupted, 0), (0, interrupted)] {
            let datagram =
                message(Int(RTM_NEWLINK), flags: first, one) + message(Int(CLINUX_NLMSG_DONE), flags: last, bytes(Int32(0)))
            #expect(answer(datagram) { LinkInfo($0) }.outcome == .interrupted)
        }
    }

    @Test func `answers to other requests are passed over`() {
        let datagram = message(Int(CLINUX_NLMSG_ERROR), sequence: 6, bytes(Int32(-1))) + message(Int(CLINUX_NLMSG_DONE), bytes(Int32(0)))
        #expect(answer(datagram) { $0.type }.outcome == .done)
    }

    @Test func `prefix lengths beyond an address make neither a route nor trap`() {
        // Family, length of destination, of source, tos, table, protocol, scope, type, flags.
        for length: UInt8 in [33, 128, 255] {
            let route: [UInt8] = [2, length, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0] + attribute(1, [10, 0, 0, 0])
            #expect(answer(message(Int(RTM_NEWROUTE), route)) { RouteSpecification($0) }.elements.isEmpty)
        }
    }

    @Test func `random bytes are never read beyond their end`() {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let whole =
            message(Int(RTM_NEWLINK), link(index: 4, attribute(3, name) + attribute(18, attribute(1, Array("tun\0".utf8)))))
            + message(
                Int(RTM_NEWROUTE),
                [2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0] + attribute(1, [10, 0, 0, 0]) + attribute(8, attribute(2, [1, 2, 3, 4])))
            + message(Int(RTM_NEWRULE), [2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0] + attribute(6, [1, 0, 0, 0]))
            + message(Int(CLINUX_NLMSG_ERROR), flags: 0x200, bytes(Int32(-22)) + [UInt8](repeating: 0, count: 16) + attribute(1, name))
        for _ in 0..<20_000 {
            var datagram = whole
            for _ in 0...(next() % 6) { datagram[Int(next() % UInt64(whole.count))] = UInt8(truncatingIfNeeded: next()) }
            datagram.removeLast(Int(next() % 24))
            let kinds = answer(datagram) { message -> Int? in
                _ = (LinkInfo(message), RouteSpecification(message), RuleSpecification(message))
                return message.type
            }
            #expect(kinds.elements.count <= 4)
        }
    }

    @Test func `what another process sends is not believed`() throws {
        try inNewNamespace {
            let monitor = try NetlinkMonitor(.links)
            let stranger = try NetlinkSocket()
            var own = sockaddr_nl()
            var size = socklen_t(MemoryLayout<sockaddr_nl>.size)
            let isNamed = unsafe withUnsafeMutablePointer(to: &own) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(monitor.descriptor, $0, &size) }
            }
            try #require(isNamed == 0)
            for index: Int32 in [-1, 4] {
                let forged = message(Int(RTM_NEWLINK), link(index: index, attribute(3, name)))
                let sent = unsafe withUnsafePointer(to: &own) { pointer in
                    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                        unsafe forged.withUnsafeBytes {
                            unsafe sendto(stranger.descriptor.rawValue, $0.baseAddress, $0.count, 0, address, size)
                        }
                    }
                }
                try #require(sent == forged.count, "\(SystemError(operation: "sendto"))")
            }
            #expect(try monitor.events().isEmpty)
        }
    }
}
