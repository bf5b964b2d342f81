// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of tunadapter.h, where each function is documented.

public import CTunAdapter
internal import TunAdapter

@c @implementation
public func tunadapter_last_error() -> tunadapter_status {
    tunadapter_status(rawValue: UInt32(ctunadapter_error_code()))
}

@c @implementation
public func tunadapter_error_message() -> UnsafePointer<CChar>! {
    let message = unsafe ctunadapter_thread_message()!
    guard unsafe message.pointee == 0, let code = AdapterError.Code(rawValue: ctunadapter_error_code()) else { return unsafe message }
    return unsafe code.generalMessage.cString
}

@c @implementation
public func tunadapter_error_name(_ status: tunadapter_status) -> UnsafePointer<CChar>! {
    if status == TUNADAPTER_SUCCESS { return unsafe ("SUCCESS" as StaticString).cString }
    let code = AdapterError.Code(rawValue: Int32(truncatingIfNeeded: status.rawValue))
    return unsafe (code?.name ?? "UNKNOWN").cString
}
