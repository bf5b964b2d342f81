#include "ThreadError.h"

#include <string.h>

static _Thread_local int last_code;
static _Thread_local char last_message[512];

void ctunadapter_set_error(int code, const char *message) {
    last_code = code;
    if (message == NULL) {
        last_message[0] = 0;
        return;
    }
    size_t length = strlen(message);
    if (length >= sizeof last_message) {
        length = sizeof last_message - 1;
        // Not in the middle of a character.
        while (length > 0 && ((unsigned char)message[length] & 0xc0) == 0x80) length--;
    }
    memcpy(last_message, message, length);
    last_message[length] = 0;
}

int ctunadapter_error_code(void) {
    return last_code;
}

const char *ctunadapter_thread_message(void) {
    return last_message;
}

void ctunadapter_save_error(struct ctunadapter_saved_error *saved) {
    _Static_assert(sizeof saved->message == sizeof last_message, "both hold every message");
    saved->code = last_code;
    memcpy(saved->message, last_message, sizeof last_message);
}

void ctunadapter_restore_error(const struct ctunadapter_saved_error *saved) {
    last_code = saved->code;
    memcpy(last_message, saved->message, sizeof last_message);
}
