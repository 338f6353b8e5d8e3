#include "index/idset.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include <string.h>

/* Number of the block that an id lies in. Negative ids have blocks of their own, far up. */
static int64_t block_of(int64_t id) { return (int64_t)((uint64_t)id / (64 * FCT_IDSET_WORDS)); }
static size_t word_of(int64_t id) { return (uint64_t)id / 64 % FCT_IDSET_WORDS; }
static uint64_t bit_of(int64_t id) { return UINT64_C(1) << (uint64_t)id % 64; }

void fct_idset_clear(fct_idset *s) {
    fct_idmap_clear(&s->by_block);
    fct_free(s->blocks);
    memset(s, 0, sizeof *s);
}

/* An owned copy of n items, of an array that may be NULL and empty. */
static void *copy_of(const void *items, size_t n, size_t size) {
    void *copy = fct_realloc_array(NULL, n + 1, size);
    if (copy && n) memcpy(copy, items, n * size);
    return copy;
}

bool fct_idset_copy(const fct_idset *from, fct_idset *to) {
    const fct_idmap *m = &from->by_block;
    to->by_block = (fct_idmap){copy_of(m->keys, m->cap, sizeof *m->keys), copy_of(m->slots, m->cap, sizeof *m->slots),
                               m->cap, m->n};
    to->blocks = copy_of(from->blocks, from->n_blocks, sizeof *to->blocks);
    to->n_blocks = to->cap_blocks = from->n_blocks;
    to->n = from->n;
    bool good = to->by_block.keys && to->by_block.slots && to->blocks;
    if (!good) fct_idset_clear(to);
    return good;
}

/* Adds an empty block, and gives NULL when out of memory. */
static fct_idset_block *add_block(fct_idset *s, int64_t number) {
    fct_idset_block *blocks = fct_grow(s->blocks, &s->cap_blocks, s->n_blocks + 1, sizeof *blocks);
    if (!blocks) return NULL;
    s->blocks = blocks;
    if (s->n_blocks >= FCT_IDMAP_NONE || !fct_idmap_reserve(&s->by_block, 1)) return NULL;
    fct_idmap_put(&s->by_block, number, (uint32_t)s->n_blocks);
    memset(&blocks[s->n_blocks], 0, sizeof *blocks);
    return &blocks[s->n_blocks++];
}

/* The block of an id, or NULL. */
static fct_idset_block *find_block(const fct_idset *s, int64_t id) {
    uint32_t at = fct_idmap_get(&s->by_block, block_of(id));
    return at == FCT_IDMAP_NONE ? NULL : &s->blocks[at];
}

bool fct_idset_add(fct_idset *s, int64_t id) {
    fct_idset_block *b = find_block(s, id);
    if (!b) b = add_block(s, block_of(id));
    if (!b) return false;
    s->n += !(b->bits[word_of(id)] & bit_of(id));
    b->bits[word_of(id)] |= bit_of(id);
    return true;
}

void fct_idset_remove(fct_idset *s, int64_t id) {
    fct_idset_block *b = find_block(s, id);
    if (!b) return;
    s->n -= (b->bits[word_of(id)] & bit_of(id)) != 0;
    b->bits[word_of(id)] &= ~bit_of(id);
}

bool fct_idset_has(const fct_idset *s, int64_t id) {
    const fct_idset_block *b = find_block(s, id);
    return b && (b->bits[word_of(id)] & bit_of(id));
}

void fct_idset_mask(const fct_idset *s, const int64_t *ids, size_t step, size_t n, uint64_t *mask) {
    const fct_idset_block *block = NULL;
    int64_t number = -1; /* of the block at hand; no id has that one */
    memset(mask, 0, (n + 63) / 64 * sizeof *mask);
    for (size_t i = 0; i < n; i++) {
        int64_t id = ids[i * step];
        if (block_of(id) != number) {
            number = block_of(id);
            block = find_block(s, id);
        }
        if (block && (block->bits[word_of(id)] & bit_of(id))) mask[i / 64] |= UINT64_C(1) << i % 64;
    }
}
