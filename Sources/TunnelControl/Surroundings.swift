internal import LinuxSystem

/// Where this process runs, as far as it decides what helps when the kernel refuses.
struct Surroundings: Hashable, Sendable {
    /// What stands at /dev/net/tun.
    enum TunDevice: Hashable, Sendable {
        case missing
        /// Something that isn't a device.
        case otherFile
        /// The device; open to everybody, or to its owner only.
        case device(isOpenToAll: Bool)
        /// The device, which this process may not open: by the file's permissions, in octal, or by what the container was given.
        case closed(ClosedBy)
    }

    enum ClosedBy: Hashable, Sendable {
        case permissions(UInt32)
        case container
    }

    var isRoot = false
    var isContainer = false
    var tunDevice = TunDevice.device(isOpenToAll: true)
    /// What helps in a service whose sandbox may be in the way; nil outside of one.
    var sandboxRemedy: String?

    static let tunPath = "/dev/net/tun"

    /// This process's.
    static var current: Surroundings {
        var surroundings = Surroundings()
        surroundings.isRoot = Process.effectiveUser == 0
        surroundings.sandboxRemedy = ServiceSandbox.remedy
        // What Docker, Podman, and systemd-nspawn or LXC leave for those who ask.
        surroundings.isContainer =
            ["/.dockerenv", "/run/.containerenv"].contains { FileSystem.exists($0) } || Process.environment("container") != nil
        surroundings.tunDevice =
            switch FileSystem.status(tunPath) {
            case nil: .missing
            case let status? where status.isRegularFile || status.isDirectory || status.isSocket: .otherFile
            case let status?: device(permissions: status.permissions)
            }
        return surroundings
    }

    /// Opening it is the only question whose answer holds: user namespaces, mounts and device groups have their say besides permissions.
    private static func device(permissions: UInt32) -> TunDevice {
        do throws(SystemError) {
            _ = try TunDescriptor()
            return .device(isOpenToAll: permissions & 0o006 == 0o006)
        } catch {
            switch error.name {
            case "EACCES": return .closed(.permissions(permissions & 0o777))
            case "EPERM": return .closed(.container)
            default: return .device(isOpenToAll: permissions & 0o006 == 0o006)
            }
        }
    }

    /// What lacks where CAP_NET_ADMIN is needed, after "permission denied".
    var missingPrivilege: String {
        guard isRoot else { return "it needs CAP_NET_ADMIN" }
        return isContainer ? "this container has no CAP_NET_ADMIN" : "this process has no CAP_NET_ADMIN, although it is root's"
    }

    /// How to get it.
    var privilegeRemedy: String {
        if let sandboxRemedy { return sandboxRemedy }
        guard isRoot else {
            let isOpen = tunDevice == .device(isOpenToAll: true)
            return "run with sudo" + (isOpen ? ", or use `wg-lite run FILE -- COMMAND`, which needs no privilege" : "")
        }
        return isContainer
            ? "start it with --cap-add NET_ADMIN --device /dev/net/tun"
            : "`capsh --print` shows what it has; give it CAP_NET_ADMIN"
    }

    /// Why there can be no interface at all, with the remedy; nil if the device is there.
    var missingDevice: (cause: String, remedy: String)? {
        switch tunDevice {
        case .missing:
            (
                "\(Self.tunPath) does not exist: the kernel's TUN driver is missing here",
                isContainer ? "start the container with --device /dev/net/tun" : "modprobe tun; in a container: --device /dev/net/tun"
            )
        case .otherFile:
            (
                "\(Self.tunPath) is not the TUN device but a plain file or directory",
                "rm -r \(Self.tunPath); mkdir -p /dev/net; mknod -m 666 \(Self.tunPath) c 10 200"
            )
        case .closed(.permissions(let mode)):
            (
                "\(Self.tunPath): permission denied: it is closed to this user (its mode is \(String(mode, radix: 8)))",
                (isRoot ? "" : "run with sudo; or, for tunnels in namespaces of your own, ")
                    + "ask the administrator for chmod 666 \(Self.tunPath)"
            )
        case .closed(.container):
            (
                "\(Self.tunPath): permission denied: this container may not use it",
                "start the container with --device /dev/net/tun --cap-add NET_ADMIN"
            )
        case .device: nil
        }
    }
}
