internal import LinuxSystem
public import TunnelCore

/// What happens to one of our tunnels, as its process tells it: from now until the tunnel ends or this value goes.
public final class EventStream {
    /// Bytes of a line that is none any more.
    private static let longestLine = 4096

    private let socket: FileDescriptor
    private var input: [UInt8] = []
    private var isOver = false
    private var closing: [UInt8]?

    init(_ socket: consuming FileDescriptor) {
        self.socket = socket
    }

    /// Readable when there is something to take. It belongs to this value.
    public var descriptor: Int32 { socket.rawValue }

    /// What has happened since the last call. Call it when ``descriptor`` is readable; otherwise it waits.
    /// - Returns: nil once there will be nothing more.
    public func take() -> [TunnelEvent]? {
        guard !isOver else { return nil }
        guard let chunk = try? socket.readChunk(), !chunk.isEmpty, input.count <= Self.longestLine else {
            isOver = true
            return nil
        }
        if closing != nil {
            closing! += chunk
            isOver = closing!.count > Self.longestLine
            return []
        }
        if let zero = chunk.firstIndex(of: 0) {
            input += chunk[..<zero]
            closing = Array(chunk[(zero + 1)...])
        } else {
            input += chunk
        }
        guard let end = input.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        defer { input.removeSubrange(...end) }
        return input[..<end].split(separator: UInt8(ascii: "\n")).compactMap { TunnelEvent(line: String(decoding: $0, as: UTF8.self)) }
    }

    /// Why nothing is told, once it is over and there was a refusal.
    public var refusal: String? {
        guard let closing, let end = closing.firstIndex(of: UInt8(ascii: "\n")), !closing[..<end].elementsEqual("ok".utf8) else {
            return nil
        }
        return String(decoding: closing[(end + 1)...], as: UTF8.self)
    }
}

extension TunnelQuery {
    /// Follows what happens to a tunnel; nil where no process of ours runs it.
    public static func events(of interface: String) -> EventStream? {
        for directory in RuntimeDirectory.present {
            guard let socket = try? UnixSocket.connect(to: directory.control(of: interface)),
                (try? socket.writeAll(Array("\(ControlChannel.Request.events)\n".utf8))) != nil
            else { continue }
            return EventStream(socket)
        }
        return nil
    }
}
