import LinuxSystem
import Testing

@testable import TunnelControl

@Suite struct KernelRefusalTests {
    static func refusal(_ errno: Int32, _ operation: String, _ subject: String, _ surroundings: Surroundings = .init()) -> KernelRefusal {
        KernelRefusal(SystemError(errno: errno, operation: operation, subject: subject), surroundings)
    }
    static let (eperm, eacces, enodev, enotty, enetunreach): (Int32, Int32, Int32, Int32, Int32) = (1, 13, 19, 25, 101)

    @Test func `root is never told to use sudo`() {
        for isContainer in [false, true] {
            let refusal = Self.refusal(
                Self.eperm, "add address", "10.8.0.1/24", Surroundings(isRoot: true, isContainer: isContainer))
            #expect(!refusal.remedy!.contains("sudo"))
            #expect(refusal.cause.contains("CAP_NET_ADMIN"))
            #expect(refusal.remedy!.contains("--cap-add NET_ADMIN") == isContainer)
        }
        #expect(Self.refusal(Self.eperm, "add address", "10.8.0.1/24").remedy!.contains("sudo"))
    }

    @Test func `a sandbox is only offered where the device is open to everybody`() {
        #expect(Surroundings(tunDevice: .device(isOpenToAll: true)).privilegeRemedy.contains("wg-lite run"))
        #expect(!Surroundings(tunDevice: .device(isOpenToAll: false)).privilegeRemedy.contains("wg-lite run"))
        #expect(!Surroundings(isRoot: true).privilegeRemedy.contains("wg-lite run"))
    }

    @Test func `IPv6 that is disabled is no missing privilege`() {
        let refusal = Self.refusal(Self.eacces, "add address", "fd08::1/64", Surroundings(isRoot: true))
        #expect(refusal.cause.contains("IPv6 is disabled"))
        #expect(refusal.remedy!.contains("disable_ipv6=0"))
        #expect(Self.refusal(Self.eacces, "add route", "::/0").remedy!.hasSuffix("leave IPv6 out of Address and AllowedIPs"))
        #expect(Self.refusal(Self.enodev, "add address", "fd08::1/64").remedy!.contains("1280"))
        #expect(Self.refusal(Self.eacces, "add address", "10.8.0.1/24").cause.contains("CAP_NET_ADMIN"))
    }

    @Test func `other refusals have remedies`() {
        #expect(Self.refusal(Self.enetunreach, "add route", "10.0.0.0/8").remedy != nil)
        #expect(Self.refusal(Self.enotty, "TUNSETIFF", "wg0").remedy!.contains("mknod"))
        #expect(Self.refusal(5, "read", "x").remedy == nil)
    }

    @Test func `what stands at the device's place is named`() {
        #expect(Surroundings(tunDevice: .missing).missingDevice!.cause.contains("does not exist"))
        #expect(Surroundings(isContainer: true, tunDevice: .missing).missingDevice!.remedy.contains("--device"))
        #expect(Surroundings(tunDevice: .otherFile).missingDevice!.cause.contains("not the TUN device"))
        #expect(Surroundings(tunDevice: .device(isOpenToAll: false)).missingDevice == nil)
    }

    @Test func `a device that is closed to us is named, not a privilege`() {
        let user = Surroundings(tunDevice: .closed(.permissions(0o600))).missingDevice!
        #expect(user.cause.contains("600") && user.remedy.contains("sudo") && user.remedy.contains("chmod 666"))
        // Root of a user namespace has every capability there, and sudo gives it no other.
        let root = Surroundings(isRoot: true, isContainer: true, tunDevice: .closed(.permissions(0o600))).missingDevice!
        #expect(!root.remedy.contains("sudo") && !root.cause.contains("CAP_NET_ADMIN"))
        #expect(Surroundings(isRoot: true, tunDevice: .closed(.container)).missingDevice!.remedy.contains("--device"))
    }
}
