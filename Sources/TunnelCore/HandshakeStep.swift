internal import NetworkTypes
internal import WireGuardCrypto
public import WireGuardProtocol

/// One piece of a handshake that costs scalar multiplications: everything it needs is copied in, so it is performed without the
/// tunnel's lock, on any thread.
public enum HandshakeStep: Sendable {
    /// Make an initiation to the peer at `slot`; `index` is reserved for it.
    case initiate(InitiationCreation, slot: UInt32, index: UInt32)
    /// Find out who sent an initiation.
    case open(InitiationOpening, Arrival)
    /// Make the response to an initiation of the peer at `slot`; `index` is reserved for it.
    case respond(ResponseCreation, slot: UInt32, index: UInt32, Arrival)
    /// Take the response of the peer at `slot`.
    case consume(ResponseConsumption, slot: UInt32, Arrival)

    /// The keys that it will be computed with, for somebody who has asked to read sessions along; nil where it adds none to those of the
    /// steps before it.
    public var keys: HandshakeKeys? {
        switch self {
        case .initiate(let creation, slot: _, index: _): creation.keys
        case .open(let opening, _): opening.keys
        case .respond(let creation, slot: _, index: _, _): creation.keys
        case .consume: nil
        }
    }

    /// What came of a step, for ``Tunnel/resume(_:at:using:)``.
    public enum Outcome: Sendable {
        /// An initiation of ours, with the receiver index that it names.
        case initiated(Result<CreatedInitiation, Refusal>, slot: UInt32, index: UInt32)
        /// A peer's initiation; a response comes next.
        case opened(Result<OpenedInitiation, Refusal>, Arrival)
        /// Our response, with the receiver index that it names, and what it answers.
        case responded(Result<CreatedResponse, Refusal>, slot: UInt32, index: UInt32, Arrival)
        /// A peer's response to us, or its refusal.
        case consumed(Result<DerivedSession, Refusal>, slot: UInt32, Arrival)

        /// The receiver index that was reserved for what it made.
        var reservedIndex: UInt32? {
            switch self {
            case .initiated(_, slot: _, let index), .responded(_, slot: _, let index, _): index
            case .opened, .consumed: nil
            }
        }
    }

    /// Computes the step: a pure function, some 50 to 100 microseconds. Nothing of its secrets is left on the stack.
    @inline(never)
    public func perform() -> Outcome {
        let outcome = computed()
        wipeDeadStack(Self.stackByteCount)
        return outcome
    }

    /// What scalar multiplications and hashes use of the stack, generously.
    static let stackByteCount = 32 << 10

    @inline(never)
    private func computed() -> Outcome {
        switch self {
        case .initiate(let creation, let slot, let index):
            .initiated(Result { () throws(Refusal) in try creation.perform() }, slot: slot, index: index)
        case .open(let opening, let arrival):
            .opened(Result { () throws(Refusal) in try opening.perform() }, arrival)
        case .respond(let creation, let slot, let index, let arrival):
            .responded(Result { () throws(Refusal) in try creation.perform() }, slot: slot, index: index, arrival)
        case .consume(let consumption, let slot, let arrival):
            .consumed(Result { () throws(Refusal) in try consumption.perform() }, slot: slot, arrival)
        }
    }
}
