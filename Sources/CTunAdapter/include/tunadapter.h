/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * tunadapter.h: network adapters of one's own on Linux, as rings of IP packets. Library: libtunadapter.so.1.
 *
 * An *adapter* is a TUN interface of the kernel's, in a *pool* (one product's adapters), with a name and a GUID. Its *session* has a
 * ring of packets to receive and a ring of packets to send: whole IPv4 and IPv6 packets, at most 65535 bytes, with their checksums
 * right. Segmentation offload happens inside and doesn't show.
 *
 * Rules that hold for every function, unless it says otherwise:
 * - Threads: it may be called from any thread, and from several at once.
 * - Errors: a function that returns tunadapter_status returns TUNADAPTER_SUCCESS or the error; others return NULL or -1. Then
 *   tunadapter_last_error() and tunadapter_error_message() of the same thread tell more. Success leaves both as they are.
 * - Handles (adapter, session, watch) are numbers in the shape of pointers, checked on each call: NULL, foreign and freed ones give
 *   TUNADAPTER_INVALID_HANDLE, an ended session TUNADAPTER_HANDLE_EOF. They are never dereferenced.
 * - Texts are UTF-8 and terminated. Other bytes give TUNADAPTER_INVALID_PARAMETER. Texts that come in are copied.
 * - Out parameters are written only on success, and may not be NULL unless that is said.
 * - A refusal as BUSY comes after a quarter of a second, unless it is because of this handle's own session: a child process has the
 *   descriptors of its parent from fork(2) to execve(2), so what is closed can seem open for a moment.
 * - Network namespaces: an adapter belongs to that of the thread that made or opened it, and is used from there; one that was made in another
 *   (tunadapter_adapter_options.network_namespace) is in that, and its handle works from every thread.
 * - Callbacks (logger, enumeration) run with no lock of the library held, and may call every function.
 * - Cancellation: a thread must not be cancelled (pthread_cancel(3)) inside of a function of this library: what it has locked or uses would
 *   stay so. tunadapter_end_session ends every wait.
 * - /proc must be mounted: it tells which network namespace a thread is in.
 * - Stack: no function takes more than 16 KiB of the caller's stack, callbacks apart.
 * - fork(2): a child of a program with one thread can give back what it inherited: tunadapter_free_adapter, tunadapter_end_session,
 *   tunadapter_release_packet and their kind work and don't touch the parent's; everything else on inherited sessions gives
 *   TUNADAPTER_HANDLE_EOF, on inherited adapters and watches TUNADAPTER_INVALID_HANDLE. What it makes anew is its own. A child of a program
 *   with several threads may call nothing of this library before execve(2): another thread's lock stays taken for ever. The library's
 *   descriptors are close-on-exec; as long as the child has copies, a transient adapter lives.
 * - dlclose(3) leaves the library in memory: what is under way in it goes on.
 *
 * C11 and C++. For dlopen(3) and dlsym(3) each function's type has a name: tunadapter_<name>_fn.
 */
#ifndef TUNADAPTER_H
#define TUNADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An adapter's handle. Freed with tunadapter_free_adapter, which leaves a persistent adapter where it is. */
typedef struct tunadapter_adapter tunadapter_adapter;
/* A session's handle. Freed with tunadapter_end_session. */
typedef struct tunadapter_session tunadapter_session;
/* Listens to what happens to an adapter's interface. Freed with tunadapter_free_watch. */
typedef struct tunadapter_watch tunadapter_watch;

/* The version of the library that this header belongs to; tunadapter_library_version tells the running one's. */
#define TUNADAPTER_LIBRARY_VERSION_MAJOR 1
#define TUNADAPTER_LIBRARY_VERSION_MINOR 0
#define TUNADAPTER_LIBRARY_VERSION_PATCH 0

/* The most bytes of a name, of a pool's name, and of an interface's name, without their terminators. */
#define TUNADAPTER_MAX_NAME 127
#define TUNADAPTER_MAX_POOL 96
#define TUNADAPTER_MAX_INTERFACE_NAME 15
/* A ring's capacity is a power of two between these. */
#define TUNADAPTER_MIN_RING_CAPACITY 0x20000
#define TUNADAPTER_MAX_RING_CAPACITY 0x4000000
/* The largest packet in bytes. */
#define TUNADAPTER_MAX_PACKET_SIZE 0xFFFF
/* A timeout that never ends. */
#define TUNADAPTER_FOREVER UINT32_MAX

/* What a call came to. The numbers never change. */
typedef enum tunadapter_status {
    TUNADAPTER_SUCCESS = 0,
    TUNADAPTER_INVALID_PARAMETER = 1, /* an argument is outside of what the call documents */
    TUNADAPTER_INVALID_HANDLE = 2,    /* a handle or packet pointer that is none, or was given back */
    TUNADAPTER_FILE_NOT_FOUND = 3,    /* no such adapter */
    TUNADAPTER_ALREADY_EXISTS = 4,    /* the name is an interface that isn't ours, or an adapter of another pool; or it is taken */
    TUNADAPTER_BUSY = 5,              /* the adapter has a session, in this process or another */
    TUNADAPTER_ACCESS_DENIED = 6,     /* the caller may not do that */
    TUNADAPTER_NO_MORE_ITEMS = 7,     /* no packet waits; no change to report */
    TUNADAPTER_BUFFER_OVERFLOW = 8,   /* the send ring has no room for that now */
    TUNADAPTER_HANDLE_EOF = 9,        /* the session has ended, or the adapter's interface was deleted */
    TUNADAPTER_INVALID_DATA = 10,     /* the ring was damaged */
    TUNADAPTER_OUT_OF_MEMORY = 11,    /* no memory, descriptors or handles left */
    TUNADAPTER_NOT_SUPPORTED = 12,    /* this kernel or environment can't do it, for example without /dev/net/tun */
    TUNADAPTER_TIMEOUT = 13,          /* a wait ran out of time */
    TUNADAPTER_SYSTEM_ERROR = 14      /* another refusal by the system; the message has its errno */
} tunadapter_status;

/* 128 bits, the first byte first in the text form {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}. */
typedef struct tunadapter_guid {
    uint8_t bytes[16];
} tunadapter_guid;

/* How an adapter is made. Start from TUNADAPTER_ADAPTER_OPTIONS_INIT. */
typedef struct tunadapter_adapter_options {
    uint32_t struct_size;        /* sizeof(tunadapter_adapter_options) */
    bool transient;              /* gone with its handle and its session, kill -9 included; else it outlives the process */
    bool link_local_address;     /* the kernel gives the interface an IPv6 link-local address by itself */
    bool has_owner;              /* `owner` (a user) may start sessions without CAP_NET_ADMIN; without owner and group the maker may */
    bool has_group;              /* members of `group` may; with both, only the owner who is a member */
    uint32_t owner;
    uint32_t group;
    uint32_t queue_count;        /* descriptors that may be attached at a time, 1 to 255; a session uses one */
    const tunadapter_guid *guid; /* NULL: a random one */
    bool unlisted;               /* a plain interface, in no pool and without an alias; see below */
    const char *network_namespace; /* the file of the one to make it in; NULL: the calling thread's; see below */
} tunadapter_adapter_options;
#define TUNADAPTER_ADAPTER_OPTIONS_INIT \
    { (uint32_t)sizeof(tunadapter_adapter_options), false, false, false, false, 0, 0, 1, NULL, false, NULL }

/* How a session's rings are laid out. Start from TUNADAPTER_SESSION_OPTIONS_INIT. */
typedef struct tunadapter_session_options {
    uint32_t struct_size;       /* sizeof(tunadapter_session_options) */
    uint32_t capacity;          /* bytes of each of the two rings, a power of two from 0x20000 to 0x4000000 */
    uint32_t headroom;          /* bytes before each packet that are its holder's, 0 to 4096 */
    uint32_t tailroom;          /* bytes behind each packet and its padding that are its holder's, 0 to 4096 */
    uint32_t payload_alignment; /* a packet's room is rounded up to a multiple of it: a power of two, 1 to 64 */
    uint32_t spin_microseconds; /* how long a wait watches before it sleeps */
    bool offload;               /* super-packets between kernel and library; the packets in the rings are the same */
} tunadapter_session_options;
#define TUNADAPTER_SESSION_OPTIONS_INIT \
    { (uint32_t)sizeof(tunadapter_session_options), 0x400000, 0, 0, 16, 0, true }

/* One packet of a batch. */
typedef struct tunadapter_packet {
    uint8_t *data;         /* in the ring, writable */
    uint32_t size;         /* bytes; of a packet to send 0: it is skipped, see tunadapter_abandon_packet */
    uint32_t super_packet; /* equal for consecutive packets that the kernel handed over as one; received ones only */
} tunadapter_packet;

/* An adapter's interface, as the kernel has it. */
typedef struct tunadapter_link {
    uint32_t interface_index;
    uint32_t mtu;
    bool is_up;
    bool is_in_use;     /* a session or descriptor is attached, of this process or another */
    bool is_persistent; /* it outlives its descriptors */
} tunadapter_link;

/* What a session has moved and lost since its start, in packets unless said otherwise. */
typedef struct tunadapter_statistics {
    uint64_t received;
    uint64_t reads;              /* system calls that they came in */
    uint64_t malformed;          /* reads that brought no correct packet */
    uint64_t sent;
    uint64_t writes;             /* system calls that they went in */
    uint64_t dropped_while_down; /* lost because the interface was down */
    uint64_t refused;            /* lost because the kernel, or a full session in memory, refused them */
} tunadapter_statistics;

typedef struct tunadapter_version {
    uint16_t driver_major; /* the TUN driver */
    uint16_t driver_minor;
    uint16_t kernel_major; /* the kernel, whose network stack it is */
    uint16_t kernel_minor;
} tunadapter_version;

typedef enum tunadapter_change_kind {
    TUNADAPTER_CHANGE_UP = 1,       /* set up */
    TUNADAPTER_CHANGE_DOWN = 2,     /* set down */
    TUNADAPTER_CHANGE_ATTACHED = 3, /* a session or descriptor is attached where none was */
    TUNADAPTER_CHANGE_DETACHED = 4, /* the last one is gone */
    TUNADAPTER_CHANGE_MTU = 5,      /* `mtu` is the new one */
    TUNADAPTER_CHANGE_RENAMED = 6,  /* tunadapter_get_name has the new name */
    TUNADAPTER_CHANGE_DELETED = 7   /* the interface is gone; nothing follows */
} tunadapter_change_kind;

typedef struct tunadapter_change {
    tunadapter_change_kind kind;
    uint32_t mtu;
} tunadapter_change;

typedef enum tunadapter_log_level {
    TUNADAPTER_LOG_INFO = 0,
    TUNADAPTER_LOG_WARNING = 1,
    TUNADAPTER_LOG_ERROR = 2
} tunadapter_log_level;

/* Receives a line of the log. `timestamp` counts 100 ns since the Unix epoch; `line` is UTF-8 and valid during the call. Called on
 * any thread, several at once, with no lock held: it may call the library, tunadapter_set_logger too. What fails in it doesn't change the
 * last error of the call that logs. */
typedef void (*tunadapter_logger)(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context);

/* Receives one adapter. The handle is valid during the call and freed by the library. Return false to stop. */
typedef bool (*tunadapter_enumerate_callback)(tunadapter_adapter *adapter, void *context);

/* ---- Errors ---- */

/* The code of the thread's last failure; TUNADAPTER_SUCCESS if there was none. */
tunadapter_status tunadapter_last_error(void);
typedef tunadapter_status tunadapter_last_error_fn(void);

/* The thread's last failure in words: what, why, and what would help. Valid until the thread's next failure; never NULL. */
const char *tunadapter_error_message(void);
typedef const char *tunadapter_error_message_fn(void);

/* The name of a code, for example "NO_MORE_ITEMS"; "UNKNOWN" of a number that is none. A constant. */
const char *tunadapter_error_name(tunadapter_status status);
typedef const char *tunadapter_error_name_fn(tunadapter_status status);

/* ---- Adapters ---- */

/* Makes a persistent adapter with one queue: it outlives handle and process until somebody deletes it (not a reboot).
 * pool: 1 to 96 bytes, name: 1 to 127 bytes, both without control characters. A name that can be an interface's becomes it; for another
 * one an interface name is derived. requested_guid: NULL for a random one. reboot_required: may be NULL; always set to false.
 * Returns a handle that the caller frees, or NULL, and then nothing was made: INVALID_PARAMETER, ALREADY_EXISTS, ACCESS_DENIED,
 * NOT_SUPPORTED, OUT_OF_MEMORY, SYSTEM_ERROR, BUSY when somebody attached to it while it was being made. */
tunadapter_adapter *tunadapter_create_adapter(
    const char *pool, const char *name, const tunadapter_guid *requested_guid, bool *reboot_required);
typedef tunadapter_adapter *tunadapter_create_adapter_fn(
    const char *pool, const char *name, const tunadapter_guid *requested_guid, bool *reboot_required);

/* The same with options; NULL for the defaults. A transient adapter lives as long as this handle or its session. This handle has one of its
 * queues: without force no other handle can delete it, and where it has only one queue, none can start a session (BUSY).
 *
 * With `unlisted` it is a plain TUN interface: pool is NULL or empty, guid is NULL, and name must be one that the kernel takes for an
 * interface (at most 15 bytes, no spaces, ...). Nothing is written into the interface's alias, so nobody lists or opens it;
 * tunadapter_get_guid tells a number that only this handle knows.
 *
 * With `network_namespace`, for example "/run/netns/left", "/proc/4711/ns/net", or "/proc/self/fd/7" for an open descriptor, it is made in
 * that network namespace, on a thread of the library's own, and the calling thread stays where it is. It takes CAP_SYS_ADMIN, here and in the
 * user namespace that owns the other. The handle keeps the namespace alive.
 *
 * struct_size may also be that of an older header: fields that it didn't have are as in TUNADAPTER_ADAPTER_OPTIONS_INIT.
 * Errors: as tunadapter_create_adapter; FILE_NOT_FOUND without the namespace's file, INVALID_PARAMETER when it is no network namespace. */
tunadapter_adapter *tunadapter_create_adapter_with_options(
    const char *pool, const char *name, const tunadapter_adapter_options *options);
typedef tunadapter_adapter *tunadapter_create_adapter_with_options_fn(
    const char *pool, const char *name, const tunadapter_adapter_options *options);

/* Finds an adapter, whichever process made it. Returns a handle that the caller frees, or NULL: FILE_NOT_FOUND if nothing has the
 * name, ALREADY_EXISTS if what has it isn't ours or is in another pool, INVALID_PARAMETER, OUT_OF_MEMORY, SYSTEM_ERROR. Names are
 * compared byte by byte. */
tunadapter_adapter *tunadapter_open_adapter(const char *pool, const char *name);
typedef tunadapter_adapter *tunadapter_open_adapter_fn(const char *pool, const char *name);

/* Frees a handle, not the adapter (a transient one goes, unless its session still runs). NULL does nothing.
 * Calls that use the handle on other threads finish. Errors: INVALID_HANDLE. */
tunadapter_status tunadapter_free_adapter(tunadapter_adapter *adapter);
typedef tunadapter_status tunadapter_free_adapter_fn(tunadapter_adapter *adapter);

/* Deletes the adapter; it is a success if it is gone already. The handle stays and is to be freed.
 * force_close_sessions: even though a session runs; it ends with HANDLE_EOF, once the adapter is deleted. reboot_required: may be NULL;
 * always set to false. Errors: BUSY while a session runs or a descriptor is attached, here or elsewhere, without force; HANDLE_EOF when it was
 * moved to another network namespace and no descriptor of it is at hand in this process; ACCESS_DENIED, INVALID_HANDLE, SYSTEM_ERROR; without
 * force also NOT_SUPPORTED, OUT_OF_MEMORY, and INVALID_PARAMETER from another network namespace: it attaches, so that nobody else can. */
tunadapter_status tunadapter_delete_adapter(tunadapter_adapter *adapter, bool force_close_sessions, bool *reboot_required);
typedef tunadapter_status tunadapter_delete_adapter_fn(
    tunadapter_adapter *adapter, bool force_close_sessions, bool *reboot_required);

/* Calls back for each adapter of the pool, of whichever process, until the callback returns false. An empty pool is a success.
 * The callback runs on this thread and may call any function, tunadapter_delete_adapter too.
 * Errors: INVALID_PARAMETER, OUT_OF_MEMORY, SYSTEM_ERROR. */
tunadapter_status tunadapter_enumerate_adapters(const char *pool, tunadapter_enumerate_callback callback, void *context);
typedef tunadapter_status tunadapter_enumerate_adapters_fn(
    const char *pool, tunadapter_enumerate_callback callback, void *context);

/* Deletes every adapter of the pool that nobody uses. deleted: may be NULL; how many it were. Those in use are left, without an error.
 * Errors: INVALID_PARAMETER, ACCESS_DENIED, OUT_OF_MEMORY, NOT_SUPPORTED, SYSTEM_ERROR. */
tunadapter_status tunadapter_delete_unused_adapters(const char *pool, uint32_t *deleted);
typedef tunadapter_status tunadapter_delete_unused_adapters_fn(const char *pool, uint32_t *deleted);

/* A descriptor of the adapter's TUN queue, which the caller closes: a duplicate of the running session's, else one attached anew; as long
 * as it is open sessions of other handles and processes are refused as BUSY, while this handle's shares the queue. Reads and writes have a
 * virtio_net_hdr of 10 bytes before the packet. Returns -1: as tunadapter_start_session. */
int tunadapter_open_device(tunadapter_adapter *adapter);
typedef int tunadapter_open_device_fn(tunadapter_adapter *adapter);

/* The adapter's GUID. Errors: INVALID_HANDLE, INVALID_PARAMETER. */
tunadapter_status tunadapter_get_guid(tunadapter_adapter *adapter, tunadapter_guid *guid);
typedef tunadapter_status tunadapter_get_guid_fn(tunadapter_adapter *adapter, tunadapter_guid *guid);

/* The adapter's LUID, in the bit layout of NET_LUID: 24 reserved bits, 24 of the interface index, 16 of the interface type (53).
 * Errors: INVALID_HANDLE, INVALID_PARAMETER. */
tunadapter_status tunadapter_get_luid(tunadapter_adapter *adapter, uint64_t *luid);
typedef tunadapter_status tunadapter_get_luid_fn(tunadapter_adapter *adapter, uint64_t *luid);

/* The adapter's name, which renames change. Errors: INVALID_HANDLE, INVALID_PARAMETER. */
tunadapter_status tunadapter_get_name(tunadapter_adapter *adapter, char name[TUNADAPTER_MAX_NAME + 1]);
typedef tunadapter_status tunadapter_get_name_fn(tunadapter_adapter *adapter, char name[TUNADAPTER_MAX_NAME + 1]);

/* The name of the adapter's network interface. Errors: INVALID_HANDLE, INVALID_PARAMETER. */
tunadapter_status tunadapter_get_interface_name(
    tunadapter_adapter *adapter, char name[TUNADAPTER_MAX_INTERFACE_NAME + 1]);
typedef tunadapter_status tunadapter_get_interface_name_fn(
    tunadapter_adapter *adapter, char name[TUNADAPTER_MAX_INTERFACE_NAME + 1]);

/* Renames the adapter, with a running session too. Errors: INVALID_PARAMETER, ALREADY_EXISTS, HANDLE_EOF, ACCESS_DENIED, INVALID_HANDLE. */
tunadapter_status tunadapter_set_name(tunadapter_adapter *adapter, const char *name);
typedef tunadapter_status tunadapter_set_name_fn(tunadapter_adapter *adapter, const char *name);

/* ---- The interface ---- */

/* Makes an address such as "10.7.0.1/24" or "fd07::1/64" the only one of its family, link-local ones apart.
 * Errors: INVALID_PARAMETER, HANDLE_EOF, ACCESS_DENIED, INVALID_HANDLE, SYSTEM_ERROR; also of the next four. */
tunadapter_status tunadapter_set_address(tunadapter_adapter *adapter, const char *address);
typedef tunadapter_status tunadapter_set_address_fn(tunadapter_adapter *adapter, const char *address);

/* Adds an address; one that is there already is a success. An IPv6 address that is there with another prefix length has this one then. */
tunadapter_status tunadapter_add_address(tunadapter_adapter *adapter, const char *address);
typedef tunadapter_status tunadapter_add_address_fn(tunadapter_adapter *adapter, const char *address);

/* Takes an address away, and no other; one that isn't there is a success. */
tunadapter_status tunadapter_remove_address(tunadapter_adapter *adapter, const char *address);
typedef tunadapter_status tunadapter_remove_address_fn(tunadapter_adapter *adapter, const char *address);

/* Sets the interface up. mtu: bytes of an IP packet, 68 to 65535; 0 leaves it. */
tunadapter_status tunadapter_bring_up(tunadapter_adapter *adapter, uint32_t mtu);
typedef tunadapter_status tunadapter_bring_up_fn(tunadapter_adapter *adapter, uint32_t mtu);

/* Sets the interface down. */
tunadapter_status tunadapter_bring_down(tunadapter_adapter *adapter);
typedef tunadapter_status tunadapter_bring_down_fn(tunadapter_adapter *adapter);

/* The interface's state. Errors: HANDLE_EOF when it is gone, INVALID_HANDLE, INVALID_PARAMETER. */
tunadapter_status tunadapter_get_link(tunadapter_adapter *adapter, tunadapter_link *link);
typedef tunadapter_status tunadapter_get_link_fn(tunadapter_adapter *adapter, tunadapter_link *link);

/* Listens to the interface's changes from now on; keeps no transient adapter alive. Returns a handle that the caller frees, or NULL:
 * HANDLE_EOF, INVALID_HANDLE, OUT_OF_MEMORY. */
tunadapter_watch *tunadapter_watch_adapter(tunadapter_adapter *adapter);
typedef tunadapter_watch *tunadapter_watch_adapter_fn(tunadapter_adapter *adapter);

/* A descriptor that is readable while there may be changes, those not yet asked for included; once a second, too, while the interface is
 * down, because of attachments the kernel doesn't tell of then. It belongs to the watch. -1: INVALID_HANDLE. */
int tunadapter_watch_event(tunadapter_watch *watch);
typedef int tunadapter_watch_event_fn(tunadapter_watch *watch);

/* The next change, without waiting. Errors: NO_MORE_ITEMS, INVALID_HANDLE, INVALID_PARAMETER, SYSTEM_ERROR. */
tunadapter_status tunadapter_next_change(tunadapter_watch *watch, tunadapter_change *change);
typedef tunadapter_status tunadapter_next_change_fn(tunadapter_watch *watch, tunadapter_change *change);

/* Frees the handle. NULL does nothing. Errors: INVALID_HANDLE. */
tunadapter_status tunadapter_free_watch(tunadapter_watch *watch);
typedef tunadapter_status tunadapter_free_watch_fn(tunadapter_watch *watch);

/* ---- Sessions ---- */

/* Starts the adapter's session; an adapter has one at a time, of all processes together. capacity: bytes of each ring, a power of two
 * from 0x20000 to 0x4000000; 0x400000 suits most, less loses bursts. The session works on when the adapter's handle is freed.
 * Returns a handle that tunadapter_end_session frees, or NULL: INVALID_PARAMETER (also from another network namespace), BUSY while a session
 * or a descriptor of somebody else is attached, HANDLE_EOF when the adapter is gone, ACCESS_DENIED, INVALID_HANDLE, OUT_OF_MEMORY,
 * NOT_SUPPORTED without /dev/net/tun, SYSTEM_ERROR. */
tunadapter_session *tunadapter_start_session(tunadapter_adapter *adapter, uint32_t capacity);
typedef tunadapter_session *tunadapter_start_session_fn(tunadapter_adapter *adapter, uint32_t capacity);

/* The same with options; NULL for the defaults. */
tunadapter_session *tunadapter_start_session_with_options(
    tunadapter_adapter *adapter, const tunadapter_session_options *options);
typedef tunadapter_session *tunadapter_start_session_with_options_fn(
    tunadapter_adapter *adapter, const tunadapter_session_options *options);

/* Starts a session on an attached TUN queue that somebody else opened: another process in another namespace perhaps, which handed it over
 * (SCM_RIGHTS, inheritance). options: NULL for the defaults. The session works on a duplicate of the descriptor, which stays the caller's and
 * becomes non-blocking; the interface stays whose it is, but its offloads and header size are the session's. It must have been attached
 * with IFF_NO_PI, which the driver doesn't tell; segmentation offload needs IFF_VNET_HDR. Returns a handle, or NULL: INVALID_PARAMETER (of a
 * descriptor that is no attached queue of a TUN interface, too, which then stays as it was), OUT_OF_MEMORY. */
tunadapter_session *tunadapter_start_session_on_device(int device, const tunadapter_session_options *options);
typedef tunadapter_session *tunadapter_start_session_on_device_fn(int device, const tunadapter_session_options *options);

/* Starts two sessions in memory of which each receives what the other sends: for tests, without privilege or interface.
 * options: NULL for the defaults. Errors: INVALID_PARAMETER, OUT_OF_MEMORY. */
tunadapter_status tunadapter_start_memory_sessions(
    const tunadapter_session_options *options, tunadapter_session **first, tunadapter_session **second);
typedef tunadapter_status tunadapter_start_memory_sessions_fn(
    const tunadapter_session_options *options, tunadapter_session **first, tunadapter_session **second);

/* Ends the session: every wait on other threads returns at once with HANDLE_EOF, and so does every later call. NULL does nothing.
 * Packets still held stay valid memory until they are released, sent (then without effect) or abandoned; with the last of them the
 * rings go. The log has a warning when there are some, and tunadapter_get_held_packets tells how many. Errors: INVALID_HANDLE, HANDLE_EOF when it was ended already. */
tunadapter_status tunadapter_end_session(tunadapter_session *session);
typedef tunadapter_status tunadapter_end_session_fn(tunadapter_session *session);

/* How many received packets were not released yet, and how many allocated ones neither sent nor abandoned; after the end of the session too,
 * as long as there are some. Either pointer may be NULL. Errors: INVALID_HANDLE; HANDLE_EOF when the session is ended and all is given back. */
tunadapter_status tunadapter_get_held_packets(tunadapter_session *session, uint32_t *received, uint32_t *allocated);
typedef tunadapter_status tunadapter_get_held_packets_fn(tunadapter_session *session, uint32_t *received, uint32_t *allocated);

/* Whether a packet waits. Also false, with the last error set, for an ended session or wrong handle. */
bool tunadapter_is_packet_available(tunadapter_session *session);
typedef bool tunadapter_is_packet_available_fn(tunadapter_session *session);

/* The next packet, in the ring, writable in place; size: its bytes. It is held until tunadapter_release_packet.
 * NULL: NO_MORE_ITEMS (none waits, or all of the ring is held), HANDLE_EOF, INVALID_DATA, INVALID_HANDLE, INVALID_PARAMETER. */
uint8_t *tunadapter_receive_packet(tunadapter_session *session, uint32_t *size);
typedef uint8_t *tunadapter_receive_packet_fn(tunadapter_session *session, uint32_t *size);

/* Releases a received packet, in any order, on any thread, after the end of the session too.
 * Errors: INVALID_HANDLE, without any effect, for what is no packet of this session that is held (released twice, another session's). */
tunadapter_status tunadapter_release_packet(tunadapter_session *session, const uint8_t *packet);
typedef tunadapter_status tunadapter_release_packet_fn(tunadapter_session *session, const uint8_t *packet);

/* Memory for a packet of `size` bytes, 1 to 65535, in the ring. The order of allocation is the order of sending. It is held until it
 * is sent or abandoned, and holds up what was allocated after it. Its bytes are undefined.
 * NULL: BUFFER_OVERFLOW (no room now: tunadapter_wait_for_space), HANDLE_EOF, INVALID_PARAMETER, INVALID_HANDLE. */
uint8_t *tunadapter_allocate_packet(tunadapter_session *session, uint32_t size);
typedef uint8_t *tunadapter_allocate_packet_fn(tunadapter_session *session, uint32_t size);

/* Marks an allocated packet ready, in any order, on any thread; it leaves when all before it are sent or abandoned.
 * Errors: INVALID_HANDLE, without any effect, for what is no allocated packet of this session; HANDLE_EOF. */
tunadapter_status tunadapter_send_packet(tunadapter_session *session, const uint8_t *packet);
typedef tunadapter_status tunadapter_send_packet_fn(tunadapter_session *session, const uint8_t *packet);

/* The same with only the first `size` bytes, 1 to what was allocated. Errors: also INVALID_PARAMETER; then it is still held. */
tunadapter_status tunadapter_send_packet_shortened(tunadapter_session *session, const uint8_t *packet, uint32_t size);
typedef tunadapter_status tunadapter_send_packet_shortened_fn(
    tunadapter_session *session, const uint8_t *packet, uint32_t size);

/* Gives an allocated packet back unsent: it is skipped in its place and delays nothing behind it. Errors: as tunadapter_send_packet. */
tunadapter_status tunadapter_abandon_packet(tunadapter_session *session, const uint8_t *packet);
typedef tunadapter_status tunadapter_abandon_packet_fn(tunadapter_session *session, const uint8_t *packet);

/* Sleeps until a packet waits. milliseconds: TUNADAPTER_FOREVER never gives up. Success may be premature: another thread can be faster.
 * Errors: TIMEOUT, HANDLE_EOF at once when the session ends, INVALID_HANDLE. */
tunadapter_status tunadapter_wait_for_packet(tunadapter_session *session, uint32_t milliseconds);
typedef tunadapter_status tunadapter_wait_for_packet_fn(tunadapter_session *session, uint32_t milliseconds);

/* Sleeps until a packet of `size` bytes can be allocated. Errors: as tunadapter_wait_for_packet, INVALID_PARAMETER. */
tunadapter_status tunadapter_wait_for_space(tunadapter_session *session, uint32_t size, uint32_t milliseconds);
typedef tunadapter_status tunadapter_wait_for_space_fn(tunadapter_session *session, uint32_t size, uint32_t milliseconds);

/* A descriptor for poll(2) and its kind that is readable while a packet waits, and from when the interface is deleted. It belongs to the
 * session: don't close it, and let no thread sleep on it any more when you call tunadapter_end_session, which closes it: epoll forgets what is
 * closed, and the thread may sleep on. Wake it before by a descriptor of your own, or sleep in tunadapter_wait_for_packet instead.
 * -1: HANDLE_EOF, INVALID_HANDLE. */
int tunadapter_read_event(tunadapter_session *session);
typedef int tunadapter_read_event_fn(tunadapter_session *session);

/* The same for room in the send ring: readable from when room comes free until an allocation finds none. */
int tunadapter_space_event(tunadapter_session *session);
typedef int tunadapter_space_event_fn(tunadapter_session *session);

/* ---- Batches: one call, one lock, few system calls for many packets ---- */

/* Receives up to `count` packets without waiting; each is held as by tunadapter_receive_packet.
 * Returns how many, at least 1, or -1: NO_MORE_ITEMS, HANDLE_EOF, INVALID_DATA, INVALID_HANDLE, INVALID_PARAMETER. */
int32_t tunadapter_receive_packets(tunadapter_session *session, tunadapter_packet *packets, uint32_t count);
typedef int32_t tunadapter_receive_packets_fn(tunadapter_session *session, tunadapter_packet *packets, uint32_t count);

/* Releases many received packets, also of several receives. Errors: INVALID_HANDLE if some were not held; the others are released. */
tunadapter_status tunadapter_release_packets(
    tunadapter_session *session, const tunadapter_packet *packets, uint32_t count);
typedef tunadapter_status tunadapter_release_packets_fn(
    tunadapter_session *session, const tunadapter_packet *packets, uint32_t count);

/* Allocates up to `count` packets of `size` bytes each, and writes where they are. Of one call they lie back to back: headroom, packet
 * rounded up, tailroom. Returns how many, at least 1, or -1: BUFFER_OVERFLOW, HANDLE_EOF, INVALID_PARAMETER, INVALID_HANDLE. */
int32_t tunadapter_allocate_packets(
    tunadapter_session *session, uint32_t size, tunadapter_packet *packets, uint32_t count);
typedef int32_t tunadapter_allocate_packets_fn(
    tunadapter_session *session, uint32_t size, tunadapter_packet *packets, uint32_t count);

/* Sends many allocated packets, each with the `size` bytes that its entry says: at most what was allocated, 0 to skip it.
 * Errors: INVALID_HANDLE if some were not held or had too large a size (these stay held); the others are sent. HANDLE_EOF. */
tunadapter_status tunadapter_send_packets(
    tunadapter_session *session, const tunadapter_packet *packets, uint32_t count);
typedef tunadapter_status tunadapter_send_packets_fn(
    tunadapter_session *session, const tunadapter_packet *packets, uint32_t count);

/* ---- Everything else ---- */

/* What the session has moved so far. Errors: HANDLE_EOF, INVALID_HANDLE, INVALID_PARAMETER. */
tunadapter_status tunadapter_get_statistics(tunadapter_session *session, tunadapter_statistics *statistics);
typedef tunadapter_status tunadapter_get_statistics_fn(tunadapter_session *session, tunadapter_statistics *statistics);

/* The running versions. Asks a TUN interface; makes one for a moment where there is none.
 * Errors: ACCESS_DENIED, NOT_SUPPORTED, INVALID_PARAMETER, OUT_OF_MEMORY, SYSTEM_ERROR. */
tunadapter_status tunadapter_get_version(tunadapter_version *version);
typedef tunadapter_status tunadapter_get_version_fn(tunadapter_version *version);

/* The version of the running library: major << 16 | minor << 8 | patch, as in TUNADAPTER_LIBRARY_VERSION_*. */
uint32_t tunadapter_library_version(void);
typedef uint32_t tunadapter_library_version_fn(void);

/* Sets the process's logger; NULL disables. Lines under way on other threads may still reach the former logger. */
void tunadapter_set_logger(tunadapter_logger logger, void *context);
typedef void tunadapter_set_logger_fn(tunadapter_logger logger, void *context);

#ifdef __cplusplus
}
#endif
#endif
