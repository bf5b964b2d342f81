// Loads and unloads the library many times; the process must not grow by it. Without the library's name at link time.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tunadapter.h>

static long resident(void) {
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &pages) != 2) pages = -1;
    if (file != NULL) fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

int main(void) {
    long after_first = 0;
    for (int round = 0; round < 300; round++) {
        void *library = dlopen("libtunadapter.so.1", RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            fprintf(stderr, "dlopen: %s\n", dlerror());
            return 1;
        }
        tunadapter_start_memory_sessions_fn *start;
        tunadapter_end_session_fn *end;
        void *symbol = dlsym(library, "tunadapter_start_memory_sessions");
        memcpy(&start, &symbol, sizeof symbol);
        symbol = dlsym(library, "tunadapter_end_session");
        memcpy(&end, &symbol, sizeof symbol);
        tunadapter_session *left, *right;
        if (start(NULL, &left, &right) != TUNADAPTER_SUCCESS) return 1;
        end(left);
        end(right);
        dlclose(library);
        if (round == 20) after_first = resident();
    }
    long grown = resident() - after_first;
    printf("280 loads and unloads: %ld bytes grown\n", grown);
    return grown < 280 * 4096 ? 0 : 1;
}
