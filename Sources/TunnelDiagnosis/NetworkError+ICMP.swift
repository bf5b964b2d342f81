extension NetworkError.Cause {
    /// What an ICMP or ICMPv6 error says. Source: RFC 792, RFC 1812 section 5.2.7.1, RFC 4443.
    /// - Parameter mtu: bytes, where the error is about the size.
    public init(isV6: Bool, type: UInt8, code: UInt8, mtu: UInt32?) {
        if let mtu, (isV6, type) == (true, 2) || (isV6, type, code) == (false, 3, 4) {
            self = .tooLarge(mtu: mtu)
            return
        }
        self =
            switch (isV6, type, code) {
            case (false, 3, 2), (false, 3, 3), (true, 1, 4): .portUnreachable
            case (false, 3, 9), (false, 3, 10), (false, 3, 13), (true, 1, 1), (true, 1, 5), (true, 1, 6): .prohibited
            case (false, 3, 1), (false, 3, 7), (true, 1, 3): .hostUnreachable
            case (false, 3, 0), (false, 3, 6), (true, 1, 0): .networkUnreachable
            case (false, 11, 0), (true, 3, 0): .routingLoop
            default: .other
            }
    }
}
