internal import LinuxSystem

/// The adapters of one product in the calling thread's network namespace, whichever processes made them.
public struct AdapterPool: Hashable, Sendable {
    public let name: String

    /// - Parameter name: 1 to 96 bytes of UTF-8 without control characters.
    public init(_ name: String) {
        self.name = name
    }

    /// The pool's adapters, in the order of their making.
    /// - Throws: `invalidParameter` where the pool's name is out of its limits.
    public var adapters: [Adapter] {
        get throws(AdapterError) {
            try AdapterIdentity.checkPool(name)
            var adapters: [Adapter] = []
            for link in try Adapter.links() {
                guard let identity = link.adapterIdentity, identity.pool == name else { continue }
                adapters.append(try Adapter(opening: link, identity))
            }
            return adapters
        }
    }

    /// Deletes every adapter of the pool that nobody uses: that has no session and no descriptor attached.
    /// - Returns: the names of the deleted ones.
    /// - Throws: `accessDenied` without the privilege. Those in use are left, without an error.
    @discardableResult
    public func deleteUnused() throws(AdapterError) -> [String] {
        var deleted: [String] = []
        for adapter in try adapters {
            // A link that went meanwhile was somebody else's to delete.
            guard let link = try? adapter.link(), !link.isInUse else { continue }
            let name = adapter.name
            do throws(AdapterError) {
                try adapter.delete()
                deleted.append(name)
            } catch {
                guard error.code == .busy else { throw error }
            }
        }
        return deleted
    }
}
