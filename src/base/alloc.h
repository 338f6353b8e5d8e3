/* Memory: every allocation of the library goes through here, so that the oom
 * suite can fail the N-th one and counters can find leaks. */
#ifndef FCT_BASE_ALLOC_H
#define FCT_BASE_ALLOC_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>

/* Like malloc/calloc/realloc/free; NULL when out of memory or when a size
 * overflows. A size of 0 gives a unique pointer. Owned. */
void *fct_alloc(size_t size);
void *fct_calloc(size_t count, size_t size);
void *fct_realloc(void *p, size_t size); /* p stays valid on failure */
void *fct_realloc_array(void *p, size_t count, size_t size);
void fct_free(void *p);
char *fct_strdup(const char *s);
char *fct_strndup(const char *s, size_t n);
char *fct_asprintf(const char *format, ...) FCT_PRINTF(1, 2);

/* 64-byte aligned, for tensors; large blocks (>= 4 MiB) are aligned to 2 MiB and
 * marked for huge pages where the system has them. Contents undefined. Must be
 * freed by fct_aligned_free(). */
void *fct_aligned_alloc(size_t size);
void fct_aligned_free(void *p);

/* The same for weights, of which a network has hundreds that stay as long as it does: they lie one after the other in
 * blocks of huge pages, where each by itself would cost a page fault for every 4 KiB that is filled. Must be freed by
 * fct_weights_free() with its size; a block's memory goes back when the last of its weights does. */
void *fct_weights_alloc(size_t size);
void fct_weights_free(void *p, size_t size);

/* a * b or a + b into *out; false on overflow. */
bool fct_mul_size(size_t a, size_t b, size_t *out);
bool fct_add_size(size_t a, size_t b, size_t *out);

/* For tests: the n-th allocation from now (1 = the next) fails, 0 = none;
 * whether it has come to that; and the number of live blocks. */
void fct_alloc_fail_at(long n);
bool fct_alloc_has_failed(void);
long fct_alloc_live(void);

#endif
