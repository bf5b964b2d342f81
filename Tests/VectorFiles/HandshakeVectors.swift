/// handshake.json: whole handshakes with every step, and transport messages under the keys they give.
public struct HandshakeVectors: VectorFile {
    public static let fileName = "handshake"

    /// One side of a handshake.
    public struct Party: Decodable, Sendable {
        public let staticPrivate, staticPublic, ephemeralPrivate, ephemeralPublic: HexBytes
        /// The session index that this side chose.
        public let index: UInt32
    }

    /// The state after one step, and what went in or came out of it.
    public struct Step: Decodable, Sendable {
        public let step: String
        public let chainingKey, hash: HexBytes
        public let `public`, dh, key, plaintext, sealed, tau: HexBytes?
    }

    public struct Transport: Decodable, Sendable {
        public let name: String
        /// "initiator" or "responder".
        public let sender: String
        public let receiverIndex: UInt32
        public let counter: DecimalText
        /// The inner packet, the AEAD's plaintext (padded), and the datagram.
        public let packet, padded, message: HexBytes
    }

    public struct Transcript: Decodable, Sendable {
        public let name: String
        public let initiator, responder: Party
        public let psk: HexBytes
        public let unixNs: DecimalText
        public let timestamp: HexBytes
        public let steps: [Step]
        public let mac1KeyOfInitiation, mac1KeyOfResponse: HexBytes
        public let initiation, initiationMac1, initiationMac2: HexBytes
        public let response, responseMac1, responseMac2: HexBytes
        public let keyInitiatorToResponder, keyResponderToInitiator: HexBytes
        public let mtu: Int
        public let transport: [Transport]

        /// The step of that name, or nil.
        public func step(_ name: String) -> Step? {
            steps.first { $0.step == name }
        }
    }

    public let construction, identifier: String
    public let transcripts: [Transcript]
}

/// cookies.json: cookie replies, the retried message with its mac2, and what to refuse.
public struct CookieVectors: VectorFile {
    public static let fileName = "cookies"

    public struct RefusedReply: Decodable, Sendable {
        public let name: String
        public let reply: HexBytes
    }

    public struct RefusedMessage: Decodable, Sendable {
        public let name: String
        public let message: HexBytes
    }

    public struct Case: Decodable, Sendable {
        public let name: String
        public let staticPrivateOfReplier, staticPublicOfReplier, staticPrivateOfSender: HexBytes
        public let ephemeralPrivateOfRetried, psk: HexBytes
        public let message, messageMac1: HexBytes
        public let sourceAddress: String
        public let sourcePort: UInt16
        public let secret, sourceBytes, cookie, cookieKey, nonce, reply: HexBytes
        public let retried, retriedMac1, retriedMac2: HexBytes
        /// These leave the sender without a cookie.
        public let refusedReplies: [RefusedReply]
        /// mac1 is right, mac2 is not: a loaded receiver answers with another cookie reply.
        public let refusedWhenUnderLoad: [RefusedMessage]
    }

    public let cookies: [Case]
}
