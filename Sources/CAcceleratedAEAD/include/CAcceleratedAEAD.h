// ChaCha20-Poly1305 by libipsec-mb (Intel's multi-buffer library for IPsec), opened at run time.
// Compiled in where its header is found on x86-64; otherwise, or where the library is not installed, "not available".
#ifndef CACCELERATED_AEAD_H
#define CACCELERATED_AEAD_H

#include <stddef.h>
#include <stdint.h>

// One thread's state; never shared between threads.
typedef struct accelerated_aead accelerated_aead;

// Whether the library can be used, and if not, why. Opens it at the first call; any thread.
enum accelerated_aead_status {
    ACCELERATED_AEAD_AVAILABLE = 0,
    // intel-ipsec-mb.h was not found when this was compiled, or this is not x86-64.
    ACCELERATED_AEAD_NOT_COMPILED_IN = 1,
    // libIPSec_MB.so is not installed.
    ACCELERATED_AEAD_NOT_INSTALLED = 2,
    // It lacks functions that are needed.
    ACCELERATED_AEAD_UNSUITABLE = 3,
    // What is installed is another major version than that of the header, with other layouts in memory: it is not used.
    ACCELERATED_AEAD_OTHER_MAJOR = 4,
};
int accelerated_aead_status(void);

// A thread's state, about 52 KB; NULL without memory, or if the library is not available.
accelerated_aead *accelerated_aead_create(void);
void accelerated_aead_destroy(accelerated_aead *state);

// Seals count bytes at input into count bytes at output (the same place or apart) and 16 bytes of tag.
// key: 32 bytes at the start of 64 readable ones (1.3's AVX2 code reads past the key). nonce: 12 bytes. No additional data.
void accelerated_aead_seal(
    accelerated_aead *state, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count, uint8_t *output, uint8_t *tag);

// Decrypts count bytes and computes their tag. The plaintext is written whatever the tag: the caller compares, and wipes on a difference.
void accelerated_aead_open_unverified(
    accelerated_aead *state, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count, uint8_t *output, uint8_t *tag);

#endif
