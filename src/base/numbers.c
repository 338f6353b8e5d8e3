#include "base/numbers.h"
#include "base/buffer.h"
#include <stdlib.h>

bool fct_numbers_add(fct_numbers *l, int64_t v) {
    int64_t *at = fct_grow(l->at, &l->cap, l->n + 1, sizeof *at);
    if (!at) return false;
    l->at = at;
    l->at[l->n++] = v;
    return true;
}

static int compare_numbers(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void fct_numbers_sort(fct_numbers *l) {
    if (l->n) qsort(l->at, l->n, sizeof *l->at, compare_numbers);
}

bool fct_numbers_hold(const fct_numbers *l, int64_t v) {
    return l->n && bsearch(&v, l->at, l->n, sizeof v, compare_numbers);
}
