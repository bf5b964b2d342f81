internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelConfiguration
public import TunnelCore
internal import WireGuardCrypto

/// Serves the UAPI at a socket, on a thread of its own: several connections, several requests on each.
///
/// A connection whose answer isn't taken is not read from either, so that a slow client costs one answer's piece of memory.
/// The server ends when its socket's file goes away.
public final class UAPIServer: Sendable {
    /// What the requests are about.
    public struct Tunnel: Sendable {
        var snapshot: @Sendable () -> TunnelSnapshot
        /// Applies a change; 0, or a positive errno.
        var apply: @Sendable (TunnelUpdate) -> Int32

        /// - Parameters:
        ///   - snapshot: the state.
        ///   - apply: applies a change; returns 0 or a positive errno.
        public init(
            snapshot: @escaping @Sendable () -> TunnelSnapshot,
            apply: @escaping @Sendable (TunnelUpdate) -> Int32
        ) {
            self.snapshot = snapshot
            self.apply = apply
        }
    }

    /// The socket's path; nil for one that was handed over.
    public let path: String?
    private let listener: FileDescriptor
    private let watch: SocketWatch
    private let tunnel: Tunnel
    private let stopping: EventDescriptor
    private let ended: EventDescriptor
    private let thread = Mutex<SystemThread?>(nil)
    private let report: SetupReport

    /// Makes the socket; ``start()`` serves it.
    ///
    /// A socket that a dead process left behind gives way.
    /// - Throws: when somebody serves it already, or it can't be made.
    public convenience init(path: String, tunnel: Tunnel, report: SetupReport) throws(SetupError) {
        let step = "make the control socket \(path)"
        if FileSystem.exists(path) {
            guard !RuntimeDirectory.isAnswering(path) else {
                throw SetupError(step, "another process serves it", remedy: "is the tunnel up already? See `wg-lite show`")
            }
            FileSystem.remove(path)
        }
        do throws(SystemError) {
            let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            // What fails after the socket was made takes it away again.
            let watch = SocketWatch(try DirectoryWatch(directory))
            let listener = try UnixSocket.listen(at: path)
            do throws(SystemError) {
                try self.init(listener: listener, path: path, watch: watch, tunnel: tunnel, report: report)
            } catch {
                FileSystem.remove(path)
                throw error
            }
        } catch {
            throw SetupError(step, error)
        }
    }

    /// Serves a socket that was handed over, listening already (WG_UAPI_FD).
    public convenience init(listener: Int32, tunnel: Tunnel, report: SetupReport) throws(SetupError) {
        do throws(SystemError) {
            try self.init(listener: FileDescriptor(owning: listener), path: nil, watch: SocketWatch(nil), tunnel: tunnel, report: report)
        } catch {
            throw SetupError("serve the control socket that was handed over", error)
        }
    }

    private init(
        listener: consuming FileDescriptor, path: String?, watch: consuming SocketWatch, tunnel: Tunnel, report: SetupReport
    ) throws(SystemError) {
        try listener.setNonBlocking()
        stopping = try EventDescriptor()
        ended = try EventDescriptor()
        self.listener = listener
        self.path = path
        self.watch = watch
        self.tunnel = tunnel
        self.report = report
    }

    /// Readable when the socket has gone away.
    var endDescriptor: Int32 { ended.rawValue }

    public func start() throws(SetupError) {
        do throws(SystemError) {
            let thread = try SystemThread(name: "wg-uapi") { [self] in run() }
            self.thread.withLock { $0 = thread }
        } catch {
            throw SetupError("serve the control socket", error)
        }
    }

    /// Ends the thread and removes the socket.
    public func stop() {
        stopping.signal()
        thread.withLock { $0.take() }?.join()
        if let path { FileSystem.remove(path) }
    }

    private func run() {
        var connections: [UAPIConnection] = []
        while true {
            var interests = [
                DescriptorPoll.Interest(stopping.rawValue), .init(listener.rawValue), .init(watch.descriptor, reading: watch.isWatching),
            ]
            interests += connections.map(\.interest)
            let ready = DescriptorPoll.wait(interests)
            if ready[0] { return }
            if ready[2] {
                watch.clear()
                if let path, !FileSystem.exists(path) {
                    ended.signal()
                    return
                }
            }
            for (connection, isReady) in zip(connections, ready.dropFirst(3)) where isReady { connection.advance(tunnel, report) }
            connections.removeAll(where: \.isOver)
            if ready[1] { accept(&connections) }
        }
    }

    private func accept(_ connections: inout [UAPIConnection]) {
        do throws(SystemError) {
            while let descriptor = try UnixSocket.accept(listener.rawValue, nonBlocking: true) {
                connections.append(UAPIConnection(descriptor))
            }
        } catch {
            // Out of descriptors: clients will ask again; a moment's sleep keeps this thread from spinning.
            report.warning("a control connection was refused: \(error)")
            _ = stopping.wait(for: .milliseconds(100))
        }
    }
}

/// A directory watch, or none.
private struct SocketWatch: ~Copyable, Sendable {
    private let watch: DirectoryWatch?

    init(_ watch: consuming DirectoryWatch?) {
        self.watch = watch
    }

    var isWatching: Bool {
        switch watch {
        case .some: true
        case .none: false
        }
    }

    /// poll passes over negative descriptors.
    var descriptor: Int32 {
        switch watch {
        case .some(let watch): watch.rawValue
        case .none: -1
        }
    }

    func clear() {
        switch watch {
        case .some(let watch): watch.clear()
        case .none: break
        }
    }
}

/// One client's connection; used by the server's thread only.
private final class UAPIConnection {
    private let descriptor: FileDescriptor
    private var parser = UAPIRequestParser { HostLookup.zoneIndex($0) }
    /// Requests that wait for the answers before theirs.
    private var requests: [UAPIRequest] = []
    /// The answer that is being written.
    private var response: UAPIResponse?
    private var output: [UInt8] = []
    private var written = 0
    private var isAtEnd = false
    private(set) var isOver = false

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    var interest: DescriptorPoll.Interest {
        let isWriting = written < output.count
        return DescriptorPoll.Interest(descriptor.rawValue, reading: !isWriting, writing: isWriting)
    }

    /// Reads, answers and writes as far as it goes without waiting.
    func advance(_ tunnel: UAPIServer.Tunnel, _ report: SetupReport) {
        if written == output.count, !isAtEnd { read() }
        while !isOver {
            if !flush() { return }
            if response != nil {
                if response!.write(into: &output) { continue }
                response = nil
            }
            guard !requests.isEmpty else { break }
            answer(requests.removeFirst(), tunnel, report)
        }
        if isAtEnd { isOver = true }
    }

    private func read() {
        unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            switch unsafe descriptor.receive(into: buffer) {
            case .moved(0): isAtEnd = true
            case .moved(let count):
                // SAFETY: `count` bytes of the buffer have been filled. They may hold keys, so they are wiped.
                var bytes = unsafe Array(buffer[..<count])
                unsafe wipe(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
                parser.consume(bytes[...]) { requests.append($0) }
                unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) }
            case .wouldBlock: break
            case .failed: isOver = true
            }
        }
    }

    private func answer(_ request: UAPIRequest, _ tunnel: UAPIServer.Tunnel, _ report: SetupReport) {
        switch request {
        case .get:
            response = UAPIResponse(tunnel.snapshot())
        case .set(let update): output += UAPIResponse.answerToSet(errno: tunnel.apply(update))
        case .refused(let operation, let error):
            report.notice("refused a control request: \(error.reason)")
            output += operation == .get ? UAPIResponse.failureOfGet(errno: error.errno) : UAPIResponse.answerToSet(errno: error.errno)
        }
    }

    /// Writes what waits; false when the client has to read first.
    private func flush() -> Bool {
        while written < output.count {
            let result = unsafe output.withUnsafeBytes { unsafe descriptor.send(UnsafeRawBufferPointer(rebasing: $0[written...])) }
            switch result {
            case .moved(let count): written += count
            case .wouldBlock: return false
            case .failed:
                isOver = true
                break
            }
            if isOver { break }
        }
        unsafe output.withUnsafeMutableBytes { unsafe wipe($0) }
        output.removeAll(keepingCapacity: true)
        written = 0
        return !isOver
    }
}
