/* A set of 64-bit ids: bits of blocks of 4096 consecutive ids, found by a hash map.
 * A database hands out ids one after the other, so that a set which holds many of
 * them takes little more than a bit each. Reading is thread-safe. */
#ifndef FCT_INDEX_IDSET_H
#define FCT_INDEX_IDSET_H

#include "index/idmap.h"

#define FCT_IDSET_WORDS 64 /* of 64 bits in a block */

typedef struct fct_idset_block {
    uint64_t bits[FCT_IDSET_WORDS];
} fct_idset_block;

typedef struct fct_idset {
    fct_idmap by_block; /* id / 4096 -> place in blocks */
    fct_idset_block *blocks;
    size_t n_blocks, cap_blocks;
    size_t n; /* ids in the set */
} fct_idset;

/* An all-zero set is empty and valid. */
void fct_idset_clear(fct_idset *s); /* frees what it holds */
/* Makes an empty set hold what another one holds; false: out of memory, and it stays empty. */
bool fct_idset_copy(const fct_idset *from, fct_idset *to);

bool fct_idset_add(fct_idset *s, int64_t id); /* false: out of memory, and the set is as it was */
void fct_idset_remove(fct_idset *s, int64_t id);
bool fct_idset_has(const fct_idset *s, int64_t id);

/* Sets bit i of mask [(n + 63) / 64] where ids[i * step] is in the set, and clears
 * it elsewhere. Faster than asking for each id where neighbors in the list are
 * neighbors in number. */
void fct_idset_mask(const fct_idset *s, const int64_t *ids, size_t step, size_t n, uint64_t *mask);

#endif
