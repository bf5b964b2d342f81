internal import LinuxSystem
internal import NetworkTypes

/// Where a capture goes: a file of its own, or whatever standard output is.
struct CaptureOutput: ~Copyable {
    /// Why nothing more can be written.
    enum Failure: Error {
        /// Nobody reads any more.
        case readerGone
        /// Somebody wants to end while the reader takes nothing.
        case interrupted
        case system(SystemError)
    }

    private var file: PrivateFile?
    private let isPipe: Bool
    private static let standardOutput: Int32 = 1
    /// Bytes that a pipe takes at once when it is ready to take any (PIPE_BUF).
    private static let pieceOfPipe = 4096

    /// - Parameter path: `-` for standard output.
    init(_ path: String) throws(SystemError) {
        isPipe = path == "-"
        file = isPipe ? nil : try PrivateFile(path)
    }

    /// To be polled for neither reading nor writing: ready when the reader has gone; nil of a file.
    var reader: DescriptorPoll.Interest? { isPipe ? .init(Self.standardOutput, reading: false) : nil }

    /// Writes whole blocks, now.
    /// - Parameters:
    ///   - signals: readable when somebody wants to end.
    ///   - isLast: whether somebody does, so that a reader who takes nothing is waited for a second at most.
    mutating func write(_ blocks: [UInt8], signals: Int32, isLast: Bool = false) throws(Failure) {
        guard !blocks.isEmpty else { return }
        guard isPipe else {
            do throws(SystemError) {
                return try file!.append(blocks)
            } catch {
                // As many of them as there is room for.
                var rest = blocks[...]
                while let block = Self.firstBlock(of: &rest), (try? file!.append(block)) != nil {}
                throw .system(error)
            }
        }
        var rest = blocks[...]
        while !rest.isEmpty {
            let interests: [DescriptorPoll.Interest] =
                [.init(Self.standardOutput, reading: false, writing: true)] + (isLast ? [] : [.init(signals)])
            let ready = DescriptorPoll.wait(interests, for: isLast ? .seconds(1) : nil)
            guard ready[0] else { throw .interrupted }
            let piece = Array(rest.prefix(Self.pieceOfPipe))
            switch Self.send(piece) {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wouldBlock: continue
            case .failed(let errno):
                throw errno == ErrorNumber.brokenPipe ? .readerGone : .system(SystemError(errno: errno, operation: "write"))
            }
        }
    }

    private static func send(_ piece: [UInt8]) -> TransferResult {
        let borrowed = FileDescriptor(owning: standardOutput)
        let result = unsafe piece.withUnsafeBytes { unsafe borrowed.send($0) }
        _ = borrowed.take()
        return result
    }

    /// Takes the first block away: its length stands behind its type.
    private static func firstBlock(of blocks: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard blocks.count >= 8 else { return nil }
        let count = (4..<8).reversed().reduce(0) { $0 << 8 | Int(blocks[blocks.startIndex + $1]) }
        guard count >= 8, count <= blocks.count else { return nil }
        defer { blocks = blocks.dropFirst(count) }
        return Array(blocks.prefix(count))
    }
}
