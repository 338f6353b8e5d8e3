/* Duplicates: every photo's hash is compared with that of every other, and where
 * few bits differ their looks. Photos that are alike are joined: of three in a row
 * the first and the last may differ more. */
#include "album/album_look.h"
#include "album/album_scan_store.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

enum { PANEL = 8 }; /* hashes that the kernel compares at once */

/* All photos, and the groups that they are joined to: a forest, in which a photo's root names its group. */
typedef struct look_forest {
    fct_photo_look *at; /* owned */
    size_t n, cap;
    size_t *parent;      /* owned [n] */
    uint64_t *hashes;    /* owned [n, rounded up] */
    uint16_t *distances; /* owned, the same length */
} look_forest;

static fct_status no_memory(fct_error *err) { return fct_fail_nomem(err, "photos to compare", 0); }

static fct_status add_look(void *user, const fct_photo_look *p, fct_error *err) {
    look_forest *f = user;
    fct_photo_look *at = fct_grow(f->at, &f->cap, f->n + 1, sizeof *at);
    if (!at) return no_memory(err);
    f->at = at;
    at[f->n++] = *p;
    return FCT_OK;
}

static void free_forest(look_forest *f) {
    fct_free(f->at);
    fct_free(f->parent);
    fct_free(f->hashes);
    fct_free(f->distances);
}

static size_t root_of(look_forest *f, size_t i) {
    for (; f->parent[i] != i; i = f->parent[i]) f->parent[i] = f->parent[f->parent[i]];
    return i;
}

static bool are_alike(const fct_photo_look *a, const fct_photo_look *b) {
    fct_look x = {.phash = a->phash}, y = {.phash = b->phash};
    if (!a->has_look || !b->has_look) return false;
    memcpy(x.gray, a->gray, sizeof x.gray);
    memcpy(y.gray, b->gray, sizeof y.gray);
    return fct_look_same(&x, a->width, a->height, &y, b->width, b->height);
}

/* Joins all pairs of photos that look the same, as sets of a forest; the hash rules most pairs out. */
static fct_status join_alike(look_forest *f, fct_error *err) {
    size_t panels = (f->n + PANEL - 1) / PANEL;
    f->parent = fct_realloc_array(NULL, f->n + 1, sizeof *f->parent);
    f->hashes = fct_calloc(panels + 1, PANEL * sizeof *f->hashes);
    f->distances = fct_calloc(panels + 1, PANEL * sizeof *f->distances);
    if (!f->parent || !f->hashes || !f->distances) return no_memory(err);
    for (size_t i = 0; i < f->n; i++) f->parent[i] = i, f->hashes[i] = f->at[i].phash;
    for (size_t i = 0; i < f->n; i++) {
        size_t first = i / PANEL;
        fct_kernels()->sketch_hamming(f->distances, f->hashes + PANEL * first, panels - first, &f->hashes[i], 1);
        for (size_t k = i + 1; k < f->n; k++) {
            if (f->distances[k - PANEL * first] > FCT_LOOK_MOST_DISTANCE || !are_alike(&f->at[i], &f->at[k])) continue;
            size_t a = root_of(f, i), b = root_of(f, k);
            f->parent[a > b ? a : b] = a > b ? b : a;
        }
    }
    return FCT_OK;
}

/* ---- Groups ----------------------------------------------------------------------------------- */

/* Files of a group; their texts are owned. */
typedef struct file_group {
    fct_album_file *files;
    int (*sizes)[2];
    size_t n, cap_files, cap_sizes;
    int width, height; /* of the photo whose files are added */
} file_group;

/* A place of the photo that is added to the group. */
static fct_status add_file(void *user, const fct_album_file *f, fct_error *err) {
    file_group *g = user;
    fct_album_file *files = fct_grow(g->files, &g->cap_files, g->n + 1, sizeof *files);
    if (files) g->files = files;
    int(*sizes)[2] = fct_grow(g->sizes, &g->cap_sizes, g->n + 1, sizeof *sizes);
    if (sizes) g->sizes = sizes;
    char *path = fct_strdup(f->path);
    if (!files || !sizes || !path) return fct_free(path), no_memory(err);
    files[g->n] = *f;
    files[g->n].path = path;
    files[g->n].error = NULL;
    sizes[g->n][0] = g->width;
    sizes[g->n++][1] = g->height;
    return FCT_OK;
}

static void empty_group(file_group *g) {
    for (size_t i = 0; i < g->n; i++) fct_free((char *)(uintptr_t)g->files[i].path);
    g->n = 0;
}

static fct_status add_places(fct_album *a, const fct_photo_look *p, file_group *g, fct_error *err) {
    fct_album_file_query q;
    fct_album_file_query_init(&q);
    q.photo_id = p->id;
    g->width = p->width;
    g->height = p->height;
    return fct_album_files(a, &q, add_file, g, err);
}

static fct_status give(file_group *g, fct_duplicate_kind kind, fct_duplicate_fn *fn, void *user, fct_error *err) {
    fct_duplicate_group out = {kind, (int)g->n, g->files, (const int(*)[2])g->sizes};
    fct_status s = g->n > 1 ? fn(user, &out, err) : FCT_OK;
    empty_group(g);
    return s;
}

/* Members of a group together, the largest picture first, then the oldest. */
typedef struct group_member {
    size_t root;
    const fct_photo_look *photo;
} group_member;

static int compare_members(const void *x, const void *y) {
    const group_member *a = x, *b = y;
    int64_t pa = (int64_t)a->photo->width * a->photo->height, pb = (int64_t)b->photo->width * b->photo->height;
    if (a->root != b->root) return a->root < b->root ? -1 : 1;
    if (pa != pb) return pa > pb ? -1 : 1;
    if (a->photo->changed != b->photo->changed) return a->photo->changed < b->photo->changed ? -1 : 1;
    return a->photo->id < b->photo->id ? -1 : a->photo->id > b->photo->id;
}

/* Hands out the sets of two photos and more, each with all places of its photos. */
static fct_status give_pictures(fct_album *a, look_forest *f, file_group *g, fct_duplicate_fn *fn, void *user,
                                fct_error *err) {
    group_member *m = fct_realloc_array(NULL, f->n + 1, sizeof *m);
    fct_status s = m ? FCT_OK : no_memory(err);
    for (size_t i = 0; i < f->n && !s; i++) m[i] = (group_member){root_of(f, i), &f->at[i]};
    if (!s) qsort(m, f->n, sizeof *m, compare_members);
    for (size_t i = 0, end; i < f->n && !s; i = end) {
        for (end = i + 1; end < f->n && m[end].root == m[i].root;) end++;
        for (size_t k = i; k < end && end - i > 1 && !s; k++) s = add_places(a, m[k].photo, g, err);
        if (!s) s = give(g, FCT_DUPLICATE_PICTURE, fn, user, err);
    }
    fct_free(m);
    return s;
}

fct_status fct_album_duplicates(fct_album *a, fct_duplicate_fn *fn, void *user, fct_error *err) {
    look_forest f = {.n = 0};
    file_group g = {.n = 0};
    fct_status s = fct_album_looks(a, add_look, &f, err);
    for (size_t i = 0; i < f.n && !s; i++) {
        if (f.at[i].places < 2) continue;
        s = add_places(a, &f.at[i], &g, err);
        if (!s) s = give(&g, FCT_DUPLICATE_BYTES, fn, user, err);
    }
    if (!s) s = join_alike(&f, err);
    if (!s) s = give_pictures(a, &f, &g, fn, user, err);
    empty_group(&g);
    fct_free(g.files);
    fct_free(g.sizes);
    free_forest(&f);
    return s;
}
