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

    /// The pool's adapters, in the order of their making.
    /// - Throws: `invalidParameter` where the pool's name is out of its limits.
    public var adapters: [Adapter] {
        get throws(AdapterError) {
            try AdapterIdentity.checkPool(name)
            var adapters: [Adapter] = []
            for link in try Adapter.links() {
                guard let identity = link.adapterIdentity, identity.pool.isExactly(name) else { continue }
                adapters.append(try Adapter(opening: link, identity))
            }
            return adapters
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
        var left = try Self.deleteUnused(of: try adapters, &deleted)
        for pause in Adapter.busyPauses where !left.isEmpty {
            SystemThread.sleep(pause)
            left = try Self.deleteUnused(of: left, &deleted)
        }
        return deleted
    }

    /// - Returns: those in use.
    private static func deleteUnused(of adapters: [Adapter], _ deleted: inout [String]) throws(AdapterError) -> [Adapter] {
        var left: [Adapter] = []
        for adapter in adapters {
            // A link that went meanwhile was somebody else's to delete.
            guard let link = try? adapter.link() else { continue }
            guard !link.isInUse else {
                left.append(adapter)
                continue
            }
            let name = adapter.name
            do throws(AdapterError) {
                try adapter.locked { state throws(AdapterError) in try adapter.delete(force: false, &state) }
                deleted.append(name)
            } catch {
                guard error.code == .busy else { throw error }
                left.append(adapter)
            }
        }
        return left
    }
}
