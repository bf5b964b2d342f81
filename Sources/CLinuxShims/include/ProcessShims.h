// Processes, local sockets and lookups: calls and values that glibc hides behind _GNU_SOURCE.
#ifndef CLINUX_PROCESS_SHIMS_H
#define CLINUX_PROCESS_SHIMS_H

#include <stdint.h>

// The words that the program was started with, as the C library hands them to constructors. Swift's own list is read from /proc and is
// empty where that is not mounted.
int clinux_argument_count(void);
char *clinux_argument(int number);

// pipe2 with O_CLOEXEC: 0, or -1 with errno.
int clinux_pipe(int ends[2]);

// accept4 without the peer's address; SOCK_CLOEXEC and SOCK_NONBLOCK as given.
int clinux_accept(int listener, int flags);

// SO_PEERCRED's user: 0, or -1 with errno.
int clinux_peer_user(int socket, uint32_t *user);

// SO_PEERCRED's process: its number, 0 for one of another pid namespace, or -1 with errno.
int clinux_peer_process(int socket);

// Lets a descriptor mean what the other one means, at once: the descriptor, or -1 with errno.
int clinux_replace_descriptor(int descriptor, int other);

// A descriptor that is readable once the process has ended: it, or -1 with errno.
int clinux_process_descriptor(int process);

// Lets a program that posix_spawn starts begin in this directory: 0, or an errno.
int clinux_spawn_directory(void *file_actions, const char *directory);

// Makes room for `size` bytes of a file without making it longer: 0, or -1 with errno (EOPNOTSUPP where the file system can't).
int clinux_reserve(int descriptor, long size);

// close_range without flags: 0, or -1 with errno (ENOSYS before Linux 5.9).
int clinux_close_range(unsigned first, unsigned last);

// The path that this program was started by, as the kernel was given it; NULL where that isn't known.
const char *clinux_executed_path(void);

// malloc_trim(0).
void clinux_release_freed_memory(void);

enum {
    CLINUX_POSIX_SPAWN_SETSID = 0x80,
    CLINUX_POSIX_SPAWN_SETPGROUP = 0x02,
    CLINUX_EAI_NODATA = -5,
    // __O_TMPFILE | O_DIRECTORY, the latter as this architecture has it. <fcntl.h> isn't included here: types that it brings would be
    // this module's for Swift, and no longer glibc's.
#if defined(__aarch64__) || defined(__arm__)
    CLINUX_O_TMPFILE = 020000000 | 040000,
#else
    CLINUX_O_TMPFILE = 020000000 | 0200000,
#endif
};
#endif
