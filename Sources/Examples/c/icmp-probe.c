/* Creates an adapter in a pool, sends ICMP echo requests into it, as if a host behind it asked the kernel, and prints what comes back.
 *   icmp-probe [COUNT]     until SIGINT, or so many requests, one in 200 ms
 * Compile: cc icmp-probe.c $(pkg-config --cflags --libs tunadapter) -pthread */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tunadapter.h>
#include <unistd.h>

enum { REQUEST_SIZE = 20 + 8 + 32 };

static volatile sig_atomic_t stopped;
static void stop(int number) { (void)number, stopped = 1; }

static void console(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context) {
    static const char *const names[] = {"info", "warning", "error"};
    (void)timestamp, (void)context;
    fprintf(stderr, "%s: %s\n", names[level], line);
}

static int fail(void) { return fprintf(stderr, "icmp-probe: %s\n", tunadapter_error_message()), 1; }

/* The Internet checksum (RFC 1071) of an even number of bytes. */
static void checksum(const uint8_t *bytes, unsigned count, uint8_t *result) {
    uint32_t sum = 0;
    unsigned i;
    for (i = 0; i < count; i += 2) sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    result[0] = (uint8_t)(~sum >> 8);
    result[1] = (uint8_t)~sum;
}

/* An echo request from 10.7.0.2 to the kernel's 10.7.0.1. */
static void fill(uint8_t *packet, uint16_t number) {
    static const uint8_t header[20] = {0x45, 0, 0, REQUEST_SIZE, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 7, 0, 2, 10, 7, 0, 1};
    memset(packet, 0, REQUEST_SIZE);
    memcpy(packet, header, sizeof header);
    checksum(packet, 20, packet + 10);
    packet[20] = 8;
    packet[24] = 0x70, packet[25] = 0x72;
    packet[26] = (uint8_t)(number >> 8), packet[27] = (uint8_t)number;
    memset(packet + 28, 'x', REQUEST_SIZE - 28);
    checksum(packet + 20, REQUEST_SIZE - 20, packet + 22);
}

static void show(const uint8_t *packet, uint32_t size) {
    if (size < 28 || packet[0] >> 4 != 4) {
        printf("%u bytes, IPv%u\n", size, packet[0] >> 4);
        return;
    }
    printf("%u bytes from %u.%u.%u.%u, protocol %u", size, packet[12], packet[13], packet[14], packet[15], packet[9]);
    if (packet[9] == 1 && packet[20] == 0) printf(", echo reply %u", (unsigned)(packet[26] << 8 | packet[27]));
    printf("\n");
}

/* Receives until the session ends: it spins, then waits. */
static void *receive(void *context) {
    tunadapter_session *session = context;
    unsigned spins = 0;
    for (;;) {
        uint32_t size;
        uint8_t *packet = tunadapter_receive_packet(session, &size);
        if (packet) {
            show(packet, size);
            tunadapter_release_packet(session, packet);
            spins = 0;
        } else if (tunadapter_last_error() != TUNADAPTER_NO_MORE_ITEMS) {
            return NULL;
        } else if (++spins >= 1000) {
            tunadapter_wait_for_packet(session, TUNADAPTER_FOREVER);
            spins = 0;
        }
    }
}

int main(int argc, char **argv) {
    unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0, sent;
    struct sigaction action;
    tunadapter_adapter *adapter;
    tunadapter_session *session;
    pthread_t receiver;

    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    tunadapter_set_logger(console, NULL);

    adapter = tunadapter_open_adapter("org.example.probe", "Example probe");
    if (!adapter) adapter = tunadapter_create_adapter("org.example.probe", "Example probe", NULL, NULL);
    if (!adapter || tunadapter_set_address(adapter, "10.7.0.1/24") || tunadapter_bring_up(adapter, 1420)) return fail();
    session = tunadapter_start_session(adapter, 0x400000);
    if (!session) return fail();
    if (pthread_create(&receiver, NULL, receive, session)) return 1;

    for (sent = 0; !stopped && (count == 0 || sent < count); sent++) {
        uint8_t *packet = tunadapter_allocate_packet(session, REQUEST_SIZE);
        if (!packet && tunadapter_last_error() != TUNADAPTER_BUFFER_OVERFLOW) return fail();
        if (packet) {
            fill(packet, (uint16_t)(sent + 1));
            tunadapter_send_packet(session, packet);
        }
        usleep(200000);
    }

    /* The receiver's wait returns at once; the adapter is persistent and would outlive this program. */
    tunadapter_end_session(session);
    pthread_join(receiver, NULL);
    if (tunadapter_delete_adapter(adapter, false, NULL)) return fail();
    tunadapter_free_adapter(adapter);
    printf("%u requests sent, adapter deleted\n", sent);
    return 0;
}
