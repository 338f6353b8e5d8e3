/* Chunks: the arrays that hold some thousand rows. */
#include "base/alloc.h"
#include "base/error.h"
#include "index/index_file.h"
#include "index/index_impl.h"
#include "kernels/kernels.h"
#include <string.h>

static size_t words_of(const fct_rows *x) { return (size_t)fct_sketch_words(x->head.dim); }
static size_t size_of(const fct_rows *x) { return (size_t)fct_sketch_bytes(x->head.dim); }

static void free_arrays(fct_chunk *c) {
    fct_free(c->rows);
    fct_aligned_free(c->panels);
    fct_aligned_free(c->vectors);
    fct_aligned_free(c->bits);
    fct_aligned_free(c->bytes);
    fct_free(c->scales);
    fct_free(c->errors);
}

void fct_chunk_free(fct_chunk *c) {
    if (!c) return;
    if (c->file) fct_index_file_drop(c->file);
    else free_arrays(c);
    fct_free(c);
}

void fct_chunk_use_file(fct_chunk *c, fct_index_file *f, size_t number) {
    size_t first = number * f->head.per_chunk;
    if (!c->file) free_arrays(c);
    f->users++;
    *c = (fct_chunk){.versions = c->versions,
                     .file = f,
                     .number = number,
                     .rows = f->rows + first,
                     .bits = f->signs + first * (size_t)fct_sketch_words((int)f->head.dim),
                     .scales = f->scales + first,
                     .errors = f->errors + first};
}

static bool make_staged(const fct_rows *x, fct_chunk *c) {
    size_t n = fct_rows_per_chunk(x);
    c->vectors = fct_aligned_alloc(n * (size_t)x->head.dim * sizeof(float));
    c->bits = fct_aligned_alloc(n * words_of(x) * sizeof(uint64_t));
    c->bytes = fct_aligned_alloc(n * size_of(x));
    c->scales = fct_realloc_array(NULL, n, sizeof(float));
    c->errors = fct_realloc_array(NULL, n, sizeof(float));
    return c->vectors && c->bits && c->bytes && c->scales && c->errors;
}

fct_chunk *fct_chunk_create(const fct_rows *x, bool staged) {
    size_t n = fct_rows_per_chunk(x);
    fct_chunk *c = fct_calloc(1, sizeof *c);
    if (!c) return NULL;
    c->versions = 1;
    c->rows = fct_realloc_array(NULL, n, sizeof *c->rows);
    if (!staged) c->panels = fct_aligned_alloc(n * (size_t)x->head.dim * sizeof(float));
    if (c->rows && (staged ? make_staged(x, c) : c->panels != NULL)) return c;
    free_arrays(c);
    fct_free(c);
    return NULL;
}

/* ---- Rows ------------------------------------------------------------------------------- */

/* First float of a row in its panel. */
static float *in_panel(const fct_rows *x, const fct_chunk *c, size_t at) {
    return c->panels + at / FCT_INDEX_PANEL * (size_t)x->head.dim * FCT_INDEX_PANEL + at % FCT_INDEX_PANEL;
}

/* Rows beside the last one in its panel are compared but never looked at; zeros are not slow (denormals). */
void fct_chunk_extend(const fct_rows *x, fct_chunk *c, size_t at) {
    size_t words = words_of(x);
    if (c->panels && at % FCT_INDEX_PANEL == 0)
        memset(in_panel(x, c, at), 0, (size_t)x->head.dim * FCT_INDEX_PANEL * sizeof(float));
    if (c->bits && at % FCT_INDEX_SKETCH_ROWS == 0)
        memset(c->bits + at * words, 0, FCT_INDEX_SKETCH_ROWS * words * sizeof(uint64_t));
}

/* Puts the signs of a row among those of its neighbors. */
static void put_signs(const fct_rows *x, fct_chunk *c, size_t at, const uint64_t *signs) {
    size_t words = words_of(x);
    uint64_t *to = c->bits + at / FCT_INDEX_SKETCH_ROWS * FCT_INDEX_SKETCH_ROWS * words + at % FCT_INDEX_SKETCH_ROWS;
    for (size_t i = 0; i < words; i++) to[i * FCT_INDEX_SKETCH_ROWS] = signs[i];
}

/* Makes the sketch of a row whose vector is there. */
static void put_sketch(const fct_rows *x, fct_chunk *c, size_t at) {
    uint64_t signs[FCT_INDEX_DIM_MAX / 64];
    fct_kernels()->sketch_row(&c->scales[at], &c->errors[at], signs, c->bytes + at * size_of(x),
                              c->vectors + at * (size_t)x->head.dim, x->head.dim);
    put_signs(x, c, at, signs);
}

bool fct_chunk_put(const fct_rows *x, fct_chunk *c, size_t at, const float *embedding) {
    int dim = x->head.dim;
    if (c->panels) return fct_index_normalize(embedding, dim, in_panel(x, c, at), FCT_INDEX_PANEL);
    if (!fct_index_normalize(embedding, dim, c->vectors + at * (size_t)dim, 1)) return false;
    put_sketch(x, c, at);
    return true;
}

fct_status fct_chunk_vectors(const fct_rows *x, const fct_chunk *c, size_t at, size_t n, float *out, fct_error *err) {
    size_t dim = (size_t)x->head.dim;
    if (c->file) return fct_index_file_vectors(c->file, c->number, at, n, out, err);
    memcpy(out, c->vectors + at * dim, n * dim * sizeof *out);
    return FCT_OK;
}

void fct_panel_fill(float *panel, int lane, const float *rows, size_t n, int dim) {
    for (size_t r = 0; r < n; r++)
        for (int i = 0; i < dim; i++) panel[(size_t)i * FCT_INDEX_PANEL + (size_t)lane + r] = rows[r * (size_t)dim + i];
}

void fct_chunk_move(const fct_rows *x, fct_chunk *to, size_t to_at, const fct_chunk *from, size_t from_at) {
    size_t dim = (size_t)x->head.dim;
    to->rows[to_at] = from->rows[from_at];
    if (to->panels) {
        const float *src = in_panel(x, from, from_at);
        float *dst = in_panel(x, to, to_at);
        for (size_t i = 0; i < dim; i++) dst[i * FCT_INDEX_PANEL] = src[i * FCT_INDEX_PANEL];
    } else {
        memcpy(to->vectors + to_at * dim, from->vectors + from_at * dim, dim * sizeof(float));
        put_sketch(x, to, to_at);
    }
}

/* ---- Copies ------------------------------------------------------------------------------ */

/* From panels to rows with sketches: what an index does when it becomes staged. */
static void unfold(const fct_rows *x, const fct_chunk *from, fct_chunk *to, size_t n) {
    size_t dim = (size_t)x->head.dim;
    for (size_t r = 0; r < n; r++) {
        const float *src = in_panel(x, from, r);
        fct_chunk_extend(x, to, r);
        for (size_t i = 0; i < dim; i++) to->vectors[r * dim + i] = src[i * FCT_INDEX_PANEL];
        put_sketch(x, to, r);
    }
}

static fct_status copy_staged(const fct_rows *x, const fct_chunk *from, fct_chunk *to, size_t n, fct_error *err) {
    size_t panels = (n + FCT_INDEX_SKETCH_ROWS - 1) / FCT_INDEX_SKETCH_ROWS;
    memcpy(to->bits, from->bits, panels * FCT_INDEX_SKETCH_ROWS * words_of(x) * sizeof(uint64_t));
    memcpy(to->scales, from->scales, n * sizeof(float));
    memcpy(to->errors, from->errors, n * sizeof(float));
    if (from->file) {
        const int8_t *bytes;
        fct_status s = fct_index_file_bytes(from->file, from->number, &bytes, err);
        if (s) return s;
        memcpy(to->bytes, bytes, n * size_of(x));
    } else memcpy(to->bytes, from->bytes, n * size_of(x));
    return fct_chunk_vectors(x, from, 0, n, to->vectors, err);
}

fct_status fct_chunk_copy(const fct_rows *x, const fct_chunk *c, size_t n, bool staged, fct_chunk **out,
                          fct_error *err) {
    fct_chunk *copy = fct_chunk_create(x, staged);
    fct_status s = FCT_OK;
    *out = NULL;
    if (!copy) return fct_fail_nomem(err, "index of faces", 0);
    memcpy(copy->rows, c->rows, n * sizeof *c->rows);
    size_t in_panels = (n + FCT_INDEX_PANEL - 1) / FCT_INDEX_PANEL * FCT_INDEX_PANEL;
    if (!staged) memcpy(copy->panels, c->panels, in_panels * (size_t)x->head.dim * sizeof(float));
    else if (c->panels) unfold(x, c, copy, n);
    else s = copy_staged(x, c, copy, n, err);
    if (s) fct_chunk_free(copy);
    else *out = copy;
    return s;
}
