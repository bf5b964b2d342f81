internal import Glibc
internal import LinuxSystem

/// What refusals of the kernel mean to who uses an adapter.
extension AdapterError {
    private static let needsPrivilege = "needs CAP_NET_ADMIN, or run inside `unshare -Urn`"

    /// Opening `/dev/net/tun` failed.
    static func opening(_ error: SystemError) -> AdapterError {
        switch error.errno {
        case EACCES, EPERM:
            AdapterError(.accessDenied, "\(TunDescriptor.path): permission denied", remedy: needsPrivilege)
        case ENOENT, ENODEV, ENXIO:
            AdapterError(
                .notSupported, "\(TunDescriptor.path): no TUN device",
                remedy: "load the driver with `modprobe tun`; a container needs the device passed in (`--device /dev/net/tun`)")
        default: system(error, "\(TunDescriptor.path)")
        }
    }

    /// Opening or entering a network namespace failed.
    static func entering(_ error: SystemError, _ namespace: String) -> AdapterError {
        switch error.errno {
        case EPERM, EACCES:
            AdapterError(
                .accessDenied, "network namespace \(namespace): permission denied",
                remedy: "needs CAP_SYS_ADMIN, here and in the user namespace that owns it")
        case ENOENT:
            AdapterError(.fileNotFound, "network namespace \(namespace): there is no such file", remedy: "`ip netns` lists named ones")
        case EINVAL:
            AdapterError(
                .invalidParameter, "\(namespace) is no network namespace", remedy: "name one's file: /run/netns/NAME, /proc/PID/ns/net")
        default: system(error, "network namespace \(namespace)")
        }
    }

    /// Attaching to `interface`, or making it, failed.
    static func attaching(_ error: SystemError, _ interface: String) -> AdapterError {
        switch error.errno {
        case EPERM, EACCES:
            AdapterError(.accessDenied, "interface \(interface): permission denied", remedy: needsPrivilege)
        case EBUSY:
            AdapterError(
                .busy, "adapter \(interface): a session or another descriptor has it",
                remedy: "end that session, or delete the adapter with force")
        case EINVAL:
            AdapterError(
                .alreadyExists, "interface \(interface) is no TUN interface of this library (another kind or queue mode)",
                remedy: "choose another name")
        case ENODEV: gone(interface)
        default: system(error, "interface \(interface)")
        }
    }

    /// A descriptor that the caller handed over can't be used as a TUN queue.
    static func handedOver(_ error: SystemError) -> AdapterError {
        switch error.errno {
        case ENOMEM, ENOBUFS, EMFILE, ENFILE: system(error, "a descriptor that was handed over")
        default: AdapterError(.invalidParameter, "a descriptor that was handed over is no attached TUN queue: \(error)")
        }
    }

    /// Asking or changing something of an adapter's interface failed.
    static func changing(_ error: SystemError, _ adapter: String) -> AdapterError {
        switch error.errno {
        case EPERM, EACCES:
            AdapterError(
                .accessDenied, "adapter \(adapter): \(error.operation) \(error.subject): permission denied", remedy: needsPrivilege)
        case ENODEV: gone(adapter)
        case EEXIST: AdapterError(.alreadyExists, "adapter \(adapter): \(error)", remedy: "")
        case EINVAL, ERANGE: AdapterError(.invalidParameter, "adapter \(adapter): \(error)")
        default: system(error, "adapter \(adapter)")
        }
    }

    /// The adapter's interface isn't there any more.
    static func gone(_ adapter: String) -> AdapterError {
        AdapterError(.handleEndOfFile, "adapter \(adapter) is gone: its interface was deleted", remedy: "create it again")
    }

    private static func system(_ error: SystemError, _ subject: String) -> AdapterError {
        switch error.errno {
        case ENOMEM, ENOBUFS, EMFILE, ENFILE: AdapterError(.outOfMemory, "\(subject): \(error)", remedy: "raise the limits (ulimit -n)")
        default: AdapterError(.system, "\(subject): \(error)")
        }
    }
}
