#include "CAcceleratedAEAD.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)

#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdbool.h>

// The layout of a job belongs to a major version: the library's must be that of the header that this was compiled against. The soname
// carries it as well.
#define HEADER_MAJOR (IMB_VERSION_NUM >> 16)
#if HEADER_MAJOR == 1
#define SONAME "libIPSec_MB.so.1"
#elif HEADER_MAJOR == 2
#define SONAME "libIPSec_MB.so.2"
#else
#error "look whether the jobs of this libipsec-mb are what is filled in below, then add its soname"
#endif

static IMB_MGR *(*alloc_manager)(uint64_t);
static void (*free_manager)(IMB_MGR *);
static void (*init_manager)(IMB_MGR *, IMB_ARCH *);
static int status = ACCELERATED_AEAD_AVAILABLE;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const sonames[] = {"libIPSec_MB.so.0", "libIPSec_MB.so.1", "libIPSec_MB.so.2", "libIPSec_MB.so.3"};

// Whether another major version is installed, which must not be used.
static bool has_other_major(void) {
    for (size_t i = 0; i < sizeof sonames / sizeof *sonames; i++) {
        void *library = dlopen(sonames[i], RTLD_LAZY | RTLD_LOCAL);
        if (library == NULL) continue;
        dlclose(library);
        return true;
    }
    return false;
}

static void open_library(void) {
    void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        status = has_other_major() ? ACCELERATED_AEAD_OTHER_MAJOR : ACCELERATED_AEAD_NOT_INSTALLED;
        return;
    }
    // A soname is only a promise.
    unsigned (*version)(void);
    *(void **)&version = dlsym(library, "imb_get_version");
    if (version != NULL && version() >> 16 != HEADER_MAJOR) {
        status = ACCELERATED_AEAD_OTHER_MAJOR;
        return;
    }
    *(void **)&alloc_manager = dlsym(library, "alloc_mb_mgr");
    *(void **)&free_manager = dlsym(library, "free_mb_mgr");
    *(void **)&init_manager = dlsym(library, "init_mb_mgr_auto");
    if (version == NULL || alloc_manager == NULL || free_manager == NULL || init_manager == NULL) {
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
