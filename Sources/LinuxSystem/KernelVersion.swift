internal import CLinuxShims
internal import Glibc

/// A version of two numbers.
public struct VersionNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let major: UInt16
    public let minor: UInt16

    public init(major: UInt16, minor: UInt16) {
        self.major = major
        self.minor = minor
    }

    /// The first two numbers of `text`, for example of `6.18.44-generic`; nil where it doesn't begin with a number.
    public init?(_ text: String) {
        // By hand: splitting takes 16 KiB of stack at its first call, which not every thread of a C program has.
        var rest = text.utf8[...]
        func number() -> UInt16? {
            var value: UInt16?
            while let digit = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
                let (tens, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
                let (sum, carries) = tens.addingReportingOverflow(UInt16(digit - UInt8(ascii: "0")))
                guard !overflow, !carries else { return nil }
                value = sum
                rest = rest.dropFirst()
            }
            return value
        }
        guard let major = number() else { return nil }
        while let byte = rest.first, byte != UInt8(ascii: ".") { rest = rest.dropFirst() }
        rest = rest.dropFirst()
        self.init(major: major, minor: number() ?? 0)
    }

    public static func < (a: VersionNumber, b: VersionNumber) -> Bool {
        (a.major, a.minor) < (b.major, b.minor)
    }

    public var description: String { "\(major).\(minor)" }
}

/// The running kernel and the drivers of its interfaces.
public enum KernelVersion {
    /// The running kernel's (uname).
    public static var current: VersionNumber {
        let release = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            // SAFETY: the shim terminates the text within the buffer.
            unsafe clinux_kernel_release(buffer.baseAddress, 128) == 0 ? unsafe String(cString: buffer.baseAddress!) : ""
        }
        return VersionNumber(release) ?? VersionNumber(major: 0, minor: 0)
    }

    /// The driver of the interface `name` in the calling thread's namespace: its name and version (ETHTOOL_GDRVINFO).
    /// - Throws: ENODEV without such an interface, EOPNOTSUPP where the driver doesn't say.
    public static func driver(ofInterface name: String) throws(SystemError) -> (name: String, version: VersionNumber?) {
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "ethtool") }
        let descriptor = FileDescriptor(owning: number)
        var found: (String, VersionNumber?)?
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            // SAFETY: the driver's name and version are 32 bytes each, terminated.
            let driver = buffer.baseAddress!
            let version = unsafe driver + 32
            guard unsafe clinux_driver_version(descriptor.rawValue, name, driver, version) == 0 else { return }
            unsafe found = (String(cString: driver), VersionNumber(String(cString: version)))
        }
        guard let found else { throw SystemError(operation: "ask for the driver of", subject: "interface \(name)") }
        return found
    }
}
