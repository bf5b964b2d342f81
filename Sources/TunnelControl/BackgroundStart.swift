internal import LinuxSystem
internal import NetworkTypes

/// Going to the background: this program starts itself again, and the new process says over a pipe when it is ready, or why it
/// can't be. A running Swift program has threads, so it is never forked.
public enum BackgroundStart {
    /// The environment variable that tells the new process under which number it finds the pipe.
    static let variable = "WG_LITE_READY_FD"

    /// Starts this program again with `arguments` and waits for its word. Interrupting us interrupts it.
    /// - Returns: its closing words, and whether it is ready.
    public static func run(arguments: [String]) throws(SetupError) -> (isReady: Bool, message: String) {
        do throws(SystemError) {
            let signals = try SignalDescriptor([SignalDescriptor.interrupt, SignalDescriptor.terminate, SignalDescriptor.hangUp])
            var pipe = try Pipe()
            let reading = pipe.takeReadingEnd()
            // A number that stays the same in the child: not one of the standard descriptors.
            let writing = try pipe.takeWritingEnd().duplicate()
            let child = try ChildProcess.start(
                Process.executable, arguments, name: "wg-lite",
                environment: Process.environment + [Array("\(variable)=\(writing.rawValue)".utf8)],
                output: .descriptor(2), passing: (writing.rawValue, as: writing.rawValue), newSession: true)
            _ = consume writing
            return wait(for: child, reading, signals)
        } catch {
            throw SetupError("go to the background", error)
        }
    }

    private static func wait(
        for child: ChildProcess, _ reading: borrowing FileDescriptor, _ signals: borrowing SignalDescriptor
    ) -> (isReady: Bool, message: String) {
        var message: [UInt8] = []
        var failures = 0
        while true {
            let ready = DescriptorPoll.wait([.init(reading.rawValue), .init(signals.rawValue)])
            if ready[1], let signal = signals.next() {
                child.signal(signal == SignalDescriptor.hangUp ? SignalDescriptor.terminate : signal)
            }
            guard ready[0] else { continue }
            do throws(SystemError) {
                let chunk = try reading.readChunk()
                if chunk.isEmpty { break }
                message += chunk
            } catch {
                // What comes up behind it would be taken down for nothing.
                failures += 1
                if failures == 3 { break }
            }
        }
        let text = String(decoding: message.dropFirst(), as: UTF8.self)
        switch message.first {
        case UInt8(ascii: "+"): return (true, text)
        case UInt8(ascii: "-"): return (false, text)
        default:
            // One that can't be heard any more must not go on by itself: it takes back what it has done.
            child.signal(SignalDescriptor.terminate)
            let status = child.wait()
            return (false, "the background process ended without a word, \(Self.words(status))")
        }
    }

    private static func words(_ status: ChildProcess.ExitStatus) -> String {
        switch status {
        case .exited(let status): "with status \(status)"
        case .signalled(let signal): "by signal \(signal)"
        }
    }

    /// The word that a process which was started so owes; nil for one that wasn't.
    ///
    /// Such a process lets go of everything else that its caller had open: a lock of somebody's would be held for the tunnel's life.
    /// - Parameter kept: what was handed over to it.
    /// - Throws: when it was started so and lacks the pipe: it must never take itself for the one that starts another.
    public static func takeWord(keeping kept: [Int32]) throws(SetupError) -> Word? {
        guard let text = Process.environment(variable) else { return nil }
        Process.removeEnvironment(variable)
        guard let number = Int32(text), number > 2, FileDescriptor.isWritingEndOfPipe(number) else {
            throw SetupError("start in the background", "\(variable) does not name the pipe of the process that waits", remedy: "unset it")
        }
        let inherited = FileDescriptor(owning: number)
        // The duplicate closes in programs that we start: a hook that stays must not keep the other side waiting.
        do throws(SystemError) {
            let word = try inherited.duplicate()
            FileDescriptor.closeAll(but: kept + [word.rawValue, inherited.rawValue])
            return Word(word)
        } catch {
            throw SetupError("start in the background", error)
        }
    }

    /// What the starting process waits for. Forgetting it means failure without a word.
    public struct Word: ~Copyable, Sendable {
        private let descriptor: FileDescriptor

        init(_ descriptor: consuming FileDescriptor) {
            self.descriptor = descriptor
        }

        /// The pipe to the starting process, in which an error shows that it has gone. It belongs to this value.
        public var pipe: Int32 { descriptor.rawValue }

        /// Tells that the tunnel is ready, and lets go of terminal and directory.
        public consuming func ready(_ message: String) {
            try? descriptor.writeAll(Array("+\(message)".utf8))
            Process.detach()
        }

        /// Tells why not.
        public consuming func failed(_ message: String) {
            try? descriptor.writeAll(Array("-\(message)".utf8))
        }
    }
}
