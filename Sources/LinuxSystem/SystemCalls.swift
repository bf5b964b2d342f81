internal import CLinuxShims

/// The numbers of system calls on the machine that this is compiled for.
enum SystemCalls {
    /// AUDIT_ARCH_…; 0 where the numbers aren't known.
    static var architecture: UInt32 { clinux_audit_architecture() }

    /// What threads that move packets call, by name; those that are called most often come first.
    static var ofThreads: [(name: String, number: UInt32)] {
        var calls: [(name: String, number: UInt32)] = []
        var number: UInt32 = 0
        // SAFETY: constant, terminated texts; NULL past the last.
        while let name = unsafe clinux_thread_syscall(Int32(calls.count), &number) {
            unsafe calls.append((String(cString: name), number))
        }
        return calls
    }
}
