internal import CLinuxShims

extension SystemThread {
    /// Takes from the calling thread for ever what moving packets doesn't need: all capabilities, privileges that a program could bring,
    /// and all system calls but those of ``SystemCallFilter/packetThreads(of:)``. Other threads keep theirs.
    /// - Returns: what couldn't be taken, each with the system's reason; the thread goes on with the rest.
    public static func confine() -> [SystemError] {
        var failures = giveUpPrivileges()
        guard SystemCalls.architecture != 0 else { return failures }
        clinux_ask_allocator()
        let program = SystemCallFilter.packetThreads(of: UInt32(bitPattern: Process.identifier)).instructions
        let count = UInt16(program.count)
        // SAFETY: `Instruction` has the layout of struct sock_filter: 2, 1, 1 and 4 bytes; the kernel copies the program.
        let isUnder = unsafe program.withUnsafeBytes { bytes in
            let flags = UInt32(CLINUX_SECCOMP_LOG) | UInt32(CLINUX_SECCOMP_SPEC_ALLOW)
            // Kernels before 4.17 know no such flags.
            return unsafe clinux_set_seccomp_filter(bytes.baseAddress, count, flags) == 0
                || clinux_set_seccomp_filter(bytes.baseAddress, count, 0) == 0
        }
        if !isUnder { failures.append(SystemError(operation: "seccomp")) }
        return failures
    }

    /// Takes from the calling thread, and from those that it starts, all capabilities but some, and privileges that a program could bring.
    /// - Returns: what couldn't be taken.
    @discardableResult
    public static func giveUpPrivileges(but kept: CapabilitySet = .none) -> [SystemError] {
        var failures: [SystemError] = []
        do throws(SystemError) {
            try kept.keepOnlyThese()
        } catch {
            failures.append(error)
        }
        if clinux_set_no_new_privileges() != 0 { failures.append(SystemError(operation: "prctl", subject: "PR_SET_NO_NEW_PRIVS")) }
        return failures
    }
}

extension Process {
    /// From now on only the superuser may look into this process (a debugger, /proc), and no image of it is written when it crashes.
    public static func refuseDumps() throws(SystemError) {
        guard clinux_refuse_dumps() == 0 else { throw SystemError(operation: "prctl", subject: "PR_SET_DUMPABLE") }
    }
}
