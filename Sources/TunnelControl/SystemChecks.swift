internal import LinuxSystem
internal import TunnelDiagnosis

/// What the machine has that every tunnel needs.
enum SystemChecks {
    /// - Parameter isUp: whether a tunnel is up already, which has what it needs then.
    static func all(isUp: Bool) -> [ExaminationCheck] {
        let surroundings = Surroundings.current
        return [
            device(surroundings), privilege(capabilities: Observer.text("/proc/self/status"), isUp: isUp, surroundings),
            kernel(KernelVersion.current), clock(unixSeconds: Clock.unixNanoseconds / 1_000_000_000),
            forwarding(Observer.text("/proc/sys/net/ipv4/ip_forward")),
        ]
    }

    static func device(_ surroundings: Surroundings) -> ExaminationCheck {
        if let missing = surroundings.missingDevice { return ExaminationCheck("TUN device", .bad, missing.cause, remedy: missing.remedy) }
        return ExaminationCheck("TUN device", .good, Surroundings.tunPath)
    }

    /// - Parameter capabilities: the text of /proc/self/status.
    static func privilege(capabilities: String, isUp: Bool, _ surroundings: Surroundings) -> ExaminationCheck {
        let line = capabilities.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let digits = line?.split(whereSeparator: \.isWhitespace).last, let bits = UInt64(digits, radix: 16) else {
            return ExaminationCheck("privilege", .skipped, "/proc/self/status doesn't say")
        }
        // CAP_NET_ADMIN is 12, CAP_NET_RAW 13 (capabilities(7)).
        guard bits >> 12 & 1 == 1 else {
            if isUp { return ExaminationCheck("privilege", .skipped, "none, and the tunnel is up: echoes can't be tried") }
            return ExaminationCheck("privilege", .bad, surroundings.missingPrivilege, remedy: surroundings.privilegeRemedy)
        }
        guard bits >> 13 & 1 == 1 else {
            return ExaminationCheck("privilege", .warning, "CAP_NET_ADMIN, but no CAP_NET_RAW: echoes and arrivals can't be tried")
        }
        return ExaminationCheck("privilege", .good, "CAP_NET_ADMIN and CAP_NET_RAW")
    }

    static func kernel(_ version: VersionNumber) -> ExaminationCheck {
        let usesUDP = version >= VersionNumber(major: 6, minor: 2)
        let offloads =
            usesUDP ? "TCP and UDP leave and enter the interface in large packets" : "TCP does so in large packets; UDP from 6.2 on"
        return ExaminationCheck("kernel", .good, "Linux \(version): \(offloads)")
    }

    static func clock(unixSeconds: UInt64) -> ExaminationCheck {
        guard unixSeconds >= ClockRules.earliest else {
            return ExaminationCheck(
                "clock", .bad, "it stands before 2025: peers that knew a later time take our handshakes for replays",
                remedy: "set it (`timedatectl set-ntp true`, or `date -s`)")
        }
        return ExaminationCheck("clock", .good, "\(unixSeconds) s of the epoch")
    }

    static func forwarding(_ setting: String) -> ExaminationCheck {
        switch setting.first {
        case "1"?: ExaminationCheck("forwarding", .good, "net.ipv4.ip_forward is 1: this machine may be a gateway")
        case "0"?: ExaminationCheck("forwarding", .skipped, "net.ipv4.ip_forward is 0: right unless this is a gateway")
        default: ExaminationCheck("forwarding", .skipped, "there is no IPv4")
        }
    }
}
