/* Answers pings in userspace, with the library found at run time: dlopen and dlsym, and the function types of the header.
 *   icmp-responder [NAME]     and then, for example, ping 10.7.0.2
 * Compile: cc icmp-responder.c $(pkg-config --cflags tunadapter) -ldl */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tunadapter.h>

#define FUNCTIONS(X)                                                                                              \
    X(tunadapter_set_logger) X(tunadapter_error_message) X(tunadapter_last_error)                                 \
    X(tunadapter_create_adapter_with_options) X(tunadapter_set_address) X(tunadapter_bring_up)                    \
    X(tunadapter_start_session) X(tunadapter_end_session) X(tunadapter_free_adapter) X(tunadapter_read_event)     \
    X(tunadapter_receive_packet) X(tunadapter_release_packet) X(tunadapter_allocate_packet) X(tunadapter_send_packet)

#define FIELD(name) static name##_fn *p_##name;
FUNCTIONS(FIELD)

static void resolve(void) {
    void *library = dlopen("libtunadapter.so.1", RTLD_NOW);
    void *symbol;
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
#define RESOLVE(name)                                         \
    if ((symbol = dlsym(library, #name)) == NULL) {           \
        fprintf(stderr, "%s\n", dlerror());                   \
        exit(1);                                              \
    }                                                         \
    memcpy(&p_##name, &symbol, sizeof symbol);
    FUNCTIONS(RESOLVE)
}

static volatile sig_atomic_t stopped;
static void stop(int number) { (void)number, stopped = 1; }

static void console(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context) {
    static const char *const names[] = {"info", "warning", "error"};
    (void)context;
    fprintf(stderr, "%llu %s: %s\n", (unsigned long long)(timestamp / 10000000), names[level], line);
}

/* Makes the echo request of `size` bytes a reply in place; 0 if it is none. */
static int answer(uint8_t *packet, uint32_t size) {
    uint32_t header = (packet[0] & 0xfu) * 4, sum;
    uint8_t address[4];
    if (size < 28 || packet[0] >> 4 != 4 || packet[9] != 1 || (packet[6] & 0x3f) || packet[7]) return 0;
    if (size < header + 8 || packet[header] != 8) return 0;
    memcpy(address, packet + 12, 4);
    memcpy(packet + 12, packet + 16, 4);
    memcpy(packet + 16, address, 4);
    packet[header] = 0;
    /* The type was 8 and is 0: the checksum grows by 0x0800 (RFC 1624). */
    sum = (uint32_t)(packet[header + 2] << 8 | packet[header + 3]) + 0x0800;
    sum = (sum & 0xffff) + (sum >> 16);
    packet[header + 2] = (uint8_t)(sum >> 8);
    packet[header + 3] = (uint8_t)sum;
    return 1;
}

static int fail(void) { return fprintf(stderr, "icmp-responder: %s\n", p_tunadapter_error_message()), 1; }

int main(int argc, char **argv) {
    unsigned answered = 0;
    sigset_t blocked, original;
    struct sigaction action;
    tunadapter_adapter_options options = TUNADAPTER_ADAPTER_OPTIONS_INIT;
    tunadapter_adapter *adapter;
    tunadapter_session *session;

    resolve();
    /* Signals come only while ppoll sleeps, so that none comes between the question and the sleep. */
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &original);

    p_tunadapter_set_logger(console, NULL);
    options.transient = true;
    adapter = p_tunadapter_create_adapter_with_options("org.example.responder", argc > 1 ? argv[1] : "responder0", &options);
    if (!adapter || p_tunadapter_set_address(adapter, "10.7.0.1/24") || p_tunadapter_bring_up(adapter, 1420)) return fail();
    session = p_tunadapter_start_session(adapter, 0x400000);
    if (!session) return fail();

    while (!stopped) {
        uint32_t size;
        uint8_t *packet = p_tunadapter_receive_packet(session, &size);
        if (packet) {
            uint8_t *reply = answer(packet, size) ? p_tunadapter_allocate_packet(session, size) : NULL;
            if (reply) {
                memcpy(reply, packet, size);
                p_tunadapter_send_packet(session, reply);
                answered++;
            }
            p_tunadapter_release_packet(session, packet);
        } else if (p_tunadapter_last_error() == TUNADAPTER_NO_MORE_ITEMS) {
            struct pollfd event = {p_tunadapter_read_event(session), POLLIN, 0};
            ppoll(&event, 1, NULL, &original);
        } else {
            return fail();
        }
    }
    p_tunadapter_end_session(session);
    p_tunadapter_free_adapter(adapter);
    printf("%u answered\n", answered);
    return 0;
}
