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
        var candidates = try adapters
        var deleted: [String] = []
        do throws(AdapterError) {
            // The pauses are shared by all, however many are in use.
            try BusyRetry.run { () throws(AdapterError) in
                var inUse: [Adapter] = []
                for adapter in candidates {
                    switch try Self.deleteIfUnused(adapter) {
                    case .deleted(let name): deleted.append(name)
                    case .inUse: inUse.append(adapter)
                    case .gone: continue
                    }
                }
                candidates = inUse
                guard inUse.isEmpty else { throw AdapterError(.busy, "\(inUse.count) adapters of pool \(name)") }
            }
        } catch {
            guard error.code == .busy else { throw error }
        }
        return deleted
    }

    private enum Fate {
        case deleted(String)
        case inUse
        /// It went meanwhile, and was somebody else's to delete.
        case gone
    }

    private static func deleteIfUnused(_ adapter: Adapter) throws(AdapterError) -> Fate {
        guard let link = try? adapter.link() else { return .gone }
        guard !link.isInUse else { return .inUse }
        let name = adapter.name
        do throws(AdapterError) {
            try adapter.delete()
        } catch {
            guard error.code == .busy else { throw error }
            return .inUse
        }
        return .deleted(name)
    }
}
