internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Host names to addresses, by the system's resolver.
public enum HostLookup {
    /// What came of a look-up, and whether to try again.
    public enum Outcome: Hashable, Sendable {
        /// In the order in which they should be tried.
        case found([Endpoint])
        /// It may work later: the text says what failed.
        case failedForNow(String)
        /// It would fail again: no such name.
        case failed(String)
    }

    /// Looks a name up; blocks as long as the resolver takes.
    /// - Parameters:
    ///   - host: a name or an address, perhaps with a zone.
    ///   - service: a port number or a service's name.
    public static func resolve(host: String, service: String) -> Outcome {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        unsafe hints.ai_protocol = Int32(IPPROTO_UDP)
        var first: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(host, service, &hints, &first)
        guard result == 0 else {
            let error = Glibc.errno
            let text =
                unsafe result == EAI_SYSTEM ? SystemError(errno: error, operation: "").message : String(cString: gai_strerror(result))
            // What glibc calls permanent; everything else may pass.
            let isPermanent = result == EAI_NONAME || result == EAI_FAIL || result == CLINUX_EAI_NODATA || result == EAI_SERVICE
            return isPermanent ? .failed(text) : .failedForNow(text)
        }
        defer { unsafe freeaddrinfo(first) }
        var endpoints: [Endpoint] = []
        var next = unsafe first
        while let info = unsafe next {
            // SAFETY: the list and its addresses live until freeaddrinfo, and ai_addrlen is the address's size.
            if let endpoint = unsafe endpoint(info.pointee) { endpoints.append(endpoint) }
            unsafe next = info.pointee.ai_next
        }
        return endpoints.isEmpty ? .failed("no IPv4 or IPv6 address") : .found(endpoints)
    }

    /// The index of an interface, by its name or number, as an address's zone has it.
    public static func zoneIndex(_ zone: String) -> UInt32? {
        if let number = UInt32(zone) { return number }
        let index = unsafe if_nametoindex(zone)
        return index == 0 ? nil : index
    }

    private static func endpoint(_ info: addrinfo) -> Endpoint? {
        guard let address = unsafe info.ai_addr else { return nil }
        let raw = UnsafeRawPointer(address)
        switch unsafe info.ai_family {
        case AF_INET:
            let value = unsafe raw.loadUnaligned(as: sockaddr_in.self)
            return Endpoint(
                address: .v4(IPv4Address(rawValue: UInt32(bigEndian: value.sin_addr.s_addr))), port: UInt16(bigEndian: value.sin_port))
        case AF_INET6:
            let value = unsafe raw.loadUnaligned(as: sockaddr_in6.self)
            let bytes = unsafe IPv6Address(bytes: raw + MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!)
            return Endpoint(address: .v6(bytes), port: UInt16(bigEndian: value.sin6_port), zone: value.sin6_scope_id)
        default: return nil
        }
    }
}
