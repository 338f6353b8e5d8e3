/* A hash map from 64-bit ids to 32-bit slots: open addressing, linear probing,
 * no tombstones. Not thread-safe. */
#ifndef FCT_INDEX_IDMAP_H
#define FCT_INDEX_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fct_idmap {
    int64_t *keys;
    uint32_t *slots; /* FCT_IDMAP_NONE = free cell */
    size_t cap, n;   /* cap: a power of two or 0 */
} fct_idmap;

#define FCT_IDMAP_NONE UINT32_MAX

/* An all-zero map is empty and valid. */
void fct_idmap_clear(fct_idmap *m); /* frees what it holds */

/* Slot of key, FCT_IDMAP_NONE if absent. */
uint32_t fct_idmap_get(const fct_idmap *m, int64_t key);

/* Makes room so that the next put cannot fail; false when out of memory. */
bool fct_idmap_reserve(fct_idmap *m, size_t n_more);

/* Inserts or replaces. fct_idmap_reserve() must have made room. */
void fct_idmap_put(fct_idmap *m, int64_t key, uint32_t slot);

/* Removes key; harmless where it is absent. */
void fct_idmap_remove(fct_idmap *m, int64_t key);

#endif
