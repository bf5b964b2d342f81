import LinuxSystem
import Testing
import TunAdapter

private let pool = "org.example.test"

/// The same word in two encodings: é as one scalar, and as e with an accent. Swift's strings are equal; their bytes, and so names, are not.
@Suite struct AdapterNamingTests {
    /// One is an interface's name, the other is too long for one.
    @Test(arguments: [("caf\u{e9}", "cafe\u{301}"), ("a caf\u{e9} with a longer name", "a cafe\u{301} with a longer name")])
    func `names whose bytes differ are different names`(composed: String, decomposed: String) throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: composed, pool: pool)
            #expect(code { _ = try Adapter.open(name: decomposed, pool: pool) } == .fileNotFound)
            #expect(code { _ = try Adapter.create(name: composed, pool: pool) } == .alreadyExists)
            let other = try Adapter.create(name: decomposed, pool: pool)
            #expect(try Adapter.open(name: composed, pool: pool).guid == adapter.guid)
            #expect(try Adapter.open(name: decomposed, pool: pool).guid == other.guid)
            #expect(code { try other.rename(to: composed) } == .alreadyExists)
            try adapter.delete()

            try other.bringUp()
            var changes = try other.changes()
            try other.rename(to: composed)
            #expect(Array(other.name.utf8) == Array(composed.utf8))
            #expect(try changes.next().count == 1)
            try other.delete()
        }
    }

    @Test func `pools whose bytes differ are different pools`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: "caf\u{e9}")
            let other = try Adapter.create(name: "A demo", pool: "cafe\u{301}")
            #expect(try AdapterPool("caf\u{e9}").adapters.map(\.guid) == [adapter.guid])
            #expect(try AdapterPool("cafe\u{301}").adapters.map(\.guid) == [other.guid])
            #expect(code { _ = try Adapter.open(name: "demo0", pool: "cafe\u{301}") } == .alreadyExists)
            try adapter.delete()
            try other.delete()
        }
    }
}
