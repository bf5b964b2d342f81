// Namespaces: entering new ones, mounts in them, descriptors from one process to another, and starting a program in those of another
// process: what lies between fork(2) and execve(2) can't be Swift.
#ifndef CLINUX_NAMESPACE_SHIMS_H
#define CLINUX_NAMESPACE_SHIMS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// unshare(2) of mount and network namespaces, with a user namespace or without: 0, or -1 with errno.
int clinux_unshare(int with_user);

// mount(2): everything becomes a slave; a new tmpfs at `path`; what is at `source` also at `path`; umount2 with MNT_DETACH. 0, or -1.
int clinux_mount_slave(void);
int clinux_mount_tmpfs(const char *path);
int clinux_mount_bind(const char *source, const char *path);
int clinux_mount_detach(const char *path);

// A pair of connected sockets that keep messages apart, close-on-exec.
int clinux_socket_pair(int ends[2]);
enum { CLINUX_MAXIMUM_DESCRIPTORS = 16, CLINUX_O_PATH = 010000000 };
// One message with descriptors: its size, or -1 with errno. What is received is close-on-exec; `count` becomes how many there are.
ssize_t clinux_send_descriptors(int socket, const void *data, size_t size, const int *descriptors, size_t count);
ssize_t clinux_receive_descriptors(int socket, void *data, size_t size, int *descriptors, size_t *count);

// prctl(2): orphans among our descendants become our children.
int clinux_become_subreaper(void);
// Limits core files to nothing.
void clinux_leave_no_core(void);

// Where a program starts.
struct clinux_place {
    // Descriptors of namespaces; -1: the caller's own. The root is the directory that `/` is.
    int user, network, mounts, root;
    // The working directory by its path, which may lead elsewhere in the other mounts, and as it is.
    const char *directory;
    int directory_descriptor;
};

// Starts `file` (sought in PATH without a slash) in `place`, with the standard descriptors and no others, the signal mask `mask`, SIGPIPE
// as `pipe_ignored` says, and SIGKILL for it when this process ends. Returns its number; or -1 with errno and what failed in `step`.
pid_t clinux_start_in(
    const struct clinux_place *place, const char *file, char *const arguments[], char *const environment[], const sigset_t *mask,
    int pipe_ignored, const char **step);
#endif
