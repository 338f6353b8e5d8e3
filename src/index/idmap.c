#include "index/idmap.h"
#include "base/alloc.h"
#include <string.h>

/* Finalizer of SplitMix64: row ids are consecutive, their low bits alone would
 * make one long run. */
static size_t cell_of(const fct_idmap *m, int64_t key) {
    uint64_t x = (uint64_t)key;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(x ^ (x >> 31)) & (m->cap - 1);
}

void fct_idmap_clear(fct_idmap *m) {
    fct_free(m->keys);
    fct_free(m->slots);
    memset(m, 0, sizeof *m);
}

/* Cell of key, or the free cell where it would go. */
static size_t find_cell(const fct_idmap *m, int64_t key) {
    size_t c = cell_of(m, key);
    while (m->slots[c] != FCT_IDMAP_NONE && m->keys[c] != key) c = (c + 1) & (m->cap - 1);
    return c;
}

uint32_t fct_idmap_get(const fct_idmap *m, int64_t key) {
    return m->cap ? m->slots[find_cell(m, key)] : FCT_IDMAP_NONE;
}

/* Grows the table before it is three quarters full. Fails without a change when memory runs out. */
bool fct_idmap_reserve(fct_idmap *m, size_t n_more) {
    size_t want = m->n + n_more, cap = m->cap ? m->cap : 16;
    if (want < n_more || want > SIZE_MAX / 64) return false;
    while (cap / 4 * 3 < want) cap *= 2;
    if (cap == m->cap) return true;
    fct_idmap bigger = {fct_realloc_array(NULL, cap, sizeof *m->keys), fct_realloc_array(NULL, cap, sizeof *m->slots),
                        cap, 0};
    if (!bigger.keys || !bigger.slots) {
        fct_idmap_clear(&bigger);
        return false;
    }
    memset(bigger.slots, 0xff, cap * sizeof *bigger.slots);
    for (size_t c = 0; c < m->cap; c++)
        if (m->slots[c] != FCT_IDMAP_NONE) fct_idmap_put(&bigger, m->keys[c], m->slots[c]);
    fct_idmap_clear(m);
    *m = bigger;
    return true;
}

void fct_idmap_put(fct_idmap *m, int64_t key, uint32_t slot) {
    size_t c = find_cell(m, key);
    if (m->slots[c] == FCT_IDMAP_NONE) m->n++;
    m->keys[c] = key;
    m->slots[c] = slot;
}

/* Closes the gap by moving later members of the run back (Knuth, vol. 3, 6.4,
 * algorithm R). */
void fct_idmap_remove(fct_idmap *m, int64_t key) {
    if (!m->cap) return;
    size_t gap = find_cell(m, key), mask = m->cap - 1;
    if (m->slots[gap] == FCT_IDMAP_NONE) return;
    for (size_t c = (gap + 1) & mask; m->slots[c] != FCT_IDMAP_NONE; c = (c + 1) & mask) {
        size_t home = cell_of(m, m->keys[c]);
        if (((c - home) & mask) < ((c - gap) & mask)) continue; /* home lies after the gap: must stay */
        m->keys[gap] = m->keys[c];
        m->slots[gap] = m->slots[c];
        gap = c;
    }
    m->slots[gap] = FCT_IDMAP_NONE;
    m->n--;
}
