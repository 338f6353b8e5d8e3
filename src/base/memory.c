/* /proc/meminfo has a line "MemAvailable:   123456 kB". A control group has its
 * limit and its use in memory.max and memory.current (version 2) or in
 * memory.limit_in_bytes and memory.usage_in_bytes (version 1); in a container
 * they lie at the top of the mount. */
#include "base/memory.h"
#include "base/file.h"
#include "base/file_sys.h"
#include <stdlib.h>
#include <string.h>

static FILE *open_in(const char *folder, const char *name) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return NULL;
    return fct_fopen(path, "r");
}

/* The number in a file of one line; -1 where there is none ("max" too). */
static int64_t read_number(const char *folder, const char *name) {
    char line[64] = "";
    FILE *f = open_in(folder, name);
    if (!f) return -1;
    bool ok = fgets(line, sizeof line, f) && line[0] >= '0' && line[0] <= '9';
    fclose(f);
    return ok ? strtoll(line, NULL, 10) : -1;
}

static int64_t system_available(const char *proc) {
    char line[256];
    int64_t kib = -1;
    FILE *f = open_in(proc, "meminfo");
    if (!f) return fct_sys_memory_available();
    while (kib < 0 && fgets(line, sizeof line, f))
        if (!strncmp(line, "MemAvailable:", 13)) kib = strtoll(line + 13, NULL, 10);
    fclose(f);
    return kib < 0 || kib > INT64_MAX / 1024 ? INT64_MAX : kib * 1024;
}

/* The page cache counts as used here and would be given up, so half of the limit
 * counts as free at least. */
static int64_t group_available(const char *mount, const char *limit_name, const char *use_name) {
    int64_t limit = read_number(mount, limit_name), use = read_number(mount, use_name);
    if (limit < 0) return INT64_MAX;
    return use < limit / 2 ? limit - (use < 0 ? 0 : use) : limit / 2;
}

int64_t fct_memory_available(const char *proc, const char *mount) {
    int64_t n = system_available(proc);
    int64_t v2 = group_available(mount, "memory.max", "memory.current");
    int64_t v1 = group_available(mount, "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes");
    if (v2 < n) n = v2;
    return v1 < n ? v1 : n;
}
