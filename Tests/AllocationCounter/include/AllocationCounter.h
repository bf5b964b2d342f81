#pragma once

/// Counts every allocation of the process it is linked into, on all threads, by standing before the C library's functions.

/// Allocations so far: malloc, calloc, realloc, and the aligned ones.
unsigned long allocation_count(void);
