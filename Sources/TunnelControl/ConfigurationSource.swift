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

    /// - Parameter argument: `office` for /etc/wireguard/office.conf; anything with a slash or ending in `.conf` is a path.
    public init(_ argument: String) throws(SetupError) {
        let step = "read \(argument)"
        let isPath = argument.contains("/") || argument.hasSuffix(".conf")
        shownPath = isPath ? argument : "\(Self.directory)/\(argument).conf"
        let fileName = shownPath.split(separator: "/").last.map(String.init) ?? ""
        guard fileName.hasSuffix(".conf") else {
            throw SetupError(step, "the file's name gives the interface its name, so it must be NAME.conf")
        }
        interface = String(fileName.dropLast(5))
        guard Self.isInterfaceName(interface) else {
            throw SetupError(
                step, "the file's name gives the interface its name, and \"\(interface)\" can't be one",
                remedy: "rename it: 1 to 15 letters, digits and _=+.- before .conf")
        }
        path = FileSystem.resolved(shownPath) ?? shownPath
    }

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
        if argument.contains("/") || argument.hasSuffix(".conf") { return try ConfigurationSource(argument).interface }
        guard isInterfaceName(argument) else {
            throw SetupError("find \(argument)", "an interface's name has 1 to 15 letters, digits and _=+.-")
        }
        return argument
    }

    /// Reads the file.
    public func load() throws(SetupError) -> ConfigurationFile {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try FileSystem.readRegularFile(path)
        } catch {
            var remedy: String?
            if error.errno == ErrorNumber.invalidArgument {
                throw SetupError("read \(shownPath)", "it isn't a file but a pipe or a device, and is read more than once")
            }
            if error.isMissing {
                remedy = shownPath.hasPrefix(Self.directory) ? "give the file's path to use another place" : "check the path"
            }
            if error.isPermissionDenied { remedy = "it is another user's: run with sudo" }
            throw SetupError("read \(shownPath)", error, remedy: remedy)
        }
        return ConfigurationFile(text: bytes, name: shownPath, isReadableByOthers: isReadableByOthers)
    }

    /// As wg-quick warns: others may enter the directory and read the file.
    private var isReadableByOthers: Bool {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let file = FileSystem.status(path), let parent = FileSystem.status(directory) else { return false }
        return file.permissions & parent.permissions & 0o007 != 0
    }
}
