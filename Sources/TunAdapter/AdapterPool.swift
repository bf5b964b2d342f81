internal import LinuxSystem
import Synchronization

/// The adapters of one product in the calling thread's network namespace, whichever processes made them.
public struct AdapterPool: Hashable, Sendable {
    /// The pool's name, 1 to 96 bytes of UTF-8.
    public let name: String

    /// - Parameter name: 1 to 96 bytes of UTF-8 without control characters.
    public init(_ name: String) {
        self.name = name
    }

    /// The pool's adapters, in the order of their making. Each handle takes a descriptor.
    /// - Throws: `invalidParameter` where the pool's name is out of its limits; `outOfMemory` without descriptors for all.
    public var adapters: [Adapter] {
        get throws(AdapterError) {
            var adapters: [Adapter] = []
            for entry in try entries() { adapters.append(try entry.open()) }
            return adapters
        }
    }

    /// Calls `body` with one adapter after the other until it returns false: a pool may have more than there are descriptors.
    package func visit(_ body: (Adapter) throws(AdapterError) -> Bool) throws(AdapterError) {
        for entry in try entries() where try !body(entry.open()) { break }
    }

    /// An adapter that a listing has found.
    private struct Entry {
        let link: LinkInfo
        let identity: AdapterIdentity

        func open() throws(AdapterError) -> Adapter { try Adapter(opening: link, identity) }
    }

    private func entries() throws(AdapterError) -> [Entry] {
        try AdapterIdentity.checkPool(name)
        return try Adapter.links().compactMap { link in
            guard let identity = link.adapterIdentity, identity.pool.isExactly(name) else { return nil }
            return Entry(link: link, identity: identity)
        }
    }

    /// Deletes every adapter of the pool that nobody uses: that has no session and no descriptor attached.
    ///
    /// One that is in use gets a quarter of a second, all of them together, as in ``Adapter/startSession(_:)``.
    /// - Returns: the names of the deleted ones.
    /// - Throws: `accessDenied` without the privilege. Those in use are left, without an error.
    @discardableResult
    public func deleteUnused() throws(AdapterError) -> [String] {
        var deleted: [String] = []
        var left = try Self.deleteUnused(of: try entries(), &deleted)
        for pause in Adapter.busyPauses where !left.isEmpty {
            SystemThread.sleep(pause)
            left = try Self.deleteUnused(of: left, &deleted)
        }
        return deleted
    }

    /// - Returns: those in use.
    private static func deleteUnused(of entries: [Entry], _ deleted: inout [String]) throws(AdapterError) -> [Entry] {
        var left: [Entry] = []
        for entry in entries {
            let adapter = try entry.open()
            // A link that went meanwhile was somebody else's to delete.
            guard let link = try? adapter.link() else { continue }
            guard !link.isInUse else {
                left.append(entry)
                continue
            }
            let name = adapter.name
            do throws(AdapterError) {
                try adapter.locked { state throws(AdapterError) in try adapter.delete(force: false, &state) }
                deleted.append(name)
            } catch {
                guard error.code == .busy else { throw error }
                left.append(entry)
            }
        }
        return left
    }
}
