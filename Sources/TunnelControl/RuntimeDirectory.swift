internal import LinuxSystem

/// Where running tunnels are found: their UAPI sockets, and beside them what `wg-lite` itself needs.
///
/// `/var/run` where it can be written, as `wg` expects; otherwise the user's own runtime directory, otherwise a directory
/// in `/tmp` that nobody else can write.
public struct RuntimeDirectory: Hashable, Sendable {
    /// The directory that holds the two below.
    public let base: String

    /// `BASE/wireguard`: the UAPI sockets, where `wg` looks for them if BASE is /var/run.
    public var socketDirectory: String { "\(base)/wireguard" }
    /// `BASE/wg-lite`: locks, records and control sockets.
    public var recordDirectory: String { "\(base)/wg-lite" }

    public func socket(of interface: String) -> String { "\(socketDirectory)/\(interface).sock" }
    func lock(of interface: String) -> String { "\(recordDirectory)/\(interface).lock" }
    func record(of interface: String) -> String { "\(recordDirectory)/\(interface).record" }
    func control(of interface: String) -> String { "\(recordDirectory)/\(interface).control" }

    /// Whether `wg` finds the sockets here.
    public var isStandard: Bool { base == Self.standard }

    static let standard = "/var/run"

    init(base: String) {
        self.base = base
    }

    /// All places where a tunnel of this user may be, the standard one first.
    public static var candidates: [RuntimeDirectory] {
        var bases = [standard]
        if let user = Process.environment("XDG_RUNTIME_DIR"), user.hasPrefix("/") { bases.append(user) }
        bases.append("/tmp/wg-lite-\(Process.effectiveUser)")
        return bases.map(RuntimeDirectory.init)
    }

    /// The first place that can be written, with its directories made.
    static func prepare() throws(SetupError) -> RuntimeDirectory {
        var refusals: [String] = []
        for candidate in candidates {
            do throws(SystemError) {
                try candidate.make()
                return candidate
            } catch {
                refusals.append("\(error)")
            }
        }
        throw SetupError(
            "make a control socket", refusals.joined(separator: "; "), remedy: "set XDG_RUNTIME_DIR to a directory that you can write")
    }

    private func make() throws(SystemError) {
        if base.hasPrefix("/tmp/") {
            try FileSystem.makeDirectory(base, permissions: 0o700)
            // In /tmp, somebody else may have been here first.
            guard let status = FileSystem.status(base, followsLinks: false), status.isDirectory, status.owner == Process.effectiveUser,
                status.permissions & 0o022 == 0
            else { throw SystemError(errno: ErrorNumber.busy, operation: "use", subject: base) }
        }
        // Everybody may see which tunnels there are; their sockets and records are their owner's.
        for (directory, permissions) in [(socketDirectory, UInt32(0o755)), (recordDirectory, 0o700)] {
            try FileSystem.makeDirectory(directory, permissions: permissions)
            guard FileSystem.isWritable(directory) else { throw SystemError(operation: "write", subject: directory) }
        }
    }

    /// The interfaces with a UAPI socket that answers, of this program or another, each with its place.
    public static func runningInterfaces() -> [(name: String, directory: RuntimeDirectory)] {
        var found: [(name: String, directory: RuntimeDirectory)] = []
        for candidate in candidates {
            for entry in FileSystem.entries(of: candidate.socketDirectory) where entry.hasSuffix(".sock") {
                let name = String(entry.dropLast(5))
                if !found.contains(where: { $0.name == name }), isAnswering(candidate.socket(of: name)) { found.append((name, candidate)) }
            }
        }
        return found
    }

    /// Whether somebody listens at a socket's path, or may: of another user's socket that can't be told.
    static func isAnswering(_ path: String) -> Bool {
        do throws(SystemError) {
            _ = try UnixSocket.connect(to: path)
            return true
        } catch {
            return error.isPermissionDenied
        }
    }
}
