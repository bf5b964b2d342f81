internal import LinuxSystem
import Synchronization

/// What a handle stands for.
enum HandleKind: UInt {
    case adapter = 1
    case session = 2
    case watch = 3
}

/// The objects that C callers hold, behind handles that are numbers: looked up and checked on each use, never dereferenced.
///
/// - A handle is a slot's index and its *generation*, which changes when the slot is used again: a freed handle stays recognisable.
/// - Whoever uses a handle *pins* its slot for as long: freeing on another thread waits with the object until the last pin is gone.
/// - A slot's word holds all of it, so that a pin is one compare-and-swap and no lock: generation, `ended`, `live`, pins.
@safe
struct HandleTable: ~Copyable, Sendable {
    @unsafe
    enum Pin {
        /// In use until ``HandleTable/unpin(_:)``. The object may have been ended.
        case pinned(UnsafeRawPointer, isEnded: Bool)
        /// It was a handle of that kind, and is freed.
        case stale
        /// It never was one.
        case invalid
    }

    @unsafe
    private struct Slot: ~Copyable {
        let word = Atomic<UInt64>(0)
        /// Written only while nobody can pin.
        var object: UnsafeRawPointer?
        var kind: UInt = 0
        /// Whose it is, of a process and its children.
        var generation = ProcessGeneration()
    }

    private static let capacity = 4096
    private static let ended: UInt64 = 1 << 31
    private static let live: UInt64 = 1 << 30
    private static let pins: UInt64 = live - 1

    // SAFETY: a slot's other fields are written by whoever took it from `free`, before `live` is set, and after the last pin is gone.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Slot>
    private let free: OrderedMutex<[Int]>

    init() {
        unsafe slots = .allocate(capacity: Self.capacity)
        for i in 0..<Self.capacity { unsafe (slots + i).initialize(to: Slot()) }
        free = OrderedMutex(Array((0..<Self.capacity).reversed()))
    }

    deinit {
        // SAFETY: nobody is left to use it; every slot was initialized.
        unsafe slots.deinitialize(count: Self.capacity)
        unsafe slots.deallocate()
    }

    /// Makes an object, and keeps it for a new handle. The slot is taken first: what is made can be handed out.
    /// - Returns: nil when all slots are in use, and then nothing is made.
    func insert<Object: AnyObject, Failure: Error>(
        _ kind: HandleKind, _ make: () throws(Failure) -> Object
    ) throws(Failure) -> OpaquePointer? {
        guard let index = free.withLock({ $0.popLast() }) else { return nil }
        let object: Object
        do throws(Failure) {
            object = try make()
        } catch {
            free.withLock { $0.append(index) }
            throw error
        }
        let slot = unsafe slots + index
        // SAFETY: the slot is in nobody's hands; the pointer's retain is given back in `reclaim`.
        unsafe slot.pointee.object = UnsafeRawPointer(Unmanaged.passRetained(object).toOpaque())
        unsafe slot.pointee.kind = kind.rawValue
        unsafe slot.pointee.generation = ProcessGeneration()
        let generation = unsafe (slot.pointee.word.load(ordering: .relaxed) >> 32) % 0xffff_ffff + 1
        unsafe slot.pointee.word.store(generation << 32 | Self.live, ordering: .releasing)
        return unsafe OpaquePointer(bitPattern: UInt(generation) << 16 | UInt(index) << 4 | kind.rawValue << 1 | 1)
    }

    /// Finds what `handle` stands for, and keeps it in use.
    @inline(__always)
    func pin(_ handle: OpaquePointer?, _ kind: HandleKind) -> Pin {
        let number = UInt(bitPattern: handle)
        guard number & 0xf == kind.rawValue << 1 | 1, number >> 48 == 0 else { return unsafe .invalid }
        let generation = UInt64(number >> 16)
        // SAFETY: the index has 12 bits, as many as there are slots.
        let slot = unsafe slots + Int(number >> 4 & 0xfff)
        var word = unsafe slot.pointee.word.load(ordering: .relaxed)
        while true {
            guard word >> 32 == generation, word & Self.live != 0 else {
                return unsafe generation != 0 && generation <= word >> 32 ? .stale : .invalid
            }
            let (exchanged, seen) = unsafe slot.pointee.word.weakCompareExchange(
                expected: word, desired: word + 1, ordering: .acquiring)
            if exchanged {
                guard unsafe slot.pointee.kind == kind.rawValue else {
                    unsafe unpin(handle)
                    return unsafe .invalid
                }
                return unsafe .pinned(slot.pointee.object!, isEnded: word & Self.ended != 0)
            }
            word = seen
        }
    }

    /// Gives a pin back.
    @inline(__always)
    func unpin(_ handle: OpaquePointer?) {
        let index = unsafe index(handle)
        // SAFETY: only a pinned handle is unpinned, so the index is a slot's.
        let new = unsafe slots[index].word.subtract(1, ordering: .acquiringAndReleasing).newValue
        if new & (Self.live | Self.pins) == 0 { reclaim(index) }
    }

    /// Marks a pinned handle as ended.
    /// - Returns: false if it was already.
    func end(_ handle: OpaquePointer?) -> Bool {
        unsafe slots[index(handle)].word.bitwiseOr(Self.ended, ordering: .acquiringAndReleasing).oldValue & Self.ended == 0
    }

    /// Whether a pinned handle was marked as ended.
    func isEnded(_ handle: OpaquePointer?) -> Bool {
        unsafe slots[index(handle)].word.load(ordering: .acquiring) & Self.ended != 0
    }

    /// Whether a pinned handle is a parent process's, whose sockets this process only has copies of.
    func isInherited(_ handle: OpaquePointer?) -> Bool {
        unsafe !slots[index(handle)].generation.isCurrent
    }

    /// Frees a pinned handle; its object goes with the last pin.
    /// - Returns: false if it was freed already.
    @discardableResult
    func retire(_ handle: OpaquePointer?) -> Bool {
        unsafe slots[index(handle)].word.bitwiseAnd(~Self.live, ordering: .acquiringAndReleasing).oldValue & Self.live != 0
    }

    private func index(_ handle: OpaquePointer?) -> Int {
        Int(UInt(bitPattern: handle) >> 4 & 0xfff)
    }

    private func reclaim(_ index: Int) {
        let slot = unsafe slots + index
        // SAFETY: no longer live and without pins: nobody else reaches the slot until it is in `free` again.
        if let object = unsafe slot.pointee.object { unsafe Unmanaged<AnyObject>.fromOpaque(object).release() }
        unsafe slot.pointee.object = nil
        free.withLock { $0.append(index) }
    }
}

/// The process's handles.
let handles = HandleTable()
