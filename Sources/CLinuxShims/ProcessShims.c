#define _GNU_SOURCE
#include "ProcessShims.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(CLINUX_POSIX_SPAWN_SETSID == POSIX_SPAWN_SETSID, "spawn.h");
_Static_assert(CLINUX_POSIX_SPAWN_SETPGROUP == POSIX_SPAWN_SETPGROUP, "spawn.h");
_Static_assert(CLINUX_O_TMPFILE == O_TMPFILE, "fcntl.h");
_Static_assert(CLINUX_EAI_NODATA == EAI_NODATA, "netdb.h");

static int argument_count;
static char **arguments;

__attribute__((constructor)) static void keep_arguments(int count, char **list) {
    argument_count = count;
    arguments = list;
}

int clinux_argument_count(void) {
    return argument_count;
}

char *clinux_argument(int number) {
    return arguments[number];
}

int clinux_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

int clinux_accept(int listener, int flags) {
    return accept4(listener, 0, 0, flags);
}

int clinux_peer_user(int socket, uint32_t *user) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *user = peer.uid;
    return 0;
}

int clinux_peer_process(int socket) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : -1;
}

int clinux_replace_descriptor(int descriptor, int other) {
    return dup3(other, descriptor, O_CLOEXEC);
}

int clinux_process_descriptor(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0);
}

int clinux_spawn_directory(void *file_actions, const char *directory) {
    return posix_spawn_file_actions_addchdir_np(file_actions, directory);
}

int clinux_close_range(unsigned first, unsigned last) {
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, first, last, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

const char *clinux_executed_path(void) {
    return (const char *)getauxval(AT_EXECFN);
}

void clinux_release_freed_memory(void) {
    malloc_trim(0);
}

int clinux_reserve(int descriptor, long size) {
    return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, size);
}
