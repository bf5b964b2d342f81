internal import Glibc
public import LinuxSystem

/// The versions of what adapters are made of.
public struct AdapterVersion: Hashable, Sendable {
    /// The TUN driver's, as ethtool tells it.
    public let driver: VersionNumber
    /// The kernel's, whose network stack it is.
    public let kernel: VersionNumber

    /// The running ones.
    ///
    /// The driver tells its version of an interface: of any TUN interface of the namespace, else of one made for the question.
    /// - Throws: `accessDenied` where there is none and the privilege to make one is lacking; `notSupported` without a TUN device.
    public static func current() throws(AdapterError) -> AdapterVersion {
        let kernel = KernelVersion.current
        for link in try Adapter.links() where link.tun?.isTun == true {
            if let driver = driver(of: link.name) { return AdapterVersion(driver: driver, kernel: kernel) }
        }
        let device = try Adapter.openDevice()
        let name: String
        do throws(SystemError) {
            name = try device.attach(name: "tunversion%d", flags: [.tun, .noPacketInformation])
        } catch {
            throw .attaching(error, "tunversion")
        }
        guard let driver = driver(of: name) else {
            throw AdapterError(.notSupported, "the TUN driver doesn't tell its version")
        }
        _ = consume device
        return AdapterVersion(driver: driver, kernel: kernel)
    }

    private static func driver(of interface: String) -> VersionNumber? {
        (try? KernelVersion.driver(ofInterface: interface))?.version
    }
}
