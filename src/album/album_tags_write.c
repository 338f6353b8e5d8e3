/* The album's names into files. */
#include "album/album_tags.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_photo(const void *a, const void *b) {
    const fct_tag_mark *x = a, *y = b;
    if (x->photo != y->photo) return x->photo < y->photo ? -1 : 1;
    return (x->anchor > y->anchor) - (x->anchor < y->anchor);
}

/* Notes who a face was said to be, or not to be. */
static fct_status take_decision(void *user, const fct_decision *d, fct_error *err) {
    fct_tag_marks *m = user;
    if (d->kind != FCT_DECISION_IS && d->kind != FCT_DECISION_IS_NOT) return FCT_OK;
    fct_tag_mark *p = fct_grow(m->at, &m->capacity, m->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "decisions", 0);
    m->at = p;
    p[m->n++] = (fct_tag_mark){.photo = SIZE_MAX,
                               .face_id = d->face_a,
                               .person_id = d->person_id,
                               .is = d->kind == FCT_DECISION_IS,
                               .by_user = d->source == FCT_SOURCE_USER,
                               .anchor = d->a};
    return FCT_OK;
}

fct_status fct_tag_marks_read(fct_album *a, const fct_album_table *t, fct_tag_marks *out, fct_error *err) {
    *out = (fct_tag_marks){0};
    fct_status s = fct_album_decisions(a, take_decision, out, err);
    for (size_t i = 0; i < out->n && !s; i++) {
        fct_anchor k;
        s = fct_album_anchor_get(a, out->at[i].anchor, &k, err);
        const fct_table_photo *p = s ? NULL : fct_album_table_photo(t, k.hash);
        if (p) out->at[i].photo = (size_t)(p - t->photos);
        memcpy(out->at[i].box, k.box, sizeof k.box);
    }
    if (!s && out->n) qsort(out->at, out->n, sizeof *out->at, by_photo);
    return s;
}

size_t fct_tag_marks_of(const fct_tag_marks *m, size_t photo, size_t *n) {
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->at[middle].photo < photo) low = middle + 1;
        else high = middle;
    }
    *n = 0;
    while (low + *n < m->n && m->at[low + *n].photo == photo) ++*n;
    return low;
}

/* ---- Writing ------------------------------------------------------------------------- */

typedef struct tag_writer {
    fct_album_table table;
    fct_tag_marks marks;
    fct_region *faces; /* of the photo at hand */
    size_t capacity;
    const fct_tags_write_opts *opts;
    fct_album_tagged_fn *fn;
    void *user;
} tag_writer;

/* Adds a box with a person's name, cut at the picture's border. Nothing where the person has no name or is ignored. */
static fct_status add_face(tag_writer *w, int *n, const double box[4], int64_t person_id, fct_error *err) {
    const fct_table_person *p = person_id ? fct_album_table_person(&w->table, person_id) : NULL;
    if (!p || !p->name || p->ignored) return FCT_OK;
    fct_region *list = fct_grow(w->faces, &w->capacity, (size_t)*n + 1, sizeof *list);
    if (!list) return fct_fail_nomem(err, "regions", 0);
    w->faces = list;
    fct_region r = {.name = p->name};
    for (int i = 0; i < 4; i++) r.box[i] = (float)fmin(fmax(box[i], 0), 1);
    if (r.box[2] > r.box[0] && r.box[3] > r.box[1]) list[(*n)++] = r;
    return FCT_OK;
}

/* Collects the named faces of a photo, and what was drawn by hand on it. */
static fct_status collect(tag_writer *w, size_t photo, int *n, fct_error *err) {
    const fct_table_photo *p = &w->table.photos[photo];
    fct_status s = FCT_OK;
    size_t marks, first = fct_tag_marks_of(&w->marks, photo, &marks);
    *n = 0;
    for (size_t i = p->face; i < p->face + p->n_faces && !s; i++)
        s = add_face(w, n, w->table.faces[i].box, w->table.faces[i].person_id, err);
    for (size_t i = first; i < first + marks && !s; i++) {
        const fct_tag_mark *m = &w->marks.at[i];
        if (m->is && !m->face_id) s = add_face(w, n, m->box, m->person_id, err);
    }
    return s;
}

static fct_status write_photo(tag_writer *w, size_t photo, fct_error *err) {
    const fct_table_photo *p = &w->table.photos[photo];
    int n;
    fct_status s = collect(w, photo, &n, err);
    for (size_t i = p->file; i < p->file + p->n_files && !s; i++) {
        fct_error e;
        fct_album_tagged done = {.path = w->table.files[i].path};
        if (fct_tags_write(done.path, w->faces, n, w->opts, &done.written, &e)) done.error = &e;
        if (w->fn) s = w->fn(w->user, &done, err);
    }
    return s;
}

fct_status fct_album_tags_write(fct_album *a, const fct_tags_write_opts *opts, fct_album_tagged_fn *fn, void *user,
                                fct_error *err) {
    tag_writer w = {.opts = opts, .fn = fn, .user = user};
    fct_status s = fct_album_table_read(a, &w.table, err);
    if (!s) s = fct_tag_marks_read(a, &w.table, &w.marks, err);
    for (size_t i = 0; i < w.table.n_photos && !s; i++)
        if (!w.table.photos[i].is_video) s = write_photo(&w, i, err);
    fct_free(w.faces);
    fct_free(w.marks.at);
    fct_album_table_free(&w.table);
    return s;
}
