internal import CLinuxShims
internal import Glibc
internal import NetworkTypes

/// Room for an IPv4 or IPv6 socket address as the kernel lays it out, converted from and to ``Endpoint``.
struct SocketAddress {
    /// `sockaddr_in6` is the larger of the two.
    static let capacity = MemoryLayout<sockaddr_in6>.size

    /// Writes `endpoint` to `memory` (at least ``capacity`` bytes) and returns the bytes used.
    static func write(_ endpoint: Endpoint, to memory: UnsafeMutableRawPointer) -> socklen_t {
        switch endpoint.address {
        case .v4(let address):
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = endpoint.port.bigEndian
            v4.sin_addr.s_addr = address.rawValue.bigEndian
            // SAFETY: the caller gives room for the larger sockaddr_in6.
            unsafe memory.storeBytes(of: v4, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .v6(let address):
            var v6 = sockaddr_in6()
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = endpoint.port.bigEndian
            v6.sin6_scope_id = endpoint.zone
            // SAFETY: sin6_addr is 16 bytes; the caller gives room for the whole.
            unsafe withUnsafeMutableBytes(of: &v6.sin6_addr) { unsafe address.write(to: $0.baseAddress!) }
            unsafe memory.storeBytes(of: v6, as: sockaddr_in6.self)
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        }
    }

    /// The endpoint at `memory`, which the kernel filled for a socket of IPv4 or IPv6.
    static func read(from memory: UnsafeRawPointer) -> Endpoint {
        // SAFETY: the kernel wrote a whole address of the family it names.
        if unsafe memory.load(as: sa_family_t.self) == sa_family_t(AF_INET) {
            let v4 = unsafe memory.load(as: sockaddr_in.self)
            return Endpoint(
                address: .v4(IPv4Address(rawValue: UInt32(bigEndian: v4.sin_addr.s_addr))), port: UInt16(bigEndian: v4.sin_port))
        }
        var v6 = unsafe memory.load(as: sockaddr_in6.self)
        let address = unsafe withUnsafeBytes(of: &v6.sin6_addr) { unsafe IPv6Address(bytes: $0.baseAddress!) }
        return Endpoint(address: .v6(address), port: UInt16(bigEndian: v6.sin6_port), zone: v6.sin6_scope_id)
    }
}
