/* The rows of an index: adding, removing, and versions for those who look. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "index/index_file.h"
#include "index/index_impl.h"
#include <string.h>

#define CHUNK_BYTES ((size_t)4 << 20)
#define NO_ROW      FCT_IDMAP_NONE

/* ---- Chunks and versions -------------------------------------------------------------- */

static fct_rows *rows_of(fct_index *x) { return (fct_rows *)x; }

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
        if (--v->chunks[i]->versions == 0) fct_chunk_free(v->chunks[i]);
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
    v->staged = old->staged;
    v->n = old->n;
    v->n_chunks = old->n_chunks;
    fct_mutex_lock(&x->lock);
    for (size_t i = 0; i < v->n_chunks; i++) v->chunks[i]->versions++;
    drop_version(old);
    fct_mutex_unlock(&x->lock);
    x->now = v;
    return true;
}

/* Rows of chunk number `at` of the newest version that are there. */
static size_t rows_in_chunk(const fct_rows *x, size_t at) {
    size_t per = fct_rows_per_chunk(x), first = at * per;
    return x->now->n - first < per ? x->now->n - first : per;
}

/* Puts a chunk of one version into a place of the newest version. */
static void replace_chunk(fct_rows *x, size_t at, fct_chunk *c) {
    fct_chunk *old = x->now->chunks[at];
    x->now->chunks[at] = c;
    fct_mutex_lock(&x->lock);
    if (--old->versions == 0) fct_chunk_free(old); /* its readers may have left meanwhile */
    fct_mutex_unlock(&x->lock);
}

/* Makes the chunk of a row one that is in memory, and in the newest version alone. */
static fct_status own_chunk(fct_rows *x, size_t row, fct_error *err) {
    size_t at = row / fct_rows_per_chunk(x);
    fct_chunk *old = x->now->chunks[at], *c;
    fct_mutex_lock(&x->lock);
    bool shared = old->versions > 1;
    fct_mutex_unlock(&x->lock);
    if (!shared && !old->file) return FCT_OK;
    fct_status s = fct_chunk_copy(x, old, rows_in_chunk(x, at), x->now->staged, &c, err);
    if (!s) replace_chunk(x, at, c);
    return s;
}

/* Makes the index staged. The newest version is one that nobody looks at. */
static fct_status become_staged(fct_rows *x, fct_error *err) {
    fct_edition *v = x->now;
    fct_chunk **staged = fct_calloc(v->n_chunks + 1, sizeof(fct_chunk *));
    if (!staged) return fct_fail_nomem(err, "index of faces", 0);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < v->n_chunks && !s; i++)
        s = fct_chunk_copy(x, v->chunks[i], rows_in_chunk(x, i), true, &staged[i], err);
    for (size_t i = 0; i < v->n_chunks; i++)
        if (s) fct_chunk_free(staged[i]);
        else replace_chunk(x, i, staged[i]);
    fct_free(staged);
    if (!s) v->staged = true;
    return s;
}

static void destroy(fct_rows *x) {
    fct_index_writer_discard(x->writer);
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

static bool add_chunk(fct_rows *x) {
    fct_edition *v = x->now;
    fct_chunk **chunks = fct_grow(v->chunks, &v->cap_chunks, v->n_chunks + 1, sizeof(fct_chunk *));
    if (!chunks) return false;
    v->chunks = chunks;
    fct_chunk *c = fct_chunk_create(x, v->staged);
    if (c) v->chunks[v->n_chunks++] = c;
    return c != NULL;
}

static bool reserve_links(fct_rows *x, size_t n) {
    fct_link *links = fct_grow(x->links, &x->links_cap, n, sizeof *links);
    if (links) x->links = links;
    return links != NULL;
}

static void forget_maps(fct_rows *x) {
    fct_idmap_clear(&x->by_face);
    fct_idmap_clear(&x->by_person);
    x->mapped = false;
}

/* Makes the maps where they are not there: a search needs none of them. */
static bool make_maps(fct_rows *x) {
    const fct_edition *v = x->now;
    if (x->mapped) return true;
    if (!reserve_links(x, v->n + 1) || !fct_idmap_reserve(&x->by_face, v->n)) return forget_maps(x), false;
    for (size_t row = 0; row < v->n; row++) {
        const fct_index_row *r = fct_edition_row(v, row);
        if (!fct_idmap_reserve(&x->by_person, 1)) return forget_maps(x), false;
        fct_idmap_put(&x->by_face, r->face_id, (uint32_t)row);
        link_row(x, (uint32_t)row, r->person_id);
    }
    return x->mapped = true;
}

/* Makes row writable, at most one behind the last. */
static fct_status prepare_row(fct_rows *x, size_t row, fct_error *err) {
    if (row >= UINT32_MAX - 1 || !own_version(x)) return fct_fail_nomem(err, "index of faces", 0);
    fct_status s = FCT_OK;
    if (!x->now->staged && row >= x->stage_rows) s = become_staged(x, err);
    if (s) return s;
    if (row / fct_rows_per_chunk(x) < x->now->n_chunks) s = own_chunk(x, row, err);
    else if (!add_chunk(x)) s = fct_fail_nomem(err, "index of faces", 0);
    if (!s && row == x->now->n) fct_chunk_extend(x, fct_edition_chunk(x->now, row), row % fct_rows_per_chunk(x));
    return s;
}

static fct_status put_row(fct_rows *x, size_t row, const fct_index_row *r, const float *embedding, fct_error *err) {
    fct_chunk *c = fct_edition_chunk(x->now, row);
    size_t at = row % fct_rows_per_chunk(x);
    if (!fct_chunk_put(x, c, at, embedding)) return fct_fail(err, FCT_ERR_ARG, "embedding is zero or not finite");
    c->rows[at] = *r;
    return FCT_OK;
}

static fct_status rows_add(fct_index *index, int64_t face_id, int64_t person_id, const float *embedding,
                           fct_error *err) {
    fct_rows *x = rows_of(index);
    if (!make_maps(x)) return fct_fail_nomem(err, "index of faces", 0);
    uint32_t at = fct_idmap_get(&x->by_face, face_id);
    bool is_new = at == NO_ROW;
    size_t row = is_new ? x->now->n : at;
    fct_status s = prepare_row(x, row, err);
    if (s) return s;
    if (!reserve_links(x, row + 1) || !fct_idmap_reserve(&x->by_face, 1) || !fct_idmap_reserve(&x->by_person, 1))
        return fct_fail_nomem(err, "index of faces", 0);
    int64_t old_person = is_new ? 0 : fct_edition_row(x->now, row)->person_id;
    s = put_row(x, row, &(fct_index_row){face_id, person_id}, embedding, err);
    if (s) return s;
    if (!is_new) unlink_row(x, at, old_person);
    link_row(x, (uint32_t)row, person_id);
    fct_idmap_put(&x->by_face, face_id, (uint32_t)row);
    x->now->n += is_new;
    return FCT_OK;
}

/* Rows of a new index need no maps before one of them changes. */
static fct_status rows_append(fct_index *index, int64_t face_id, int64_t person_id, const float *embedding,
                              fct_error *err) {
    fct_rows *x = rows_of(index);
    size_t row = x->now->n, per = fct_rows_per_chunk(x);
    if (x->mapped && row) return rows_add(index, face_id, person_id, embedding, err);
    x->mapped = false;
    fct_status s = prepare_row(x, row, err);
    if (!s) s = put_row(x, row, &(fct_index_row){face_id, person_id}, embedding, err);
    if (s) return s;
    x->now->n++;
    if (x->writer && x->now->n % per == 0)
        s = fct_index_writer_put(x->writer, fct_edition_chunk(x->now, row), per, err);
    return s;
}

/* The last row takes the place of the removed one. */
static fct_status remove_row(fct_rows *x, uint32_t row, fct_error *err) {
    uint32_t last = (uint32_t)x->now->n - 1;
    if (!own_version(x)) return fct_fail_nomem(err, "index of faces", 0);
    fct_status s = row != last ? own_chunk(x, row, err) : FCT_OK;
    if (!s && row != last && fct_edition_chunk(x->now, last)->file) s = own_chunk(x, last, err);
    if (s) return s;
    fct_edition *v = x->now;
    const fct_index_row *r = fct_edition_row(v, row);
    unlink_row(x, row, r->person_id);
    fct_idmap_remove(&x->by_face, r->face_id);
    if (row != last) {
        size_t per = fct_rows_per_chunk(x);
        fct_chunk_move(x, fct_edition_chunk(v, row), row % per, fct_edition_chunk(v, last), last % per);
        r = fct_edition_row(v, row);
        unlink_row(x, last, r->person_id);
        link_row(x, row, r->person_id); /* the person has a place in the map or had one just now: it cannot fail */
        fct_idmap_put(&x->by_face, r->face_id, row);
    }
    v->n = last;
    return FCT_OK;
}

static fct_status rows_remove(fct_index *index, int64_t face_id, fct_error *err) {
    fct_rows *x = rows_of(index);
    if (!make_maps(x)) return fct_fail_nomem(err, "index of faces", 0);
    uint32_t row = fct_idmap_get(&x->by_face, face_id);
    return row == NO_ROW ? FCT_OK : remove_row(x, row, err);
}

static fct_status rows_remove_person(fct_index *index, int64_t person_id, fct_error *err) {
    fct_rows *x = rows_of(index);
    if (!make_maps(x)) return fct_fail_nomem(err, "index of faces", 0);
    fct_status s = FCT_OK;
    uint32_t row;
    while (!s && (row = fct_idmap_get(&x->by_person, person_id)) != NO_ROW) s = remove_row(x, row, err);
    return s;
}

static const fct_index_ops rows_ops = {.destroy = rows_free,
                                       .count = rows_count,
                                       .add = rows_add,
                                       .append = rows_append,
                                       .remove = rows_remove,
                                       .remove_person = rows_remove_person,
                                       .view_begin = view_begin,
                                       .view_end = view_end,
                                       .search = fct_edition_search};

/* ---- Making one ---------------------------------------------------------------------------- */

/* Panels of a chunk; *task: of a task of a search. */
static size_t panels_of(int dim, size_t *task) {
    size_t panel = (size_t)dim * FCT_INDEX_PANEL * sizeof(float),
           panels = panel < CHUNK_BYTES ? CHUNK_BYTES / panel : 1;
    *task = panels < FCT_INDEX_TASK_PANELS ? panels : FCT_INDEX_TASK_PANELS;
    return panels / *task * *task;
}

size_t fct_index_per_chunk(int dim) {
    size_t task;
    return panels_of(dim, &task) * FCT_INDEX_PANEL;
}

static fct_status create(int dim, size_t stage_rows, fct_index **out, fct_error *err) {
    *out = NULL;
    if (dim < 1 || dim > FCT_INDEX_DIM_MAX)
        return fct_fail(err, FCT_ERR_ARG, "index: dimension %d is not in 1..%d", dim, FCT_INDEX_DIM_MAX);
    fct_rows *x = fct_calloc(1, sizeof *x);
    if (!x) return fct_fail_nomem(err, "index", sizeof *x);
    x->head = (fct_index){&rows_ops, dim};
    x->stage_rows = stage_rows;
    x->mapped = true;
    x->panels_per_chunk = panels_of(dim, &x->task_panels);
    fct_mutex_init(&x->lock);
    x->now = make_version(x, 1);
    if (!x->now) {
        destroy(x);
        return fct_fail_nomem(err, "index", sizeof *x->now);
    }
    x->now->staged = stage_rows == 0;
    *out = &x->head;
    return FCT_OK;
}

fct_status fct_index_create(int dim, fct_index **out, fct_error *err) {
    return create(dim, FCT_INDEX_STAGE_ROWS, out, err);
}
fct_status fct_index_create_staged(int dim, fct_index **out, fct_error *err) { return create(dim, 0, out, err); }

/* Makes the chunks of a file's rows. */
static fct_status add_file(fct_rows *x, fct_index_file *f, fct_error *err) {
    fct_edition *v = x->now;
    fct_chunk **chunks = fct_grow(v->chunks, &v->cap_chunks, f->n_chunks, sizeof(fct_chunk *));
    if (!chunks) return fct_fail_nomem(err, "index of faces", 0);
    v->chunks = chunks;
    for (size_t i = 0; i < f->n_chunks; i++) {
        fct_chunk *c = fct_calloc(1, sizeof *c);
        if (!c) return fct_fail_nomem(err, "index of faces", 0);
        c->versions = 1;
        fct_chunk_use_file(c, f, i);
        v->chunks[v->n_chunks++] = c;
    }
    v->n = (size_t)f->head.n;
    x->mapped = false;
    return FCT_OK;
}

fct_status fct_rows_create_of(fct_index_file *f, fct_index **out, fct_error *err) {
    fct_status s = create((int)f->head.dim, 0, out, err);
    if (!s) s = add_file(rows_of(*out), f, err);
    fct_index_file_drop(f);
    if (s) {
        fct_index_free(*out);
        *out = NULL;
    }
    return s;
}
