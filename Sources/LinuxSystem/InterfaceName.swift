/// The kernel's rules for the names of network interfaces.
public enum InterfaceName {
    /// IFNAMSIZ, the terminator included.
    static let size = 16
    /// The longest name in bytes.
    public static let maximumLength = size - 1

    private static let reserved: Set<String> = [".", "..", "all", "default"]

    /// Whether the kernel takes `name` for an interface: 1 to 15 bytes without `/`, `:` and white space, neither `.` nor `..`;
    /// nor `%`, which it would expand; nor `all` and `default`, which it has no settings for (/proc/sys/net/ipv4/conf has both for itself).
    /// Source: dev_valid_name in net/core/dev.c, sysctl_dev_name_is_allowed in net/ipv4/devinet.c.
    public static func isValid(_ name: some StringProtocol) -> Bool {
        let bytes = name.utf8
        guard !bytes.isEmpty, bytes.count <= maximumLength, !reserved.contains(String(name)) else { return false }
        return bytes.allSatisfy { byte in
            // The kernel's isspace counts Latin-1's no-break space too, so 0xa0 goes; the other bytes of UTF-8 may stay.
            switch byte {
            case 0...0x20, 0x7f, 0xa0, UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "%"): false
            default: true
            }
        }
    }
}
