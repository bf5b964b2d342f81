internal import LinuxSystem

/// What a refusal of the kernel means and what helps: a pure function of the error and of where this process runs.
struct KernelRefusal: Hashable {
    let cause: String
    let remedy: String?

    /// What helps when there is no descriptor left, in this process or on the machine.
    static let descriptorRemedy = "too many files are open: raise the limit (ulimit -n)"

    init(_ error: SystemError, _ surroundings: Surroundings) {
        let said = error.message.prefix(1).lowercased() + error.message.dropFirst()
        let words = error.detail.isEmpty ? said : "\(said) (\(error.detail))"
        let isIPv6 = error.subject.contains(":") && ["add address", "add route", "replace route"].contains(error.operation)
        // Of a netlink request, EPERM is a missing privilege and EACCES is not.
        if isIPv6, error.name == "EACCES" {
            cause = "IPv6 is disabled here (\(words))"
            remedy =
                "sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0; or leave IPv6 out of Address and AllowedIPs"
        } else if isIPv6, error.name == "ENODEV" {
            cause = "the interface has no IPv6 (\(words))"
            remedy = "IPv6 needs an MTU of 1280: is a smaller one set?"
        } else if error.isPermissionDenied {
            cause = "\(words): \(surroundings.missingPrivilege)"
            remedy = surroundings.privilegeRemedy
        } else {
            cause = words
            remedy =
                switch error.name {
                case "ENETUNREACH": "what the route leads over can't be reached: is its interface up? See `ip route` and `ip link`"
                case "ENETDOWN": "the interface is down: ip link set NAME up"
                case "ENOTTY": "\(Surroundings.tunPath) is not the TUN device: mknod -m 666 \(Surroundings.tunPath) c 10 200"
                case "EMFILE", "ENFILE": Self.descriptorRemedy
                default: nil
                }
        }
    }
}
