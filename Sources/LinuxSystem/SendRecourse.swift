internal import Glibc

/// What can be done about a datagram that the kernel has just refused. A pure function of the refusal, see ``after(_:_:)``.
enum SendRecourse: Hashable {
    /// Send the same again: nothing was wrong with it.
    case again
    /// Wait until the socket's buffer has room.
    case whenWritable
    /// Let the kernel choose the source address.
    case withoutSource
    /// Send the segments of this super-datagram one by one.
    case cut
    /// Nothing helps: it is lost.
    case lose

    /// What is known of the datagram.
    struct Circumstances {
        /// Whether it asks for segmentation.
        var isSuperDatagram = false
        /// Whether its source address was chosen by us.
        var hasSource = false
        /// How often it was sent again already.
        var repeats = 0
        /// Another datagram to the same destination was refused for the same reason, and again when it was repeated.
        var isProven = false
    }

    /// What only an ICMP message about an *earlier* datagram makes of a send. Source: Linux, icmp_err_convert and tab_unreach.
    private static let pendingOnly: Set<Int32> = [ECONNREFUSED, EHOSTDOWN, ENONET, ENOPROTOOPT, EOPNOTSUPP, EPROTO, ECONNRESET]
    /// What may be about an earlier datagram as well as about this one.
    private static let pendingOrOwn: Set<Int32> = [ENETUNREACH, EHOSTUNREACH, EACCES, EMSGSIZE]
    /// What a source address that the system has no longer makes of a send.
    private static let staleSource: Set<Int32> = [EINVAL, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ENODEV]
    /// EMSGSIZE: a segment is larger than the path; kernels before 6.13 say EINVAL for it, as all do where they can't segment at all.
    /// EIO: the way out can't do the checksums that segmentation leaves to it.
    private static let unsegmentable: Set<Int32> = [EMSGSIZE, EINVAL, EIO]

    /// What to do after a send has failed.
    ///
    /// With IP_RECVERR an ICMP error is reported once by whatever is sent next, whoever that goes to; so what may be one is tried again
    /// before it is believed.
    static func after(_ error: Int32, _ circumstances: Circumstances) -> SendRecourse {
        if error == EINTR { return .again }
        if error == EAGAIN { return .whenWritable }
        if pendingOnly.contains(error) { return circumstances.repeats < 4 ? .again : .lose }
        if pendingOrOwn.contains(error), circumstances.repeats == 0, !circumstances.isProven { return .again }
        if circumstances.hasSource, staleSource.contains(error) { return .withoutSource }
        if circumstances.isSuperDatagram, unsegmentable.contains(error) { return .cut }
        return .lose
    }
}
