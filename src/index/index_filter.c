/* Filters, turned into a bit for each row before a search looks at any. */
#include "base/alloc.h"
#include "index/index_impl.h"
#include <stddef.h>
#include <string.h>

/* How many bits of a word are set. */
static unsigned count_bits(uint64_t v) {
    unsigned n = 0;
    for (; v; v &= v - 1) n++;
    return n;
}

/* Takes out of mask [words] what the set does not have, or what it has where `but` is true. */
static void intersect(uint64_t *mask, const uint64_t *set, size_t words, bool but) {
    for (size_t i = 0; i < words; i++) mask[i] &= but ? ~set[i] : set[i];
}

#define PART 512 /* rows at once; a chunk holds a multiple of 16 of them */

/* The bits of up to PART rows. */
static void mask_part(const fct_index_filter *f, const fct_index_row *rows, size_t n, uint64_t *mask) {
    const size_t step = sizeof *rows / sizeof(int64_t), words = (n + 63) / 64;
    uint64_t set[PART / 64];
    memset(mask, 0xff, words * sizeof *mask);
    if (n % 64) mask[words - 1] = (UINT64_C(1) << n % 64) - 1;
    if (f->people) {
        fct_idset_mask(f->people, &rows->person_id, step, n, set);
        intersect(mask, set, words, f->not_people);
    }
    if (f->faces) {
        fct_idset_mask(f->faces, &rows->face_id, step, n, set);
        intersect(mask, set, words, f->not_faces);
    }
}

/* Copies the n low bits of `from`, which has no others, to position `at` of mask. */
static void put_bits(uint64_t *mask, size_t at, const uint64_t *from, size_t n) {
    for (size_t i = 0; i < (n + 63) / 64; i++, at += 64) {
        mask[at / 64] |= from[i] << at % 64;
        if (at % 64 && from[i] >> (64 - at % 64)) mask[at / 64 + 1] |= from[i] >> (64 - at % 64);
    }
}

bool fct_row_mask_make(const fct_edition *v, const fct_index_filter *filter, fct_row_mask *out) {
    *out = (fct_row_mask){NULL, v->n};
    if (!filter || (!filter->people && !filter->faces)) return true;
    size_t words = (v->n + 63) / 64, per = fct_rows_per_chunk(v->of);
    out->bits = fct_calloc(words + 1, sizeof *out->bits);
    if (!out->bits) return false;
    for (size_t first = 0, n; first < v->n; first += n) {
        uint64_t part[PART / 64];
        n = per - first % per < PART ? per - first % per : PART;
        if (n > v->n - first) n = v->n - first;
        mask_part(filter, fct_edition_row(v, first), n, part);
        put_bits(out->bits, first, part, n);
    }
    out->n = 0;
    for (size_t i = 0; i < words; i++) out->n += count_bits(out->bits[i]);
    return true;
}

bool fct_rows_allowed(const fct_row_mask *m, size_t first, size_t n) {
    if (!m->bits) return true;
    for (; n > 0 && first % 64; first++, n--)
        if (fct_row_allowed(m, first)) return true;
    for (; n >= 64; first += 64, n -= 64)
        if (m->bits[first / 64]) return true;
    return n && m->bits[first / 64] & ((UINT64_C(1) << n) - 1);
}
