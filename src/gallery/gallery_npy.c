/* The .npy format is described in NumPy's documentation, "numpy.lib.format": the
 * magic "\x93NUMPY", two bytes of version, the length of the header (2 bytes, 4
 * from version 2), the header (a Python dictionary as text, for example
 * {'descr': '<f4', 'fortran_order': False, 'shape': (10, 512), }), the values.
 * An .npz file is a zip archive of them; of its directory only what is needed to
 * find the entries' data is read. */
#include "gallery/gallery_npy.h"
#include "base/error.h"
#include <string.h>

/* ---- The header's dictionary --------------------------------------------------------- */

typedef struct npy_header {
    char type[8];
    bool column_major;
    uint64_t shape[3];
    int n_dims;
} npy_header;

typedef struct npy_text {
    const char *p, *end;
} npy_text;

static void skip_blanks(npy_text *t) {
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\n')) t->p++;
}

static bool accept(npy_text *t, const char *word) {
    size_t n = strlen(word);
    skip_blanks(t);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0) return false;
    t->p += n;
    return true;
}

/* 'text' of at most cap - 1 characters. */
static bool quoted(npy_text *t, char *out, size_t cap) {
    if (!accept(t, "'")) return false;
    const char *stop = memchr(t->p, '\'', (size_t)(t->end - t->p));
    if (!stop || (size_t)(stop - t->p) >= cap) return false;
    memcpy(out, t->p, (size_t)(stop - t->p));
    out[stop - t->p] = 0;
    t->p = stop + 1;
    return true;
}

/* (), (n,), (n, m), (n, m, k). */
static bool shape(npy_text *t, npy_header *h) {
    if (!accept(t, "(")) return false;
    while (!accept(t, ")")) {
        uint64_t v = 0;
        if (h->n_dims == 3 || t->p == t->end || *t->p < '0' || *t->p > '9') return false;
        for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++) {
            if (v > UINT64_MAX / 100) return false;
            v = v * 10 + (uint64_t)(*t->p - '0');
        }
        h->shape[h->n_dims++] = v;
        if (!accept(t, ",") && !(t->p < t->end && *t->p == ')')) return false;
    }
    return true;
}

static bool parse_header(npy_text t, npy_header *h) {
    char key[16];
    unsigned seen = 0;
    memset(h, 0, sizeof *h);
    if (!accept(&t, "{")) return false;
    while (!accept(&t, "}")) {
        if (!quoted(&t, key, sizeof key) || !accept(&t, ":")) return false;
        bool ok;
        if (strcmp(key, "descr") == 0) seen |= 1, ok = quoted(&t, h->type, sizeof h->type);
        else if (strcmp(key, "fortran_order") == 0)
            seen |= 2, ok = (h->column_major = accept(&t, "True")) || accept(&t, "False");
        else if (strcmp(key, "shape") == 0 && !(seen & 4)) seen |= 4, ok = shape(&t, h);
        else ok = false;
        if (!ok) return false;
        if (!accept(&t, ",") && !(t.p < t.end && *t.p == '}')) return false;
    }
    return seen == 7;
}

/* ---- .npy ------------------------------------------------------------------------------ */

static uint64_t little(const uint8_t *p, int n) {
    uint64_t v = 0;
    while (n--) v = v << 8 | p[n];
    return v;
}

static fct_status bad(const char *name, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %s", name, why);
}

static fct_status unsupported(const char *name, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: %s", name, why);
}

static fct_status use_header(const npy_header *h, const char *name, int dim_max, fct_npy *out, fct_error *err) {
    const char *t = h->type;
    if (strchr(t, 'O')) return unsupported(name, "holds pickled Python objects, which are not read", err);
    if ((t[0] != '<' && t[0] != '>') || t[1] != 'f' || (t[2] != '2' && t[2] != '4' && t[2] != '8') || t[3])
        return unsupported(name, "holds no floating-point values of 2, 4 or 8 bytes", err);
    if (h->n_dims != 2) return unsupported(name, "is not a matrix: one row per face is expected", err);
    if (h->column_major && h->shape[0] > 1 && h->shape[1] > 1)
        return unsupported(name, "is stored by columns: save numpy.ascontiguousarray() of it", err);
    if (h->shape[1] < 1 || h->shape[1] > (uint64_t)dim_max)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: its rows have %llu values", name, (unsigned long long)h->shape[1]);
    out->dim = (int)h->shape[1];
    out->bytes = t[2] - '0';
    out->big_endian = t[0] == '>';
    return FCT_OK;
}

static fct_status read_npy(const uint8_t *data, size_t size, const char *name, int dim_max, fct_npy *out,
                           fct_error *err) {
    if (size < 10) return bad(name, "ends inside its header", err);
    int width = data[6] == 1 ? 2 : 4;
    if (data[6] < 1 || data[6] > 3) return unsupported(name, "is of an unknown version of the .npy format", err);
    if (size < 8 + (size_t)width) return bad(name, "ends inside its header", err);
    uint64_t length = little(data + 8, width);
    size_t start = 8 + (size_t)width;
    if (length > size - start) return bad(name, "ends inside its header", err);
    npy_header h;
    if (!parse_header((npy_text){(const char *)data + start, (const char *)data + start + length}, &h))
        return bad(name, "has a header that is not understood", err);
    fct_status s = use_header(&h, name, dim_max, out, err);
    if (s) return s;
    uint64_t left = size - start - length, row = (uint64_t)out->dim * (uint64_t)out->bytes;
    if (h.shape[0] > left / row) return bad(name, "ends before its last row", err);
    out->data = data + start + length;
    out->n = (size_t)h.shape[0];
    return FCT_OK;
}

/* ---- .npz ------------------------------------------------------------------------------ */

/* The end record of a zip archive (APPNOTE 4.3.16), searched backwards. */
static const uint8_t *find_directory_end(const uint8_t *data, size_t size) {
    for (size_t back = 22; back <= size && back <= 22 + 65535; back++)
        if (little(data + size - back, 4) == 0x06054b50) return data + size - back;
    return NULL;
}

/* Data of a directory entry (4.3.12) that is stored, not compressed; NULL where it is outside of the file. */
static const uint8_t *entry_data(const uint8_t *data, size_t size, const uint8_t *entry, uint64_t *length) {
    uint64_t at = little(entry + 42, 4);
    *length = little(entry + 24, 4);
    if (at > size || size - at < 30 || little(data + at, 4) != 0x04034b50) return NULL;
    uint64_t start = at + 30 + little(data + at + 26, 2) + little(data + at + 28, 2);
    return start <= size && *length <= size - start ? data + start : NULL;
}

static bool is_npy(const uint8_t *data, uint64_t size) { return size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0; }

/* Looks at an entry. Arrays that are no matrix of floats (names, boxes as
 * integers) are passed over; *found counts the matrices. */
static fct_status try_entry(const uint8_t *data, size_t size, const uint8_t *entry, const char *name, int dim_max,
                            int *found, fct_npy *out, fct_error *err) {
    uint64_t length;
    fct_npy m = {0};
    if (little(entry + 8, 2) & 1) return unsupported(name, "is encrypted", err);
    if (little(entry + 10, 2) != 0)
        return unsupported(name, "is compressed: save it with numpy.savez(), not savez_compressed()", err);
    const uint8_t *p = entry_data(data, size, entry, &length);
    if (!p) return bad(name, "has an entry outside of the file", err);
    if (!is_npy(p, length)) return FCT_OK;
    fct_status s = read_npy(p, (size_t)length, name, dim_max, &m, err);
    if (s == FCT_ERR_UNSUPPORTED) return FCT_OK;
    if (!s && ++*found == 1) *out = m;
    return s;
}

static fct_status read_npz(const uint8_t *data, size_t size, const char *name, int dim_max, fct_npy *out,
                           fct_error *err) {
    const uint8_t *end = find_directory_end(data, size);
    if (!end) return bad(name, "is a zip archive without its directory: cut short?", err);
    uint64_t count = little(end + 10, 2), at = little(end + 16, 4);
    int found = 0;
    fct_status s = FCT_OK;
    for (uint64_t i = 0; i < count && !s; i++) {
        if (at > size || size - at < 46 || little(data + at, 4) != 0x02014b50)
            return bad(name, "has a damaged directory", err);
        s = try_entry(data, size, data + at, name, dim_max, &found, out, err);
        at += 46 + little(data + at + 28, 2) + little(data + at + 30, 2) + little(data + at + 32, 2);
    }
    if (!s && found != 1)
        s = fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: holds %s matrix of floats: one is expected", name,
                     found ? "more than one" : "no");
    return s;
}

fct_status fct_npy_read(const uint8_t *data, size_t size, const char *name, int dim_max, fct_npy *out, fct_error *err) {
    fct_status s;
    memset(out, 0, sizeof *out);
    if (is_npy(data, size)) s = read_npy(data, size, name, dim_max, out, err);
    else if (size >= 4 && memcmp(data, "PK", 2) == 0) s = read_npz(data, size, name, dim_max, out, err);
    else s = bad(name, "is no .npy or .npz file", err);
    if (s) memset(out, 0, sizeof *out);
    return s;
}

/* ---- Values ------------------------------------------------------------------------------ */

static float from_half(uint32_t h) {
    uint32_t sign = (h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff, u;
    float f;
    if (exponent == 0) { /* zero and subnormal: a multiple of 2^-24 */
        f = (float)fraction / 16777216;
        return sign ? -f : f;
    }
    u = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    memcpy(&f, &u, 4);
    return f;
}

void fct_npy_row(const fct_npy *m, size_t i, float *out) {
    const uint8_t *p = m->data + i * (size_t)m->dim * (size_t)m->bytes;
    for (int j = 0; j < m->dim; j++, p += m->bytes) {
        uint64_t v = 0;
        for (int b = 0; b < m->bytes; b++) v = v << 8 | p[m->big_endian ? b : m->bytes - 1 - b];
        uint32_t u = (uint32_t)v;
        double d;
        memcpy(&d, &v, 8);
        if (m->bytes == 8) out[j] = (float)d;
        else if (m->bytes == 4) memcpy(&out[j], &u, 4);
        else out[j] = from_half(u);
    }
}
