import Glibc
import NetworkTypes
import Synchronization
import Testing

@testable import LinuxSystem

@Suite struct SystemCallFilterTests {
    /// What the kernel would answer, by running the program as it does.
    static func answer(_ filter: SystemCallFilter, number: UInt32, architecture: UInt32 = 7, arguments: [UInt64] = []) -> UInt32 {
        var description = [UInt8](repeating: 0, count: 64)
        func put(_ value: UInt64, _ count: Int, at offset: Int) {
            for i in 0..<count { description[offset + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i)) }
        }
        put(UInt64(number), 4, at: 0)
        put(UInt64(architecture), 4, at: 4)
        for (i, argument) in arguments.enumerated() { put(argument, 8, at: 16 + 8 * i) }
        var (accumulator, next) = (UInt32(0), 0)
        while true {
            let instruction = filter.instructions[next]
            next += 1
            switch instruction.code {
            case 0x20: accumulator = (0..<4).reduce(0) { $0 | UInt32(description[Int(instruction.operand) + $1]) << UInt32(8 * $1) }
            case 0x15: next += Int(accumulator == instruction.operand ? instruction.ifTrue : instruction.ifFalse)
            case 0x35: next += Int(accumulator >= instruction.operand ? instruction.ifTrue : instruction.ifFalse)
            case 0x45: next += Int(accumulator & instruction.operand != 0 ? instruction.ifTrue : instruction.ifFalse)
            default: return instruction.operand
            }
        }
    }

    @Test func `only what is listed is allowed, by the numbers of one architecture`() {
        let filter = SystemCallFilter(architecture: 7, rules: [.init(number: 3), .init(number: 300), .init(number: 441)])
        for number in UInt32(0)..<500 {
            // A call that is younger than this list is one that the kernel doesn't know, so that a C library takes the older.
            let otherwise = number < 424 ? SystemCallFilter.refused : SystemCallFilter.unknown
            #expect(Self.answer(filter, number: number) == ([3, 300, 441].contains(number) ? SystemCallFilter.allowed : otherwise))
            #expect(Self.answer(filter, number: number, architecture: 8) == SystemCallFilter.refused)
        }
        // The numbers of x32 are those of x86-64 and a bit.
        #expect(Self.answer(filter, number: 0x4000_0003) == SystemCallFilter.unknown)
    }

    @Test func `an argument is looked at where its call is reached, and nowhere else`() {
        let filter = SystemCallFilter(
            architecture: 7,
            rules: [
                .init(number: 1, condition: .argumentLacks(2, 4)), .init(number: 2, condition: .argumentIs(0, 1)), .init(number: 3),
            ])
        for (number, arguments, isAllowed) in [
            (1, [0, 0, 3], true), (1, [0, 0, 7], false), (1, [4, 4, 0], true), (2, [1, 4, 4], true), (2, [2], false), (2, [0], false),
            (3, [2, 2, 7], true), (4, [1, 1, 1], false),
        ] as [(UInt32, [UInt64], Bool)] {
            #expect(
                (Self.answer(filter, number: number, arguments: arguments) == SystemCallFilter.allowed) == isAllowed,
                "\(number) \(arguments)")
        }
    }

    @Test func `nothing on the threads' list opens a file, starts a program, or reaches another process or thread's privileges`() {
        let names = Set(SystemCalls.ofThreads.map(\.name))
        #expect(names.isSuperset(of: ["recvmmsg", "sendmmsg", "readv", "writev", "futex", "mmap", "exit"]))
        #expect(
            names.isDisjoint(with: [
                "open", "openat", "openat2", "creat", "execve", "execveat", "fork", "vfork", "clone", "clone3", "ptrace", "kill", "setns",
                "unshare",
                "process_vm_readv", "process_vm_writev", "bpf", "keyctl", "mount", "capset", "prctl", "bind", "listen", "accept4", "dup3",
                "memfd_create", "socket", "socketpair", "connect", "ioctl", "setsockopt", "sendto", "tkill", "fcntl", "io_uring_setup",
                "userfaultfd", "unlink", "unlinkat", "rename", "chmod",
                "pidfd_getfd",
            ]))
        #expect(SystemCallFilter.packetThreads(of: 1).instructions.count < 4096, "BPF_MAXINSNS")
        #expect(MemoryLayout<SystemCallFilter.Instruction>.stride == 8)
    }

    /// What the kernel would answer a packet thread of process 5.
    private static func packetThread(_ name: String, _ arguments: [UInt64]) throws -> UInt32 {
        let number = try #require(SystemCalls.ofThreads.first { $0.name == name }).number
        return answer(
            .packetThreads(of: 5), number: number, architecture: SystemCalls.architecture, arguments: arguments)
    }

    @Test func `a confined thread ends its own process, and sends nothing to another; it changes the turns of no other thread`() throws {
        #expect(try Self.packetThread("tgkill", [5, 7, 6]) == SystemCallFilter.allowed)
        #expect(try Self.packetThread("tgkill", [6, 7, 6]) == SystemCallFilter.refused)
        #expect(try Self.packetThread("sched_setattr", [0, 1, 0]) == SystemCallFilter.allowed)
        #expect(try Self.packetThread("sched_setattr", [7, 1, 0]) == SystemCallFilter.refused)
    }

    /// What `body` says on a thread of its own that was confined, and the lines of that thread's status.
    static func confined(_ body: @escaping @Sendable () -> Int32) throws -> (result: Int32, status: String) {
        let said = Mutex<(failures: [SystemError], result: Int32)?>(nil)
        let status = Mutex<[UInt8]>([])
        let thread = try SystemThread(name: "confined") {
            // Opened before, because afterwards nothing can be.
            let file = unsafe open("/proc/thread-self/status", O_RDONLY)
            let failures = SystemThread.confine()
            let result = body()
            said.withLock { $0 = (failures, result) }
            status.withLock { status in
                status = unsafe [UInt8](unsafeUninitializedCapacity: 8192) { buffer, count in
                    count = max(0, unsafe read(file, buffer.baseAddress!, 8192))
                }
            }
            close(file)
        }
        thread.join()
        let result = try #require(said.withLock { $0 })
        #expect(result.failures.isEmpty, "\(result.failures)")
        return (result.result, String(decoding: status.withLock { $0 }, as: UTF8.self))
    }

    @Test func `a confined thread has no capability, gains none, and can't open a file; others can`() throws {
        let (error, status) = try Self.confined {
            errno = 0
            return unsafe open("/dev/null", O_RDONLY) < 0 ? errno : 0
        }
        #expect(error == EPERM)
        for line in [
            "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
        ] {
            #expect(status.contains(line), "\(line) in \(status)")
        }
        #expect(FileSystem.exists("/dev/null"))
        #expect(try !FileSystem.read("/proc/self/status").isEmpty)
    }

    @Test func `a confined thread may ask for short time slices, which needs its nice value`() throws {
        let (error, _) = try Self.confined {
            errno = 0
            _ = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
            let failure = errno
            SystemThread.requestTimeSlice(.milliseconds(1))
            return failure
        }
        #expect(error == 0)
    }

    @Test func `a confined thread makes no memory executable, and takes as much of it as it likes`() throws {
        let (result, _) = try Self.confined {
            let page = 4096
            let memory = unsafe mmap(nil, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0)
            guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return -1 }
            defer { unsafe munmap(memory, page) }
            let large = [UInt8](repeating: 1, count: 8 << 20)
            guard large.reduce(0, { $0 &+ Int($1) }) == large.count else { return -2 }
            return unsafe mprotect(memory, page, PROT_READ | PROT_EXEC) == 0 ? 0 : errno
        }
        #expect(result == EPERM)
    }

    @Test func `a confined thread may make all calls that the C library makes by itself`() throws {
        let (refused, _) = try Self.confined {
            var refused: Int32 = 0
            func expect(_ number: Int32, _ body: () -> Bool) {
                errno = 0
                if !body() || errno == EPERM { refused |= 1 << number }
            }
            // Arenas that grow and shrink, pieces that are mapped apart, all of it given back.
            expect(0) {
                for size in [16, 100 << 10, 1 << 20, 48 << 20] {
                    let pieces = unsafe (0..<8).map { _ in UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16) }
                    for index in unsafe pieces.indices { unsafe pieces[index].storeBytes(of: 1, as: UInt8.self) }
                    for index in unsafe pieces.indices { unsafe pieces[index].deallocate() }
                }
                Process.releaseFreedMemory()
                return true
            }
            expect(1) {
                // The system's own, for which it asks the kernel each time.
                var generator = SystemRandomNumberGenerator()
                return generator.next() != generator.next()
            }
            expect(2) { sched_yield() == 0 }
            expect(3) {
                var pause = timespec(tv_sec: 0, tv_nsec: 1000)
                return unsafe nanosleep(&pause, nil) == 0
            }
            expect(4) {
                var resolution = timespec()
                return unsafe clock_getres(CLOCK_THREAD_CPUTIME_ID, &resolution) == 0
                    && clock_gettime(CLOCK_THREAD_CPUTIME_ID, &resolution) == 0
            }
            expect(5) {
                var set = sigset_t()
                return unsafe sigemptyset(&set) == 0 && pthread_sigmask(SIG_BLOCK, &set, nil) == 0
            }
            expect(6) { pthread_kill(pthread_self(), 0) == 0 }
            expect(7) { poll(nil, 0, 1) == 0 }
            expect(8) {
                let page = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096)
                return unsafe madvise(page, 4096, 16) == 0 && (mlock(page, 4096) == 0 || errno == ENOMEM)
            }
            expect(9) { sysconf(Int32(_SC_PHYS_PAGES)) > 0 }
            expect(10) { getpid() > 0 }
            return refused
        }
        #expect(refused == 0, "bits of those that were refused: \(String(refused, radix: 2))")
    }

    @Test func `a confined thread ends its process as any other does: by its own decision, and when it must not go on`() async {
        await #expect(processExitsWith: .exitCode(7)) { try Self.alone { exit(7) } }
        await #expect(processExitsWith: .signal(SIGABRT)) { try Self.alone { abort() } }
        await #expect(processExitsWith: .signal(SIGSEGV)) { try Self.alone { raise(SIGSEGV) } }
        await #expect(processExitsWith: .failure) { try Self.alone { fatalError("as it must be") } }
    }

    /// Confines a thread that calls `body`, and waits for it.
    private static func alone(_ body: @escaping @Sendable () -> Void) throws {
        try SystemThread(name: "confined") {
            guard SystemThread.confine().isEmpty else { return }
            body()
        }.join()
    }
}
