/// Why a message was not accepted.
///
/// A refused message changes nothing and is not answered (whitepaper, section 5.1: silence is a virtue); the reason exists to be counted.
/// The cases stand in the order in which the checks are made.
public enum Refusal: UInt8, Error, Hashable, Sendable, CaseIterable {
    /// The datagram does not have the length that its type has.
    case length
    /// The first byte names no message, or the three reserved bytes after it are not zero.
    case type
    /// The first MAC is wrong: the sender does not know whom it talks to, or the message was damaged.
    case mac1
    /// Nothing of ours has this receiver index.
    case index
    /// The initiator's static key did not open: made for another responder, another protocol, or forged.
    case sealedStatic
    /// The initiator proved a static key that belongs to no peer.
    case unknownPeer
    /// The timestamp did not open: the sender does not hold the private half of the static key that it claims.
    case timestamp
    /// The timestamp or the counter was seen before, or is older than one that was.
    case replay
    /// The last initiation of this peer was accepted less than ``Limits/initiationInterval`` ago.
    case flood
    /// The response's empty payload did not open: another preshared key, another handshake, or forged.
    case empty
    /// A public key is one of the few whose shared secret everybody knows (all zeros).
    case lowOrder
    /// No handshake waits for this message any more, or the keys that it was begun with have been changed.
    case state
    /// The cookie did not open, or answers nothing that we sent.
    case cookie
    /// The payload's authentication tag is wrong.
    case tag
    /// The counter is too far behind the highest one to know if it was seen.
    case window
    /// The counter has reached ``Limits/rejectAfterMessages``.
    case limit
    /// The session is older than ``Limits/rejectAfterTime``.
    case expired
}
