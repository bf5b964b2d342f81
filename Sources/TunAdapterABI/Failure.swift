internal import CTunAdapter
internal import TunAdapter

/// How a call ends towards C: with a status, and on failure with the thread's last error set.
extension AdapterError.Code {
    var status: tunadapter_status { tunadapter_status(rawValue: UInt32(rawValue)) }

    /// For failures that are ordinary on the packet path: no text is made for them.
    func fail() -> tunadapter_status {
        ctunadapter_set_error(rawValue, nil)
        return status
    }

    /// The name in the header, without its prefix.
    var name: StaticString {
        switch self {
        case .invalidParameter: "INVALID_PARAMETER"
        case .invalidHandle: "INVALID_HANDLE"
        case .fileNotFound: "FILE_NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .busy: "BUSY"
        case .accessDenied: "ACCESS_DENIED"
        case .noMoreItems: "NO_MORE_ITEMS"
        case .bufferOverflow: "BUFFER_OVERFLOW"
        case .handleEndOfFile: "HANDLE_EOF"
        case .invalidData: "INVALID_DATA"
        case .outOfMemory: "OUT_OF_MEMORY"
        case .notSupported: "NOT_SUPPORTED"
        case .timeout: "TIMEOUT"
        case .system: "SYSTEM_ERROR"
        }
    }

    /// What is said where nothing more is known.
    var generalMessage: StaticString {
        switch self {
        case .invalidParameter: "an argument is outside of what the call documents"
        case .invalidHandle: "the handle or packet pointer is none of this library's, or was given back"
        case .fileNotFound: "there is no such adapter"
        case .alreadyExists: "the name is taken"
        case .busy: "the adapter has a session already"
        case .accessDenied: "permission denied; needs CAP_NET_ADMIN, or run inside `unshare -Urn`"
        case .noMoreItems: "nothing waits"
        case .bufferOverflow: "the send ring has no room for that now; wait for space"
        case .handleEndOfFile: "the session has ended"
        case .invalidData: "the ring was damaged"
        case .outOfMemory: "no memory, descriptors or handles are left"
        case .notSupported: "this system can't do it"
        case .timeout: "the time is over"
        case .system: "the system refused it"
        }
    }
}

extension AdapterError {
    func fail() -> tunadapter_status {
        unsafe ctunadapter_set_error(code.rawValue, description)
        return code.status
    }
}

extension StaticString {
    /// Terminated, as literals are.
    var cString: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

/// What a C function returns.
protocol CallResult {
    /// What it returns on failure: the status itself, or -1, NULL, false.
    static func failure(_ status: tunadapter_status) -> Self
}

extension tunadapter_status: CallResult {
    static func failure(_ status: tunadapter_status) -> tunadapter_status { status }
}

extension Int32: CallResult {
    static func failure(_ status: tunadapter_status) -> Int32 { -1 }
}

extension Bool: CallResult {
    static func failure(_ status: tunadapter_status) -> Bool { false }
}

extension Optional: CallResult {
    static func failure(_ status: tunadapter_status) -> Wrapped? { nil }
}

/// Runs `body` on what `handle` stands for; the result's failure when it throws or the handle isn't right.
/// - Parameter endedToo: also for an ended session's handle, and one that a parent process made.
@inline(__always)
func with<Object: AnyObject, Result: CallResult>(
    _ handle: OpaquePointer?, _ kind: HandleKind, _ type: Object.Type, endedToo: Bool = false,
    _ body: (Object) throws(AdapterError) -> Result
) -> Result {
    switch unsafe handles.pin(handle, kind) {
    case .pinned(let object, let isEnded):
        defer { unsafe handles.unpin(handle) }
        guard !isEnded || endedToo else { return Result.failure(AdapterError.Code.handleEndOfFile.fail()) }
        // A session knows by itself; it must still take packets back.
        guard unsafe kind == .session || endedToo || !handles.isInherited(handle) else {
            return Result.failure(
                AdapterError(.invalidHandle, "the handle is the parent process's", remedy: "free it, and open the adapter in this process")
                    .fail())
        }
        // SAFETY: the kind says which class it is, and the pin keeps it.
        return unsafe Unmanaged<Object>.fromOpaque(object)._withUnsafeGuaranteedRef { object in
            do throws(AdapterError) {
                return try body(object)
            } catch {
                return Result.failure(error.fail())
            }
        }
    case .stale where kind == .session: return Result.failure(AdapterError.Code.handleEndOfFile.fail())
    case .stale, .invalid: return Result.failure(AdapterError.Code.invalidHandle.fail())
    }
}

func withAdapter(
    _ handle: OpaquePointer?, inheritedToo: Bool = false, _ body: (Adapter) throws(AdapterError) -> Void
) -> tunadapter_status {
    unsafe with(handle, .adapter, Adapter.self, endedToo: inheritedToo) { adapter throws(AdapterError) in
        try body(adapter)
        return TUNADAPTER_SUCCESS
    }
}

@inline(__always)
func withSession(
    _ handle: OpaquePointer?, endedToo: Bool = false, _ body: (Session) throws(AdapterError) -> Void
) -> tunadapter_status {
    unsafe with(handle, .session, Session.self, endedToo: endedToo) { session throws(AdapterError) in
        try body(session)
        return TUNADAPTER_SUCCESS
    }
}

extension HandleTable {
    /// A new handle of what is made.
    /// - Throws: `outOfMemory` where none is left, and then nothing is made.
    func required<Object: AnyObject>(
        _ kind: HandleKind, _ make: () throws(AdapterError) -> Object
    ) throws(AdapterError) -> OpaquePointer {
        if let handle = unsafe try insert(kind, make) { return unsafe handle }
        throw AdapterError(.outOfMemory, "more than 4096 handles at a time", remedy: "free those not needed")
    }
}

/// A new handle of what is made, or NULL.
func handle<Object: AnyObject>(_ kind: HandleKind, _ make: () throws(AdapterError) -> Object) -> OpaquePointer? {
    do throws(AdapterError) {
        return unsafe try handles.required(kind, make)
    } catch {
        _ = error.fail()
        return nil
    }
}

/// A text that came in.
func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(AdapterError) -> String {
    guard let pointer = unsafe pointer, let text = unsafe String(validatingCString: pointer) else {
        throw AdapterError(.invalidParameter, "\(what) is NULL or not UTF-8")
    }
    return text
}

/// An out parameter, which may not be NULL.
func required<Value>(_ pointer: UnsafeMutablePointer<Value>?, _ what: String) throws(AdapterError) -> UnsafeMutablePointer<Value> {
    guard let pointer = unsafe pointer else { throw AdapterError(.invalidParameter, "\(what) is NULL") }
    return unsafe pointer
}
