// Uses libtunadapter as a stranger's program would: every function, in memory, and with a real interface where that is permitted.
// Compiled as C11 and as C++; with -DWITH_DLOPEN every function is resolved with dlsym, else the library is linked.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tunadapter.h>

#define FUNCTIONS(X)                                                                                                          \
    X(tunadapter_last_error) X(tunadapter_error_message) X(tunadapter_error_name) X(tunadapter_create_adapter)                 \
    X(tunadapter_create_adapter_with_options) X(tunadapter_open_adapter) X(tunadapter_free_adapter)                            \
    X(tunadapter_delete_adapter) X(tunadapter_enumerate_adapters) X(tunadapter_delete_unused_adapters)                         \
    X(tunadapter_open_device) X(tunadapter_get_guid) X(tunadapter_get_luid) X(tunadapter_get_name)                             \
    X(tunadapter_get_interface_name) X(tunadapter_set_name) X(tunadapter_set_address) X(tunadapter_add_address)                \
    X(tunadapter_remove_address) X(tunadapter_bring_up) X(tunadapter_bring_down) X(tunadapter_get_link)                        \
    X(tunadapter_watch_adapter) X(tunadapter_watch_event) X(tunadapter_next_change) X(tunadapter_free_watch)                   \
    X(tunadapter_start_session) X(tunadapter_start_session_with_options) X(tunadapter_start_session_on_device)                 \
    X(tunadapter_start_memory_sessions)                                                                                        \
    X(tunadapter_end_session) X(tunadapter_is_packet_available) X(tunadapter_receive_packet) X(tunadapter_release_packet)      \
    X(tunadapter_allocate_packet) X(tunadapter_send_packet) X(tunadapter_send_packet_shortened) X(tunadapter_abandon_packet)   \
    X(tunadapter_wait_for_packet) X(tunadapter_wait_for_space) X(tunadapter_read_event) X(tunadapter_space_event)              \
    X(tunadapter_receive_packets) X(tunadapter_release_packets) X(tunadapter_allocate_packets) X(tunadapter_send_packets)      \
    X(tunadapter_get_statistics) X(tunadapter_get_held_packets) X(tunadapter_get_version) X(tunadapter_library_version)        \
    X(tunadapter_set_logger)

// One pointer for each function, of the type that the header names: the compiler compares it with the declaration.
static struct {
#define FIELD(name) name##_fn *name;
    FUNCTIONS(FIELD)
} ta;

#ifdef WITH_DLOPEN
#include <dlfcn.h>
static void resolve(void) {
    void *library = dlopen("libtunadapter.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "dlopen: %s\n", dlerror());
        exit(1);
    }
    void *symbol;
#define RESOLVE(name)                                            \
    symbol = dlsym(library, #name);                              \
    if (symbol == NULL) {                                        \
        fprintf(stderr, "dlsym %s: %s\n", #name, dlerror());     \
        exit(1);                                                 \
    }                                                            \
    memcpy(&ta.name, &symbol, sizeof symbol);
    FUNCTIONS(RESOLVE)
}
#else
static void resolve(void) {
#define TAKE(name) ta.name = name;
    FUNCTIONS(TAKE)
}
#endif

static int failures;
#define CHECK(condition)                                                                                                     \
    do {                                                                                                                     \
        if (!(condition)) {                                                                                                  \
            failures++;                                                                                                      \
            fprintf(stderr, "%s:%d: failed: %s (last error %s: %s)\n", __FILE__, __LINE__, #condition,                       \
                ta.tunadapter_error_name(ta.tunadapter_last_error()), ta.tunadapter_error_message());                        \
        }                                                                                                                    \
    } while (0)
#define FAILS_WITH(code, call) CHECK((call) == (code) && ta.tunadapter_last_error() == (code) && ta.tunadapter_error_message()[0] != 0)
#define GIVES_NULL(code, call) CHECK((call) == NULL && ta.tunadapter_last_error() == (code))

// An IPv4 packet of `size` bytes with a number in it.
static void fill(uint8_t *packet, uint32_t size, uint32_t number) {
    memset(packet, 0, size);
    packet[0] = 0x45;
    packet[2] = (uint8_t)(size >> 8);
    packet[3] = (uint8_t)size;
    packet[8] = 64;
    packet[9] = 253;
    memcpy(packet + 20, &number, sizeof number);
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) sum += (uint32_t)packet[i] << 8 | packet[i + 1];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    packet[10] = (uint8_t)(~sum >> 8);
    packet[11] = (uint8_t)~sum;
}

static uint32_t number_of(const uint8_t *packet) {
    uint32_t number;
    memcpy(&number, packet + 20, sizeof number);
    return number;
}

static void *wait_for_end(void *session) {
    tunadapter_status status;
    do status = ta.tunadapter_wait_for_packet((tunadapter_session *)session, TUNADAPTER_FOREVER);
    while (status == TUNADAPTER_SUCCESS);
    return (void *)(uintptr_t)status;
}

static void in_memory(void) {
    tunadapter_session *left, *right;
    tunadapter_session_options options = TUNADAPTER_SESSION_OPTIONS_INIT;
    options.capacity = TUNADAPTER_MIN_RING_CAPACITY;
    options.headroom = 16;
    options.tailroom = 16;
    CHECK(ta.tunadapter_start_memory_sessions(&options, &left, &right) == TUNADAPTER_SUCCESS);
    uint32_t size = 0;
    GIVES_NULL(TUNADAPTER_NO_MORE_ITEMS, ta.tunadapter_receive_packet(right, &size));
    FAILS_WITH(TUNADAPTER_TIMEOUT, ta.tunadapter_wait_for_packet(right, 1));
    CHECK(!ta.tunadapter_is_packet_available(right));

    // Sent in another order than allocated; the one in the middle is abandoned, one is shortened.
    uint8_t *packets[4];
    for (uint32_t i = 0; i < 4; i++) {
        packets[i] = ta.tunadapter_allocate_packet(left, 100);
        CHECK(packets[i] != NULL);
        memset(packets[i] - 16, 0xee, 16);
        memset(packets[i] + 112, 0xee, 16);
    }
    for (uint32_t i = 0; i < 4; i++) fill(packets[i], i == 3 ? 60 : 100, i);
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_send_packet_shortened(left, packets[3], 101));
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_send_packet_shortened(left, packets[3], 0));
    CHECK(ta.tunadapter_send_packet_shortened(left, packets[3], 60) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_abandon_packet(left, packets[1]) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_send_packet(left, packets[2]) == TUNADAPTER_SUCCESS);
    CHECK(!ta.tunadapter_is_packet_available(right));
    CHECK(ta.tunadapter_send_packet(left, packets[0]) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_send_packet(left, packets[0]));
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_abandon_packet(left, packets[1]));
    CHECK(ta.tunadapter_wait_for_packet(right, 1000) == TUNADAPTER_SUCCESS);
    struct pollfd event = {ta.tunadapter_read_event(right), POLLIN, 0};
    CHECK(poll(&event, 1, 1000) == 1);
    uint8_t *received[3];
    const uint32_t numbers[3] = {0, 2, 3}, sizes[3] = {100, 100, 60};
    for (int i = 0; i < 3; i++) {
        received[i] = ta.tunadapter_receive_packet(right, &size);
        CHECK(received[i] != NULL && size == sizes[i] && number_of(received[i]) == numbers[i]);
    }
    // Released in any order, once; pointers that are no packets change nothing.
    uint8_t outside[64];
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packet(right, outside));
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packet(right, NULL));
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packet(right, received[1] + 1));
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packet(left, received[1]));
    CHECK(ta.tunadapter_release_packet(right, received[2]) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_release_packet(right, received[0]) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packet(right, received[0]));
    CHECK(ta.tunadapter_release_packet(right, received[1]) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packet(right, received[2]));

    // A full ring, and room again.
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_allocate_packet(left, 0));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_allocate_packet(left, 65536));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_receive_packet(left, NULL));
    uint8_t *large = ta.tunadapter_allocate_packet(left, 65535);
    CHECK(large != NULL);
    GIVES_NULL(TUNADAPTER_BUFFER_OVERFLOW, ta.tunadapter_allocate_packet(left, 65535));
    FAILS_WITH(TUNADAPTER_TIMEOUT, ta.tunadapter_wait_for_space(left, 65535, 1));
    CHECK(ta.tunadapter_abandon_packet(left, large) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_wait_for_space(left, 65535, 1000) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_space_event(left) >= 0);
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_wait_for_space(left, 0, 1));

    // Batches.
    tunadapter_packet out[8], in[16];
    int32_t count = ta.tunadapter_allocate_packets(left, 200, out, 8);
    CHECK(count == 8 && out[1].data - out[0].data == 16 + 208 + 16);
    for (int32_t i = 0; i < count; i++) fill(out[i].data, 200, (uint32_t)i);
    out[5].size = 0;
    out[6].size = 201;
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_send_packets(left, out, 8));
    CHECK(ta.tunadapter_abandon_packet(left, out[6].data) == TUNADAPTER_SUCCESS);
    int32_t got = ta.tunadapter_receive_packets(right, in, 16);
    CHECK(got == 6 && number_of(in[4].data) == 4 && number_of(in[5].data) == 7);
    CHECK(ta.tunadapter_release_packets(right, in, 6) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_release_packets(right, in, 6));
    CHECK(ta.tunadapter_receive_packets(right, in, 16) == -1 && ta.tunadapter_last_error() == TUNADAPTER_NO_MORE_ITEMS);
    CHECK(ta.tunadapter_receive_packets(right, NULL, 16) == -1 && ta.tunadapter_last_error() == TUNADAPTER_INVALID_PARAMETER);
    CHECK(ta.tunadapter_receive_packets(right, in, 0) == -1 && ta.tunadapter_last_error() == TUNADAPTER_INVALID_PARAMETER);
    tunadapter_statistics statistics;
    CHECK(ta.tunadapter_get_statistics(right, &statistics) == TUNADAPTER_SUCCESS && statistics.received == 9);

    // The end: a waiting thread wakes, held packets stay valid, everything else says so.
    uint8_t *held = ta.tunadapter_allocate_packet(right, 1000);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_end, right);
    usleep(20000);
    CHECK(ta.tunadapter_end_session(right) == TUNADAPTER_SUCCESS);
    void *status = NULL;
    pthread_join(thread, &status);
    CHECK((uintptr_t)status == TUNADAPTER_HANDLE_EOF);
    memset(held, 0xaa, 1000);
    FAILS_WITH(TUNADAPTER_HANDLE_EOF, ta.tunadapter_end_session(right));
    GIVES_NULL(TUNADAPTER_HANDLE_EOF, ta.tunadapter_allocate_packet(right, 10));
    GIVES_NULL(TUNADAPTER_HANDLE_EOF, ta.tunadapter_receive_packet(right, &size));
    FAILS_WITH(TUNADAPTER_HANDLE_EOF, ta.tunadapter_wait_for_packet(right, TUNADAPTER_FOREVER));
    CHECK(ta.tunadapter_abandon_packet(right, held) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_HANDLE_EOF, ta.tunadapter_abandon_packet(right, held));
    FAILS_WITH(TUNADAPTER_HANDLE_EOF, ta.tunadapter_end_session(right));
    CHECK(ta.tunadapter_end_session(left) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_end_session(NULL) == TUNADAPTER_SUCCESS);

    // Handles that are none.
    GIVES_NULL(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_allocate_packet(NULL, 10));
    GIVES_NULL(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_allocate_packet((tunadapter_session *)(void *)outside, 10));
    GIVES_NULL(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_allocate_packet((tunadapter_session *)(uintptr_t)-1, 10));
    GIVES_NULL(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_start_session((tunadapter_adapter *)left, 0x400000));
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_free_adapter((tunadapter_adapter *)(void *)outside));
    CHECK(ta.tunadapter_open_device(NULL) == -1 && ta.tunadapter_last_error() == TUNADAPTER_INVALID_HANDLE);
    options.capacity = 12345;
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_start_memory_sessions(&options, &left, &right));
    options.struct_size = 1;
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_start_memory_sessions(&options, &left, &right));
    CHECK(strcmp(ta.tunadapter_error_name(TUNADAPTER_NO_MORE_ITEMS), "NO_MORE_ITEMS") == 0);
    CHECK(strcmp(ta.tunadapter_error_name((tunadapter_status)99), "UNKNOWN") == 0);
}

static bool count_adapters(tunadapter_adapter *adapter, void *context) {
    char name[TUNADAPTER_MAX_NAME + 1];
    CHECK(ta.tunadapter_get_name(adapter, name) == TUNADAPTER_SUCCESS);
    int *count = (int *)context;
    return ++*count < 2;
}

static void count_lines(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context) {
    (void)level;
    if (timestamp > 0 && line[0] != 0) ++*(int *)context;
}

static void *answer_pings(void *argument) {
    tunadapter_session *session = (tunadapter_session *)argument;
    for (;;) {
        uint32_t size;
        uint8_t *packet = ta.tunadapter_receive_packet(session, &size);
        if (packet == NULL) {
            if (ta.tunadapter_last_error() != TUNADAPTER_NO_MORE_ITEMS) return NULL;
            ta.tunadapter_wait_for_packet(session, TUNADAPTER_FOREVER);
            continue;
        }
        uint8_t *reply = size >= 28 && packet[9] == 1 ? ta.tunadapter_allocate_packet(session, size) : NULL;
        if (reply != NULL) {
            memcpy(reply, packet, size);
            memcpy(reply + 12, packet + 16, 4);
            memcpy(reply + 16, packet + 12, 4);
            reply[20] = 0;
            uint32_t sum = ((uint32_t)reply[22] << 8 | reply[23]) + 0x0800;
            sum += sum >> 16;
            reply[22] = (uint8_t)(sum >> 8);
            reply[23] = (uint8_t)sum;
            ta.tunadapter_send_packet(session, reply);
        }
        ta.tunadapter_release_packet(session, packet);
    }
}

// Makes an adapter in the network namespace of a child process, and hands its queue to a session as another process would.
static void in_another_namespace(void) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        char done = unshare(CLONE_NEWNET) == 0;
        if (write(ready[1], &done, 1) == 1) pause();
        _exit(0);
    }
    char done = 0, path[64];
    CHECK(child > 0 && read(ready[0], &done, 1) == 1 && done == 1);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)child);
    tunadapter_adapter_options options = TUNADAPTER_ADAPTER_OPTIONS_INIT;
    options.transient = true;
    options.unlisted = true;
    options.network_namespace = path;
    tunadapter_adapter *adapter = ta.tunadapter_create_adapter_with_options(NULL, "far0", &options);
    CHECK(adapter != NULL && system("ip link show far0 2>/dev/null") != 0);
    CHECK(ta.tunadapter_set_address(adapter, "10.77.0.1/24") == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_bring_up(adapter, 1400) == TUNADAPTER_SUCCESS);
    int device = ta.tunadapter_open_device(adapter);
    CHECK(device >= 0);
    tunadapter_session *session = ta.tunadapter_start_session_on_device(device, NULL);
    CHECK(session != NULL && ta.tunadapter_end_session(session) == TUNADAPTER_SUCCESS && close(device) == 0);
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_start_session_on_device(-1, NULL));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_start_session_on_device(ready[0], NULL));
    CHECK(ta.tunadapter_free_adapter(adapter) == TUNADAPTER_SUCCESS);
    options.network_namespace = "/dev/null";
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_create_adapter_with_options(NULL, "far0", &options));
    options.network_namespace = "/run/netns/there-is-none";
    GIVES_NULL(TUNADAPTER_FILE_NOT_FOUND, ta.tunadapter_create_adapter_with_options(NULL, "far0", &options));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static bool with_interface(void) {
    const char *pool = "org.example.conformance";
    tunadapter_adapter_options transient = TUNADAPTER_ADAPTER_OPTIONS_INIT;
    transient.transient = true;
    tunadapter_adapter *probe = ta.tunadapter_create_adapter_with_options(pool, "probe0", &transient);
    if (probe == NULL) {
        printf("skipped: real interfaces (%s)\n", ta.tunadapter_error_message());
        return false;
    }
    CHECK(ta.tunadapter_free_adapter(probe) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_free_adapter(probe));
    GIVES_NULL(TUNADAPTER_FILE_NOT_FOUND, ta.tunadapter_open_adapter(pool, "probe0"));
    GIVES_NULL(TUNADAPTER_ALREADY_EXISTS, ta.tunadapter_open_adapter(pool, "lo"));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_open_adapter(pool, NULL));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_create_adapter(pool, "\xff\xfe", NULL, NULL));

    // A plain interface, in no pool. Options of the first header, which ended before `unlisted`, are taken too.
    tunadapter_adapter_options plain = transient;
    plain.unlisted = true;
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_create_adapter_with_options(pool, "plain0", &plain));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_create_adapter_with_options(NULL, "no interface's", &plain));
    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_create_adapter_with_options(NULL, "plain0", &transient));
    probe = ta.tunadapter_create_adapter_with_options(NULL, "plain0", &plain);
    CHECK(probe != NULL && system("ip link show plain0 | grep -q alias") != 0);
    GIVES_NULL(TUNADAPTER_ALREADY_EXISTS, ta.tunadapter_open_adapter(pool, "plain0"));
    CHECK(ta.tunadapter_free_adapter(probe) == TUNADAPTER_SUCCESS);
    plain.struct_size = offsetof(tunadapter_adapter_options, unlisted);
    probe = ta.tunadapter_create_adapter_with_options(pool, "listed0", &plain);
    CHECK(probe != NULL && system("ip link show listed0 | grep -q alias") == 0);
    CHECK(ta.tunadapter_free_adapter(probe) == TUNADAPTER_SUCCESS);
    const uint32_t sizes[] = {0, 4, plain.struct_size - 1, plain.struct_size + 1, (uint32_t)sizeof plain - 1, (uint32_t)sizeof plain + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        plain.struct_size = sizes[i];
        GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_create_adapter_with_options(NULL, "plain0", &plain));
    }

    in_another_namespace();

    int lines = 0;
    ta.tunadapter_set_logger(count_lines, &lines);
    tunadapter_guid wanted = {{0xde, 0xad, 0xba, 0xbe, 0xca, 0xfe, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8}}, guid;
    bool reboot = true;
    tunadapter_adapter *adapter = ta.tunadapter_create_adapter(pool, "conf0", &wanted, &reboot);
    CHECK(adapter != NULL && !reboot && lines > 0);
    ta.tunadapter_set_logger(NULL, NULL);
    CHECK(ta.tunadapter_get_guid(adapter, &guid) == TUNADAPTER_SUCCESS && memcmp(&guid, &wanted, sizeof guid) == 0);
    uint64_t luid;
    tunadapter_link link;
    CHECK(ta.tunadapter_get_luid(adapter, &luid) == TUNADAPTER_SUCCESS && ta.tunadapter_get_link(adapter, &link) == TUNADAPTER_SUCCESS);
    CHECK(luid >> 48 == 53 && (luid >> 24 & 0xffffff) == link.interface_index && link.is_persistent && !link.is_in_use);
    tunadapter_adapter *second = ta.tunadapter_create_adapter(pool, "A name of its own", NULL, NULL);
    char name[TUNADAPTER_MAX_NAME + 1], interface[TUNADAPTER_MAX_INTERFACE_NAME + 1];
    CHECK(ta.tunadapter_get_name(second, name) == TUNADAPTER_SUCCESS && strcmp(name, "A name of its own") == 0);
    CHECK(ta.tunadapter_get_interface_name(second, interface) == TUNADAPTER_SUCCESS && strcmp(name, interface) != 0);
    int count = 0;
    CHECK(ta.tunadapter_enumerate_adapters(pool, count_adapters, &count) == TUNADAPTER_SUCCESS && count == 2);
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_enumerate_adapters(pool, NULL, NULL));

    tunadapter_watch *watch = ta.tunadapter_watch_adapter(adapter);
    tunadapter_change change;
    CHECK(watch != NULL && ta.tunadapter_watch_event(watch) >= 0);
    CHECK(ta.tunadapter_set_address(adapter, "10.7.0.1/24") == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_add_address(adapter, "fd07::1/64") == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_remove_address(adapter, "fd07::1/64") == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_set_address(adapter, "ten"));
    CHECK(ta.tunadapter_set_name(adapter, "conf1") == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_ALREADY_EXISTS, ta.tunadapter_set_name(adapter, "A name of its own"));
    CHECK(ta.tunadapter_bring_up(adapter, 1420) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS && change.kind == TUNADAPTER_CHANGE_RENAMED);
    bool up = false, mtu = false;
    while (ta.tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) {
        up |= change.kind == TUNADAPTER_CHANGE_UP;
        mtu |= change.kind == TUNADAPTER_CHANGE_MTU && change.mtu == 1420;
    }
    CHECK(up && mtu && ta.tunadapter_last_error() == TUNADAPTER_NO_MORE_ITEMS);
    CHECK(ta.tunadapter_free_watch(watch) == TUNADAPTER_SUCCESS);
    FAILS_WITH(TUNADAPTER_INVALID_HANDLE, ta.tunadapter_next_change(watch, &change));

    GIVES_NULL(TUNADAPTER_INVALID_PARAMETER, ta.tunadapter_start_session(adapter, 12345));
    tunadapter_session *session = ta.tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    CHECK(session != NULL);
    GIVES_NULL(TUNADAPTER_BUSY, ta.tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY));
    FAILS_WITH(TUNADAPTER_BUSY, ta.tunadapter_delete_adapter(adapter, false, NULL));
    uint32_t deleted = 99;
    CHECK(ta.tunadapter_delete_unused_adapters(pool, &deleted) == TUNADAPTER_SUCCESS && deleted == 1);
    int device = ta.tunadapter_open_device(adapter);
    CHECK(device >= 0 && close(device) == 0);
    pthread_t thread;
    pthread_create(&thread, NULL, answer_pings, session);
    CHECK(system("ping -c 3 -i 0.01 -W 2 -q 10.7.0.99 >/dev/null") == 0);
    CHECK(ta.tunadapter_bring_down(adapter) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_delete_adapter(adapter, true, &reboot) == TUNADAPTER_SUCCESS && !reboot);
    CHECK(ta.tunadapter_delete_adapter(adapter, false, NULL) == TUNADAPTER_SUCCESS);
    pthread_join(thread, NULL);
    FAILS_WITH(TUNADAPTER_HANDLE_EOF, ta.tunadapter_bring_up(adapter, 0));
    CHECK(ta.tunadapter_end_session(session) == TUNADAPTER_SUCCESS);
    CHECK(ta.tunadapter_free_adapter(adapter) == TUNADAPTER_SUCCESS && ta.tunadapter_free_adapter(second) == TUNADAPTER_SUCCESS);
    tunadapter_version version;
    CHECK(ta.tunadapter_get_version(&version) == TUNADAPTER_SUCCESS && version.kernel_major >= 4);
    return true;
}

int main(void) {
    resolve();
    CHECK(ta.tunadapter_last_error() == TUNADAPTER_SUCCESS);
    const uint32_t version = TUNADAPTER_LIBRARY_VERSION_MAJOR << 16 | TUNADAPTER_LIBRARY_VERSION_MINOR << 8 | TUNADAPTER_LIBRARY_VERSION_PATCH;
    CHECK(ta.tunadapter_library_version() == version);
    in_memory();
    bool real = with_interface();
    if (failures == 0) printf("every function works, in memory%s\n", real ? " and with a real interface" : "");
    return failures == 0 ? 0 : 1;
}
