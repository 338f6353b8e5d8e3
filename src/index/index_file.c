#include "index/index_file.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include <string.h>

/* ---- Layout and header -------------------------------------------------------------------- */

/* Adds a section of n items behind *end. */
static bool add_section(size_t *end, size_t *at, size_t n, size_t item) {
    size_t bytes, padded;
    *at = *end;
    if (!fct_mul_size(n, item, &bytes) || !fct_add_size(bytes, FCT_INDEX_FILE_PAGE - 1, &padded)) return false;
    return fct_add_size(*end, padded / FCT_INDEX_FILE_PAGE * FCT_INDEX_FILE_PAGE, end);
}

/* Signs of rows that lie side by side. */
static size_t panel_bytes(int dim) { return (size_t)fct_sketch_words(dim) * FCT_INDEX_SKETCH_ROWS * sizeof(uint64_t); }
static size_t count_panels(size_t n) { return (n + FCT_INDEX_SKETCH_ROWS - 1) / FCT_INDEX_SKETCH_ROWS; }

bool fct_index_layout_make(int dim, size_t n, fct_index_layout *out) {
    *out = (fct_index_layout){.end = FCT_INDEX_FILE_PAGE};
    return n < UINT32_MAX && add_section(&out->end, &out->vectors, n, (size_t)dim * sizeof(float)) &&
           add_section(&out->end, &out->bytes, n, (size_t)fct_sketch_bytes(dim)) &&
           add_section(&out->end, &out->sums, n, sizeof(fct_index_sums)) &&
           add_section(&out->end, &out->signs, count_panels(n), panel_bytes(dim)) &&
           add_section(&out->end, &out->scales, n, sizeof(float)) &&
           add_section(&out->end, &out->errors, n, sizeof(float)) &&
           add_section(&out->end, &out->rows, n, sizeof(fct_index_row));
}

uint32_t fct_index_sum(const void *data, size_t size) {
    uint64_t sum = fct_checksum64(data, size);
    return (uint32_t)(sum ^ sum >> 32);
}

uint64_t fct_index_header_sum(const fct_index_header *h) {
    fct_index_header copy;
    memcpy(&copy, h, sizeof copy);
    copy.header = 0;
    return fct_checksum64(&copy, sizeof copy);
}

fct_status fct_index_header_check(const fct_index_header *h, const char *path, uint64_t file_size,
                                  const fct_index_key *key, fct_error *err) {
    fct_index_layout at;
    const char *why = NULL;
    if (memcmp(h->magic, FCT_INDEX_FILE_MAGIC, sizeof h->magic) != 0) why = "no index of faces";
    else if (h->order != FCT_INDEX_FILE_ORDER) why = "made by another kind of machine";
    else if (h->version != FCT_INDEX_FILE_VERSION) why = "made by another version";
    else if (h->header != fct_index_header_sum(h)) why = "its header is damaged";
    else if (h->dim < 1 || h->dim > FCT_INDEX_DIM_MAX || h->n < 1 || h->n >= UINT32_MAX ||
             !fct_index_layout_make((int)h->dim, (size_t)h->n, &at))
        why = "its header is impossible";
    else if (h->file_size != at.end || file_size != at.end) why = "it has not the size it should have";
    else if (key && memcmp(&h->key, key, sizeof *key) != 0) why = "of another state of the gallery";
    return why ? fct_fail(err, FCT_ERR_FORMAT, "%s: %s", path, why) : FCT_OK;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void destroy(fct_index_file *f) {
    for (size_t i = 0; f->bytes && i < f->n_chunks; i++) fct_aligned_free(atomic_load(&f->bytes[i]));
    fct_part_close(&f->part);
    fct_mutex_destroy(&f->lock);
    fct_free(f->path);
    fct_free(f->sums);
    fct_aligned_free(f->signs);
    fct_free(f->scales);
    fct_free(f->errors);
    fct_free(f->rows);
    fct_free((void *)f->bytes);
    fct_free((void *)f->asked);
    fct_free(f);
}

void fct_index_file_drop(fct_index_file *f) {
    if (f && --f->users == 0) destroy(f);
}

/* Memory for what stays there. */
static bool make_room(fct_index_file *f) {
    size_t n = (size_t)f->head.n, per = f->head.per_chunk;
    f->n_chunks = (n + per - 1) / per;
    f->sums = fct_realloc_array(NULL, n, sizeof *f->sums);
    f->signs = fct_aligned_alloc(count_panels(n) * panel_bytes((int)f->head.dim));
    f->scales = fct_realloc_array(NULL, n, sizeof *f->scales);
    f->errors = fct_realloc_array(NULL, n, sizeof *f->errors);
    f->rows = fct_realloc_array(NULL, n, sizeof *f->rows);
    f->bytes = fct_calloc(f->n_chunks, sizeof *f->bytes);
    f->asked = fct_calloc(f->n_chunks, sizeof *f->asked);
    return f->sums && f->signs && f->scales && f->errors && f->rows && f->bytes && f->asked;
}

static fct_status read_sections(fct_index_file *f, fct_error *err) {
    size_t n = (size_t)f->head.n;
    const struct {
        void *to;
        size_t at, bytes;
    } parts[] = {{f->sums, f->at.sums, n * sizeof *f->sums},
                 {f->signs, f->at.signs, count_panels(n) * panel_bytes((int)f->head.dim)},
                 {f->scales, f->at.scales, n * sizeof *f->scales},
                 {f->errors, f->at.errors, n * sizeof *f->errors},
                 {f->rows, f->at.rows, n * sizeof *f->rows}};
    uint64_t sums[5];
    fct_status s = FCT_OK;
    for (int i = 0; i < 5 && !s; i++) {
        s = fct_part_read(&f->part, parts[i].at, parts[i].bytes, parts[i].to, err);
        if (!s) sums[i] = fct_checksum64(parts[i].to, parts[i].bytes);
    }
    if (!s && fct_checksum64(sums, sizeof sums) != f->head.sections)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: it is damaged", f->path);
    return s;
}

static fct_status read_header(const fct_part_file *f, const fct_index_key *key, fct_index_header *out, fct_error *err) {
    if (f->size < FCT_INDEX_FILE_PAGE) return fct_fail(err, FCT_ERR_FORMAT, "%s: no index of faces", f->path);
    fct_status s = fct_part_read(f, 0, sizeof *out, out, err);
    return s ? s : fct_index_header_check(out, f->path, f->size, key, err);
}

fct_status fct_index_header_read(const char *path, const fct_index_key *key, fct_index_header *out, fct_error *err) {
    fct_part_file f;
    fct_status s = fct_part_open_own(path, &f, err);
    if (s) return s;
    s = read_header(&f, key, out, err);
    fct_part_close(&f);
    return s;
}

static fct_status read_file(fct_index_file *f, const fct_index_key *key, fct_error *err) {
    fct_status s = read_header(&f->part, key, &f->head, err);
    if (s) return s;
    fct_index_layout_make((int)f->head.dim, (size_t)f->head.n, &f->at);
    if (f->head.per_chunk != fct_index_per_chunk((int)f->head.dim))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: made by another version", f->path);
    if (!make_room(f)) return fct_fail_nomem(err, f->path, 0);
    return read_sections(f, err);
}

fct_status fct_index_file_open(const char *path, const fct_index_key *key, fct_index_file **out, fct_error *err) {
    *out = NULL;
    fct_index_file *f = fct_calloc(1, sizeof *f);
    if (!f) return fct_fail_nomem(err, path, sizeof *f);
    fct_mutex_init(&f->lock);
    f->users = 1;
    f->path = fct_strdup(path);
    fct_status s = f->path ? fct_part_open_own(f->path, &f->part, err) : fct_fail_nomem(err, path, 0);
    if (!s) s = read_file(f, key, err);
    if (s) destroy(f);
    else *out = f;
    return s;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static fct_status damaged(const fct_index_file *f, size_t row, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: row %zu is damaged", f->path, row);
}

fct_status fct_index_file_vectors(const fct_index_file *f, size_t chunk, size_t at, size_t n, float *out,
                                  fct_error *err) {
    size_t first = chunk * f->head.per_chunk + at, dim = f->head.dim, size = dim * sizeof *out;
    fct_status s = fct_part_read(&f->part, f->at.vectors + first * size, n * size, out, err);
    for (size_t r = 0; r < n && !s; r++)
        if (fct_index_sum(out + r * dim, size) != f->sums[first + r].vector) s = damaged(f, first + r, err);
    return s;
}

/* Reads the bytes of n rows and checks them. */
static fct_status read_bytes(const fct_index_file *f, size_t first, size_t n, int8_t *out, fct_error *err) {
    size_t size = (size_t)fct_sketch_bytes((int)f->head.dim);
    fct_status s = fct_part_read(&f->part, f->at.bytes + first * size, n * size, out, err);
    for (size_t r = 0; r < n && !s; r++)
        if (fct_index_sum(out + r * size, size) != f->sums[first + r].bytes) s = damaged(f, first + r, err);
    return s;
}

fct_status fct_index_file_bytes(fct_index_file *f, size_t chunk, const int8_t **out, fct_error *err) {
    size_t per = f->head.per_chunk, first = chunk * per, n = (size_t)f->head.n - first;
    fct_status s = FCT_OK;
    *out = atomic_load_explicit(&f->bytes[chunk], memory_order_acquire);
    if (*out) return FCT_OK;
    fct_mutex_lock(&f->lock);
    int8_t *bytes = atomic_load(&f->bytes[chunk]);
    if (!bytes) {
        if (n > per) n = per;
        bytes = fct_aligned_alloc(n * (size_t)fct_sketch_bytes((int)f->head.dim));
        s = bytes ? read_bytes(f, first, n, bytes, err) : fct_fail_nomem(err, f->path, 0);
        if (s) fct_aligned_free(bytes);
        else atomic_store_explicit(&f->bytes[chunk], bytes, memory_order_release);
    }
    fct_mutex_unlock(&f->lock);
    if (!s) *out = bytes;
    return s;
}

#define ASKED_OFTEN 16 /* rows of a chunk read alone take longer together than reading all of it */

fct_status fct_index_file_row(fct_index_file *f, size_t chunk, size_t at, int8_t *room, const int8_t **out,
                              fct_error *err) {
    const int8_t *all = atomic_load_explicit(&f->bytes[chunk], memory_order_acquire);
    fct_status s = FCT_OK;
    *out = room;
    if (!all && atomic_fetch_add_explicit(&f->asked[chunk], 1, memory_order_relaxed) < ASKED_OFTEN)
        return read_bytes(f, chunk * f->head.per_chunk + at, 1, room, err);
    if (!all) s = fct_index_file_bytes(f, chunk, &all, err);
    if (!s) *out = all + at * (size_t)fct_sketch_bytes((int)f->head.dim);
    return s;
}
