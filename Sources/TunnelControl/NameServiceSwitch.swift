/// How names are looked up in a tunnel's own namespace: by its name servers, or not at all, and never by asking a service of the machine.
///
/// A socket with a path reaches through network namespaces, so that systemd-resolved, nscd, sssd or avahi would ask the machine's servers for
/// a program inside. Source: nsswitch.conf(5), nss-resolve(8).
enum NameServiceSwitch {
    static let path = "/etc/nsswitch.conf"
    /// Those that ask nobody, and the resolver that reads resolv.conf.
    static let confinedServices: Set<String> = ["files", "db", "dns", "myhostname"]
    /// Where services that look names up listen: hidden inside. The machine's bus is one of them: systemd-resolved, avahi and NetworkManager
    /// look names up for whoever asks them there.
    static let hiddenDirectories = [
        "/run/systemd/resolve", "/run/nscd", "/var/run/nscd", "/run/avahi-daemon", "/run/dbus", "/var/run/dbus",
    ]

    /// The file with only such services for hosts; nil where it needs no change.
    static func confined(_ text: String) -> String? {
        var isChanged = false
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            let content = line.prefix { $0 != "#" }
            guard let colon = content.firstIndex(of: ":"), content[..<colon].filter({ !$0.isWhitespace }) == "hosts" else {
                return String(line)
            }
            let services = words(content[content.index(after: colon)...])
            let kept = services.filter { confinedServices.contains($0) }
            guard kept.count < services.count else { return String(line) }
            isChanged = true
            return "hosts: \((kept + (kept.contains("dns") ? [] : ["dns"])).joined(separator: " "))"
        }
        return isChanged ? lines.joined(separator: "\n") : nil
    }

    /// Services and actions, `[!UNAVAIL=return]`, each a word; an action is no service.
    private static func words(_ text: Substring) -> [String] {
        var words: [String] = []
        var isAction = false
        for part in text.split(whereSeparator: \.isWhitespace) {
            if part.hasPrefix("[") { isAction = true }
            if isAction {
                if words.last != "[]" { words.append("[]") }
            } else {
                words.append(String(part))
            }
            if part.hasSuffix("]") { isAction = false }
        }
        return words
    }
}
