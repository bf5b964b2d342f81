/// What a stranger, a peer, the kernel or a user can hand us, and what must hold whatever it is.
///
/// Each entry is a function of bytes that stops the program where something is wrong. The compiler's fuzzer drives them
/// (`scripts/fuzz`); the tests replay what it found.
enum FuzzEntry: String, CaseIterable, Sendable {
    /// A datagram, from genuine to noise, at a tunnel with a session.
    case message
    /// What an authenticated peer puts into a data message.
    case inner
    /// UAPI requests.
    case uapi
    /// Answers to them, as a client reads them.
    case answer
    /// Configuration files.
    case configuration
    /// Addresses, prefixes, endpoints and keys in words.
    case text
    /// Records of what a killed tunnel left behind.
    case record
    /// Control messages of a datagram.
    case control
    /// Super-packets from the kernel.
    case segmentation
    /// Packets of an authenticated peer on their way into the kernel.
    case coalescing
    /// Netlink messages, the kernel's or another's.
    case netlink
    /// What the kernel says of datagrams that were sent before.
    case errors
    /// A recording of packets, as its reader gets it.
    case recording
    /// Which packets to record, in words.
    case filter
    /// Sums over any bytes.
    case checksum
    /// Lines that another process writes: requests and reports of the control socket, files of an earlier run, /proc.
    case lines
    /// The file of name servers.
    case resolver
    /// What raw sockets hear of strangers.
    case raw

    func run(_ bytes: [UInt8]) {
        switch self {
        case .message: MessageFuzz.run(bytes)
        case .inner: InnerFuzz.run(bytes)
        case .uapi: UAPIFuzz.run(bytes)
        case .answer: UAPIFuzz.runAnswer(bytes)
        case .configuration: ConfigurationFuzz.run(bytes)
        case .text: TextFuzz.run(bytes)
        case .record: RecordFuzz.run(bytes)
        case .control: ControlFuzz.run(bytes)
        case .segmentation: SegmentationFuzz.run(bytes)
        case .coalescing: CoalescingFuzz.run(bytes)
        case .netlink: NetlinkFuzz.run(bytes)
        case .errors: ErrorsFuzz.run(bytes)
        case .recording: RecordingFuzz.run(bytes)
        case .filter: FilterFuzz.run(bytes)
        case .checksum: ChecksumFuzz.run(bytes)
        case .lines: LinesFuzz.run(bytes)
        case .resolver: ResolverFuzz.run(bytes)
        case .raw: RawFuzz.run(bytes)
        }
    }
}
