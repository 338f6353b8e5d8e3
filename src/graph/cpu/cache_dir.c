/* A cache folder as a whole: its bound, and which file is which model.
 *
 * Hashing a large model takes longer than starting it from the cache. So the hash
 * is kept with what the file system says of the file: device, inode, size, time of
 * the last write and of the last change (which no program sets at will), and with a
 * hash of samples of its bytes. A record is not made for a file changed within the
 * last seconds, when a second change might leave the same times. */
#include "graph/cpu/cache.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((uint64_t)2 << 30) /* of all files in the folder */
#define FRESH_S    3                   /* age below which a file's times prove nothing */
#define STALE_S    3600                /* age from which a temporary file is nobody's any more */

/* ---- The bound ------------------------------------------------------------------- */

typedef struct found {
    char *path;
    uint64_t size;
    int64_t mtime_ns;
    bool temp;
} found;

static bool ends(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* Whether the cache itself made a file of that name, or began to (base/draft.h). Other files in the folder are never
 * touched. */
static bool ours(const char *name, bool *temp) {
    const size_t hex = strspn(name, "0123456789abcdef");
    *temp = !strncmp(name, ".facet-", 7) && ends(name, ".part");
    return *temp || (hex == 32 && !strcmp(name + hex, ".weights")) || (hex == 16 && !strcmp(name + hex, ".id"));
}

/* Lists the files in a folder that the cache has made. *list is owned by the caller. */
static size_t list_files(const char *dir, found **list) {
    char **names;
    size_t n, count = 0;
    *list = NULL;
    if (fct_dir_list(dir, &names, &n, NULL)) return 0;
    found *f = fct_calloc(n + 1, sizeof *f);
    for (size_t i = 0; f && i < n; i++) {
        fct_file_stat st;
        bool temp;
        if (!ours(names[i], &temp)) continue;
        char *path = fct_path_join(dir, names[i]);
        if (!path) continue;
        fct_file_get_stat(path, &st);
        if (!st.is_file || st.is_symlink) fct_free(path);
        else f[count++] = (found){path, st.size, st.mtime_ns, temp};
    }
    fct_dir_list_free(names, n);
    *list = f;
    return count;
}

static void free_files(found *f, size_t n) {
    for (size_t i = 0; i < n; i++) fct_free(f[i].path);
    fct_free(f);
}

static int by_age(const void *a, const void *b) {
    const found *x = a, *y = b;
    return x->mtime_ns < y->mtime_ns ? -1 : x->mtime_ns > y->mtime_ns;
}

/* Removes the oldest files first, and temporary files that a crashed process left behind. */
bool fct_cache_make_room(const char *dir, uint64_t bytes) {
    if (bytes > MOST_BYTES / 2) return false;
    found *f;
    size_t n = list_files(dir, &f);
    uint64_t sum = bytes;
    for (size_t i = 0; i < n; i++) sum += f[i].size;
    if (n) qsort(f, n, sizeof *f, by_age);
    const int64_t stale = (fct_time_unix() - STALE_S) * 1000000000;
    for (size_t i = 0; i < n; i++) {
        const bool leftover = f[i].temp && f[i].mtime_ns < stale;
        if (!leftover && (f[i].temp || sum <= MOST_BYTES)) continue;
        if (!fct_file_remove(f[i].path, NULL)) sum -= f[i].size;
    }
    free_files(f, n);
    return true;
}

void fct_cache_stat(const char *dir, fct_cache_info *out) {
    found *f = NULL;
    size_t n = dir ? list_files(dir, &f) : 0;
    *out = (fct_cache_info){.max_bytes = MOST_BYTES, .files = (int)n};
    for (size_t i = 0; i < n; i++) out->bytes += f[i].size;
    free_files(f, n);
}

/* FCT_CACHE names the folder or says "off"; otherwise it is the system's folder for caches. */
bool fct_cache_default_dir(char *out, size_t size) {
    const char *env = fct_env("FCT_CACHE");
    bool off = env && (!strcmp(env, "off") || !strcmp(env, "0"));
    char *dir = off ? NULL : env && *env ? fct_strdup(env) : fct_cache_dir();
    int n = dir ? snprintf(out, size, "%s", dir) : -1;
    bool ok = n >= 0 && (size_t)n < size;
    if (!ok) *out = 0;
    fct_free(dir);
    return ok;
}

/* ---- Which file is which model -------------------------------------------------- */

typedef struct record {
    char magic[8];
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
    uint8_t sample[32];
    char sha256[64];
    uint64_t sum; /* of all before */
} record;

/* The hash of the file's start, its end, and a little of every megabyte; false where it cannot be read. */
static bool sample(const fct_part_file *f, uint8_t out[32]) {
    enum { ENDS = 16 << 10, BIT = 256, STEP = 1 << 20 };
    uint8_t part[ENDS];
    const size_t end = f->size < ENDS ? f->size : ENDS;
    fct_sha256 h;
    fct_sha256_init(&h);
    if (fct_part_read(f, 0, end, part, NULL)) return false;
    fct_sha256_update(&h, part, end);
    for (size_t at = STEP; at < f->size; at += STEP) {
        const size_t n = f->size - at < BIT ? f->size - at : BIT;
        if (fct_part_read(f, at, n, part, NULL)) return false;
        fct_sha256_update(&h, part, n);
    }
    if (f->size > ENDS) {
        if (fct_part_read(f, f->size - ENDS, ENDS, part, NULL)) return false;
        fct_sha256_update(&h, part, ENDS);
    }
    fct_sha256_final(&h, out);
    return true;
}

/* The record that a source would have, but for its hash and sum, and its path (owned);
 * NULL where the file system does not tell enough. */
static char *describe(const char *dir, const fct_model_bytes *s, record *r) {
    char name[24];
    if (!s->file) return NULL;
    const fct_file_stat st = s->file->opened;
    if (!st.is_file || !st.inode || !st.ctime_ns || st.size != s->len) return NULL;
    *r = (record){.magic = "fctid001",
                  .device = st.device,
                  .inode = st.inode,
                  .size = st.size,
                  .mtime_ns = st.mtime_ns,
                  .ctime_ns = st.ctime_ns};
    if (!sample(s->file, r->sample)) return NULL;
    const uint64_t place[2] = {st.device, st.inode};
    snprintf(name, sizeof name, "%016llx.id", (unsigned long long)fct_checksum64(place, sizeof place));
    return fct_path_join(dir, name);
}

/* The record is believed only when every field that the file system gives today is as it was, and its own checksum
 * holds. */
bool fct_cache_recall(const char *dir, fct_model_bytes *source) {
    record now, then;
    fct_map map;
    char *path = describe(dir, source, &now);
    if (!path) return false;
    bool ok = !fct_map_open_own(path, &map, NULL);
    fct_free(path);
    if (!ok) return false;
    ok = map.size == sizeof then;
    if (ok) memcpy(&then, map.data, sizeof then);
    fct_map_close(&map);
    ok = ok && !memcmp(&then, &now, offsetof(record, sha256)) &&
         then.sum == fct_checksum64(&then, offsetof(record, sum));
    for (int i = 0; ok && i < 64; i++) ok = then.sha256[i] && strchr("0123456789abcdef", then.sha256[i]);
    if (!ok) return false;
    memcpy(source->sha256, then.sha256, sizeof then.sha256);
    source->sha256[64] = 0;
    return source->hashed = true;
}

/* Makes no record of a file that changed a moment ago, since another change could leave the same times. */
void fct_cache_remember(const char *dir, const fct_model_bytes *source) {
    record r;
    char *path = describe(dir, source, &r);
    if (!path) return;
    const int64_t safe = (fct_time_unix() - FRESH_S) * 1000000000;
    if (r.mtime_ns < safe && r.ctime_ns < safe && !fct_dir_make_private(dir, NULL)) {
        memcpy(r.sha256, source->sha256, sizeof r.sha256);
        r.sum = fct_checksum64(&r, offsetof(record, sum));
        const fct_file_part part = {&r, sizeof r};
        (void)fct_file_write_cache(path, &part, 1, NULL);
    }
    fct_free(path);
}
