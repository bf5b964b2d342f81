/// A command of PreUp, PostUp, PreDown or PostDown, byte by byte as the file has it: which encoding it is in is the shell's business.
public struct HookCommand: Hashable, Sendable {
    /// The command's bytes, without white space around them. None is a line end.
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// For people; what isn't UTF-8 is replaced. It may hold control characters.
    public var text: String { bytes[...].text }
}

extension HookCommand: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self.init(bytes: Array(value.utf8))
    }
}
