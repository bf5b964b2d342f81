// The last error of each thread: Swift has no thread-local storage. Not part of the library's interface.
#ifndef CTUNADAPTER_THREAD_ERROR_H
#define CTUNADAPTER_THREAD_ERROR_H

// `message` is copied, and cut to fit; NULL leaves the code to speak for itself.
void ctunadapter_set_error(int code, const char *message);
int ctunadapter_error_code(void);
const char *ctunadapter_thread_message(void);
#endif
