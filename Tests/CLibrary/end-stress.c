// Ends sessions while one to four other threads allocate, send, receive and give back: what a call has handed out stays valid memory until it
// is given back, and every call after the end says HANDLE_EOF. A pointer into a ring that is gone ends the program with a signal.
//   end-stress [ENDS]      100000 by default
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tunadapter.h>

enum { USERS = 4, SIZE = 700 };

static _Atomic(tunadapter_session *) current;
static _Atomic unsigned users_of_round;
static pthread_barrier_t begin, end;
static _Atomic unsigned long handed_out, beyond_end, failures;
static _Atomic bool over;

static void fail(const char *what, tunadapter_status status) {
    if (atomic_fetch_add(&failures, 1) < 10) fprintf(stderr, "%s: %s\n", what, tunadapter_error_name(status));
}

// Whether the bytes that were written are still there a little later.
static void use(uint8_t *packet, unsigned size, uint8_t mark) {
    memset(packet, mark, size);
    if (mark % 8 == 0) sched_yield();
    for (unsigned i = 0; i < size; i++) {
        if (packet[i] == mark) continue;
        fail("a held packet changed", TUNADAPTER_SUCCESS);
        return;
    }
}

static void *user(void *argument) {
    unsigned number = (unsigned)(uintptr_t)argument;
    for (;;) {
        pthread_barrier_wait(&begin);
        if (atomic_load(&over)) return NULL;
        if (number < atomic_load(&users_of_round)) {
            tunadapter_session *session = atomic_load(&current);
            for (unsigned turn = 0;; turn++) {
                uint32_t size = SIZE;
                bool receives = (turn + number) % 2;
                uint8_t *packet = receives ? tunadapter_receive_packet(session, &size) : tunadapter_allocate_packet(session, SIZE);
                if (packet == NULL) {
                    tunadapter_status status = tunadapter_last_error();
                    if (status == TUNADAPTER_HANDLE_EOF) break;
                    if (status != TUNADAPTER_NO_MORE_ITEMS && status != TUNADAPTER_BUFFER_OVERFLOW) fail("a call", status);
                    continue;
                }
                atomic_fetch_add_explicit(&handed_out, 1, memory_order_relaxed);
                use(packet, size, (uint8_t)(number * 61 + turn));
                uint32_t received, allocated;
                bool is_last = tunadapter_is_packet_available(session) == false && tunadapter_last_error() == TUNADAPTER_HANDLE_EOF;
                if (is_last) atomic_fetch_add(&beyond_end, 1);
                if (tunadapter_get_held_packets(session, &received, &allocated) != TUNADAPTER_SUCCESS || (receives ? received : allocated) < 1)
                    fail("a held packet isn't counted", tunadapter_last_error());
                tunadapter_status status = receives ? tunadapter_release_packet(session, packet) : tunadapter_abandon_packet(session, packet);
                if (status != TUNADAPTER_SUCCESS) fail("giving back", status);
            }
            if (tunadapter_wait_for_packet(session, TUNADAPTER_FOREVER) != TUNADAPTER_HANDLE_EOF) fail("a wait after the end", tunadapter_last_error());
        }
        pthread_barrier_wait(&end);
    }
}

int main(int count, char **arguments) {
    unsigned ends = count > 1 ? (unsigned)strtoul(arguments[1], NULL, 10) : 100000;
    pthread_barrier_init(&begin, NULL, USERS + 1);
    pthread_barrier_init(&end, NULL, USERS + 1);
    pthread_t threads[USERS];
    for (uintptr_t i = 0; i < USERS; i++) pthread_create(&threads[i], NULL, user, (void *)i);
    tunadapter_session_options options = TUNADAPTER_SESSION_OPTIONS_INIT;
    options.capacity = TUNADAPTER_MIN_RING_CAPACITY;
    for (unsigned round = 1; round <= ends; round++) {
        tunadapter_session *tested, *peer;
        if (tunadapter_start_memory_sessions(&options, &tested, &peer) != TUNADAPTER_SUCCESS) {
            fail("starting", tunadapter_last_error());
            break;
        }
        for (int i = 0; i < 8; i++) {
            uint8_t *packet = tunadapter_allocate_packet(peer, SIZE);
            memset(packet, 0, SIZE);
            packet[0] = 0x45;
            packet[2] = SIZE >> 8;
            packet[3] = SIZE & 0xff;
            packet[9] = 253;
            tunadapter_send_packet(peer, packet);
        }
        atomic_store(&users_of_round, 1 + round % USERS);
        atomic_store(&current, tested);
        pthread_barrier_wait(&begin);
        for (unsigned pause = round * 7919 % 16; pause > 0; pause--) sched_yield();
        if (tunadapter_end_session(tested) != TUNADAPTER_SUCCESS) fail("ending", tunadapter_last_error());
        pthread_barrier_wait(&end);
        uint32_t received, allocated;
        if (tunadapter_get_held_packets(tested, &received, &allocated) != TUNADAPTER_HANDLE_EOF) fail("a session outlives its end", TUNADAPTER_SUCCESS);
        tunadapter_end_session(peer);
    }
    atomic_store(&over, true);
    pthread_barrier_wait(&begin);
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    printf("%u ends beside 1 to 4 users: %lu packets handed out, %lu given back after the end, %lu failures\n", ends, atomic_load(&handed_out),
        atomic_load(&beyond_end), atomic_load(&failures));
    return atomic_load(&failures) == 0 && (ends < 1000 || atomic_load(&beyond_end) > 0) ? 0 : 1;
}
