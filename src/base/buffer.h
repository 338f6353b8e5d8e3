/* Arrays and byte buffers that grow. */
#ifndef FCT_BASE_BUFFER_H
#define FCT_BASE_BUFFER_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>

/* Makes room for at least `needed` items of `size` bytes each. *capacity is how
 * many items fit now; it at least doubles whenever it changes, so that adding
 * items one by one costs the same per item however many there are. Returns the
 * array, which may have moved and which the caller stores; NULL when out of
 * memory, in which case `items` and *capacity still hold. New items are
 * undefined. A NULL array with a capacity of 0 is the empty one.
 *
 *   face *p = fct_grow(list->items, &list->capacity, list->n + 1, sizeof *p);
 *   if (!p) return fct_fail_nomem(err, "faces", 0);
 *   list->items = p; */
void *fct_grow(void *items, size_t *capacity, size_t needed, size_t size);

/* Bytes or text in memory that is appended to. A zeroed one is empty and ready.
 *
 * Running out of memory is remembered instead of reported by every call: what
 * comes after it is not added, and the writer asks `failed` once, at the end. */
typedef struct fct_buf {
    char *data;  /* owned; NULL as long as nothing was added, else with a NUL behind its size bytes */
    size_t size; /* bytes added */
    size_t capacity;
    bool failed; /* out of memory: what is here is incomplete */
} fct_buf;

void fct_buf_add(fct_buf *b, const void *data, size_t n);
void fct_buf_text(fct_buf *b, const char *text);
void fct_buf_char(fct_buf *b, char c);
void fct_buf_printf(fct_buf *b, const char *format, ...) FCT_PRINTF(2, 3);

/* Adds n undefined bytes and returns where they are, for the caller to fill in;
 * NULL when out of memory. Valid until the next call. */
void *fct_buf_extend(fct_buf *b, size_t n);

/* Hands the memory over (fct_free) and leaves the buffer empty. An empty buffer
 * gives an empty text. NULL when memory ran out at any time before. size may be
 * NULL. */
char *fct_buf_take(fct_buf *b, size_t *size);

void fct_buf_clear(fct_buf *b); /* empties it and forgets a failure; keeps the memory */
void fct_buf_free(fct_buf *b);  /* and leaves it empty */

#endif
