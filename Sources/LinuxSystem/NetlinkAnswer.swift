internal import CLinuxShims
internal import Glibc

/// What has come of one request so far: which messages belong to it, whether it is over, and how it ended.
struct NetlinkAnswer {
    /// How a request ended.
    enum Outcome: Equatable {
        case done
        /// Something changed while the kernel listed: entries may be missing or twice, so the listing counts for nothing.
        case interrupted
        /// A positive errno, and the kernel's own words where it has some.
        case failed(errno: Int32, detail: String)
    }

    private let sequence: UInt32
    private var isInterrupted = false
    /// nil until it is over.
    private(set) var outcome: Outcome?

    /// - Parameter sequence: the request's number, which its answers carry.
    init(sequence: UInt32) {
        self.sequence = sequence
    }

    /// Takes the next message; true for a part of what was asked for.
    mutating func take(_ message: NetlinkMessage) -> Bool {
        // An answer to a request that was given up is not ours.
        guard outcome == nil, message.sequence == sequence else { return false }
        if message.flags & CLINUX_NLM_F_DUMP_INTR != 0 { isInterrupted = true }
        switch message.type {
        case Int(CLINUX_NLMSG_ERROR), Int(CLINUX_NLMSG_DONE):
            outcome = Self.failure(in: message) ?? (isInterrupted ? .interrupted : .done)
            return false
        case Int(CLINUX_NLMSG_NOOP): return false
        default: return true
        }
    }

    /// The error in an acknowledgement, or in the end of a listing: a negative errno, and behind it perhaps the kernel's words.
    private static func failure(in message: NetlinkMessage) -> Outcome? {
        guard let code = message.fixedPart(as: Int32.self), code < 0 else { return nil }
        // Numbers that errno(3) doesn't have, Int32.min among them, are no answer that means anything.
        guard code >= -4095 else { return .failed(errno: EBADMSG, detail: "the error number \(code)") }
        var detail = ""
        if message.flags & CLINUX_NLM_F_ACK_TLVS != 0 {
            // An acknowledgement repeats the header of the request (all of it, when it isn't capped: then nothing is found here).
            let isError = message.type == Int(CLINUX_NLMSG_ERROR)
            let size = isError ? MemoryLayout<nlmsgerr>.size : MemoryLayout<Int32>.size
            detail = message.attributes(after: size)[Int(CLINUX_NLMSGERR_ATTR_MSG)]?.string ?? ""
        }
        return .failed(errno: -code, detail: detail)
    }
}
