// What programs that test the library have in common.
#ifndef CHECKS_H
#define CHECKS_H

#include <stdio.h>

#include <tunadapter.h>

static int failures;
#define CHECK(condition)                                                                                                      \
    do {                                                                                                                      \
        if (!(condition)) {                                                                                                   \
            failures++;                                                                                                       \
            fprintf(stderr, "%s:%d: failed: %s (last error %s: %s)\n", __FILE__, __LINE__, #condition,                        \
                tunadapter_error_name(tunadapter_last_error()), tunadapter_error_message());                                  \
        }                                                                                                                     \
    } while (0)

static void start(tunadapter_session **left, tunadapter_session **right, uint32_t spin) {
    tunadapter_session_options options = TUNADAPTER_SESSION_OPTIONS_INIT;
    options.capacity = TUNADAPTER_MIN_RING_CAPACITY;
    options.spin_microseconds = spin;
    // So that two of the largest packets don't fit.
    options.headroom = 16;
    CHECK(tunadapter_start_memory_sessions(&options, left, right) == TUNADAPTER_SUCCESS);
}

#endif
