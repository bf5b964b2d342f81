#define _GNU_SOURCE
#include "PrivilegeShims.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(CLINUX_SECCOMP_LOG == SECCOMP_FILTER_FLAG_LOG, "linux/seccomp.h");
_Static_assert(CLINUX_SECCOMP_SPEC_ALLOW == SECCOMP_FILTER_FLAG_SPEC_ALLOW, "linux/seccomp.h");

int clinux_get_capabilities(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    *effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    *inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

int clinux_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &header, data);
}

int clinux_secure_bits(void) {
    return prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
}

int clinux_no_new_privileges(void) {
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

int clinux_set_no_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int clinux_set_seccomp_filter(const void *instructions, uint16_t count, unsigned flags) {
    struct sock_fprog program = {count, (struct sock_filter *)instructions};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int clinux_refuse_dumps(void) {
    // RLIMIT_CORE isn't touched: hooks and commands would inherit it, and what isn't dumpable leaves no image, whatever the limit.
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void clinux_ask_allocator(void) {
    // Each below the size that is mapped apart, and together above what is kept: the last free gives memory back, for which glibc reads
    // /proc/sys/vm/overcommit_memory, once.
    enum { count = 8 };
    void *volatile pieces[count];
    for (int i = 0; i < count; i++) pieces[i] = malloc(100 << 10);
    for (int i = count - 1; i >= 0; i--) free(pieces[i]);
}

uint32_t clinux_audit_architecture(void) {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    return AUDIT_ARCH_AARCH64;
#else
    return 0;
#endif
}

#define CALL(name) {#name, __NR_##name}
static const struct {
    const char *name;
    uint32_t number;
} thread_syscalls[] = {
    // Packets, most often first: before Linux 5.11 the list is gone through each time.
    CALL(read), CALL(writev), CALL(recvmmsg), CALL(sendmmsg), CALL(write), CALL(readv),
#ifdef __NR_epoll_wait
    CALL(epoll_wait),
#endif
    CALL(epoll_pwait), CALL(futex), CALL(sched_yield), CALL(clock_gettime), CALL(ppoll),
#ifdef __NR_poll
    CALL(poll),
#endif
    CALL(recvmsg), CALL(sendmsg), CALL(epoll_ctl), CALL(close),
#ifdef __NR_epoll_pwait2
    CALL(epoll_pwait2),
#endif
    CALL(getrandom), CALL(getpriority), CALL(sched_setattr), CALL(sched_getaffinity), CALL(clock_nanosleep), CALL(nanosleep),
    CALL(gettimeofday), CALL(restart_syscall), CALL(clock_getres), CALL(getcpu), CALL(sysinfo),
#ifdef __NR_time
    CALL(time),
#endif
    // Memory; what is locked holds keys.
    CALL(madvise), CALL(brk), CALL(munmap), CALL(mremap), CALL(mmap), CALL(mprotect), CALL(mlock),
    // The end of a thread, or of the program by its own decision, with what it says on standard error.
    CALL(rt_sigreturn), CALL(rt_sigprocmask), CALL(rt_sigaction), CALL(exit), CALL(exit_group), CALL(tgkill), CALL(gettid), CALL(getpid),
    CALL(set_robust_list), CALL(sigaltstack), CALL(fstat),
#ifdef __NR_newfstatat
    CALL(newfstatat),
#endif
#ifdef __NR_rseq
    CALL(rseq),
#endif
};

const char *clinux_thread_syscall(int index, uint32_t *number) {
    if (index < 0 || (size_t)index >= sizeof thread_syscalls / sizeof *thread_syscalls) return NULL;
    *number = thread_syscalls[index].number;
    return thread_syscalls[index].name;
}
