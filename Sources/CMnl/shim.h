#if !__has_include(<libmnl/libmnl.h>)
#error "libmnl's headers are missing: apt-get install libmnl-dev"
#endif
#include <libmnl/libmnl.h>
