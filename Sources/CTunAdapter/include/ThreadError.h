// The last error of each thread: Swift has no thread-local storage. Not part of the library's interface.
#ifndef CTUNADAPTER_THREAD_ERROR_H
#define CTUNADAPTER_THREAD_ERROR_H

// `message` is copied, and cut to fit; NULL leaves the code to speak for itself.
void ctunadapter_set_error(int code, const char *message);
int ctunadapter_error_code(void);
const char *ctunadapter_thread_message(void);

// What the thread's last error is while the caller's logger runs, so that it can be put back.
struct ctunadapter_saved_error {
    int code;
    char message[512];
};
void ctunadapter_save_error(struct ctunadapter_saved_error *saved);
void ctunadapter_restore_error(const struct ctunadapter_saved_error *saved);
#endif
