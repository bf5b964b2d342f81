internal import CLinuxShims
internal import Glibc

extension NetlinkSocket {
    /// Every interface of the other network namespaces that the kernel has given this one numbers for, as it does when it moves an interface from
    /// here to there. Those that the caller has no privilege for are left out.
    public mutating func neighbours() throws(SystemError) -> [LinkInfo] {
        let request = NetlinkRequest("list", "namespaces", type: Int(RTM_GETNSID))
        request.setFixedPart(rtgenmsg())
        // The fixed part is one byte, padded to four.
        let numbers = try list(request) { message in message.attributes(after: 4)[Int(NETNSA_NSID)]?.uint32 }
        var links: [LinkInfo] = []
        for number in numbers {
            let request = NetlinkRequest("list", "interfaces of namespace \(number)", type: Int(RTM_GETLINK))
            request.setFixedPart(ifinfomsg())
            request.put(Int(IFLA_TARGET_NETNSID), number)
            do throws(SystemError) {
                links += try list(request) { LinkInfo($0) }
            } catch {
                // EINVAL, too, when it went a moment ago.
                guard [EPERM, EACCES, EINVAL].contains(error.errno) else { throw error }
            }
        }
        return links
    }
}
