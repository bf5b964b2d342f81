#define _GNU_SOURCE
#include "NamespaceShims.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(CLINUX_O_PATH == O_PATH, "fcntl.h");

int clinux_unshare(int with_user) {
    return unshare((with_user ? CLONE_NEWUSER : 0) | CLONE_NEWNS | CLONE_NEWNET);
}

int clinux_mount_slave(void) {
    return mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL);
}

int clinux_mount_tmpfs(const char *path) {
    return mount("wg-lite", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m");
}

int clinux_mount_bind(const char *source, const char *path) {
    return mount(source, path, NULL, MS_BIND, NULL);
}

int clinux_mount_detach(const char *path) {
    return umount2(path, MNT_DETACH);
}

int clinux_socket_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

ssize_t clinux_send_descriptors(int socket, const void *data, size_t size, const int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MAXIMUM_DESCRIPTORS)];
    } control;
    if (count > CLINUX_MAXIMUM_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    struct iovec vector = {(void *)data, size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), descriptors, sizeof(int) * count);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t clinux_receive_descriptors(int socket, void *data, size_t size, int *descriptors, size_t *count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MAXIMUM_DESCRIPTORS)];
    } control;
    struct iovec vector = {data, size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    *count = 0;
    if (received < 0) return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t found = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (found > CLINUX_MAXIMUM_DESCRIPTORS) found = CLINUX_MAXIMUM_DESCRIPTORS;
        memcpy(descriptors, CMSG_DATA(c), found * sizeof(int));
        *count = found;
    }
    return received;
}

int clinux_become_subreaper(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void clinux_leave_no_core(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

// What the child says when it can't go on.
struct failure {
    int error;
    int step;
};
static const char *const steps[] = {
    "enter the user namespace", "enter the network namespace", "enter the mount namespace", "enter the root directory",
    "enter the working directory", "start",
};

// Root who needs no user namespace has stayed in this one, and entering that again is refused.
static int is_own_user_namespace(int descriptor) {
    struct stat own, other;
    return stat("/proc/self/ns/user", &own) == 0 && fstat(descriptor, &other) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

// Between fork and execve, where other threads' locks stay taken: system calls only.
static void begin(
    const struct clinux_place *place, const char *file, char *const arguments[], char *const environment[], const sigset_t *mask,
    int pipe_ignored, int report, pid_t parent) {
    struct failure failure = {0, 0};
    if (place->user >= 0 && !is_own_user_namespace(place->user) && setns(place->user, CLONE_NEWUSER) != 0) goto failed;
    failure.step = 1;
    if (place->network >= 0 && setns(place->network, CLONE_NEWNET) != 0) goto failed;
    failure.step = 2;
    if (place->mounts >= 0 && setns(place->mounts, CLONE_NEWNS) != 0) goto failed;
    failure.step = 3;
    if (place->root >= 0 && (fchdir(place->root) != 0 || chroot(".") != 0)) goto failed;
    failure.step = 4;
    // The same path is in the new mounts, unless it leads elsewhere there, or nowhere.
    struct stat here, there;
    if (chdir(place->directory) != 0 || stat(".", &there) != 0 || fstat(place->directory_descriptor, &here) != 0 ||
        here.st_dev != there.st_dev || here.st_ino != there.st_ino) {
        if (fchdir(place->directory_descriptor) != 0) goto failed;
    }
    failure.step = 5;
    // It may have ended before we asked to be told.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) _exit(127);
    signal(SIGPIPE, pipe_ignored ? SIG_IGN : SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (syscall(SYS_close_range, 3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) != 0) {
        struct rlimit limit = {0, 0};
        getrlimit(RLIMIT_NOFILE, &limit);
        for (int number = 3; number < (int)(limit.rlim_cur < 65536 ? limit.rlim_cur : 65536); number++) {
            if (number != report) close(number);
        }
    }
    execvpe(file, arguments, environment);
failed:
    failure.error = errno;
    while (write(report, &failure, sizeof failure) < 0 && errno == EINTR) {}
    _exit(127);
}

pid_t clinux_start_in(
    const struct clinux_place *place, const char *file, char *const arguments[], char *const environment[], const sigset_t *mask,
    int pipe_ignored, const char **step) {
    int report[2];
    *step = "make a pipe";
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    *step = "fork";
    pid_t parent = getpid(), child = fork();
    if (child == 0) begin(place, file, arguments, environment, mask, pipe_ignored, report[1], parent);
    int error = errno;
    close(report[1]);
    struct failure failure;
    ssize_t count = 0;
    if (child > 0) {
        do count = read(report[0], &failure, sizeof failure);
        while (count < 0 && errno == EINTR);
    }
    close(report[0]);
    if (child < 0) {
        errno = error;
        return -1;
    }
    if (count != sizeof failure) return child;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    *step = steps[failure.step];
    errno = failure.error;
    return -1;
}
