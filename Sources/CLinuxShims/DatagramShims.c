#define _GNU_SOURCE
#include "DatagramShims.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(struct clinux_mmsghdr) == sizeof(struct mmsghdr), "struct mmsghdr");
_Static_assert(offsetof(struct clinux_mmsghdr, length) == offsetof(struct mmsghdr, msg_len), "struct mmsghdr");

int clinux_recvmmsg(int descriptor, struct clinux_mmsghdr *messages, unsigned int count, int flags) {
    return recvmmsg(descriptor, (struct mmsghdr *)messages, count, flags, NULL);
}

int clinux_sendmmsg(int descriptor, struct clinux_mmsghdr *messages, unsigned int count, int flags) {
    return sendmmsg(descriptor, (struct mmsghdr *)messages, count, flags);
}

// Whether a control message has room for a value of that size: its length is as good as whoever wrote it.
static int holds(const struct msghdr *header, const struct cmsghdr *c, size_t size) {
    const char *end = (const char *)header->msg_control + header->msg_controllen;
    return c->cmsg_len >= CMSG_LEN(size) && c->cmsg_len <= (size_t)(end - (const char *)c);
}

void clinux_read_datagram_control(const struct msghdr *header, struct clinux_datagram_control *result) {
    struct msghdr *mutable_header = (struct msghdr *)header;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(mutable_header); c != NULL; c = CMSG_NXTHDR(mutable_header, c)) {
        const unsigned char *data = CMSG_DATA(c);
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == CLINUX_UDP_GRO && holds(header, c, sizeof result->segment_size)) {
            memcpy(&result->segment_size, data, sizeof result->segment_size);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS && holds(header, c, 1)) {
            result->traffic_class = data[0];
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS && holds(header, c, sizeof(int))) {
            int value;
            memcpy(&value, data, sizeof value);
            result->traffic_class = (uint8_t)value;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && holds(header, c, sizeof(struct in_pktinfo))) {
            struct in_pktinfo info;
            memcpy(&info, data, sizeof info);
            // ipi_spec_dst is the local address that a reply would leave from, right for broadcast arrivals too.
            memcpy(result->local_address, &info.ipi_spec_dst, 4);
            result->interface_index = (uint32_t)info.ipi_ifindex;
            result->has_local_address = 1;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO && holds(header, c, sizeof(struct in6_pktinfo))) {
            struct in6_pktinfo info;
            memcpy(&info, data, sizeof info);
            memcpy(result->local_address, &info.ipi6_addr, 16);
            result->interface_index = info.ipi6_ifindex;
            result->has_local_address = 1;
        }
    }
}

static unsigned char *append(unsigned char *at, int level, int type, const void *data, size_t size) {
    struct cmsghdr *c = (struct cmsghdr *)at;
    memset(at, 0, CMSG_SPACE(size));
    c->cmsg_len = CMSG_LEN(size);
    c->cmsg_level = level;
    c->cmsg_type = type;
    memcpy(CMSG_DATA(c), data, size);
    return at + CMSG_SPACE(size);
}

unsigned long clinux_write_datagram_control(
    void *control, int family, const uint8_t *local_address, uint32_t interface_index, uint8_t traffic_class, uint16_t segment_size) {
    unsigned char *at = control;
    _Static_assert(
        CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t)) <= CLINUX_SEND_CONTROL_SIZE,
        "control space");
    if (local_address != NULL && family == AF_INET) {
        struct in_pktinfo info = {.ipi_ifindex = (int)interface_index};
        memcpy(&info.ipi_spec_dst, local_address, 4);
        at = append(at, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (local_address != NULL) {
        struct in6_pktinfo info = {.ipi6_ifindex = interface_index};
        memcpy(&info.ipi6_addr, local_address, 16);
        at = append(at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    if (traffic_class != 0) {
        int value = traffic_class;
        at = family == AF_INET ? append(at, IPPROTO_IP, IP_TOS, &value, sizeof value)
                               : append(at, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
    }
    if (segment_size != 0) {
        at = append(at, IPPROTO_UDP, CLINUX_UDP_SEGMENT, &segment_size, sizeof segment_size);
    }
    return (unsigned long)(at - (unsigned char *)control);
}

void clinux_read_error_control(const struct msghdr *header, struct clinux_socket_error *result) {
    struct msghdr *mutable_header = (struct msghdr *)header;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(mutable_header); c != NULL; c = CMSG_NXTHDR(mutable_header, c)) {
        bool is_v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        bool is_v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        if (!is_v4 && !is_v6) continue;
        size_t address_size = is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        struct sock_extended_err error;
        if (!holds(header, c, sizeof error)) continue;
        memcpy(&error, CMSG_DATA(c), sizeof error);
        result->number = (int32_t)error.ee_errno;
        result->info = error.ee_info;
        result->origin = error.ee_origin;
        result->type = error.ee_type;
        result->code = error.ee_code;
        if (holds(header, c, sizeof error + address_size)) memcpy(&result->reporter, CMSG_DATA(c) + sizeof error, address_size);
    }
}

int clinux_receive_error(int descriptor, struct clinux_socket_error *result) {
    // The datagram itself comes along; what of it doesn't fit is cut off.
    uint8_t datagram[1];
    _Alignas(8) unsigned char control[256];
    struct iovec vector = {datagram, sizeof datagram};
    memset(result, 0, sizeof *result);
    struct msghdr header = {
        .msg_name = &result->destination, .msg_namelen = sizeof result->destination, .msg_iov = &vector, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count;
    do {
        count = recvmsg(descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? 0 : -1;
    clinux_read_error_control(&header, result);
    return 1;
}

int clinux_socket_memory(int descriptor, struct clinux_socket_memory *result) {
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof values;
    if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, values, &size) != 0) return -1;
    result->received = values[SK_MEMINFO_RMEM_ALLOC];
    result->receive_limit = values[SK_MEMINFO_RCVBUF];
    result->queued = values[SK_MEMINFO_WMEM_ALLOC];
    result->send_limit = values[SK_MEMINFO_SNDBUF];
    result->drops = values[SK_MEMINFO_DROPS];
    return 0;
}

void clinux_set_thread_name(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

int clinux_set_time_slice(uint64_t nanoseconds) {
    // struct sched_attr, which glibc 2.36 lacks: size, policy, flags, nice, priority, runtime, deadline, period.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes, .flags = 0x08 /* SCHED_FLAG_KEEP_POLICY */, .nice = getpriority(PRIO_PROCESS, 0), .runtime = nanoseconds};
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

int clinux_processor_count(void) {
    // Room for 8192 processors, what the kernel can have.
    static const size_t size = CPU_ALLOC_SIZE(8192);
    cpu_set_t *set = CPU_ALLOC(8192);
    if (set == NULL) return 0;
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    return count;
}

int clinux_ppoll(struct pollfd *descriptors, unsigned long count, const struct timespec *timeout) {
    return ppoll(descriptors, count, timeout, NULL);
}

const char *clinux_error_text(int error, char *buffer, size_t size) {
    return strerror_r(error, buffer, size);
}

const char *clinux_error_name(int error) {
    return strerrorname_np(error);
}
