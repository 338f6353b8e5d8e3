#include "index/index.h"
#include "base/alloc.h"
#include "base/error.h"
#include "index/index_impl.h"
#include <math.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)4 << 20)

fct_status fct_index_create(int dim, fct_index **out, fct_error *err) {
    *out = NULL;
    if (dim < 1 || dim > FCT_INDEX_DIM_MAX)
        return fct_fail(err, FCT_ERR_ARG, "index: dimension %d is not in 1..%d", dim, FCT_INDEX_DIM_MAX);
    fct_index *x = fct_calloc(1, sizeof *x);
    if (!x) return fct_fail_nomem(err, "index", sizeof *x);
    x->dim = dim;
    size_t panel = (size_t)dim * FCT_INDEX_PANEL * sizeof(float);
    x->panels_per_chunk = panel < CHUNK_BYTES ? CHUNK_BYTES / panel : 1;
    *out = x;
    return FCT_OK;
}

void fct_index_free(fct_index *x) {
    if (!x) return;
    for (size_t i = 0; i < x->n_chunks; i++) fct_aligned_free(x->chunks[i]);
    fct_free(x->chunks);
    fct_free(x->rows);
    fct_idmap_clear(&x->by_face);
    fct_free(x);
}

int fct_index_dim(const fct_index *x) { return x->dim; }
size_t fct_index_count(const fct_index *x) { return x->n; }

bool fct_index_normalize(const float *src, int dim, float *dst, size_t step) {
    double sum = 0;
    for (int i = 0; i < dim; i++) sum += (double)src[i] * src[i];
    /* Squares of floats neither overflow nor vanish in double; a NaN or an infinity stays one. */
    if (!(sum > 0) || !isfinite(sum)) return false;
    double scale = 1 / sqrt(sum);
    for (int i = 0; i < dim; i++) dst[(size_t)i * step] = (float)(src[i] * scale);
    return true;
}

/* First float of a row inside its panel. */
static float *row_data(const fct_index *x, size_t row) {
    return fct_index_panel(x, row / FCT_INDEX_PANEL) + row % FCT_INDEX_PANEL;
}

static bool add_chunk(fct_index *x) {
    size_t count = x->panels_per_chunk * (size_t)x->dim * FCT_INDEX_PANEL;
    float **chunks = fct_realloc_array(x->chunks, x->n_chunks + 1, sizeof *chunks);
    if (!chunks) return false;
    x->chunks = chunks;
    float *data = fct_aligned_alloc(count * sizeof *data);
    if (!data) return false;
    chunks[x->n_chunks++] = data;
    return true;
}

/* Room for one more row in every array. The lanes of a panel past the last row
 * are computed but never read; zeros keep them from being slow (denormals). */
static bool reserve_row(fct_index *x) {
    if (x->n >= UINT32_MAX - 1) return false;
    if (x->n == x->rows_cap) {
        size_t cap = x->rows_cap ? x->rows_cap * 2 : 64;
        fct_index_row *rows = fct_realloc_array(x->rows, cap, sizeof *rows);
        if (!rows) return false;
        x->rows = rows;
        x->rows_cap = cap;
    }
    size_t panel = x->n / FCT_INDEX_PANEL;
    if (panel / x->panels_per_chunk >= x->n_chunks && !add_chunk(x)) return false;
    if (!fct_idmap_reserve(&x->by_face, 1)) return false;
    if (x->n % FCT_INDEX_PANEL == 0)
        memset(fct_index_panel(x, panel), 0, (size_t)x->dim * FCT_INDEX_PANEL * sizeof(float));
    return true;
}

fct_status fct_index_add(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err) {
    uint32_t at = fct_idmap_get(&x->by_face, face_id);
    bool is_new = at == FCT_IDMAP_NONE;
    if (is_new && !reserve_row(x)) return fct_fail_nomem(err, "index of faces", 0);
    size_t row = is_new ? x->n : at;
    if (!fct_index_normalize(embedding, x->dim, row_data(x, row), FCT_INDEX_PANEL))
        return fct_fail(err, FCT_ERR_ARG, "embedding is zero or not finite");
    x->rows[row] = (fct_index_row){face_id, person_id};
    if (is_new) {
        fct_idmap_put(&x->by_face, face_id, (uint32_t)row);
        x->n++;
    }
    return FCT_OK;
}

/* The last row takes the place of the removed one. */
static void remove_row(fct_index *x, size_t row) {
    size_t last = x->n - 1;
    fct_idmap_remove(&x->by_face, x->rows[row].face_id);
    if (row != last) {
        const float *src = row_data(x, last);
        float *dst = row_data(x, row);
        for (int i = 0; i < x->dim; i++) dst[i * FCT_INDEX_PANEL] = src[i * FCT_INDEX_PANEL];
        x->rows[row] = x->rows[last];
        fct_idmap_put(&x->by_face, x->rows[row].face_id, (uint32_t)row);
    }
    x->n = last;
}

void fct_index_remove(fct_index *x, int64_t face_id) {
    uint32_t row = fct_idmap_get(&x->by_face, face_id);
    if (row != FCT_IDMAP_NONE) remove_row(x, row);
}

void fct_index_remove_person(fct_index *x, int64_t person_id) {
    for (size_t row = x->n; row-- > 0;)
        if (x->rows[row].person_id == person_id) remove_row(x, row);
}
