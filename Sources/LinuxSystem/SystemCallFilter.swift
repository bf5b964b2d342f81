/// Which system calls a thread may make: an allow-list as a program for the kernel's packet filter, which it runs before each call.
///
/// A pure value. What isn't on the list fails with EPERM and is written to the audit log; nothing is killed, so that a call that was
/// forgotten is an error with a name and no outage. Calls that are younger than Linux 5.0 don't exist for the thread (ENOSYS), because a C
/// library that tries one goes back to the older then, and would report EPERM. Source: seccomp(2), struct seccomp_data of linux/seccomp.h,
/// struct sock_filter of linux/filter.h.
struct SystemCallFilter: Hashable, Sendable {
    /// A call that is allowed, perhaps only with certain arguments.
    struct Rule: Hashable, Sendable {
        enum Condition: Hashable, Sendable {
            case always
            /// The argument's lower half is this.
            case argumentIs(Int, UInt32)
            /// The argument's lower half has none of these bits.
            case argumentLacks(Int, UInt32)
        }

        let number: UInt32
        var condition = Condition.always
    }

    /// `struct sock_filter`.
    struct Instruction: Hashable, Sendable {
        var code: UInt16
        var ifTrue: UInt8 = 0
        var ifFalse: UInt8 = 0
        var operand: UInt32

        /// A = the 32-bit word at `offset` of the call's description (BPF_LD | BPF_W | BPF_ABS).
        static func load(_ offset: Int) -> Instruction { Instruction(code: 0x20, operand: UInt32(offset)) }
        /// BPF_JMP | BPF_JEQ | BPF_K, and how many instructions to skip.
        static func jumpIfEqual(_ value: UInt32, _ ifTrue: UInt8, else ifFalse: UInt8) -> Instruction {
            Instruction(code: 0x15, ifTrue: ifTrue, ifFalse: ifFalse, operand: value)
        }
        /// BPF_JMP | BPF_JSET | BPF_K.
        static func jumpIfAnyBit(_ mask: UInt32, _ ifTrue: UInt8, else ifFalse: UInt8) -> Instruction {
            Instruction(code: 0x45, ifTrue: ifTrue, ifFalse: ifFalse, operand: mask)
        }
        /// BPF_JMP | BPF_JGE | BPF_K.
        static func jumpIfAtLeast(_ value: UInt32, _ ifTrue: UInt8, else ifFalse: UInt8) -> Instruction {
            Instruction(code: 0x35, ifTrue: ifTrue, ifFalse: ifFalse, operand: value)
        }
        /// BPF_RET | BPF_K.
        static func answer(_ value: UInt32) -> Instruction { Instruction(code: 0x06, operand: value) }
    }

    /// SECCOMP_RET_ALLOW.
    static let allowed: UInt32 = 0x7fff_0000
    /// SECCOMP_RET_ERRNO with EPERM.
    static let refused: UInt32 = 0x0005_0001
    /// SECCOMP_RET_ERRNO with ENOSYS.
    static let unknown: UInt32 = 0x0005_0026
    /// From here on calls have the same number on every architecture: pidfd_send_signal of Linux 5.1.
    static let firstYoungCall: UInt32 = 424
    /// Where the number, the architecture and the arguments stand; of an argument, the lower half.
    static let numberOffset = 0
    static let architectureOffset = 4
    static func argumentOffset(_ index: Int) -> Int { 16 + 8 * index }

    let instructions: [Instruction]

    /// - Parameters:
    ///   - architecture: AUDIT_ARCH_…; calls by another architecture's numbers are all refused.
    ///   - rules: those that are asked for most often first.
    init(architecture: UInt32, rules: [Rule]) {
        var program: [Instruction] = [
            .load(Self.architectureOffset), .jumpIfEqual(architecture, 1, else: 0), .answer(Self.refused), .load(Self.numberOffset),
        ]
        for rule in rules {
            switch rule.condition {
            case .always:
                program += [.jumpIfEqual(rule.number, 0, else: 1), .answer(Self.allowed)]
            case .argumentIs(let index, let value):
                program += [
                    .jumpIfEqual(rule.number, 0, else: 4), .load(Self.argumentOffset(index)), .jumpIfEqual(value, 0, else: 1),
                    .answer(Self.allowed), .answer(Self.refused),
                ]
            case .argumentLacks(let index, let mask):
                program += [
                    .jumpIfEqual(rule.number, 0, else: 4), .load(Self.argumentOffset(index)), .jumpIfAnyBit(mask, 1, else: 0),
                    .answer(Self.allowed), .answer(Self.refused),
                ]
            }
        }
        instructions = program + [.jumpIfAtLeast(Self.firstYoungCall, 0, else: 1), .answer(Self.unknown), .answer(Self.refused)]
    }
}

extension SystemCallFilter {
    /// What the threads that move packets and make handshakes call: nothing that opens a file or a socket, starts a program, makes memory
    /// executable, or reaches another process.
    /// - Parameter process: the only one that they may send a signal to, as they do when they end it themselves.
    static func packetThreads(of process: UInt32) -> SystemCallFilter {
        SystemCallFilter(
            architecture: SystemCalls.architecture,
            rules: SystemCalls.ofThreads.map { call in
                switch call.name {
                // PROT_EXEC
                case "mmap", "mprotect": Rule(number: call.number, condition: .argumentLacks(2, 4))
                case "tgkill": Rule(number: call.number, condition: .argumentIs(0, process))
                // The calling thread's own.
                case "sched_setattr": Rule(number: call.number, condition: .argumentIs(0, 0))
                default: Rule(number: call.number)
                }
            })
    }
}
