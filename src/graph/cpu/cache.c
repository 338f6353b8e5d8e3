/* The cache file of packed weights. Integers are in the machine's byte order; the
 * key tells machines apart.
 *
 *     header    64 bytes, below
 *     entries   64 bytes each: fct_cache_entry
 *     arrays    at the entries' offsets, on cache lines; large ones on pages
 *
 * Its name is the start of the key and ".weights". Written whole and renamed into
 * place; never changed afterwards, so that mapping it is safe. */
#include "graph/cpu/cache.h"
#include "base/thread.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/hash.h"
#include "graph/pack_layout.h"
#include "kernels/kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cache_header {
    char magic[8];
    fct_cache_key key;
    uint64_t size; /* of the file */
    uint32_t entries, zero;
    uint64_t sum; /* of header and entries, this field as 0 */
} cache_header;

enum { LINE = 64, PAGE = 4096, CHUNK = 1 << 20, MOST_ENTRIES = 1 << 20 };
static const char magic[8] = "fctpack1";

_Static_assert(sizeof(cache_header) == LINE && sizeof(fct_cache_entry) == LINE, "sizes in the file");

/* ---- Key ------------------------------------------------------------------ */

fct_cache_key fct_cache_key_of(const fct_model_bytes *source, const fct_model_opts *opts) {
    const fct_kernel_table *k = fct_kernels();
    const fct_cpu_caches c = fct_cpu_get_caches();
    const uint32_t order = 0x01020304;
    unsigned char first;
    fct_cache_key key;
    fct_sha256 s;
    char text[512];
    memcpy(&first, &order, 1);
    /* caches and threads: the choice of algorithms depends on them */
    int n = snprintf(
        text, sizeof text, "%.8s %s %s %s cb%d mv%d rates %g %g order%d precision%d low%d threads%d caches %zu %zu %zu",
        magic, source->sha256, FCT_PACK_LAYOUT, fct_cpu_level_name(k->level), k->cb, k->gemm_mv, k->mac_rate,
        k->int16_rate, first, (int)opts->precision, opts->low_memory, fct_threads(), c.l1d, c.l2, c.l3);
    fct_sha256_init(&s);
    fct_sha256_update(&s, text, (size_t)n);
    fct_sha256_final(&s, key.b);
    return key;
}

/* ---- Reading ---------------------------------------------------------------- */

/* The checksum of a file's header and entries. The header is a copy, so that its own sum can count as 0. */
static uint64_t directory_sum(cache_header h, const fct_cache_entry *entries) {
    h.sum = 0;
    const uint64_t both[2] = {fct_checksum64(&h, sizeof h), fct_checksum64(entries, h.entries * sizeof *entries)};
    return fct_checksum64(both, sizeof both);
}

/* Whether an entry's name ends and its array lies aligned behind the directory and within the file. */
static bool entry_fits(const fct_cache_entry *e, const cache_header *h) {
    const uint64_t first = sizeof *h + h->entries * sizeof *e;
    return memchr(e->name, 0, sizeof e->name) && !e->zero && !e->zero2 && e->offset % LINE == 0 && e->offset >= first &&
           e->offset <= h->size && e->bytes <= h->size - e->offset;
}

const fct_cache_entry *fct_cache_parse(const void *data, size_t size, fct_cache_key *key, uint32_t *n) {
    cache_header h;
    *n = 0;
    if (size < sizeof h) return NULL;
    memcpy(&h, data, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0 || h.size != size || h.zero || h.entries > MOST_ENTRIES ||
        h.entries > (size - sizeof h) / sizeof(fct_cache_entry))
        return NULL;
    const fct_cache_entry *e = (const fct_cache_entry *)((const char *)data + sizeof h);
    if (h.sum != directory_sum(h, e)) return NULL;
    for (uint32_t i = 0; i < h.entries; i++)
        if (!entry_fits(&e[i], &h)) return NULL;
    *key = h.key;
    *n = h.entries;
    return e;
}

/* ---- Checksums of arrays ------------------------------------------------------ */

typedef struct chunk {
    const char *p;
    size_t bytes;
    uint64_t sum;
} chunk;

static void sum_chunk(void *ctx, int index, int worker) {
    chunk *c = (chunk *)ctx + index;
    c->sum = fct_checksum64(c->p, c->bytes);
}

static size_t chunk_count(uint64_t bytes) { return (size_t)((bytes + CHUNK - 1) / CHUNK); }

/* Writes the checksum of array i to sums[i]; false when memory runs out. */
static bool sum_arrays(const fct_packed_part *parts, uint32_t n, uint64_t *sums) {
    size_t count = 0, at = 0;
    for (uint32_t i = 0; i < n; i++) count += chunk_count(parts[i].bytes);
    if (count > INT32_MAX) return false;
    chunk *chunks = fct_calloc(count + 1, sizeof *chunks);
    if (!chunks) return false;
    for (uint32_t i = 0; i < n; i++)
        for (size_t from = 0; from < parts[i].bytes; from += CHUNK) {
            const size_t rest = parts[i].bytes - from;
            chunks[at++] = (chunk){(const char *)parts[i].data + from, rest < CHUNK ? rest : CHUNK, 0};
        }
    fct_parallel((int)count, sum_chunk, chunks);
    at = 0;
    for (uint32_t i = 0; i < n; i++) {
        sums[i] = parts[i].bytes;
        for (size_t k = chunk_count(parts[i].bytes); k > 0; k--, at++) {
            const uint64_t both[2] = {sums[i], chunks[at].sum};
            sums[i] = fct_checksum64(both, sizeof both);
        }
    }
    fct_free(chunks);
    return true;
}

/* Hashes all arrays at once on the pool, then compares, since the sums are most of the time that a start takes. */
bool fct_cache_intact(const void *data, const fct_cache_entry *entries, uint32_t n) {
    fct_packed_part *parts = fct_calloc((size_t)n + 1, sizeof *parts);
    uint64_t *sums = fct_calloc((size_t)n + 1, sizeof *sums);
    for (uint32_t i = 0; parts && i < n; i++) {
        parts[i].data = (const char *)data + entries[i].offset;
        parts[i].bytes = (size_t)entries[i].bytes;
    }
    bool ok = parts && sums && sum_arrays(parts, n, sums);
    for (uint32_t i = 0; ok && i < n; i++) ok = sums[i] == entries[i].sum;
    fct_free(parts);
    fct_free(sums);
    return ok;
}

/* ---- Files ----------------------------------------------------------------------- */

/* The file is named by the first half of the key, in hexadecimal digits. The path is owned. */
static char *path_of(const char *dir, const fct_cache_key *key) {
    char name[48];
    for (int i = 0; i < 16; i++) snprintf(name + 2 * i, 3, "%02x", key->b[i]);
    snprintf(name + 32, sizeof name - 32, ".weights");
    return fct_path_join(dir, name);
}

bool fct_cache_open(const char *dir, const fct_cache_key *key, fct_map *map, const fct_cache_entry **entries,
                    uint32_t *n) {
    fct_cache_key found;
    char *path = path_of(dir, key);
    *map = (fct_map){0};
    *entries = NULL;
    if (path && !fct_map_open_own(path, map, NULL)) *entries = fct_cache_parse(map->data, map->size, &found, n);
    if (*entries && (memcmp(&found, key, sizeof found) != 0 || !fct_cache_intact(map->data, *entries, *n)))
        *entries = NULL;
    if (!*entries) fct_map_close(map);
    fct_free(path);
    return *entries != NULL;
}

/* Decides where each array goes, fills the entries accordingly and returns the size of the file. */
static uint64_t lay_out(const fct_cache_part *parts, const uint64_t *sums, uint32_t n, fct_cache_entry *entries) {
    uint64_t at = sizeof(cache_header) + (uint64_t)n * sizeof *entries;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t align = parts[i].part.bytes >= PAGE ? PAGE : LINE;
        at = (at + align - 1) / align * align;
        entries[i] =
            (fct_cache_entry){.node = parts[i].node, .offset = at, .bytes = parts[i].part.bytes, .sum = sums[i]};
        snprintf(entries[i].name, sizeof entries[i].name, "%s", parts[i].part.name);
        at += parts[i].part.bytes;
    }
    return at;
}

static void write_file(const char *path, const fct_cache_key *key, const fct_cache_part *parts, uint32_t n,
                       fct_cache_entry *entries, uint64_t *sums, fct_packed_part *arrays, fct_file_part *pieces) {
    static const char zeros[PAGE];
    cache_header h = {.key = *key, .entries = n};
    size_t count = 0;
    memcpy(h.magic, magic, sizeof magic);
    for (uint32_t i = 0; i < n; i++) arrays[i] = parts[i].part;
    if (!sum_arrays(arrays, n, sums)) return;
    h.size = lay_out(parts, sums, n, entries);
    h.sum = directory_sum(h, entries);
    pieces[count++] = (fct_file_part){&h, sizeof h};
    pieces[count++] = (fct_file_part){entries, n * sizeof *entries};
    uint64_t at = sizeof h + n * sizeof *entries;
    for (uint32_t i = 0; i < n; i++) {
        pieces[count++] = (fct_file_part){zeros, (size_t)(entries[i].offset - at)};
        pieces[count++] = (fct_file_part){arrays[i].data, arrays[i].bytes};
        at = entries[i].offset + entries[i].bytes;
    }
    (void)fct_file_write_cache(path, pieces, count, NULL);
}

/* Every failure is silent: the cache only saves time, and a model runs as well without it. */
void fct_cache_write(const char *dir, const fct_cache_key *key, const fct_cache_part *parts, uint32_t n) {
    fct_cache_entry *entries = fct_calloc((size_t)n + 1, sizeof *entries);
    uint64_t *sums = fct_calloc((size_t)n + 1, sizeof *sums);
    fct_packed_part *arrays = fct_calloc((size_t)n + 1, sizeof *arrays);
    fct_file_part *pieces = fct_calloc(2 * (size_t)n + 2, sizeof *pieces);
    char *path = path_of(dir, key);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) bytes += parts[i].part.bytes;
    if (entries && sums && arrays && pieces && path && n <= MOST_ENTRIES && !fct_dir_make_private(dir, NULL) &&
        fct_cache_make_room(dir, bytes))
        write_file(path, key, parts, n, entries, sums, arrays, pieces);
    fct_free(entries);
    fct_free(sums);
    fct_free(arrays);
    fct_free(pieces);
    fct_free(path);
}
