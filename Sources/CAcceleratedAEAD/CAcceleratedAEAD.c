#include "CAcceleratedAEAD.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)

#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>

static IMB_MGR *(*alloc_manager)(uint64_t);
static void (*free_manager)(IMB_MGR *);
static void (*init_manager)(IMB_MGR *, IMB_ARCH *);
static int status = ACCELERATED_AEAD_AVAILABLE;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_library(void) {
    // The soname carries the major version of the interface that this was compiled against.
    void *library = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        status = ACCELERATED_AEAD_NOT_INSTALLED;
        return;
    }
    *(void **)&alloc_manager = dlsym(library, "alloc_mb_mgr");
    *(void **)&free_manager = dlsym(library, "free_mb_mgr");
    *(void **)&init_manager = dlsym(library, "init_mb_mgr_auto");
    if (alloc_manager == NULL || free_manager == NULL || init_manager == NULL) {
        status = ACCELERATED_AEAD_UNSUITABLE;
    }
}

int accelerated_aead_status(void) {
    pthread_once(&once, open_library);
    return status;
}

accelerated_aead *accelerated_aead_create(void) {
    if (accelerated_aead_status() != ACCELERATED_AEAD_AVAILABLE) return NULL;
    IMB_MGR *manager = alloc_manager(0);
    if (manager == NULL) return NULL;
    init_manager(manager, NULL);
    return (accelerated_aead *)manager;
}

void accelerated_aead_destroy(accelerated_aead *state) {
    free_manager((IMB_MGR *)state);
}

static void run(
    accelerated_aead *state, IMB_CIPHER_DIRECTION direction, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count,
    uint8_t *output, uint8_t *tag) {
    IMB_MGR *manager = (IMB_MGR *)state;
    IMB_JOB *job = manager->get_next_job(manager);
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->cipher_direction = direction;
    job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->enc_keys = key;
    job->dec_keys = key;
    job->key_len_in_bytes = 32;
    job->src = input;
    job->dst = output;
    job->cipher_start_src_offset_in_bytes = 0;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = count;
    job->msg_len_to_hash_in_bytes = count;
    job->iv = nonce;
    job->iv_len_in_bytes = 12;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = 16;
    job->u.CHACHA20_POLY1305.aad = NULL;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    // This cipher has a single lane, so the job is done when the call returns; every argument is one that the checks would pass.
    job = manager->submit_job_nocheck(manager);
    if (job == NULL) manager->flush_job(manager);
}

void accelerated_aead_seal(
    accelerated_aead *state, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count, uint8_t *output, uint8_t *tag) {
    run(state, IMB_DIR_ENCRYPT, key, nonce, input, count, output, tag);
}

void accelerated_aead_open_unverified(
    accelerated_aead *state, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count, uint8_t *output, uint8_t *tag) {
    run(state, IMB_DIR_DECRYPT, key, nonce, input, count, output, tag);
}

#else

int accelerated_aead_status(void) {
    return ACCELERATED_AEAD_NOT_COMPILED_IN;
}

accelerated_aead *accelerated_aead_create(void) {
    return NULL;
}

void accelerated_aead_destroy(accelerated_aead *state) {
    (void)state;
}

void accelerated_aead_seal(
    accelerated_aead *state, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count, uint8_t *output, uint8_t *tag) {
    (void)state, (void)key, (void)nonce, (void)input, (void)count, (void)output, (void)tag;
}

void accelerated_aead_open_unverified(
    accelerated_aead *state, const uint8_t *key, const uint8_t *nonce, const uint8_t *input, size_t count, uint8_t *output, uint8_t *tag) {
    (void)state, (void)key, (void)nonce, (void)input, (void)count, (void)output, (void)tag;
}

#endif
