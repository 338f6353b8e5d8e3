#include "base/buffer.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void *fct_grow(void *items, size_t *capacity, size_t needed, size_t size) {
    if (items && needed <= *capacity) return items;
    size_t room = *capacity < 8 ? 8 : *capacity;
    while (room < needed) {
        if (room > SIZE_MAX / 2) return NULL;
        room *= 2;
    }
    void *p = fct_realloc_array(items, room, size);
    if (p) *capacity = room;
    return p;
}

/* Makes room for n more bytes and the NUL behind them. */
static bool reserve(fct_buf *b, size_t n) {
    size_t needed;
    char *p = NULL;
    if (!b->failed && fct_add_size(b->size, n, &needed) && fct_add_size(needed, 1, &needed))
        p = fct_grow(b->data, &b->capacity, needed, 1);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->data = p;
    return true;
}

void *fct_buf_extend(fct_buf *b, size_t n) {
    if (!reserve(b, n)) return NULL;
    char *at = b->data + b->size;
    b->size += n;
    b->data[b->size] = 0;
    return at;
}

void fct_buf_add(fct_buf *b, const void *data, size_t n) {
    void *to = fct_buf_extend(b, n);
    if (to && n) memcpy(to, data, n);
}

void fct_buf_text(fct_buf *b, const char *text) { fct_buf_add(b, text, strlen(text)); }
void fct_buf_char(fct_buf *b, char c) { fct_buf_add(b, &c, 1); }

void fct_buf_printf(fct_buf *b, const char *format, ...) {
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0) b->failed = true;
    else if (reserve(b, (size_t)n)) { /* whose last byte is for the NUL that vsnprintf() writes */
        vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
}

char *fct_buf_take(fct_buf *b, size_t *size) {
    (void)reserve(b, 0); /* an empty buffer has no memory yet */
    char *p = b->failed ? NULL : b->data;
    if (p) p[b->size] = 0;
    if (size) *size = p ? b->size : 0;
    if (p) *b = (fct_buf){0};
    else fct_buf_free(b);
    return p;
}

void fct_buf_clear(fct_buf *b) {
    b->size = 0;
    b->failed = false;
    if (b->data) b->data[0] = 0;
}

void fct_buf_free(fct_buf *b) {
    fct_free(b->data);
    *b = (fct_buf){0};
}
