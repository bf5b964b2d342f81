import Glibc
import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

/// What the kernel does with addresses of one network, and what an adapter's calls come to all the same.
@Suite struct AdapterAddressTests {
    private static func transient() throws -> Adapter {
        try Adapter.create(name: "demo0", pool: "org.example.test", options: AdapterOptions(lifetime: .transient))
    }

    /// In the order in which they are set; each is the only one of its family then.
    @Test(arguments: [
        ["10.7.0.1/24", "10.7.0.2/24", "10.7.0.2/16", "10.7.0.2/24", "10.7.0.1/32", "10.7.0.1/32"],
        ["fd07::1/64", "fd07::2/64", "fd07::2/48", "fd07::2/128", "fd07::1/64", "fd07::1/64"],
    ])
    func `the address that is set is there, and the only one of its family`(addresses: [String]) throws {
        try inNewNamespace {
            let adapter = try Self.transient()
            try adapter.bringUp()
            let other = addresses[0].contains(":") ? "10.9.0.1/24" : "fd09::1/64"
            try adapter.setAddress(other)
            for address in addresses {
                try adapter.setAddress(address)
                #expect(Set(try adapter.addresses().map(\.description)) == [address, other])
            }
        }
    }

    @Test func `one of several addresses of a network may be the one that stays`() throws {
        try inNewNamespace {
            let adapter = try Self.transient()
            for address in ["10.7.0.1/24", "10.7.0.9/24", "10.7.0.10/24", "10.6.0.1/24"] {
                try adapter.addAddress(#require(IPInterfaceAddress(address)))
            }
            try adapter.setAddress("10.7.0.9/24")
            #expect(try adapter.addresses().map(\.description) == ["10.7.0.9/24"])
        }
    }

    @Test func `taking an address away leaves the others of its network`() throws {
        try inNewNamespace {
            let adapter = try Self.transient()
            let addresses = ["10.7.0.1/24", "10.7.0.2/24", "10.7.0.3/24"]
            for address in addresses { try adapter.addAddress(#require(IPInterfaceAddress(address))) }
            try adapter.removeAddress(#require(IPInterfaceAddress("10.7.0.1/24")))
            #expect(Set(try adapter.addresses().map(\.description)) == ["10.7.0.2/24", "10.7.0.3/24"])
            try adapter.removeAddress(#require(IPInterfaceAddress("10.7.0.1/24")))
        }
    }

    @Test func `an address with a far end goes like any other`() throws {
        try inNewNamespace {
            let adapter = try Self.transient()
            try run("ip", "address", "add", "10.6.0.1", "peer", "10.6.0.2/32", "dev", "demo0")
            try run("ip", "address", "add", "fd06::1", "peer", "fd06::2/128", "dev", "demo0")
            try adapter.setAddress("10.7.0.1/24")
            try adapter.setAddress("fd07::1/64")
            #expect(Set(try adapter.addresses().map(\.description)) == ["10.7.0.1/24", "fd07::1/64"])
            try run("ip", "address", "add", "10.6.0.1", "peer", "10.6.0.2/32", "dev", "demo0")
            try adapter.removeAddress(#require(IPInterfaceAddress("10.6.0.1/32")))
            #expect(Set(try adapter.addresses().map(\.description)) == ["10.7.0.1/24", "fd07::1/64"])
        }
    }

    @Test func `an IPv6 address that an interface without IPv6 doesn't have can be taken away`() throws {
        try inNewNamespace {
            let adapter = try Self.transient()
            try adapter.addAddress(#require(IPInterfaceAddress("fd07::1/64")))
            try adapter.bringUp(mtu: 1200)
            #expect(try adapter.addresses().isEmpty)
            try adapter.removeAddress(#require(IPInterfaceAddress("fd07::1/64")))
        }
    }

    @Test func `an address that is added with another prefix length has that one`() throws {
        try inNewNamespace {
            let adapter = try Self.transient()
            for address in ["fd07::1/64", "fd07::1/128", "fd07::1/128", "fd07::2/64"] {
                try adapter.addAddress(#require(IPInterfaceAddress(address)))
            }
            #expect(Set(try adapter.addresses().map(\.description)) == ["fd07::1/128", "fd07::2/64"])
            // Of IPv4 an interface can have both.
            for address in ["10.7.0.1/24", "10.7.0.1/16"] { try adapter.addAddress(#require(IPInterfaceAddress(address))) }
            #expect(try adapter.addresses().count == 4)
        }
    }
}
