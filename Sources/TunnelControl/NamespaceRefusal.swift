internal import LinuxSystem

extension String {
    /// What stands behind `prefix`; nil if something else is in front.
    fileprivate func wordBehind(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}

/// Why a tunnel gets no namespace of its own, and whom to ask for what: a pure function of the kernel's error and of what is set here.
struct NamespaceRefusal: Hashable {
    /// What is set, as far as it decides.
    struct Settings: Hashable {
        /// user.max_user_namespaces; nil where the kernel has none.
        var mostUserNamespaces: UInt64?
        /// kernel.unprivileged_userns_clone, Debian's; nil where it doesn't exist.
        var allowsUnprivileged: Bool?
        /// kernel.apparmor_restrict_unprivileged_userns, Ubuntu's.
        var isRestrictedByAppArmor = false
        /// A filter of system calls is in force for this process.
        var hasSystemCallFilter = false
        var isContainer = false

        static var current: Settings {
            let number = { (path: String) -> UInt64? in
                (try? FileSystem.read("/proc/sys/\(path)", limit: 64)).flatMap {
                    UInt64(String(decoding: $0, as: UTF8.self).prefix { $0.isNumber })
                }
            }
            var settings = Settings()
            settings.mostUserNamespaces = number("user/max_user_namespaces")
            settings.allowsUnprivileged = number("kernel/unprivileged_userns_clone").map { $0 != 0 }
            settings.isRestrictedByAppArmor = number("kernel/apparmor_restrict_unprivileged_userns") == 1
            let status = (try? FileSystem.read("/proc/self/status", limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            settings.hasSystemCallFilter = status.split(separator: "\n").contains { $0.hasPrefix("Seccomp:") && $0.hasSuffix("2") }
            settings.isContainer = Surroundings.current.isContainer
            return settings
        }
    }

    let cause: String
    let remedy: String

    /// - Parameter error: what failed: `unshare`, or a step in the new namespaces.
    init(_ error: SystemError, _ settings: Settings) {
        let ask = "ask the administrator for"
        let isOfUnshare = error.operation == "unshare"
        if settings.mostUserNamespaces == 0 || settings.mostUserNamespaces == nil && isOfUnshare && error.name == "EINVAL" {
            cause =
                "user namespaces are switched off here (user.max_user_namespaces is \(settings.mostUserNamespaces.map(String.init) ?? "missing"))"
            remedy =
                settings.mostUserNamespaces == nil
                ? "the kernel was built without them: \(ask) another one, or run `wg-lite up` with sudo"
                : "\(ask) `sysctl user.max_user_namespaces=15000`"
        } else if settings.allowsUnprivileged == false, error.isPermissionDenied {
            cause = "user namespaces are closed to ordinary users here (kernel.unprivileged_userns_clone is 0)"
            remedy = "\(ask) `sysctl kernel.unprivileged_userns_clone=1`"
        } else if error.name == "ENOSPC" {
            cause = "there are too many user namespaces already, or too many in one another (user.max_user_namespaces; 32 deep)"
            remedy = "end some, or \(ask) a larger `sysctl user.max_user_namespaces`"
        } else if settings.isRestrictedByAppArmor, error.isPermissionDenied {
            cause = "AppArmor keeps ordinary users' programs from using user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)"
            remedy =
                "\(ask) a profile with `userns,` for wg-lite in /etc/apparmor.d, or `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
        } else if settings.hasSystemCallFilter || settings.isContainer, isOfUnshare {
            cause =
                "\(settings.isContainer ? "this container" : "a filter of system calls (seccomp)") forbids new namespaces (\(error.name))"
            remedy =
                "start the container with --security-opt seccomp=unconfined (a profile that allows unshare, setns and mount is enough), and with --device /dev/net/tun"
        } else if isOfUnshare, error.isPermissionDenied {
            cause = "the kernel refuses user namespaces to this user (\(error.name)): a security module does, or a chroot"
            remedy = "\(ask) user namespaces, or run `wg-lite up` with sudo"
        } else if error.operation == "mount", error.name == "EINVAL" {
            cause = "the root directory here is no mount point, as in a chroot: what is seen inside couldn't differ from what is seen here"
            remedy = "make it one before chroot, with `mount --bind DIR DIR`, or run it outside of the chroot"
        } else if error.isMissing, error.operation == "mount", let path = error.subject.wordBehind("over ") {
            cause =
                "\(path) shows a file that was deleted where it came from (`grep deleted /proc/self/mountinfo`), and nothing can stand in its place"
            remedy = "\(ask) `umount \(path)`"
        } else {
            cause = "\(error)"
            remedy = "\(ask) user namespaces that may mount, or run `wg-lite up` with sudo"
        }
    }

    /// The error to show.
    var error: SetupError { SetupError("make a namespace for the tunnel", cause, remedy: remedy) }
}
