// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of tunadapter.h, where each function is documented.

public import CTunAdapter
internal import LinuxSystem
internal import TunAdapter

@c @implementation
public func tunadapter_get_version(_ version: UnsafeMutablePointer<tunadapter_version>!) -> tunadapter_status {
    do throws(AdapterError) {
        let place = try unsafe required(version, "version")
        let version = try AdapterVersion.current()
        unsafe place.pointee = tunadapter_version(
            driver_major: version.driver.major, driver_minor: version.driver.minor, kernel_major: version.kernel.major,
            kernel_minor: version.kernel.minor)
        return TUNADAPTER_SUCCESS
    } catch {
        return error.fail()
    }
}

@c @implementation
public func tunadapter_library_version() -> UInt32 {
    UInt32(TUNADAPTER_LIBRARY_VERSION_MAJOR) << 16 | UInt32(TUNADAPTER_LIBRARY_VERSION_MINOR) << 8
        | UInt32(TUNADAPTER_LIBRARY_VERSION_PATCH)
}

@c @implementation
public func tunadapter_set_logger(_ logger: tunadapter_logger!, _ context: UnsafeMutableRawPointer!) {
    guard let logger = unsafe logger else {
        AdapterLog.setLogger(nil)
        return
    }
    // SAFETY: what the context points to, and that it bears calls from several threads, is the caller's to see to.
    nonisolated(unsafe) let function = unsafe logger
    nonisolated(unsafe) let argument = unsafe context
    AdapterLog.setLogger { level, timestamp, line in
        // What it calls here may fail, and must not seem to be the failure of the call that logs.
        var saved = ctunadapter_saved_error()
        unsafe ctunadapter_save_error(&saved)
        unsafe line.withCString { line in
            unsafe function(tunadapter_log_level(rawValue: UInt32(level.rawValue)), timestamp, line, argument)
        }
        unsafe ctunadapter_restore_error(&saved)
    }
}
