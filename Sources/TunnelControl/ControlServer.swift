internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization

/// The clients of `down`, `reload` and questions: none of them can hold anybody up.
///
/// A client has a moment to say what it wants, and gets its answer as fast as it reads; what it doesn't take is dropped, and so is a client
/// that has gone. Everything here belongs to the supervisor's loop, but for ``Client/say(_:)``.
struct ControlServer: ~Copyable {
    /// How long a client may take to say what it wants.
    private static let requestPatience = Interval.seconds(2)
    /// How many there may be at once; more wait in the listener's queue.
    private let mostClients = min(64, max(4, Process.descriptorLimit / 8))

    private var listener: FileDescriptor
    /// Somebody has something to say to a client.
    let wake: EventDescriptor
    private(set) var clients: [Client] = []
    /// Given up for the next client when there is no other descriptor left: `down` must always be heard.
    private var reserve: FileDescriptor?
    /// While not even that helps the listener stays readable, and isn't looked at.
    private var pause: Instant?

    init(at path: String) throws(SystemError) {
        let event = try EventDescriptor()
        // Last of all that can fail: from here on it is in the file system.
        let socket = try UnixSocket.listen(at: path)
        wake = event
        listener = socket
        reserve = try? .open("/dev/null", flags: 0)
    }

    /// Listens at a path whose socket others have removed. Clients that are there stay.
    mutating func listenAgain(at path: String) throws(SystemError) { listener = try UnixSocket.listen(at: path) }

    /// What to poll: the listener, the event, and every client.
    var interests: [DescriptorPoll.Interest] {
        [.init(pause == nil && clients.count < mostClients ? listener.rawValue : -1), .init(wake.rawValue)] + clients.map(\.interest)
    }

    /// When the next client's time is over, or the pause; nil where none waits.
    var deadline: Instant? { (clients.map(\.deadline) + [pause]).compactMap { $0 }.min() }

    /// Takes clients in, reads, writes, and lets go of those that are done.
    /// - Parameter ready: as polled for ``interests``.
    /// - Returns: what has been asked for now, and the clients that went away before their answer.
    mutating func advance(_ ready: ArraySlice<Bool>) -> (requests: [Client], gone: [Client]) {
        if ready[ready.startIndex + 1] { wake.clear() }
        var requests: [Client] = []
        for (client, isReady) in zip(clients, ready.dropFirst(2)) where client.advance(isReady: isReady) { requests.append(client) }
        let gone = clients.filter { $0.isOver && !$0.isAnswered }
        clients.removeAll(where: \.isOver)
        if let end = pause, end <= Clock.now { pause = nil }
        if ready[ready.startIndex] { accept() }
        return (requests, gone)
    }

    private mutating func accept() {
        while clients.count < mostClients {
            do throws(SystemError) {
                guard let descriptor = try UnixSocket.accept(listener.rawValue, nonBlocking: true) else { return keepReserve() }
                clients.append(Client(descriptor, wake: wake.rawValue, deadline: Clock.now + Self.requestPatience))
            } catch {
                guard reserve.take() != nil else {
                    pause = Clock.now + .milliseconds(100)
                    return keepReserve()
                }
            }
        }
    }

    private mutating func keepReserve() {
        let isThere =
            switch reserve {
            case .some: true
            case .none: false
            }
        if !isThere { reserve = try? .open("/dev/null", flags: 0) }
    }

    /// One connection.
    final class Client: Sendable {
        /// Bytes that wait for a client at most; it then loses what comes after.
        private static let mostWaiting = 1 << 20

        private struct State {
            var input: [UInt8] = []
            var request: ControlChannel.Request?
            var output: [UInt8] = []
            var isAnswered = false
            var isOver = false
            /// Whether it was waited for in vain.
            var isSlow = false
        }

        private let descriptor: FileDescriptor
        private let wakeDescriptor: Int32
        private let requestDeadline: Instant
        private let state = Mutex(State())

        fileprivate init(_ descriptor: consuming FileDescriptor, wake: Int32, deadline: Instant) {
            self.descriptor = descriptor
            wakeDescriptor = wake
            requestDeadline = deadline
        }

        /// What it asked for.
        var request: ControlChannel.Request? { state.withLock { $0.request } }
        fileprivate var isOver: Bool { state.withLock { $0.isOver } }
        var isAnswered: Bool { state.withLock { $0.isAnswered } }

        fileprivate var interest: DescriptorPoll.Interest {
            let isWriting = state.withLock { !$0.output.isEmpty }
            return .init(descriptor.rawValue, reading: true, writing: isWriting)
        }

        fileprivate var deadline: Instant? { state.withLock { $0.request == nil ? requestDeadline : nil } }

        /// Says something meanwhile; any thread, at once. Bytes as they are: hooks say what they like.
        /// - Returns: false if it was left out: too much waits for the client already.
        @discardableResult
        func say(_ bytes: [UInt8]) -> Bool {
            let isTaken = state.withLock { state in
                guard !state.isAnswered, state.output.count + bytes.count <= Self.mostWaiting else { return false }
                // Zero ends what is said.
                state.output += bytes.contains(0) ? bytes.filter { $0 != 0 } : bytes
                return true
            }
            EventDescriptor.signal(wakeDescriptor)
            return isTaken
        }

        @discardableResult
        func say(_ text: String) -> Bool { say(Array("\(text)\n".utf8)) }

        /// The same, from a thread that may wait: of what is said to a client that reads nothing is left out. One that takes nothing for a
        /// second is waited for no more.
        func sayInTime(_ bytes: [UInt8]) {
            let end = Clock.now + .seconds(1)
            while !say(bytes), !state.withLock({ $0.isOver || $0.isAnswered || $0.isSlow }) {
                guard Clock.now < end else { return state.withLock { $0.isSlow = true } }
                SystemThread.sleep(.milliseconds(2))
            }
        }

        /// Gives the closing message; the connection ends with it.
        func finish(_ isSuccess: Bool, _ message: String) {
            state.withLock { state in
                guard !state.isAnswered else { return }
                state.output += [0] + Array("\(isSuccess ? "ok" : "error")\n\(message)".utf8)
                state.isAnswered = true
            }
            EventDescriptor.signal(wakeDescriptor)
        }

        /// Gives the connection to somebody who answers in our place; it is theirs then.
        func handOver() throws(SystemError) -> FileDescriptor {
            let copy = try descriptor.duplicate()
            state.withLock { state in
                state.isAnswered = true
                state.isOver = true
            }
            EventDescriptor.signal(wakeDescriptor)
            return copy
        }

        /// Reads and writes as far as it goes; true when the request is complete now.
        fileprivate func advance(isReady: Bool) -> Bool {
            var isNew = false
            if isReady { isNew = read() }
            write()
            state.withLock { state in
                if state.isAnswered, state.output.isEmpty { state.isOver = true }
                if state.request == nil, requestDeadline <= Clock.now { state.isOver = true }
            }
            return isNew
        }

        private func read() -> Bool {
            guard let chunk = try? descriptor.readChunk() else { return endUnlessEmpty() }
            return state.withLock { state in
                if chunk.isEmpty { state.isOver = true }
                guard state.request == nil else { return false }
                state.input += chunk
                guard let end = state.input.firstIndex(of: UInt8(ascii: "\n")) else {
                    if state.input.count > 8192 { state.isOver = true }
                    return false
                }
                state.request = ControlChannel.Request(String(decoding: state.input[..<end], as: UTF8.self))
                if state.request == nil { state.isOver = true }
                return state.request != nil && !state.isOver
            }
        }

        /// Nothing to read is no end; anything else is.
        private func endUnlessEmpty() -> Bool {
            if DescriptorPoll.wait([.init(descriptor.rawValue)], for: .milliseconds(0)) == [true] { state.withLock { $0.isOver = true } }
            return false
        }

        private func write() {
            state.withLock { state in
                while !state.output.isEmpty, !state.isOver {
                    let result = unsafe state.output.withUnsafeBytes { unsafe descriptor.send($0) }
                    switch result {
                    case .moved(let count): state.output.removeFirst(count)
                    case .wouldBlock: return
                    case .failed: state.isOver = true
                    }
                }
            }
        }
    }

    /// Gives clients that still read what is left for them, for a second.
    mutating func flush() {
        let deadline = Clock.now + .seconds(1)
        while clients.contains(where: \.isAnswered), deadline > Clock.now {
            let ready = DescriptorPoll.wait(interests, for: deadline.since(Clock.now))
            _ = advance([false, ready[1]] + ready.dropFirst(2))
        }
    }
}

extension ControlServer.Client {
    /// Tells the client what happens.
    func report(verbose: Bool) -> SetupReport {
        SetupReport { [self] kind, text in
            guard kind != .command || verbose else { return }
            say(kind.shown(text))
        }
    }
}
