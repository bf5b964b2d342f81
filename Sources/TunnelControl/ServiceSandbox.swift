internal import LinuxSystem

/// The walls that the service's unit puts around the program and its hooks, as far as a message about a refusal needs to know of them.
enum ServiceSandbox {
    /// The service that this process is the main process of.
    static var unit: String? {
        unit(
            executed: Process.environment("SYSTEMD_EXEC_PID"), identifier: Process.identifier,
            groups: (try? FileSystem.read("/proc/self/cgroup", limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) } ?? "")
    }

    /// What helps where a refusal may be the sandbox's; nil outside of a service.
    static var remedy: String? {
        unit.map { "the service's sandbox may be what stops it: `systemctl edit \($0)` loosens it, and the unit says how" }
    }

    /// What a port below 1024 takes. Trying again changes nothing.
    static func refusal(ofPort port: UInt16, unit: String?) -> SetupError {
        let remedy = unit.map {
            "or write these two lines with `systemctl edit \($0)`: [Service], CapabilityBoundingSet=CAP_NET_BIND_SERVICE"
        }
        return SetupError(
            "listen on UDP port \(port)", "permission denied: ports below 1024 take CAP_NET_BIND_SERVICE, which this process lacks",
            remedy: "choose a ListenPort from 1024 up, \(remedy ?? "or leave it out")", isConfiguration: true)
    }

    /// The service that a process is the main process of.
    /// - Parameters:
    ///   - executed: SYSTEMD_EXEC_PID, which children inherit: it is the main process's number.
    ///   - groups: what /proc/self/cgroup says.
    static func unit(executed: String?, identifier: Int32, groups: String) -> String? {
        guard executed == "\(identifier)" else { return nil }
        for line in groups.split(separator: "\n") {
            if let last = line.split(separator: "/").last, last.hasSuffix(".service") { return String(last.dropLast(8)) }
        }
        return nil
    }
}
