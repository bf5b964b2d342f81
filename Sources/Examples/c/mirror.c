#include <stdio.h>
#include <string.h>
#include <tunadapter.h>

static void console(tunadapter_log_level level, uint64_t timestamp, const char *line, void *context) {
    (void)timestamp, (void)context;
    fprintf(stderr, "%s%s\n", level == TUNADAPTER_LOG_INFO ? "" : "warning: ", line);
}

static int fail(void) { return fprintf(stderr, "%s\n", tunadapter_error_message()), 1; }

int main(void) {
    tunadapter_set_logger(console, NULL);
    tunadapter_adapter_options options = TUNADAPTER_ADAPTER_OPTIONS_INIT;
    options.transient = true;
    tunadapter_adapter *adapter = tunadapter_create_adapter_with_options("org.example.mirror", "mirror0", &options);
    if (!adapter || tunadapter_set_address(adapter, "10.7.0.1/24") || tunadapter_bring_up(adapter, 1420)) return fail();
    tunadapter_session *session = tunadapter_start_session(adapter, 0x400000);
    if (!session) return fail();

    for (int spins = 0;;) {
        uint32_t size;
        uint8_t *packet = tunadapter_receive_packet(session, &size);
        if (!packet) {
            if (tunadapter_last_error() != TUNADAPTER_NO_MORE_ITEMS) return fail(); /* HANDLE_EOF: it has ended */
            if (++spins < 100) continue;
            tunadapter_wait_for_packet(session, TUNADAPTER_FOREVER);
            spins = 0;
            continue;
        }
        uint8_t *reply = size < 20 ? NULL : tunadapter_allocate_packet(session, size);
        if (reply) { /* else BUFFER_OVERFLOW: lost, as networks do; or tunadapter_wait_for_space */
            memcpy(reply, packet, size);
            memcpy(reply + 12, packet + 16, 4); /* swapped addresses leave IPv4's checksums right */
            memcpy(reply + 16, packet + 12, 4);
            tunadapter_send_packet(session, reply);
            printf("%u bytes back\n", size);
        }
        tunadapter_release_packet(session, packet);
    }
}
