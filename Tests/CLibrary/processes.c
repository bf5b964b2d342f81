// What several processes do with the library at once: children that use what their parent made, and rivals for one name.
// Linked with the library; the second part makes interfaces, in a network namespace of its own.
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

static const char *pool = "org.example.processes";

static double processor_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void send(tunadapter_session *session, uint32_t size) {
    uint8_t *packet = tunadapter_allocate_packet(session, size);
    CHECK(packet != NULL);
    if (packet == NULL) return;
    memset(packet, 0, size);
    packet[0] = 0x45;
    packet[2] = (uint8_t)(size >> 8);
    packet[3] = (uint8_t)size;
    packet[9] = 253;
    CHECK(tunadapter_send_packet(session, packet) == TUNADAPTER_SUCCESS);
}

// Whether the session's packets come, and wake whoever waits for them.
static void expect_packet(tunadapter_session *session) {
    uint32_t size;
    CHECK(tunadapter_wait_for_packet(session, 5000) == TUNADAPTER_SUCCESS);
    uint8_t *packet = tunadapter_receive_packet(session, &size);
    CHECK(packet != NULL && tunadapter_release_packet(session, packet) == TUNADAPTER_SUCCESS);
}

static void children(void) {
    tunadapter_session *left, *right;
    start(&left, &right, 0);
    uint8_t *held = tunadapter_allocate_packet(left, 65535);
    CHECK(held != NULL && tunadapter_allocate_packet(left, 65535) == NULL);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        uint32_t size;
        int wrong = 0;
        wrong += !(tunadapter_receive_packet(right, &size) == NULL && tunadapter_last_error() == TUNADAPTER_HANDLE_EOF);
        wrong += !(tunadapter_allocate_packet(left, 100) == NULL && tunadapter_last_error() == TUNADAPTER_HANDLE_EOF);
        wrong += tunadapter_wait_for_packet(right, TUNADAPTER_FOREVER) != TUNADAPTER_HANDLE_EOF;
        wrong += tunadapter_wait_for_space(left, 65535, TUNADAPTER_FOREVER) != TUNADAPTER_HANDLE_EOF;
        wrong += tunadapter_is_packet_available(right);
        wrong += tunadapter_abandon_packet(left, held) != TUNADAPTER_SUCCESS;
        wrong += tunadapter_end_session(right) != TUNADAPTER_SUCCESS;
        wrong += tunadapter_end_session(left) != TUNADAPTER_SUCCESS;
        // What it makes itself works.
        tunadapter_session *own, *other;
        start(&own, &other, 0);
        uint8_t *packet = tunadapter_allocate_packet(own, 100);
        wrong += packet == NULL || tunadapter_abandon_packet(own, packet) != TUNADAPTER_SUCCESS;
        wrong += tunadapter_end_session(own) != TUNADAPTER_SUCCESS || tunadapter_end_session(other) != TUNADAPTER_SUCCESS;
        _exit(wrong + failures);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    // The parent's waits wait, without spinning, and its session runs.
    double before = processor_time();
    CHECK(tunadapter_wait_for_packet(right, 300) == TUNADAPTER_TIMEOUT);
    CHECK(tunadapter_wait_for_space(left, 65535, 300) == TUNADAPTER_TIMEOUT);
    CHECK(processor_time() - before < 0.2);
    CHECK(tunadapter_abandon_packet(left, held) == TUNADAPTER_SUCCESS);
    CHECK(tunadapter_wait_for_space(left, 65535, 5000) == TUNADAPTER_SUCCESS);
    send(left, 100);
    expect_packet(right);
    tunadapter_end_session(left);
    tunadapter_end_session(right);
}

// A parent whose ring is full sleeps until it has given packets back itself: what its child gives back of its copy is no room here.
static void child_of_a_full_ring(void) {
    tunadapter_session *left, *right;
    start(&left, &right, 0);
    uint32_t size;
    uint8_t *held[2];
    // Two fit.
    for (int i = 0; i < 3; i++) send(left, 60000);
    for (int i = 0; i < 2; i++) CHECK((held[i] = tunadapter_receive_packet(right, &size)) != NULL);
    CHECK(tunadapter_receive_packet(right, &size) == NULL && tunadapter_last_error() == TUNADAPTER_NO_MORE_ITEMS);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int wrong = 0;
        for (int i = 0; i < 2; i++) wrong += tunadapter_release_packet(right, held[i]) != TUNADAPTER_SUCCESS;
        _exit(wrong);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(tunadapter_wait_for_packet(right, 300) == TUNADAPTER_TIMEOUT);
    for (int i = 0; i < 2; i++) CHECK(tunadapter_release_packet(right, held[i]) == TUNADAPTER_SUCCESS);
    expect_packet(right);
    tunadapter_end_session(left);
    tunadapter_end_session(right);
}

static void inherited_adapter(void) {
    tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "forked0", NULL, NULL);
    tunadapter_watch *watch = tunadapter_watch_adapter(adapter);
    tunadapter_session *session = tunadapter_start_session(adapter, TUNADAPTER_MIN_RING_CAPACITY);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        tunadapter_link link;
        tunadapter_change change;
        int wrong = tunadapter_get_link(adapter, &link) != TUNADAPTER_INVALID_HANDLE;
        wrong += tunadapter_bring_up(adapter, 0) != TUNADAPTER_INVALID_HANDLE;
        wrong += tunadapter_next_change(watch, &change) != TUNADAPTER_INVALID_HANDLE;
        wrong += tunadapter_free_watch(watch) != TUNADAPTER_SUCCESS;
        wrong += tunadapter_end_session(session) != TUNADAPTER_SUCCESS;
        wrong += tunadapter_free_adapter(adapter) != TUNADAPTER_SUCCESS;
        _exit(wrong);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(tunadapter_bring_up(adapter, 0) == TUNADAPTER_SUCCESS);
    double before = processor_time();
    tunadapter_status waited = tunadapter_wait_for_packet(session, 200);
    CHECK(waited == TUNADAPTER_TIMEOUT || waited == TUNADAPTER_SUCCESS);
    CHECK(processor_time() - before < 0.15);
    CHECK(!tunadapter_is_packet_available(NULL));
    tunadapter_change change;
    CHECK(tunadapter_next_change(watch, &change) == TUNADAPTER_SUCCESS);
    tunadapter_free_watch(watch);
    CHECK(tunadapter_delete_adapter(adapter, true, NULL) == TUNADAPTER_SUCCESS);
    tunadapter_end_session(session);
    tunadapter_free_adapter(adapter);
}

// One rich name, wanted by several processes at once: each time exactly one gets it.
static void rivals(void) {
    for (int round = 0; round < 100; round++) {
        pid_t children[4];
        int gate[2];
        fflush(NULL);
        CHECK(pipe(gate) == 0);
        for (int i = 0; i < 4; i++) {
            children[i] = fork();
            if (children[i] != 0) continue;
            // They begin together, when the last one is there.
            char byte;
            close(gate[1]);
            if (read(gate[0], &byte, 1) != 0) _exit(2);
            tunadapter_adapter *adapter = tunadapter_create_adapter(pool, "Everybody's favourite", NULL, NULL);
            _exit(adapter != NULL ? 1 : tunadapter_last_error() == TUNADAPTER_ALREADY_EXISTS ? 0 : 2);
        }
        close(gate[0]);
        close(gate[1]);
        int winners = 0, status;
        for (int i = 0; i < 4; i++) {
            waitpid(children[i], &status, 0);
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
            winners += WEXITSTATUS(status) == 1;
        }
        CHECK(winners == 1);
        tunadapter_delete_unused_adapters(pool, NULL);
    }
}

int main(void) {
    children();
    child_of_a_full_ring();
    tunadapter_adapter *probe = tunadapter_create_adapter(pool, "probe0", NULL, NULL);
    if (probe == NULL) {
        printf("skipped: real interfaces (%s)\n", tunadapter_error_message());
    } else {
        tunadapter_delete_adapter(probe, true, NULL);
        tunadapter_free_adapter(probe);
        inherited_adapter();
        rivals();
    }
    if (failures == 0) printf("processes don't harm each other\n");
    return failures == 0 ? 0 : 1;
}
