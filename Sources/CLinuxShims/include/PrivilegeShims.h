// Privileges of a thread: system calls without a wrapper in glibc, and numbers that are macros.
#ifndef CLINUX_PRIVILEGE_SHIMS_H
#define CLINUX_PRIVILEGE_SHIMS_H

#include <stdint.h>

// The calling thread's capabilities: 0, or -1 with errno.
int clinux_get_capabilities(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
int clinux_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable);
// The calling thread's securebits, or -1 with errno.
int clinux_secure_bits(void);

// 1 when no program that the calling thread starts gains anything.
int clinux_no_new_privileges(void);
// From now on no program that the calling thread starts gains anything: 0, or -1 with errno.
int clinux_set_no_new_privileges(void);
// Puts the calling thread under a filter of `count` instructions of 8 bytes (struct sock_filter): 0, or -1 with errno.
int clinux_set_seccomp_filter(const void *instructions, uint16_t count, unsigned flags);

// Lets the allocator open the file that it opens when a thread gives memory back for the first time, while this thread may.
void clinux_ask_allocator(void);

// Nobody but the superuser may look into this process, and no image of it is written: 0, or -1 with errno.
int clinux_refuse_dumps(void);

enum {
    CLINUX_SECCOMP_LOG = 2,
    CLINUX_SECCOMP_SPEC_ALLOW = 4,
};

// AUDIT_ARCH_... of what this is compiled for; 0 where its numbers aren't known.
uint32_t clinux_audit_architecture(void);
// The system calls of threads that move packets: the name and number of one, NULL past the last. What the architecture lacks isn't there.
const char *clinux_thread_syscall(int index, uint32_t *number);
#endif
