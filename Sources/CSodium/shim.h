#if !__has_include(<sodium.h>)
#error "libsodium's headers are missing: apt-get install libsodium-dev"
#endif
#include <sodium.h>
