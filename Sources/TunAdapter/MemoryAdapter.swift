internal import LinuxSystem

/// An adapter in memory, with the sessions of a real one: for testing an application without privilege and without a kernel interface.
///
/// The test stands where the kernel would: what it injects the session receives, and what the session sends it collects. Or two
/// adapters are a pair, and what one's session sends the other's receives. Packets take the whole path, segmentation and coalescing included.
public final class MemoryAdapter: Sendable {
    /// Its name, for messages.
    public let name: String
    private let incoming: MemoryQueue
    private let outgoing: MemoryQueue
    /// Packets of a super-packet of which one was collected.
    private let collected = OrderedMutex<[[UInt8]]>([])
    private let hasSession = OrderedMutex(false)

    private init(name: String, incoming: MemoryQueue, outgoing: MemoryQueue) {
        self.name = name
        self.incoming = incoming
        self.outgoing = outgoing
    }

    /// Makes an adapter.
    /// - Throws: `outOfMemory` without descriptors.
    public convenience init(name: String = "memory0") throws(AdapterError) {
        let (incoming, outgoing) = try Self.queues()
        self.init(name: name, incoming: incoming, outgoing: outgoing)
    }

    /// Makes two adapters of which each receives what the other sends.
    /// - Throws: `outOfMemory` without descriptors.
    public static func pair(names: (String, String) = ("memory0", "memory1")) throws(AdapterError) -> (MemoryAdapter, MemoryAdapter) {
        let (there, back) = try queues()
        return (
            MemoryAdapter(name: names.0, incoming: back, outgoing: there),
            MemoryAdapter(name: names.1, incoming: there, outgoing: back)
        )
    }

    private static func queues() throws(AdapterError) -> (MemoryQueue, MemoryQueue) {
        do {
            return (try MemoryQueue(), try MemoryQueue())
        } catch {
            throw AdapterError(.outOfMemory, "an adapter in memory: \(error)")
        }
    }

    /// Starts a session; an adapter has one at a time.
    /// - Throws: `busy` while another runs, `invalidParameter` for options out of their limits, `outOfMemory`.
    public func startSession(_ options: SessionOptions = SessionOptions()) throws(AdapterError) -> Session {
        let isFree = hasSession.withLock { hasSession in
            defer { hasSession = true }
            return !hasSession
        }
        guard isFree else { throw AdapterError(.busy, "\(name) has a session already", remedy: "end it first") }
        let link = MemoryLink(incoming: incoming, outgoing: outgoing, takesSuperPackets: options.offload)
        do {
            return try Session(device: .memory(link), name: name, options: options) { [self] in
                hasSession.withLock { $0 = false }
            }
        } catch {
            hasSession.withLock { $0 = false }
            throw error
        }
    }

    /// Hands a packet to the session, as the kernel would that routes it to the interface.
    /// - Returns: false if the queue is full, and then the packet is lost; or if no packet can have that size.
    @discardableResult
    public func inject(_ packet: [UInt8]) -> Bool {
        guard !packet.isEmpty, packet.count <= SessionOptions.maximumPacketSize else { return false }
        return inject(packet, header: VirtioNetHeader())
    }

    /// Hands over a packet or super-packet with its header.
    @discardableResult
    func inject(_ packet: [UInt8], header: VirtioNetHeader) -> Bool {
        var frame = [UInt8](repeating: 0, count: VirtioNetHeader.size)
        // SAFETY: the array has the header's size.
        unsafe frame.withUnsafeMutableBytes { unsafe header.write(to: $0.baseAddress!) }
        return incoming.put(frame + packet)
    }

    /// The next packet that the session has sent; nil if there is none.
    public func collect() -> [UInt8]? {
        collected.withLock { collected in
            if collected.isEmpty, let frame = outgoing.take() { collected = Self.packets(of: frame) }
            return collected.isEmpty ? nil : collected.removeFirst()
        }
    }

    /// The next packet or super-packet that the session has written, with its header.
    func collectFrame() -> [UInt8]? { outgoing.take() }

    /// The plain packets of a frame; none if it makes no sense.
    static func packets(of frame: [UInt8]) -> [[UInt8]] {
        unsafe frame.withUnsafeBytes { frame in
            guard frame.count > VirtioNetHeader.size else { return [] }
            // SAFETY: the header's bytes are there, and the packet is the rest.
            let packet = unsafe UnsafeRawBufferPointer(rebasing: frame.dropFirst(VirtioNetHeader.size))
            guard let segmentation = unsafe Segmentation(packet: packet, header: VirtioNetHeader(bytes: frame.baseAddress!)) else {
                return []
            }
            return (0..<segmentation.count).map { index in
                let size = index == segmentation.count - 1 ? segmentation.lastPacketSize : segmentation.packetSize
                return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                    unsafe segmentation.write(index, of: packet.baseAddress!, to: UnsafeMutableRawPointer(buffer.baseAddress!))
                    count = size
                }
            }
        }
    }
}
