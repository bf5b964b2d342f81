internal import CLinuxShims
internal import Glibc

extension NetlinkSocket {
    /// Every interface of the other network namespaces that the kernel has given this one numbers for, as it does when it moves an interface from
    /// here to there. Those that the caller has no privilege for are left out.
    public mutating func neighbours() throws(SystemError) -> [LinkInfo] {
        let request = NetlinkRequest("list", "namespaces", type: Int(RTM_GETNSID), flags: NLM_F_DUMP)
        request.setFixedPart(rtgenmsg())
        var numbers: [UInt32] = []
        try perform(request) { message in
            // The fixed part is one byte, padded to four.
            if let number = message.attributes(after: 4)[Int(NETNSA_NSID)]?.uint32 { numbers.append(number) }
        }
        var links: [LinkInfo] = []
        for number in numbers {
            let request = NetlinkRequest("list", "interfaces of namespace \(number)", type: Int(RTM_GETLINK), flags: NLM_F_DUMP)
            request.setFixedPart(ifinfomsg())
            request.put(Int(IFLA_TARGET_NETNSID), number)
            do throws(SystemError) {
                try perform(request) { message in
                    if let link = LinkInfo(message) { links.append(link) }
                }
            } catch {
                // EINVAL, too, when it went a moment ago.
                guard [EPERM, EACCES, EINVAL].contains(error.errno) else { throw error }
            }
        }
        return links
    }
}
