import LinuxSystem
import Testing

/// Runs `body` in a new network namespace, which is gone afterwards with all that is in it.
/// Where that isn't permitted the test is skipped with the reason.
///
/// A synchronous test stays on its thread, so that only this test sees the namespace.
func inNewNamespace(_ body: () throws -> Void) throws {
    let original = try NetworkNamespace()
    do {
        try NetworkNamespace.enterNew()
    } catch {
        try Test.cancel("no network namespace for the test: \(error); run as root or inside `unshare -Urn`")
    }
    defer {
        do { try original.enter() } catch { fatalError("the thread can't leave the test's namespace: \(error)") }
    }
    try body()
}
