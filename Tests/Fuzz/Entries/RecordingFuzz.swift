import NetworkTypes
import PathRecording

/// A recording's stream: how it is cut into pieces changes nothing, and what was read is read again when written.
enum RecordingFuzz {
    static func run(_ bytes: [UInt8]) {
        let (frames, failure) = read(bytes, piece: max(1, bytes.count))
        for piece in [1, 7] {
            let (others, otherFailure) = read(bytes, piece: piece)
            precondition(others == frames && otherFailure == failure)
        }
        var again = RecordingStream.preamble
        for frame in frames {
            frame.append(to: &again)
            if case .packet(let record) = frame {
                _ = record.summary { "\($0)" }
                _ = record.lastStage
                _ = RecordingFilter().admits(record)
                _ = record.addresses
            }
        }
        let (copies, _) = read(again, piece: max(1, again.count))
        precondition(copies == frames, "\(frames) became \(copies)")
    }

    /// The frames up to the first that isn't one.
    private static func read(_ bytes: [UInt8], piece: Int) -> ([RecordingFrame], RecordingStream.Failure?) {
        var decoder = RecordingDecoder()
        var frames: [RecordingFrame] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            decoder.consume(bytes[start..<min(start + piece, bytes.count)])
            do throws(RecordingStream.Failure) {
                while let frame = try decoder.nextFrame() { frames.append(frame) }
            } catch {
                return (frames, error)
            }
        }
        return (frames, nil)
    }
}

/// The words of a filter: what was understood is understood again when written, and what wasn't is pointed at where it stands.
enum FilterFuzz {
    static func run(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(RecordingFilter.Problem) {
            let filter = try RecordingFilter(text)
            guard let again = try? RecordingFilter(filter.description) else { preconditionFailure("\(text) became \(filter)") }
            precondition(again == filter, "\(filter) became \(again)")
            precondition(RecordingRequest(RecordingRequest(filter).description) == RecordingRequest(filter))
        } catch {
            precondition(error.text == text && error.offset >= 0 && error.length >= 0 && error.offset + error.length <= text.utf8.count)
            precondition(!error.message.isEmpty)
        }
        if let request = RecordingRequest(text) {
            precondition(RecordingRequest(request.description) == request, "\(text) became \(request)")
        }
    }
}
