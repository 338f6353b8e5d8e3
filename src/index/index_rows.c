/* The rows of an index: adding, removing, and versions for those who look. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "index/index_impl.h"
#include <string.h>

#define CHUNK_BYTES ((size_t)4 << 20)
#define NO_ROW      FCT_IDMAP_NONE

/* ---- Chunks and versions -------------------------------------------------------------- */

static fct_rows *rows_of(fct_index *x) { return (fct_rows *)x; }

static void free_chunk(fct_chunk *c) {
    if (!c) return;
    fct_aligned_free(c->data);
    fct_free(c->rows);
    fct_aligned_free(c->bits);
    fct_aligned_free(c->bytes);
    fct_free(c->scales);
    fct_free(c);
}

static size_t chunk_floats(const fct_rows *x) { return fct_rows_per_chunk(x) * (size_t)x->head.dim; }

/* Sizes of what the stages need of a chunk. */
static size_t bits_size(const fct_rows *x) { return fct_rows_per_chunk(x) * (size_t)fct_stage_words(x->head.dim) * 8; }
static size_t bytes_size(const fct_rows *x) { return fct_rows_per_chunk(x) * (size_t)fct_stage_bytes(x->head.dim); }

static bool make_stages(const fct_rows *x, fct_chunk *c) {
    c->bits = fct_aligned_alloc(bits_size(x));
    c->bytes = fct_aligned_alloc(bytes_size(x));
    c->scales = fct_realloc_array(NULL, fct_rows_per_chunk(x), sizeof *c->scales);
    return c->bits && c->bytes && c->scales;
}

/* A chunk of one version, its content undefined. */
static fct_chunk *make_chunk(const fct_rows *x) {
    fct_chunk *c = fct_calloc(1, sizeof *c);
    if (!c) return NULL;
    c->versions = 1;
    c->data = fct_aligned_alloc(chunk_floats(x) * sizeof *c->data);
    c->rows = fct_realloc_array(NULL, fct_rows_per_chunk(x), sizeof *c->rows);
    if (c->data && c->rows && (!x->staged || make_stages(x, c))) return c;
    free_chunk(c);
    return NULL;
}

static fct_edition *make_version(fct_rows *x, size_t cap) {
    fct_edition *v = fct_calloc(1, sizeof *v);
    fct_chunk **chunks = fct_realloc_array(NULL, cap + 1, sizeof(fct_chunk *));
    if (!v || !chunks) return fct_free(v), fct_free(chunks), NULL;
    *v = (fct_edition){.head = {x->head.ops}, .of = x, .users = 1, .chunks = chunks, .cap_chunks = cap + 1};
    return v;
}

/* Takes one user off; the last one takes the version away. Holds x->lock. */
static void drop_version(fct_edition *v) {
    if (--v->users) return;
    for (size_t i = 0; i < v->n_chunks; i++)
        if (--v->chunks[i]->versions == 0) free_chunk(v->chunks[i]);
    fct_free(v->chunks);
    fct_free(v);
}

/* Makes the newest version one that nobody looks at. */
static bool own_version(fct_rows *x) {
    fct_edition *old = x->now;
    fct_mutex_lock(&x->lock);
    bool seen = old->users > 1;
    fct_mutex_unlock(&x->lock);
    if (!seen) return true; /* and no view begins while somebody writes */
    fct_edition *v = make_version(x, old->n_chunks + 1);
    if (!v) return false;
    memcpy(v->chunks, old->chunks, old->n_chunks * sizeof *v->chunks);
    v->n = old->n;
    v->n_chunks = old->n_chunks;
    fct_mutex_lock(&x->lock);
    for (size_t i = 0; i < v->n_chunks; i++) v->chunks[i]->versions++;
    drop_version(old);
    fct_mutex_unlock(&x->lock);
    x->now = v;
    return true;
}

/* Makes the chunk of a row one that is in the newest version alone. */
static bool own_chunk(fct_rows *x, size_t row) {
    size_t at = row / fct_rows_per_chunk(x);
    fct_chunk *old = x->now->chunks[at];
    fct_mutex_lock(&x->lock);
    bool shared = old->versions > 1;
    fct_mutex_unlock(&x->lock);
    if (!shared) return true;
    fct_chunk *c = make_chunk(x);
    if (!c) return false;
    memcpy(c->data, old->data, chunk_floats(x) * sizeof *c->data);
    memcpy(c->rows, old->rows, fct_rows_per_chunk(x) * sizeof *c->rows);
    if (x->staged) {
        memcpy(c->bits, old->bits, bits_size(x));
        memcpy(c->bytes, old->bytes, bytes_size(x));
        memcpy(c->scales, old->scales, fct_rows_per_chunk(x) * sizeof *c->scales);
    }
    x->now->chunks[at] = c;
    fct_mutex_lock(&x->lock);
    if (--old->versions == 0) free_chunk(old); /* its readers have left meanwhile */
    fct_mutex_unlock(&x->lock);
    return true;
}

static void destroy(fct_rows *x) {
    fct_mutex_destroy(&x->lock);
    fct_idmap_clear(&x->by_face);
    fct_idmap_clear(&x->by_person);
    fct_free(x->links);
    fct_free(x);
}

static void rows_free(fct_index *index) {
    fct_rows *x = rows_of(index);
    fct_mutex_lock(&x->lock);
    if (x->now) drop_version(x->now);
    x->closed = true;
    bool last = x->views == 0;
    fct_mutex_unlock(&x->lock);
    if (last) destroy(x);
}

static fct_index_view *view_begin(fct_index *index) {
    fct_rows *x = rows_of(index);
    fct_mutex_lock(&x->lock);
    x->views++;
    x->now->users++;
    fct_mutex_unlock(&x->lock);
    return &x->now->head;
}

static void view_end(fct_index_view *view) {
    fct_edition *v = (fct_edition *)view;
    fct_rows *x = v->of;
    fct_mutex_lock(&x->lock);
    drop_version(v);
    bool last = --x->views == 0 && x->closed;
    fct_mutex_unlock(&x->lock);
    if (last) destroy(x);
}

/* ---- Rows of a person ------------------------------------------------------------------- */

/* Puts a row at the head of its person's list; by_person has room. */
static void link_row(fct_rows *x, uint32_t row, int64_t person_id) {
    uint32_t first = fct_idmap_get(&x->by_person, person_id);
    x->links[row] = (fct_link){first, NO_ROW};
    if (first != NO_ROW) x->links[first].prev = row;
    fct_idmap_put(&x->by_person, person_id, row);
}

static void unlink_row(fct_rows *x, uint32_t row, int64_t person_id) {
    fct_link l = x->links[row];
    if (l.next != NO_ROW) x->links[l.next].prev = l.prev;
    if (l.prev != NO_ROW) x->links[l.prev].next = l.next;
    else if (l.next != NO_ROW) fct_idmap_put(&x->by_person, person_id, l.next);
    else fct_idmap_remove(&x->by_person, person_id);
}

/* ---- Adding and removing ----------------------------------------------------------------- */

static size_t rows_count(const fct_index *x) { return ((const fct_rows *)x)->now->n; }

/* First float of a row inside its panel. */
static float *row_data(const fct_edition *v, size_t row) {
    return fct_edition_panel(v, row / FCT_INDEX_PANEL) + row % FCT_INDEX_PANEL;
}

/* Makes what the stages look at of the row's embedding. */
static void fill_stages(fct_rows *x, size_t row) {
    if (!x->staged) return;
    size_t at = row % fct_rows_per_chunk(x);
    fct_chunk *c = x->now->chunks[row / fct_rows_per_chunk(x)];
    c->scales[at] = fct_stage_fill(row_data(x->now, row), FCT_INDEX_PANEL, x->head.dim,
                                   c->bits + at * (size_t)fct_stage_words(x->head.dim),
                                   c->bytes + at * (size_t)fct_stage_bytes(x->head.dim));
}

static bool add_chunk(fct_rows *x) {
    fct_edition *v = x->now;
    fct_chunk **chunks = fct_grow(v->chunks, &v->cap_chunks, v->n_chunks + 1, sizeof(fct_chunk *));
    if (!chunks) return false;
    v->chunks = chunks;
    fct_chunk *c = make_chunk(x);
    if (c) v->chunks[v->n_chunks++] = c;
    return c != NULL;
}

static bool reserve_links(fct_rows *x, size_t n) {
    fct_link *links = fct_grow(x->links, &x->links_cap, n, sizeof *links);
    if (links) x->links = links;
    return links != NULL;
}

/* Makes row writable, at most one behind the last, with room in every array. The
 * lanes of a panel past the last row are computed but never read; zeros keep them
 * from being slow (denormals). */
static bool prepare_row(fct_rows *x, size_t row) {
    if (row >= UINT32_MAX - 1 || !own_version(x)) return false;
    if (row / fct_rows_per_chunk(x) >= x->now->n_chunks ? !add_chunk(x) : !own_chunk(x, row)) return false;
    if (!reserve_links(x, row + 1) || !fct_idmap_reserve(&x->by_face, 1) || !fct_idmap_reserve(&x->by_person, 1))
        return false;
    if (row == x->now->n && row % FCT_INDEX_PANEL == 0)
        memset(row_data(x->now, row), 0, (size_t)x->head.dim * FCT_INDEX_PANEL * sizeof(float));
    return true;
}

static fct_status rows_add(fct_index *index, int64_t face_id, int64_t person_id, const float *embedding,
                           fct_error *err) {
    fct_rows *x = rows_of(index);
    uint32_t at = fct_idmap_get(&x->by_face, face_id);
    bool is_new = at == NO_ROW;
    size_t row = is_new ? x->now->n : at;
    if (!prepare_row(x, row)) return fct_fail_nomem(err, "index of faces", 0);
    if (!fct_index_normalize(embedding, index->dim, row_data(x->now, row), FCT_INDEX_PANEL))
        return fct_fail(err, FCT_ERR_ARG, "embedding is zero or not finite");
    fill_stages(x, row);
    fct_index_row *r = fct_edition_row(x->now, row);
    if (!is_new) unlink_row(x, at, r->person_id);
    *r = (fct_index_row){face_id, person_id};
    link_row(x, (uint32_t)row, person_id);
    fct_idmap_put(&x->by_face, face_id, (uint32_t)row);
    x->now->n += is_new;
    return FCT_OK;
}

/* The last row takes the place of the removed one. */
static bool remove_row(fct_rows *x, uint32_t row) {
    uint32_t last = (uint32_t)x->now->n - 1;
    if (!own_version(x) || (row != last && !own_chunk(x, row))) return false;
    fct_edition *v = x->now;
    fct_index_row *r = fct_edition_row(v, row);
    unlink_row(x, row, r->person_id);
    fct_idmap_remove(&x->by_face, r->face_id);
    if (row != last) {
        const float *src = row_data(v, last);
        float *dst = row_data(v, row);
        for (int i = 0; i < x->head.dim; i++) dst[i * FCT_INDEX_PANEL] = src[i * FCT_INDEX_PANEL];
        fill_stages(x, row);
        *r = *fct_edition_row(v, last);
        unlink_row(x, last, r->person_id);
        link_row(x, row, r->person_id); /* the person has a place in the map or had one just now: it cannot fail */
        fct_idmap_put(&x->by_face, r->face_id, row);
    }
    v->n = last;
    return true;
}

static fct_status rows_remove(fct_index *index, int64_t face_id, fct_error *err) {
    fct_rows *x = rows_of(index);
    uint32_t row = fct_idmap_get(&x->by_face, face_id);
    return row == NO_ROW || remove_row(x, row) ? FCT_OK : fct_fail_nomem(err, "index of faces", 0);
}

static fct_status rows_remove_person(fct_index *index, int64_t person_id, fct_error *err) {
    fct_rows *x = rows_of(index);
    uint32_t row;
    while ((row = fct_idmap_get(&x->by_person, person_id)) != NO_ROW)
        if (!remove_row(x, row)) return fct_fail_nomem(err, "index of faces", 0);
    return FCT_OK;
}

static const fct_index_ops rows_ops = {.destroy = rows_free,
                                       .count = rows_count,
                                       .add = rows_add,
                                       .remove = rows_remove,
                                       .remove_person = rows_remove_person,
                                       .view_begin = view_begin,
                                       .view_end = view_end,
                                       .search = fct_edition_search};

static fct_status create(int dim, bool staged, fct_index **out, fct_error *err) {
    *out = NULL;
    if (dim < 1 || dim > FCT_INDEX_DIM_MAX)
        return fct_fail(err, FCT_ERR_ARG, "index: dimension %d is not in 1..%d", dim, FCT_INDEX_DIM_MAX);
    fct_rows *x = fct_calloc(1, sizeof *x);
    if (!x) return fct_fail_nomem(err, "index", sizeof *x);
    x->head = (fct_index){&rows_ops, dim};
    x->staged = staged;
    size_t panel = (size_t)dim * FCT_INDEX_PANEL * sizeof(float),
           panels = panel < CHUNK_BYTES ? CHUNK_BYTES / panel : 1;
    x->task_panels = panels < FCT_INDEX_TASK_PANELS ? panels : FCT_INDEX_TASK_PANELS;
    x->panels_per_chunk = panels / x->task_panels * x->task_panels;
    fct_mutex_init(&x->lock);
    x->now = make_version(x, 1);
    if (!x->now) {
        destroy(x);
        return fct_fail_nomem(err, "index", sizeof *x->now);
    }
    *out = &x->head;
    return FCT_OK;
}

fct_status fct_index_create(int dim, fct_index **out, fct_error *err) { return create(dim, false, out, err); }
fct_status fct_index_create_staged(int dim, fct_index **out, fct_error *err) { return create(dim, true, out, err); }
