internal import CLinuxShims
internal import Glibc

/// What this process was given by the one that started it.
extension FileDescriptor {
    /// Opens /dev/null over standard descriptors that are closed, so that what is opened next doesn't become one of them. First of all.
    public static func fillStandardDescriptors() {
        for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is taken. Without a /dev/null the number is held by what can be neither read nor written.
            if unsafe Glibc.open("/dev/null", O_RDWR) < 0 { _ = unsafe Glibc.open("/", O_RDONLY) }
        }
    }

    /// Closes all descriptors from 3 on, but for those. Only before anything was opened that somebody owns.
    public static func closeAll(but kept: [Int32]) {
        var first: UInt32 = 3
        for number in kept.filter({ $0 >= 3 }).sorted() {
            let number = UInt32(number)
            if number > first { closeRange(first, number - 1) }
            first = max(first, number + 1)
        }
        closeRange(first, .max)
    }

    private static func closeRange(_ first: UInt32, _ last: UInt32) {
        guard clinux_close_range(first, last) != 0 else { return }
        // Linux before 5.9: one by one, as many as may be open.
        var limit = rlimit()
        let most = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? UInt32(clamping: limit.rlim_cur) : 1024
        for number in first...max(first, min(last, min(most, 1 << 20))) { close(Int32(clamping: number)) }
    }

    /// Whether `number` is a socket with a name in the file system that listens for connections.
    public static func isListeningUnixSocket(_ number: Int32) -> Bool {
        var domain: Int32 = 0
        var listens: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0, domain == AF_UNIX else { return false }
        return unsafe getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0
    }

    /// Whether `number` is an open end of a pipe to write to.
    public static func isWritingEndOfPipe(_ number: Int32) -> Bool {
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return false }
        return fcntl(number, F_GETFL) & O_ACCMODE == O_WRONLY
    }
}
