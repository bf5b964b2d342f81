import LinuxSystem
import Synchronization
import Testing
import TunnelControl

@testable import TunnelConfiguration

/// Remembers what was told.
final class Told: Sendable {
    private let lines = Mutex<[String]>([])

    var report: SetupReport { SetupReport { [self] kind, text in lines.withLock { $0.append("\(kind): \(text)") } } }
    var all: [String] { lines.withLock { $0 } }
}

/// Whether this process may make network namespaces; tests that need them say so when it may not.
let mayMakeNamespaces = Process.effectiveUser == 0

/// Runs `body` on a thread in a network namespace of its own.
func inNamespace(_ body: @escaping @Sendable () throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    let thread = try SystemThread(name: "namespace") {
        do {
            try NetworkNamespace.enterNew()
            try body()
        } catch {
            failure.withLock { $0 = error }
        }
    }
    thread.join()
    if let error = failure.withLock({ $0 }) { throw error }
}

/// Runs `ip` with these words, in the calling thread's namespace.
@discardableResult
func ip(_ words: String) throws -> String {
    let program = try #require(ChildProcess.find("ip"))
    let result = try ChildProcess.run(program, words.split(separator: " ").map(String.init))
    guard result.status.isSuccess else { throw CommandFailure(text: "ip \(words): \(result.output)") }
    return result.output
}

struct CommandFailure: Error {
    var text: String
}

func parse(_ text: String) -> ConfigurationFile {
    ConfigurationFile(text: Array(text.utf8), name: "wg0.conf")
}
