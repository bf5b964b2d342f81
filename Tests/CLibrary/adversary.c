// What a C program can do to the library that it should not: a logger that calls back, signals, small stacks, a device that goes away.
// Linked with the library; the second part makes interfaces, in a network namespace of its own.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// ---- What keeps a wait from its limit ----

static void nothing(int signal) {
    (void)signal;
}

static void signals_and_spinning(void) {
    tunadapter_session *left, *right;
    start(&left, &right, 0);
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval each = {{0, 20000}, {0, 20000}}, none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &each, NULL);
    double begin = now();
    CHECK(tunadapter_wait_for_packet(right, 200) == TUNADAPTER_TIMEOUT);
    double took = now() - begin;
    CHECK(took > 0.19 && took < 5);
    CHECK(tunadapter_allocate_packet(left, 65535) != NULL);
    begin = now();
    CHECK(tunadapter_wait_for_space(left, 65535, 200) == TUNADAPTER_TIMEOUT);
    took = now() - begin;
    CHECK(took > 0.19 && took < 5);
    setitimer(ITIMER_REAL, &none, NULL);
    tunadapter_end_session(left);
    tunadapter_end_session(right);

    start(&left, &right, 30000000);
    begin = now();
    CHECK(tunadapter_wait_for_packet(right, 0) == TUNADAPTER_TIMEOUT);
    CHECK(tunadapter_wait_for_packet(right, 20) == TUNADAPTER_TIMEOUT);
    CHECK(now() - begin < 10);
    tunadapter_end_session(left);
    tunadapter_end_session(right);
}

// ---- Packets that nobody gives back, and losses ----

static char last_warning[512];

static void keep_warning(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context) {
    (void)timestamp;
    (void)context;
    if (level == TUNADAPTER_LOG_WARNING) snprintf(last_warning, sizeof last_warning, "%s", line);
}

static void held_packets(void) {
    tunadapter_session *left, *right;
    start(&left, &right, 0);
    tunadapter_set_logger(keep_warning, NULL);
    uint8_t *first = tunadapter_allocate_packet(left, 100), *second = tunadapter_allocate_packet(left, 100);
    uint32_t received = 99, allocated = 99;
    CHECK(tunadapter_get_held_packets(left, &received, &allocated) == TUNADAPTER_SUCCESS && received == 0 && allocated == 2);
    CHECK(tunadapter_end_session(left) == TUNADAPTER_SUCCESS);
    CHECK(strstr(last_warning, "2 allocated") != NULL);
    CHECK(tunadapter_get_held_packets(left, NULL, &allocated) == TUNADAPTER_SUCCESS && allocated == 2);
    CHECK(tunadapter_abandon_packet(left, first) == TUNADAPTER_SUCCESS);
    CHECK(tunadapter_get_held_packets(left, &received, &allocated) == TUNADAPTER_SUCCESS && allocated == 1);
    CHECK(tunadapter_abandon_packet(left, second) == TUNADAPTER_SUCCESS);
    CHECK(tunadapter_get_held_packets(left, &received, &allocated) == TUNADAPTER_HANDLE_EOF);
    last_warning[0] = 0;
    CHECK(tunadapter_end_session(right) == TUNADAPTER_SUCCESS && last_warning[0] == 0);
    tunadapter_set_logger(NULL, NULL);

    // What a full peer loses is counted.
    start(&left, &right, 0);
    tunadapter_statistics statistics;
    for (int i = 0; i < 5000; i++) {
        uint8_t *packet = tunadapter_allocate_packet(left, 20);
        CHECK(packet != NULL);
        if (packet == NULL) break;
        memset(packet, 0, 20);
        packet[0] = 0x45;
        packet[3] = 20;
        packet[9] = 253;
        tunadapter_send_packet(left, packet);
    }
    CHECK(tunadapter_get_statistics(left, &statistics) == TUNADAPTER_SUCCESS);
    CHECK(statistics.refused > 0 && statistics.sent + statistics.refused == 5000);
    tunadapter_end_session(left);
    tunadapter_end_session(right);
}

// ---- Stack ----

enum { STACK = 512 << 10, LIMIT = 16 << 10, MARK = 0xa5 };

struct measured {
    void (*body)(void);
    size_t overhead;
};

static void *run_measured(void *argument) {
    ((struct measured *)argument)->body();
    return NULL;
}

// The bytes of a thread's stack that `body` touched.
static size_t stack_of(void (*body)(void)) {
    uint8_t *stack = (uint8_t *)mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    memset(stack, MARK, STACK);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, STACK);
    struct measured measured = {body, 0};
    pthread_t thread;
    CHECK(pthread_create(&thread, &attributes, run_measured, &measured) == 0);
    pthread_join(thread, NULL);
    size_t untouched = 0;
    while (untouched < STACK && stack[untouched] == MARK) untouched++;
    munmap(stack, STACK);
    return STACK - untouched;
}

static void idle(void) {}

static void packet_calls(void) {
    tunadapter_session *left, *right;
    start(&left, &right, 0);
    uint8_t *packet = tunadapter_allocate_packet(left, 100);
    memset(packet, 0, 100);
    packet[0] = 0x45;
    packet[3] = 100;
    packet[9] = 253;
    tunadapter_send_packet(left, packet);
    tunadapter_send_packet(left, packet);
    tunadapter_packet packets[4];
    int32_t count = tunadapter_receive_packets(right, packets, 4);
    if (count > 0) tunadapter_release_packets(right, packets, (uint32_t)count);
    tunadapter_wait_for_packet(right, 1);
    tunadapter_wait_for_space(left, 100, 1);
    tunadapter_end_session(left);
    tunadapter_end_session(right);
}

static const char *pool = "org.example.adversary";

static bool one(tunadapter_adapter *adapter, void *context) {
    (void)adapter;
    (void)context;
    return true;
}

static bool count_one(tunadapter_adapter *adapter, void *count) {
    (void)adapter;
    ++*(int *)count;
    return true;
}

static void adapter_calls(void) {
    tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "A stack of its own", NULL, NULL);
    tunadapter_watch *watch = tunadapter_watch_adapter(adapter);
    char name[TUNADAPTER_MAX_NAME + 1];
    tunadapter_link link;
    tunadapter_change change;
    tunadapter_version version;
    tunadapter_set_address(adapter, "10.9.0.1/24");
    tunadapter_add_address(adapter, "fd09::1/64");
    tunadapter_bring_up(adapter, 1400);
    tunadapter_set_name(adapter, "stack0");
    tunadapter_set_name(adapter, "A stack of one's own");
    tunadapter_get_name(adapter, name);
    tunadapter_get_link(adapter, &link);
    tunadapter_enumerate_adapters(pool, one, NULL);
    while (tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) {}
    tunadapter_get_version(&version);
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    uint8_t *packet = tunadapter_allocate_packet(session, 20);
    memset(packet, 0, 20);
    tunadapter_send_packet(session, packet);
    tunadapter_end_session(session);
    close(tunadapter_open_device(adapter));
    tunadapter_free_watch(watch);
    tunadapter_free_adapter(tunadapter_open_adapter(pool, "nobody's"));
    tunadapter_delete_adapter(adapter, true, NULL);
    tunadapter_free_adapter(adapter);
    tunadapter_delete_unused_adapters(pool, NULL);
}

static void stacks(void (*body)(void), const char *what) {
    size_t used = stack_of(body), base = stack_of(idle);
    printf("  stack of %s: %zu bytes\n", what, used - base);
    CHECK(used - base <= LIMIT);
}

// ---- With interfaces ----

static tunadapter_adapter *logged_adapter;
static int logged;

static void call_back(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context) {
    (void)level;
    (void)timestamp;
    (void)line;
    logged++;
    tunadapter_link link;
    char name[TUNADAPTER_MAX_NAME + 1];
    tunadapter_get_link(logged_adapter, &link);
    tunadapter_get_name(logged_adapter, name);
    tunadapter_delete_adapter(NULL, false, NULL);
    tunadapter_enumerate_adapters(pool, one, NULL);
    tunadapter_set_logger(call_back, context);
}

static void logger(void) {
    tunadapter_set_logger(call_back, NULL);
    tunadapter_adapter *adapter = logged_adapter = tunadapter_create_adapter(pool, "logged0", NULL, NULL);
    CHECK(adapter != NULL && logged == 1);
    CHECK(tunadapter_set_name(adapter, "logged1") == TUNADAPTER_SUCCESS && logged == 2);
    CHECK(tunadapter_set_name(adapter, "lo") == TUNADAPTER_ALREADY_EXISTS && tunadapter_last_error() == TUNADAPTER_ALREADY_EXISTS);
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    CHECK(session != NULL && logged == 3 && tunadapter_last_error() == TUNADAPTER_ALREADY_EXISTS);
    uint8_t *packet = tunadapter_allocate_packet(session, 100);
    CHECK(tunadapter_delete_adapter(adapter, true, NULL) == TUNADAPTER_SUCCESS && logged == 4);
    tunadapter_end_session(session);
    CHECK(logged == 5);
    CHECK(tunadapter_abandon_packet(session, packet) == TUNADAPTER_SUCCESS);
    tunadapter_set_logger(NULL, NULL);
    tunadapter_free_adapter(adapter);
}

static bool is_readable(int descriptor, int milliseconds) {
    struct pollfd event = {descriptor, POLLIN, 0};
    return poll(&event, 1, milliseconds) == 1;
}

static void changes(void) {
    tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "watched0", NULL, NULL);
    tunadapter_watch *watch = tunadapter_watch_adapter(adapter);
    int event = tunadapter_watch_event(watch);
    tunadapter_change change;
    CHECK(tunadapter_bring_up(adapter, 1400) == TUNADAPTER_SUCCESS);
    // As many as there are are announced, one by one.
    int count = 0;
    while (is_readable(event, 100) && tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) count++;
    CHECK(count == 2 && tunadapter_next_change(watch, &change) == TUNADAPTER_NO_MORE_ITEMS);
    // And no more than there are: the kernel may have something to say that is no change, but not for ever.
    for (int i = 0; i < 100 && is_readable(event, 0); i++) tunadapter_next_change(watch, &change);
    CHECK(!is_readable(event, 0));
    // One renaming is one change, whichever way.
    const char *names[] = {"A richer name", "Another rich name", "plain0", "plain1"};
    for (int i = 0; i < 4; i++) {
        CHECK(tunadapter_set_name(adapter, names[i]) == TUNADAPTER_SUCCESS);
        int renamed = 0;
        while (tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) renamed += change.kind == TUNADAPTER_CHANGE_RENAMED;
        CHECK(renamed == 1);
    }
    // Descriptors that come and go while the interface is down.
    CHECK(tunadapter_bring_down(adapter) == TUNADAPTER_SUCCESS);
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    bool attached = false, detached = false;
    double end = now() + 10;
    while (!attached && now() < end) {
        if (!is_readable(event, 2000)) break;
        while (tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) attached |= change.kind == TUNADAPTER_CHANGE_ATTACHED;
    }
    CHECK(tunadapter_end_session(session) == TUNADAPTER_SUCCESS);
    while (!detached && now() < end) {
        if (!is_readable(event, 2000)) break;
        while (tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) detached |= change.kind == TUNADAPTER_CHANGE_DETACHED;
    }
    CHECK(attached && detached);
    CHECK(tunadapter_delete_adapter(adapter, true, NULL) == TUNADAPTER_SUCCESS);
    bool deleted = false;
    while (tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) deleted = change.kind == TUNADAPTER_CHANGE_DELETED;
    CHECK(deleted);
    // Nothing follows, whatever else happens to others.
    tunadapter_adapter *other = tunadapter_create_adapter(pool, "other0", NULL, NULL);
    CHECK(tunadapter_delete_adapter(other, false, NULL) == TUNADAPTER_SUCCESS);
    CHECK(!is_readable(event, 50) && tunadapter_next_change(watch, &change) == TUNADAPTER_NO_MORE_ITEMS);
    tunadapter_free_adapter(other);
    tunadapter_free_watch(watch);
    tunadapter_free_adapter(adapter);

    // A transient adapter goes with the handle that made it, whoever watches.
    tunadapter_adapter_options options = TUNADAPTER_ADAPTER_OPTIONS_INIT;
    options.transient = true;
    adapter = tunadapter_create_adapter_with_options(pool, "watched1", &options);
    watch = tunadapter_watch_adapter(adapter);
    CHECK(tunadapter_free_adapter(adapter) == TUNADAPTER_SUCCESS);
    deleted = false;
    end = now() + 10;
    while (!deleted && now() < end && is_readable(tunadapter_watch_event(watch), 2000))
        while (tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS) deleted = change.kind == TUNADAPTER_CHANGE_DELETED;
    CHECK(deleted);
    tunadapter_free_watch(watch);
}

// What is refused for want of descriptors or handles leaves nothing behind, and works once there are some.
static void limits(void) {
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "limits0", NULL, NULL);
    int device = tunadapter_open_device(adapter);
    CHECK(adapter != NULL && device >= 0);
    few = before;
    few.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int taken[64], count = 0;
    while (count < 64 && (taken[count] = dup(STDERR_FILENO)) >= 0) count++;
    CHECK(tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY) == NULL && tunadapter_last_error() == TUNADAPTER_OUT_OF_MEMORY);
    CHECK(tunadapter_open_device(adapter) == -1 && tunadapter_last_error() == TUNADAPTER_OUT_OF_MEMORY);
    CHECK(tunadapter_start_session_on_device(device, NULL) == NULL && tunadapter_last_error() == TUNADAPTER_OUT_OF_MEMORY);
    CHECK(tunadapter_start_session_on_device(9999, NULL) == NULL && tunadapter_last_error() == TUNADAPTER_INVALID_PARAMETER);
    while (count > 0) close(taken[--count]);
    // The queue in the caller's hands is still found to be this handle's.
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    CHECK(session != NULL);
    tunadapter_end_session(session);
    close(device);

    // A pool with more adapters than there are descriptors is listed, and cleared.
    few.rlim_cur = 24;
    char name[TUNADAPTER_MAX_INTERFACE_NAME + 1];
    for (int i = 1; i < 30; i++) {
        snprintf(name, sizeof name, "limits%d", i);
        tunadapter_free_adapter(tunadapter_create_adapter(pool, name, NULL, NULL));
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int listed = 0;
    CHECK(tunadapter_enumerate_adapters(pool, count_one, &listed) == TUNADAPTER_SUCCESS && listed == 30);
    uint32_t deleted = 0;
    CHECK(tunadapter_delete_unused_adapters(pool, &deleted) == TUNADAPTER_SUCCESS && deleted == 30);
    tunadapter_free_adapter(adapter);

    // As many handles as there may be; each is an adapter's with a socket of its own.
    few.rlim_cur = few.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    static tunadapter_adapter *handles[5000];
    adapter = tunadapter_create_adapter(pool, "limits0", NULL, NULL);
    count = 0;
    while (count < 5000 && (handles[count] = tunadapter_open_adapter(pool, "limits0")) != NULL) count++;
    CHECK(count < 5000 && tunadapter_last_error() == TUNADAPTER_OUT_OF_MEMORY);
    CHECK(tunadapter_create_adapter(pool, "limits1", NULL, NULL) == NULL && tunadapter_last_error() == TUNADAPTER_OUT_OF_MEMORY);
    while (count > 0) tunadapter_free_adapter(handles[--count]);
    tunadapter_adapter *made = tunadapter_create_adapter(pool, "limits1", NULL, NULL);
    CHECK(made != NULL);
    tunadapter_free_adapter(made);
    CHECK(tunadapter_delete_unused_adapters(pool, &deleted) == TUNADAPTER_SUCCESS && deleted == 2);
    tunadapter_free_adapter(adapter);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void gone(void) {
    tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "gone0", NULL, NULL);
    CHECK(tunadapter_bring_up(adapter, 0) == TUNADAPTER_SUCCESS);
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    tunadapter_session *asking = session;
    CHECK(system("ip link del gone0") == 0);
    int successes = 0;
    double end = now() + 5;
    tunadapter_status status;
    while ((status = tunadapter_wait_for_packet(asking, 100)) == TUNADAPTER_SUCCESS && now() < end) successes++;
    CHECK(status == TUNADAPTER_HANDLE_EOF && successes == 0);
    tunadapter_end_session(session);
    tunadapter_free_adapter(adapter);

    adapter = tunadapter_create_adapter(pool, "gone1", NULL, NULL);
    session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    CHECK(system("ip link del gone1") == 0);
    CHECK(!tunadapter_is_packet_available(session) && tunadapter_last_error() == TUNADAPTER_HANDLE_EOF);
    tunadapter_end_session(session);
    tunadapter_free_adapter(adapter);
}

static void addresses_and_names(void) {
    tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "names0", NULL, NULL);
    CHECK(tunadapter_set_address(adapter, "10.7.0.1") == TUNADAPTER_INVALID_PARAMETER);
    CHECK(tunadapter_add_address(adapter, "fd07::1") == TUNADAPTER_INVALID_PARAMETER);
    CHECK(tunadapter_remove_address(adapter, "10.7.0.1") == TUNADAPTER_INVALID_PARAMETER);
    const char *reserved[] = {"all", "default"};
    for (int i = 0; i < 2; i++) {
        char name[TUNADAPTER_MAX_NAME + 1], interface[TUNADAPTER_MAX_INTERFACE_NAME + 1];
        tunadapter_adapter *other = tunadapter_create_adapter(pool, reserved[i], NULL, NULL);
        CHECK(other != NULL && tunadapter_get_name(other, name) == TUNADAPTER_SUCCESS && strcmp(name, reserved[i]) == 0);
        CHECK(tunadapter_get_interface_name(other, interface) == TUNADAPTER_SUCCESS && strcmp(interface, reserved[i]) != 0);
        CHECK(tunadapter_delete_adapter(other, false, NULL) == TUNADAPTER_SUCCESS);
        tunadapter_free_adapter(other);
        CHECK(tunadapter_set_name(adapter, reserved[i]) == TUNADAPTER_SUCCESS);
    }
    // A descriptor of one's own queue doesn't stand in one's own way.
    int device = tunadapter_open_device(adapter);
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    CHECK(device >= 0 && session != NULL);
    tunadapter_end_session(session);
    close(device);
    CHECK(tunadapter_delete_adapter(adapter, false, NULL) == TUNADAPTER_SUCCESS);
    tunadapter_free_adapter(adapter);
}

int main(void) {
    signals_and_spinning();
    held_packets();
    stacks(packet_calls, "sessions and packets");
    tunadapter_adapter *probe = tunadapter_create_adapter(pool, "probe0", NULL, NULL);
    if (probe == NULL) {
        printf("skipped: real interfaces (%s)\n", tunadapter_error_message());
    } else {
        tunadapter_delete_adapter(probe, true, NULL);
        tunadapter_free_adapter(probe);
        logger();
        changes();
        limits();
        gone();
        addresses_and_names();
        stacks(adapter_calls, "adapters");
    }
    if (failures == 0) printf("nothing that was tried did harm\n");
    return failures == 0 ? 0 : 1;
}
