internal import LinuxSystem
internal import NetworkTypes

/// Where running tunnels are found: their UAPI sockets, and beside them what `wg-lite` itself needs.
///
/// `/run` for root and nothing else; for other users their own runtime directory, otherwise one in `/tmp` (and what root runs, to ask).
/// Readers and writers come in the same way: the directory is opened once, without following links, and has to be the caller's or
/// root's and closed to everybody else's writing. Whatever anybody else made is passed over.
public final class RuntimeDirectory: Sendable {
    /// The directory that holds the two below.
    public let base: String
    /// `BASE/wireguard`: the UAPI sockets, where `wg` looks for them if BASE is /var/run.
    let sockets: OwnedDirectory
    /// `BASE/wg-lite`: locks, records and control sockets; there is none where only other programs have tunnels.
    let records: OwnedDirectory?

    static func socketName(_ interface: String) -> String { "\(interface).sock" }
    static func controlName(_ interface: String) -> String { "\(interface).control" }
    static func lockName(_ interface: String) -> String { "\(interface).lock" }
    static func recordName(_ interface: String) -> String { "\(interface).record" }
    static func hookName(_ interface: String) -> String { "\(interface).hook" }
    /// The log of a tunnel in the background, where there is no system log.
    static func logName(_ interface: String) -> String { "\(interface).log" }

    func logFile(of interface: String) -> BoundedFile? {
        records.map { BoundedFile(Self.logName(interface), in: $0, limit: 512 << 10) }
    }

    /// The path of the socket that `wg` asks.
    public func socket(of interface: String) -> String { sockets.path(of: Self.socketName(interface)) }
    func control(of interface: String) -> String { "\(base)/wg-lite/\(Self.controlName(interface))" }

    static let standard = "/run"

    /// Whether `wg` finds the sockets here.
    public var isStandard: Bool { base == Self.standard }

    private init(base: String, sockets: OwnedDirectory, records: OwnedDirectory?) {
        self.base = base
        self.sockets = sockets
        self.records = records
    }

    /// A place where tunnels may be.
    struct Place: Hashable, Sendable {
        var path: String
        /// Whose it has to be, and what is in it.
        var owners: Set<UInt32>
        /// Whether the place itself is made where it is missing.
        var isMade = false

        /// The places of a user, in the order in which they are tried.
        /// - Parameters:
        ///   - user: the effective user.
        ///   - standardOwner: whose /run is. Root of a user namespace finds it somebody else's and is a user like any other.
        ///   - userDirectory: XDG_RUNTIME_DIR.
        static func all(user: UInt32, standardOwner: UInt32?, userDirectory: String?) -> [Place] {
            let own = Place(path: RuntimeDirectory.standard, owners: [user, 0])
            if user == 0, standardOwner == 0 { return [own] }
            var places = [own]
            if let userDirectory, userDirectory.hasPrefix("/") { places.append(Place(path: userDirectory, owners: [user])) }
            places.append(Place(path: "/tmp/wg-lite-\(user)", owners: [user], isMade: true))
            return places
        }
    }

    private static var places: [Place] {
        Place.all(
            user: Process.effectiveUser, standardOwner: FileSystem.status(standard, followsLinks: false)?.owner,
            userDirectory: Process.environment("XDG_RUNTIME_DIR"))
    }

    /// All places where a tunnel may be that this user can ask for, the standard one first. Places that can't be trusted are not among them.
    public static var present: [RuntimeDirectory] {
        places.compactMap { try? open($0, making: false) }
    }

    /// The first place that this user may write, with its directories made.
    static func prepare() throws(SetupError) -> RuntimeDirectory {
        var refusals: [String] = []
        for place in places {
            do throws(SystemError) {
                return try open(place, making: true)
            } catch {
                refusals.append("\(error)")
            }
        }
        let isRoot = places.count == 1
        throw SetupError(
            "make a control socket", refusals.joined(separator: "; "),
            remedy: isRoot
                ? "these directories must be root's, and nobody else may write them"
                : "set XDG_RUNTIME_DIR to a directory that is yours and that nobody else can write")
    }

    static func open(_ place: Place, making: Bool) throws(SystemError) -> RuntimeDirectory {
        if making, place.isMade { try FileSystem.makeDirectory(place.path, permissions: 0o700) }
        // In /run itself others may have entries of their own (a sticky directory); not in what we make there.
        let base = try OwnedDirectory(place.path, owners: place.owners, toleratesSticky: !place.isMade)
        guard making else {
            return try RuntimeDirectory(
                base: place.path, sockets: base.directory("wireguard", owners: place.owners),
                records: try? base.directory("wg-lite", owners: place.owners))
        }
        // Everybody may see which tunnels there are; their sockets and records are their owner's.
        let own: Set<UInt32> = [Process.effectiveUser]
        let sockets = try base.directory("wireguard", owners: own, making: 0o755)
        let records = try base.directory("wg-lite", owners: own, making: 0o700)
        guard sockets.isWritable, records.isWritable else { throw SystemError(operation: "write", subject: place.path) }
        return RuntimeDirectory(base: place.path, sockets: sockets, records: records)
    }

    /// Makes the directory of records again where others have removed it; whoever holds it finds the new one.
    func makeAgain() throws(SystemError) {
        guard let records, let place = Self.places.first(where: { $0.path == base }) else { return }
        guard let made = try Self.open(place, making: true).records else { return }
        try records.lead(to: made)
    }

    /// The interfaces with a UAPI socket that answers, of this program or another, each with its place.
    public static func runningInterfaces() -> [(name: String, directory: RuntimeDirectory)] {
        var found: [(name: String, directory: RuntimeDirectory)] = []
        for place in present {
            for entry in place.sockets.entries() where entry.hasSuffix(".sock") {
                let name = String(entry.dropLast(5))
                guard ConfigurationSource.isInterfaceName(name), !found.contains(where: { $0.name == name }) else { continue }
                if isAnswering(place.socket(of: name)) { found.append((name, place)) }
            }
        }
        return found
    }

    /// Whether a tunnel is another user's: then nothing of it can be asked or changed by this one.
    /// - Parameter step: what was to be done, as in "cannot STEP".
    /// - Returns: the error to throw; nil if it is nobody's or this user's.
    func refusal(to step: String, _ interface: String) -> SetupError? {
        do throws(SystemError) {
            _ = try UnixSocket.connect(to: socket(of: interface))
            return nil
        } catch {
            guard error.isPermissionDenied else { return nil }
            var refusal = SetupError(step, "permission denied: the tunnel is another user's", remedy: "run with sudo")
            refusal.isTaken = true
            return refusal
        }
    }

    /// A process that runs a tunnel.
    struct Server: Hashable, Sendable {
        var process: Int32
        /// What `ps` calls it.
        var program: String
        /// Whether it is this program.
        var isOurs: Bool
    }

    /// Who serves a tunnel's UAPI socket; nil for nobody, or where that can't be told.
    func server(of interface: String) -> Server? {
        guard let socket = try? UnixSocket.connect(to: socket(of: interface)), let process = UnixSocket.peerProcess(socket.rawValue),
            let name = Self.programName("\(process)"), let own = Self.programName("self")
        else { return nil }
        return Server(process: process, program: name, isOurs: name == own)
    }

    private static func programName(_ process: String) -> String? {
        (try? FileSystem.read("/proc/\(process)/comm", limit: 64)).map { String(decoding: $0, as: UTF8.self).filter { $0 != "\n" } }
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

    /// The number of the process that took the lock of a tunnel, as it wrote it; nil for none.
    func holder(of interface: String) -> Int32? {
        (try? records?.read(Self.lockName(interface), limit: 32)).flatMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// Waits for a process that was killed a moment ago, or that crashed: it lets go of the interface, its sockets and its lock one after
    /// the other, and to whoever asks for one of them it seems to run.
    func waitForEnd(of interface: String) {
        for process in Set([holder(of: interface), server(of: interface)?.process].compactMap(\.self)) {
            Pause.while(upTo: .seconds(5)) { ProcessCondition(of: process) == .ending }
        }
    }

    /// Whether somebody serves a tunnel's UAPI socket who doesn't end. Whoever was handed the socket, or made it and went to the background,
    /// isn't known by the kernel's word for it: a moment is given to what was killed.
    func isServed(_ interface: String) -> Bool {
        Pause.while(upTo: .milliseconds(500)) {
            Self.isAnswering(socket(of: interface)) && server(of: interface).map { ProcessCondition(of: $0.process) == nil } ?? true
        }
        return Self.isAnswering(socket(of: interface))
    }
}

extension OwnedDirectory {
    /// The lock of a process that is gone, or can't be seen from here and lets go of it last, after its interface: that is waited for.
    /// - Returns: nil while somebody has it.
    func lockLetGo(_ name: String) throws(SystemError) -> FileDescriptor? {
        for _ in 0..<20 {
            if let lock = try lock(name) { return lock }
            SystemThread.sleep(.milliseconds(50))
        }
        return nil
    }
}

/// Waiting for what no descriptor tells of.
enum Pause {
    /// Looks at a condition every ten milliseconds until it doesn't hold, or the time is over.
    static func `while`(upTo limit: Interval, _ holds: () -> Bool) {
        let end = Clock.now + limit
        while holds(), Clock.now < end { SystemThread.sleep(.milliseconds(10)) }
    }
}
