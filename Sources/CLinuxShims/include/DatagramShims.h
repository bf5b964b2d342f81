// Batched datagram calls, their control messages and a few more calls: glibc hides these behind _GNU_SOURCE, and the CMSG macros don't import.
#ifndef CLINUX_DATAGRAM_SHIMS_H
#define CLINUX_DATAGRAM_SHIMS_H

#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

// Laid out as the kernel's struct mmsghdr.
struct clinux_mmsghdr {
    struct msghdr header;
    unsigned int length;
};

// recvmmsg and sendmmsg: messages moved, or -1 with errno.
int clinux_recvmmsg(int descriptor, struct clinux_mmsghdr *messages, unsigned int count, int flags);
int clinux_sendmmsg(int descriptor, struct clinux_mmsghdr *messages, unsigned int count, int flags);

// What a received datagram's control messages say. Absent ones leave the field as it is.
struct clinux_datagram_control {
    int32_t segment_size;        // UDP_GRO
    uint32_t interface_index;    // IP_PKTINFO, IPV6_PKTINFO
    uint8_t traffic_class;       // IP_TOS, IPV6_TCLASS
    uint8_t has_local_address;
    uint8_t local_address[16];   // network order; the first 4 for IPv4
};
void clinux_read_datagram_control(const struct msghdr *header, struct clinux_datagram_control *result);

// Writes control messages for one send into `control` (at least CLINUX_SEND_CONTROL_SIZE bytes, 8-byte aligned).
// local_address may be NULL (let the kernel choose); segment_size 0: no segmentation. Returns the bytes used.
#define CLINUX_SEND_CONTROL_SIZE 96
unsigned long clinux_write_datagram_control(
    void *control, int family, const uint8_t *local_address, uint32_t interface_index, uint8_t traffic_class, uint16_t segment_size);

// What the kernel queued about an earlier send of a socket (IP_RECVERR, IPV6_RECVERR).
struct clinux_socket_error {
    int32_t number;              // the errno
    uint32_t info;               // the path's MTU where the error is about one
    uint8_t origin, type, code;  // SO_EE_ORIGIN_...; ICMP's type and code
    struct sockaddr_in6 destination;  // or a sockaddr_in in its place: where the datagram went; family 0: unknown
    struct sockaddr_in6 reporter;     // likewise, of whoever said it
};
// What control messages say of an error; where they don't, `result` stays as it is.
void clinux_read_error_control(const struct msghdr *header, struct clinux_socket_error *result);
// Takes the oldest: 1, 0 if there is none, -1 with errno.
int clinux_receive_error(int descriptor, struct clinux_socket_error *result);

// SO_MEMINFO: bytes in the receive queue and their limit, the same of the send queue, datagrams that found no room. 0, or -1 with errno.
struct clinux_socket_memory {
    uint32_t received, receive_limit, queued, send_limit, drops;
};
int clinux_socket_memory(int descriptor, struct clinux_socket_memory *result);

// ppoll without a signal mask; a null timeout waits for ever.
int clinux_ppoll(struct pollfd *descriptors, unsigned long count, const struct timespec *timeout);

// strerror_r as GNU has it: the text, in `buffer` or constant.
const char *clinux_error_text(int error, char *buffer, size_t size);

// The name of an errno, as in errno(3), or NULL.
const char *clinux_error_name(int error);

// Asks for time slices of this length for the calling thread (SCHED_OTHER with a runtime, Linux 6.12): 0, or -1 with errno.
int clinux_set_time_slice(uint64_t nanoseconds);

// The processors in the calling thread's affinity mask; 0 if it can't be asked for.
int clinux_processor_count(void);

// The processor's hint that this is a waiting loop.
static inline void clinux_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Names the calling thread, at most 15 bytes, as ps -L and top -H show it.
void clinux_set_thread_name(const char *name);

// Values that <netinet/in.h> keeps for _GNU_SOURCE, or that glibc lacks.
enum {
    CLINUX_UDP_SEGMENT = 103,
    CLINUX_UDP_GRO = 104,
};
#endif
