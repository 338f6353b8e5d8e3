/* Lists of numbers that grow, and sets of them: lists in ascending order. */
#ifndef FCT_BASE_NUMBERS_H
#define FCT_BASE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is the empty list. `at` is owned: free it by fct_free(). */
typedef struct fct_numbers {
    int64_t *at; /* [n] */
    size_t n, cap;
} fct_numbers;

/* Appends a number. False: no memory, and the list as it was. */
bool fct_numbers_add(fct_numbers *l, int64_t v);

void fct_numbers_sort(fct_numbers *l);

/* Whether a list in ascending order has a number. */
bool fct_numbers_hold(const fct_numbers *l, int64_t v);

#endif
