// How often fork(2) lies between a process and the one that began: pthread_atfork needs a C function.
#ifndef CLINUX_FORK_SHIMS_H
#define CLINUX_FORK_SHIMS_H

#include <stdint.h>

// Begins to count; any number of times, from any thread. Before it the count stays 0.
void clinux_count_forks(void);
// Another number in each child than in its parent.
uint32_t clinux_fork_count(void);
#endif
