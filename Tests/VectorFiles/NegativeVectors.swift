/// negative.json: messages to refuse beside accepted controls.
public struct NegativeVectors: VectorFile {
    public static let fileName = "negative"

    /// A handshake message and what becomes of it.
    public struct Case: Decodable, Sendable {
        public let name: String
        public let accepted: Bool
        public let message: HexBytes
        /// The first check that fails; nil if accepted.
        public let refusedBy: String?
        /// The responder's last accepted timestamp; nil if it has none.
        public let lastTimestamp: HexBytes?
        /// The static public key of another peer that the responder knows.
        public let extraPeer: HexBytes?
        /// A response that the initiator accepted before this one.
        public let afterAccepted: HexBytes?
    }

    /// Each case starts from a responder that knows `peerStaticPublic`.
    public struct Initiation: Decodable, Sendable {
        public let responderStaticPrivate, peerStaticPublic, psk: HexBytes
        public let cases: [Case]
    }

    /// Each case starts from an initiator that has just sent `initiation`.
    public struct Response: Decodable, Sendable {
        public struct State: Decodable, Sendable {
            public let chainingKey, hash: HexBytes
        }

        public let initiator: HandshakeVectors.Party
        public let responderStaticPublic, psk, timestamp, initiation: HexBytes
        public let stateAfterInitiation: State
        public let cases: [Case]
    }

    /// Each case is a fresh session and a list of messages in order.
    public struct Transport: Decodable, Sendable {
        public enum Outcome: String, Decodable, Sendable {
            /// Exactly `packet` comes out.
            case delivered
            case keepalive
            /// Right tag and new counter, but no packet comes out.
            case authenticated
            /// Nothing changes.
            case dropped
        }

        public struct Message: Decodable, Sendable {
            public let outcome: Outcome
            public let packet, message: HexBytes
            public let refusedBy: String?
        }

        public struct Session: Decodable, Sendable {
            public let name: String
            public let messages: [Message]
        }

        public let receivingKey, sendingKey: HexBytes
        public let receiverIndex: UInt32
        public let allowedIpsOfPeer, allowedIpsOfOtherPeer: [String]
        public let cases: [Session]
    }

    /// All encodings of points of low order.
    public let lowOrderPoints: [HexBytes]
    public let initiation: Initiation
    public let response: Response
    public let transport: Transport
}
