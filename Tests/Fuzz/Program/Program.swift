internal import Glibc

/// The entry that the environment names. The fuzzer brings its own main, so nothing else can be said to it.
private let entry: FuzzEntry = {
    let name = unsafe getenv("WG_LITE_FUZZ_ENTRY").map { unsafe String(cString: $0) } ?? ""
    guard let entry = FuzzEntry(rawValue: name) else {
        print("WG_LITE_FUZZ_ENTRY is none of: \(FuzzEntry.allCases.map(\.rawValue).joined(separator: " "))")
        exit(2)
    }
    return entry
}()

/// What the fuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
    entry.run(bytes)
    return 0
}
