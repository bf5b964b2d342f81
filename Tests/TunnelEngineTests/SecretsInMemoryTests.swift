import LinuxSystem
import NetworkTypes
import PathRecording
import ProcessMemory
import Synchronization
import Testing
import TunAdapter
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore
@testable import TunnelEngine

/// What is over must not be found in the process's memory any more. One test after the other: what one reads, another would find.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SecretsInMemoryTests {
    /// Where a secret stands, once it had some time to go away.
    private static func places(of needle: ProcessMemory.Needle) -> [String] {
        let start = Clock.now
        while true {
            let places = ProcessMemory.places(of: needle)
            if places.isEmpty || Clock.now.since(start) > .seconds(5) { return places }
            SystemThread.sleep(.milliseconds(100))
        }
    }

    @Test func `a secret that is there is found`() {
        let secret = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 16)
        defer { unsafe secret.deallocate() }
        for index in 0..<32 { unsafe secret[index] = .random(in: 0...255) }
        let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(secret))
        #expect(!ProcessMemory.places(of: needle).isEmpty)
        unsafe wipe(secret)
        #expect(ProcessMemory.places(of: needle).isEmpty)
    }

    @Test func `a search doesn't find what another one has read`() throws {
        let other = unsafe (0..<16).map { _ in UInt8.random(in: 0...255) }.withUnsafeBytes { unsafe ProcessMemory.Needle($0) }
        let isOver = Atomic<Bool>(false)
        @Sendable func search() { while !isOver.load(ordering: .relaxed) { _ = ProcessMemory.places(of: other) } }
        // More than there are processors: some wait for one, with what they have read.
        let first = try SystemThread(name: "search", search)
        let second = try SystemThread(name: "search", search)
        let third = try SystemThread(name: "search", search)
        let fourth = try SystemThread(name: "search", search)
        let secret = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
        for _ in 0..<10 {
            for index in 0..<16 { unsafe secret[index] = .random(in: 0...255) }
            let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(secret))
            SystemThread.sleep(.milliseconds(20))
            unsafe wipe(secret)
            #expect(ProcessMemory.places(of: needle).isEmpty)
        }
        isOver.store(true, ordering: .relaxed)
        first.join()
        second.join()
        third.join()
        fourth.join()
        unsafe secret.deallocate()
    }

    /// Where a secret stands while the thread still lives that used it.
    /// - Parameter use: uses a secret on that thread, and returns what to look for.
    private static func places(afterUse use: @escaping @Sendable () -> ProcessMemory.Needle) throws -> [String]? {
        let used = try EventDescriptor()
        let done = try EventDescriptor()
        let found = Mutex<ProcessMemory.Needle?>(nil)
        let thread = try SystemThread(name: "secret") {
            found.withLock { $0 = use() }
            used.signal()
            _ = done.wait(for: nil)
        }
        _ = used.wait(for: nil)
        let places = found.withLock { $0 }.map { ProcessMemory.places(of: $0) }
        done.signal()
        thread.join()
        return places
    }

    @Test func `a cipher leaves no key on the stack of the thread that used it`() throws {
        #expect(try Self.places(afterUse: Self.useKey) == [])
    }

    /// Opens messages of several sizes with a key that is gone afterwards.
    @inline(never)
    private static func useKey() -> ProcessMemory.Needle {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 64)
        defer { unsafe memory.deallocate() }
        for index in 0..<2048 { unsafe memory[index] = .random(in: 0...255) }
        let key = memory.baseAddress!
        let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(start: key, count: 32))
        let cipher = TransportCipher()
        for count in [0, 64, 100, 1400] {
            var job = unsafe CipherJob(.seal, counter: 1, key: key, input: key + 64, count: count, output: key + 64)
            unsafe cipher.perform(&job, count: 1)
        }
        unsafe wipe(UnsafeMutableRawBufferPointer(rebasing: memory[..<64]))
        return needle
    }

    /// What a cipher's library leaves depends on the library and the processor: here it is left by hand.
    @Test func `after a batch nothing is left of what was on the stack before it`() throws {
        let places = try Self.places(afterUse: {
            let cipher = TransportCipher()
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 64)
            defer { unsafe memory.deallocate() }
            let start = memory.baseAddress!
            var job = unsafe CipherJob(.seal, counter: 1, key: start, input: start, count: 0, output: start)
            let needle = Self.leaveSecret()
            unsafe cipher.perform(&job, count: 0)
            return needle
        })
        #expect(places == [])
    }

    /// Spreads a secret over a kilobyte of the caller's dead stack.
    @inline(never)
    private static func leaveSecret() -> ProcessMemory.Needle {
        let secret = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
        defer { unsafe secret.deallocate() }
        for index in 0..<16 { unsafe secret[index] = .random(in: 0...255) }
        unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { room in
            for offset in stride(from: 0, to: room.count, by: 16) {
                unsafe (room.baseAddress! + offset).copyMemory(from: secret.baseAddress!, byteCount: 16)
            }
        }
        let needle = unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(secret))
        unsafe wipe(secret)
        return needle
    }

    /// Two engines that have spoken with each other.
    private static func speaking() throws -> EnginePair {
        let pair = try EnginePair()
        for number in 0..<40 as Range<UInt8> {
            pair.adapters[0].inject(packet(from: 1, to: 2, number: number))
            #expect(pair.collect(1, at: 1).count == 1)
            pair.adapters[1].inject(packet(from: 2, to: 1, number: number))
            #expect(pair.collect(1, at: 0).count == 1)
        }
        return pair
    }

    /// The keys of the first engine's session.
    private static func sessionKeys(of pair: EnginePair) -> [ProcessMemory.Needle] {
        pair.engines[0].tunnel.withLock { tunnel in
            guard let keypair = unsafe tunnel.peers[0]?.pointee.peer.keypairs.current else { return [] }
            return unsafe [keypair.pointee.sendingKey, keypair.pointee.receivingKey].map { key in
                unsafe ProcessMemory.Needle(UnsafeRawBufferPointer(start: key, count: 32))
            }
        }
    }

    @Test func `the keys of engines that were stopped are gone, though somebody still has them`() throws {
        let pair = try Self.speaking()
        let needles = Self.sessionKeys(of: pair)
        #expect(needles.count == 2)
        for needle in needles { #expect(!ProcessMemory.places(of: needle).isEmpty) }
        pair.stop()
        for engine in pair.engines { engine.forgetKeys() }
        for needle in needles { #expect(ProcessMemory.places(of: needle) == []) }
        for engine in pair.engines { #expect(engine.snapshot().privateKey == nil) }
    }

    @Test func `the keys of a session are gone with its peer`() throws {
        let pair = try Self.speaking()
        defer { pair.stop() }
        let needles = Self.sessionKeys(of: pair)
        #expect(needles.count == 2)
        for side in 0..<2 {
            var update = TunnelUpdate()
            var peer = PeerUpdate(publicKey: pair.keys[1 - side].publicKey)
            peer.removes = true
            update.peers = [peer]
            try pair.engines[side].apply(update)
        }
        for needle in needles { #expect(Self.places(of: needle) == []) }
    }

    @Test func `an old private key is gone when there is a new one`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        var generator = SystemRandomNumberGenerator()
        var old: PrivateKey? = PrivateKey.random(using: &generator)
        let needle = unsafe old!.withUnsafeBytes { unsafe ProcessMemory.Needle($0) }
        var update = TunnelUpdate()
        update.privateKey = old
        try pair.engines[0].apply(update)
        update = TunnelUpdate()
        var peer = PeerUpdate(publicKey: old!.publicKey)
        peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.1/32")!)]
        update.peers = [peer]
        try pair.engines[1].apply(update)
        old = nil
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 1))
        #expect(pair.collect(1, at: 1).count == 1)
        update = TunnelUpdate()
        update.privateKey = pair.keys[0]
        try pair.engines[0].apply(update)
        #expect(Self.places(of: needle) == [])
    }

    @Test func `the ephemeral keys that somebody was told are gone when he no longer looks on`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        let needles = try Self.told(pair)
        #expect(needles.count == 1)
        for needle in needles { #expect(Self.places(of: needle) == []) }
    }

    @Test func `a recording that ends with keys that nobody has read is let go by all threads, though nothing more comes`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        weak var recording: Recording?
        try Self.recordUnread(pair) { recording = $0 }
        let start = Clock.now
        while recording != nil, Clock.now.since(start) < .seconds(10) { SystemThread.sleep(.milliseconds(5)) }
        #expect(recording == nil)
    }

    /// Looks on while a session is made and packets pass both ways, reads nothing, and ends.
    @inline(never)
    private static func recordUnread(_ pair: EnginePair, _ body: (Recording) -> Void) throws {
        var request = RecordingRequest()
        request.keys = true
        let recording = try #require(pair.engines[0].record(request))
        body(recording)
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 1))
        #expect(pair.collect(1, at: 1).count == 1)
        pair.adapters[1].inject(packet(from: 2, to: 1, number: 1))
        #expect(pair.collect(1, at: 0).count == 1)
        pair.engines[0].end(recording)
    }

    /// Looks on while a session is made, and keeps the first bytes of each ephemeral key that is told.
    @inline(never)
    private static func told(_ pair: EnginePair) throws -> [ProcessMemory.Needle] {
        var request = RecordingRequest()
        request.keys = true
        request.handshakes = true
        let recording = try #require(pair.engines[0].record(request))
        var needles: [ProcessMemory.Needle] = []
        let start = Clock.now
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 1))
        #expect(pair.collect(1, at: 1).count == 1)
        while needles.isEmpty, Clock.now.since(start) < .seconds(10) {
            _ = recording.take(atMost: 100) { frame in
                guard case .secret(let secret) = frame, secret.kind == .localEphemeralPrivateKey else { return }
                unsafe needles.append(secret.withUnsafeBytes { unsafe ProcessMemory.Needle($0) })
            }
            SystemThread.sleep(.milliseconds(5))
        }
        pair.engines[0].end(recording)
        return needles
    }
}
