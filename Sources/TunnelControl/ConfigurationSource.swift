internal import LinuxSystem
public import TunnelConfiguration

/// What `up CONFIG|NAME` names: a file by its path, or an interface whose file is in /etc/wireguard.
public struct ConfigurationSource: Hashable, Sendable {
    /// The interface: the file's name without `.conf`.
    public let interface: String
    /// The file.
    public let path: String
    /// What diagnostics call it: as the user wrote it.
    public let shownPath: String

    /// Where wg-quick looks for files.
    public static let directory = "/etc/wireguard"

    /// - Parameter argument: `office` for /etc/wireguard/office.conf; anything with a slash or ending in `.conf` is a path. A name may
    ///   have the escapes of a systemd unit's name: `a\x2bb` is `a+b`.
    public init(_ argument: String) throws(SetupError) {
        guard argument != "-" else {
            throw SetupError(
                "read standard input", "a tunnel's file is read more than once, and is what names the tunnel", remedy: Self.pipeRemedy)
        }
        let step = "read \(argument)"
        let name: String
        if Self.isPath(argument) {
            shownPath = argument
            let fileName = argument.split(separator: "/").last.map(String.init) ?? ""
            guard fileName.hasSuffix(".conf") else {
                throw SetupError(
                    step, "the file's name gives the interface its name, so it must be NAME.conf",
                    remedy: argument.hasPrefix("/dev/") || argument.hasPrefix("/proc/") ? Self.pipeRemedy : nil)
            }
            name = String(fileName.dropLast(5))
        } else {
            name = Self.unescapedUnitName(argument)
            shownPath = "\(Self.directory)/\(name).conf"
        }
        guard Self.isInterfaceName(name) else {
            throw SetupError(
                step, "the file's name gives the interface its name, and \"\(name)\" can't be one",
                remedy: "rename it: 1 to 15 letters, digits and _=+.- before .conf")
        }
        interface = name
        path = FileSystem.resolved(shownPath) ?? shownPath
    }

    private static let pipeRemedy = "write it to a file NAME.conf that only you can read (umask 077)"

    /// What wg-quick takes for the name of an interface.
    public static func isInterfaceName(_ name: String) -> Bool {
        let others = Set("_=+.-".utf8)
        return (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                others.contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
    }

    /// The interface that an argument of `down`, `show` or `reload` names: its name, or its file's path.
    public static func interface(_ argument: String) throws(SetupError) -> String {
        if isPath(argument) { return try ConfigurationSource(argument).interface }
        let name = unescapedUnitName(argument)
        guard isInterfaceName(name) else {
            throw SetupError("find \(argument)", "an interface's name has 1 to 15 letters, digits and _=+.-")
        }
        return name
    }

    private static func isPath(_ argument: String) -> Bool { argument.contains("/") || argument.hasSuffix(".conf") }

    /// A name without the escapes that systemd puts into a unit's name, `\x` and two hexadecimal digits: `+` and `=` can't be in one, and
    /// systemd-escape(1) takes `-` as well. No interface's name has a backslash, so that nothing else can be meant; what is no escape
    /// stays, and is refused as a name.
    static func unescapedUnitName(_ name: String) -> String {
        let bytes = Array(name.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: #"\x"#.utf8), index + 4 <= bytes.count,
                let high = hexadecimalDigit(bytes[index + 2]), let low = hexadecimalDigit(bytes[index + 3])
            {
                result.append(high << 4 | low)
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? { Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init) }

    /// Reads the file.
    public func load() throws(SetupError) -> ConfigurationFile {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try FileSystem.readRegularFile(path)
        } catch {
            var remedy: String?
            if error.errno == ErrorNumber.invalidArgument {
                throw SetupError(
                    "read \(shownPath)", "it isn't a file but a pipe or a device, and is read more than once", remedy: Self.pipeRemedy)
            }
            if error.isMissing {
                remedy = shownPath.hasPrefix(Self.directory) ? "give the file's path to use another place" : "check the path"
            }
            if error.isPermissionDenied {
                remedy = Self.permissionRemedy(shownPath, owner: FileSystem.status(path)?.owner, user: Process.effectiveUser)
            }
            let here = "\(interface).conf"
            if error.isMissing || error.isPermissionDenied, shownPath == "\(Self.directory)/\(here)", FileSystem.exists(here) {
                remedy = "write \(here) for the one in this directory"
            }
            throw SetupError("read \(shownPath)", error, remedy: remedy)
        }
        return ConfigurationFile(text: bytes, name: shownPath, isReadableByOthers: isReadableByOthers)
    }

    /// - Parameter owner: the file's; nil where a directory on the way keeps `user` from seeing it.
    static func permissionRemedy(_ path: String, owner: UInt32?, user: UInt32) -> String {
        let isAnothers = owner.map { $0 != user } ?? false
        guard user == 0 else {
            return isAnothers
                ? "it is another user's: run with sudo" : "this user may not read it, or not enter its directory: run with sudo"
        }
        return isAnothers
            ? "it is another user's, and root without CAP_DAC_OVERRIDE, as in a service, opens only its own: chown root \(path)"
            : "root without CAP_DAC_OVERRIDE, as in a service, may not read it, or not enter a directory on the way: see `namei -l \(path)`"
    }

    /// As wg-quick warns: others may enter the directory and read the file.
    private var isReadableByOthers: Bool {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let file = FileSystem.status(path), let parent = FileSystem.status(directory) else { return false }
        return file.permissions & parent.permissions & 0o007 != 0
    }
}
