import NetworkTypes
import Testing

@testable import MachineState

@Suite struct FirewallTextTests {
    @Test func `every interface name becomes a name that nft takes, and no two the same one`() {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./\\")
        // What an interface that a file names may consist of.
        let letters = ["a", "Z", "0", "_", "-", ".", "+", "=", "2b", "3d"]
        var names: Set<String> = []
        var count = 0
        for first in letters {
            for second in letters {
                for third in letters {
                    let table = FirewallRules.nftTable(tunnel: first + second + third)
                    #expect(table.hasPrefix("inet wg-lite-"))
                    #expect(Set(table.dropFirst("inet ".count)).isSubset(of: allowed), "\(table)")
                    names.insert(table)
                    count += 1
                }
            }
        }
        // Only what is spelt the same, as a and 2b are in no other way, is the same.
        let spelt = Set(letters.flatMap { a in letters.flatMap { b in letters.map { a + b + $0 } } })
        #expect(names.count == spelt.count)
        #expect(count == letters.count * letters.count * letters.count)
    }
}
