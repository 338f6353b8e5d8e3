/* Reading tar archives (POSIX.1-1988 ustar; GNU long names; pax "path" records).
 * A header is 512 bytes: name at 0 (100 bytes), size at 124 (12, octal),
 * checksum at 148 (8, octal, over the header with this field as spaces), type at
 * 156, magic at 257, prefix at 345 (155). Data follow, rounded up to 512. */
#include "train/dataset.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, NAME_MAX_LEN = 4096, PAX_MAX_LEN = 1 << 20 };

/* Numbers are octal digits, perhaps behind spaces, that end in a space or NUL. */
static bool octal(const uint8_t *p, size_t n, uint64_t *out) {
    uint64_t v = 0;
    size_t i = 0;
    while (i < n && p[i] == ' ') i++;
    size_t start = i;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
        if (v >> 60) return false;
        v = v * 8 + (uint64_t)(p[i] - '0');
    }
    *out = v;
    return i > start && (i == n || p[i] == ' ' || p[i] == 0);
}

/* Sums the header with its checksum field as spaces; this also tells a tar file from any other. */
static bool checksum_ok(const uint8_t *h) {
    uint64_t want, sum = 0;
    if (!octal(h + 148, 8, &want)) return false;
    for (int i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : h[i];
    return sum == want;
}

/* Finds the record "path" of a pax header; its value is owned, or NULL. Records are "length key=value\n". */
static char *pax_path(const uint8_t *p, size_t n) {
    while (n > 0) {
        size_t len = 0, i = 0;
        for (; i < n && i < 8 && p[i] >= '0' && p[i] <= '9'; i++) len = len * 10 + (size_t)(p[i] - '0');
        if (i == 0 || i >= n || p[i] != ' ' || len <= i + 1 || len > n) return NULL;
        if (len > i + 6 && len - i - 7 < NAME_MAX_LEN && !memcmp(p + i + 1, "path=", 5))
            return fct_strndup((const char *)p + i + 6, len - i - 7);
        p += len;
        n -= len;
    }
    return NULL;
}

/* ustar splits long names into a prefix and a name. */
static char *header_name(const uint8_t *h) {
    size_t n = strnlen((const char *)h, 100),
           pre = memcmp(h + 257, "ustar\0", 6) ? 0 : strnlen((const char *)h + 345, 155);
    char text[260];
    memcpy(text, h + 345, pre);
    if (pre) text[pre++] = '/';
    memcpy(text + pre, h, n);
    return fct_strndup(text, pre + n);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const fct_tar_member *)a)->name, ((const fct_tar_member *)b)->name);
}

/* The members found so far, and the long name that the header before announced. */
typedef struct tar_listing {
    const fct_part_file *file;
    fct_tar_member *members;
    size_t n, cap;
    char *pending; /* owned; NULL = none */
    fct_error *err;
} tar_listing;

static fct_status append(tar_listing *l, fct_tar_member v) {
    fct_tar_member *p = fct_grow(l->members, &l->cap, l->n + 1, sizeof *p);
    if (!p) {
        fct_free(v.name);
        return fct_fail_nomem(l->err, "tar members", 0);
    }
    l->members = p;
    p[l->n++] = v;
    return FCT_OK;
}

/* Reads a long name, of a GNU header (type 'L') or a pax header ('x'), for the header that follows. */
static fct_status take_name(tar_listing *l, char type, uint64_t at, uint64_t size) {
    const size_t n = type == 'x' || size < NAME_MAX_LEN ? (size_t)size : NAME_MAX_LEN;
    fct_free(l->pending);
    l->pending = NULL;
    if (n > PAX_MAX_LEN) return FCT_OK; /* no name is as long as that */
    uint8_t *data = fct_alloc(n);
    fct_status s = data ? fct_part_read(l->file, (size_t)at, n, data, l->err) : fct_fail_nomem(l->err, "tar member", n);
    if (!s) l->pending = type == 'x' ? pax_path(data, n) : fct_strndup((const char *)data, n);
    fct_free(data);
    return s;
}

/* Acts on one header: a regular file is appended; a long name is kept for the header that follows. */
static fct_status take(tar_listing *l, const uint8_t *h, uint64_t at, uint64_t size) {
    char type = (char)h[156];
    if (type == 'L' || type == 'x') return take_name(l, type, at, size);
    char *name = l->pending ? l->pending : header_name(h);
    l->pending = NULL;
    if (!name) return fct_fail_nomem(l->err, "tar member", 0);
    if ((type != '0' && type != 0) || !*name) {
        fct_free(name);
        return FCT_OK;
    }
    if (!strncmp(name, "./", 2)) memmove(name, name + 2, strlen(name + 2) + 1);
    return append(l, (fct_tar_member){name, at, size});
}

fct_status fct_tar_list(const fct_part_file *file, fct_tar_member **members, size_t *n, bool *whole, fct_error *err) {
    tar_listing l = {.file = file, .err = err};
    uint8_t h[BLOCK];
    const size_t size = file->size;
    fct_status s = FCT_OK;
    *members = NULL;
    *n = 0;
    *whole = false;
    for (size_t at = 0; !s && size - at >= BLOCK;) {
        uint64_t len;
        if ((s = fct_part_read(file, at, BLOCK, h, err))) break;
        if (h[0] == 0) { /* the end: blocks of zeros */
            *whole = true;
            break;
        }
        if (!checksum_ok(h) || !octal(h + 124, 12, &len) || len > size - at - BLOCK) break;
        s = take(&l, h, at + BLOCK, len);
        uint64_t step = BLOCK + (len + BLOCK - 1) / BLOCK * BLOCK;
        at = step > size - at ? size : at + (size_t)step;
    }
    fct_free(l.pending);
    if (s) {
        fct_tar_free(l.members, l.n);
        return s;
    }
    if (l.n) qsort(l.members, l.n, sizeof *l.members, by_name);
    *members = l.members;
    *n = l.n;
    return FCT_OK;
}

void fct_tar_free(fct_tar_member *m, size_t n) {
    for (size_t i = 0; m && i < n; i++) fct_free(m[i].name);
    fct_free(m);
}

const fct_tar_member *fct_tar_find(const fct_tar_member *m, size_t n, const char *name) {
    fct_tar_member key = {.name = (char *)(uintptr_t)name};
    return n ? bsearch(&key, m, n, sizeof *m, by_name) : NULL;
}
