#include "ForkShims.h"

#include <pthread.h>

static uint32_t forks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_one(void) {
    __atomic_store_n(&forks, forks + 1, __ATOMIC_RELAXED);
}

static void begin(void) {
    pthread_atfork(NULL, NULL, count_one);
}

void clinux_count_forks(void) {
    pthread_once(&once, begin);
}

uint32_t clinux_fork_count(void) {
    return __atomic_load_n(&forks, __ATOMIC_RELAXED);
}
