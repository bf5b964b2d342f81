import PathRecording
import ProcessMemory
import Testing
import WireGuardCrypto

@Suite(.serialized, .timeLimit(.minutes(1))) struct SecretFrameTests {
    @Test func `a key's frame has the format's bytes, as one piece and in a stream`() {
        let secret = RecordingSecret(.presharedKey, bytes: [UInt8](repeating: 9, count: 32))
        let wanted: [UInt8] = [38, 0, 0, 0, 4, 1, 1, 4, 2, 32] + [UInt8](repeating: 9, count: 32)
        let frame = unsafe secret.withFrame { unsafe Array($0) }
        #expect(frame == wanted)
        var stream: [UInt8] = [1, 2]
        RecordingFrame.secret(secret).append(to: &stream)
        #expect(stream == [1, 2] + wanted)
    }

    @Test func `a key that was written to a stream, and wiped there, is nowhere else`() {
        let needle = Self.writeKey()
        #expect(ProcessMemory.places(of: needle) == [])
    }

    /// Writes a key behind other frames, as they are sent, and wipes what it was written to.
    @inline(never)
    private static func writeKey() -> ProcessMemory.Needle {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 16)
        for index in 0..<32 { unsafe memory[index] = .random(in: 0...255) }
        let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(memory))
        let secret = unsafe RecordingSecret(.presharedKey, copying: UnsafeRawBufferPointer(memory))
        unsafe wipe(memory)
        unsafe memory.deallocate()
        var stream: [UInt8] = []
        stream.reserveCapacity(1000)
        for _ in 0..<3 {
            RecordingFrame.lost(7).append(to: &stream)
            RecordingFrame.secret(secret).append(to: &stream)
            unsafe stream.withUnsafeMutableBytes { unsafe wipe($0) }
            stream.removeAll(keepingCapacity: true)
        }
        unsafe secret.withFrame { _ in }
        wipeDeadStack(16 << 10)
        return needle
    }
}
