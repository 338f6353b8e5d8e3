/* Reading tar archives (POSIX.1-1988 ustar; GNU long names; pax "path" records).
 * A header is 512 bytes: name at 0 (100 bytes), size at 124 (12, octal),
 * checksum at 148 (8, octal, over the header with this field as spaces), type at
 * 156, magic at 257, prefix at 345 (155). Data follow, rounded up to 512. */
#include "train/dataset.h"
#include "base/alloc.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, NAME_MAX_LEN = 4096 };

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

static fct_status append(fct_tar_member **m, size_t *n, size_t *cap, fct_tar_member v, fct_error *err) {
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 256;
        fct_tar_member *p = fct_realloc_array(*m, more, sizeof *p);
        if (!p) {
            fct_free(v.name);
            return fct_fail_nomem(err, "tar members", more * sizeof *p);
        }
        *m = p;
        *cap = more;
    }
    (*m)[(*n)++] = v;
    return FCT_OK;
}

/* Acts on one header: a regular file is appended; a long name is kept in *pending for the header that follows. */
static fct_status take(const uint8_t *h, const uint8_t *data, uint64_t at, uint64_t size, char **pending,
                       fct_tar_member **m, size_t *n, size_t *cap, fct_error *err) {
    char type = (char)h[156];
    if (type == 'L' || type == 'x') {
        fct_free(*pending);
        *pending = type == 'x' ? pax_path(data + at, size)
                               : fct_strndup((const char *)data + at, size < NAME_MAX_LEN ? size : NAME_MAX_LEN);
        return FCT_OK;
    }
    char *name = *pending ? *pending : header_name(h);
    *pending = NULL;
    if (!name) return fct_fail_nomem(err, "tar member", 0);
    if ((type != '0' && type != 0) || !*name) {
        fct_free(name);
        return FCT_OK;
    }
    if (!strncmp(name, "./", 2)) memmove(name, name + 2, strlen(name + 2) + 1);
    return append(m, n, cap, (fct_tar_member){name, at, size}, err);
}

fct_status fct_tar_list(const uint8_t *data, size_t size, fct_tar_member **members, size_t *n, bool *whole,
                        fct_error *err) {
    size_t cap = 0, at = 0;
    char *pending = NULL;
    fct_status s = FCT_OK;
    *members = NULL;
    *n = 0;
    *whole = false;
    while (!s && size - at >= BLOCK) {
        const uint8_t *h = data + at;
        uint64_t len;
        if (h[0] == 0) { /* the end: blocks of zeros */
            *whole = true;
            break;
        }
        if (!checksum_ok(h) || !octal(h + 124, 12, &len) || len > size - at - BLOCK) break;
        s = take(h, data, at + BLOCK, len, &pending, members, n, &cap, err);
        uint64_t step = BLOCK + (len + BLOCK - 1) / BLOCK * BLOCK;
        at = step > size - at ? size : at + step;
    }
    fct_free(pending);
    if (s) {
        fct_tar_free(*members, *n);
        *members = NULL;
        *n = 0;
        return s;
    }
    if (*n) qsort(*members, *n, sizeof **members, by_name);
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
