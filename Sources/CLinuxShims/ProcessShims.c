#define _GNU_SOURCE
#include "ProcessShims.h"

#include <fcntl.h>
#include <netdb.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(CLINUX_POSIX_SPAWN_SETSID == POSIX_SPAWN_SETSID, "spawn.h");
_Static_assert(CLINUX_EAI_NODATA == EAI_NODATA, "netdb.h");

int clinux_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

int clinux_accept(int listener, int flags) {
    return accept4(listener, 0, 0, flags);
}
