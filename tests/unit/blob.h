/* Bytes put together for files that tests make. */
#ifndef FCT_TESTS_BLOB_H
#define FCT_TESTS_BLOB_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct blob {
    uint8_t *p;
    size_t n;
} blob;

static inline void put(blob *b, const void *data, size_t n) {
    b->p = realloc(b->p, b->n + n + 1);
    if (n) memcpy(b->p + b->n, data, n);
    b->n += n;
}

static inline void put_be(blob *b, uint32_t v, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) put(b, &(uint8_t){(uint8_t)(v >> 8 * i)}, 1);
}

static inline void put_le(blob *b, uint32_t v, int bytes) {
    for (int i = 0; i < bytes; i++) put(b, &(uint8_t){(uint8_t)(v >> 8 * i)}, 1);
}

#endif
