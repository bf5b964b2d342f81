import Glibc
import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

/// Runs `body` in a new network namespace, which is gone afterwards with all that is in it.
/// Where that isn't permitted, or there is no TUN device, the test is skipped with the reason.
///
/// A synchronous test stays on its thread, so that only this test sees the namespace.
func inNewNamespace(_ body: () throws -> Void) throws {
    let original = try NetworkNamespace()
    do {
        try NetworkNamespace.enterNew()
        _ = try TunDescriptor()
    } catch {
        try? original.enter()
        try Test.cancel("no network namespace with TUN for the test: \(error); run as root or inside `unshare -Urn`")
    }
    defer {
        do { try original.enter() } catch { fatalError("the thread can't leave the test's namespace: \(error)") }
    }
    try body()
    var netlink = try NetlinkSocket()
    var left: [String] = []
    try expectEventually("interfaces are left behind: \(left)") {
        left = try netlink.links().map(\.name)
        return left == ["lo"]
    }
}

/// Expects `condition` to hold within two seconds.
///
/// For what follows from closing a descriptor: until the children that other tests start have executed their programs they have copies of it.
func expectEventually(
    _ comment: @autoclosure () -> Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) throws {
    var holds = try condition()
    for _ in 0..<200 where !holds {
        SystemThread.sleep(.milliseconds(10))
        holds = try condition()
    }
    #expect(holds, comment(), sourceLocation: sourceLocation)
}

/// The code of the `AdapterError` that `body` throws; nil if it throws none.
func code(_ body: () throws -> Void) -> AdapterError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? AdapterError)?.code
    }
}

/// Runs `arguments` as a child process to its end.
/// - Returns: its exit status.
@discardableResult
func run(_ arguments: String...) throws -> Int32 {
    let pid = try spawn(arguments)
    var status: Int32 = 0
    unsafe waitpid(pid, &status, 0)
    return status & 0x7f == 0 ? status >> 8 & 0xff : -1
}

/// Starts `arguments` as a child process in the calling thread's network namespace.
func spawn(_ arguments: [String]) throws -> pid_t {
    var pid: pid_t = 0
    // SAFETY: the strings live until posix_spawn has copied them.
    let pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for i in unsafe pointers.indices { unsafe free(pointers[i]) } }
    let result = unsafe posix_spawnp(&pid, arguments[0], nil, nil, pointers, environ)
    guard result == 0 else { throw SystemError(errno: result, operation: "start", subject: arguments[0]) }
    return pid
}
