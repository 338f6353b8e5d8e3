/* Listing, renaming, merging and removing people and faces. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <string.h>

/* ---- Lists ------------------------------------------------------------------------ */

/* A growing array of structs. */
typedef struct list {
    const fct_store *st;
    void *items;
    size_t item_size;
    int n;
    size_t cap;
} list;

static void *list_add(list *l, fct_error *err) {
    void *items = l->n < INT_MAX ? fct_grow(l->items, &l->cap, (size_t)l->n + 1, l->item_size) : NULL;
    if (!items) return fct_fail_nomem(err, "list of the gallery", 0), NULL;
    l->items = items;
    void *item = (char *)l->items + (size_t)l->n++ * l->item_size;
    memset(item, 0, l->item_size);
    return item;
}

/* A question for a list and its answer. */
typedef struct list_call {
    list l;
    const char *name;      /* of the person, NULL = any */
    int64_t collection_id; /* 0 = any that is not set apart */
    fct_apart apart;
    int64_t person_id; /* whose faces */
} list_call;

static fct_status add_person(void *ctx, const fct_store_person *row, fct_error *err) {
    list_call *c = ctx;
    list *l = &c->l;
    if (fct_apart_has(&c->apart, row->collection_id)) return FCT_OK;
    fct_status s = fct_person_check(l->st, row, err);
    fct_person *p = s ? NULL : list_add(l, err);
    if (!p) return s ? s : FCT_ERR_NOMEM;
    fct_person_show(row, p);
    return FCT_OK;
}

static fct_status list_people(void *ctx, fct_store *st, fct_error *err) {
    list_call *c = ctx;
    char spelled[FCT_NAME_MAX + 1];
    const char *name = spelled;
    c->l.st = st;
    c->l.n = 0;
    fct_status s = fct_apart_load(st, c->collection_id, &c->apart, err);
    fct_people_query q = {.count_faces = true, .by_name = true, .collection_id = c->collection_id};
    if (c->name && !s) {
        s = fct_name_look_up(st, c->collection_id, c->name, spelled, err);
        q.names = &name;
        q.n = 1;
    }
    return s ? s : st->ops->people(st, &q, add_person, c, err);
}

fct_status fct_gallery_people(fct_gallery *g, fct_person **out, int *n, fct_error *err) {
    list_call c = {.l = {.item_size = sizeof **out}, .collection_id = fct_gallery_home(g)};
    *out = NULL;
    *n = 0;
    fct_status s = fct_gallery_read(g, list_people, &c, err);
    fct_apart_clear(&c.apart);
    if (s) return fct_free(c.l.items), s;
    *out = c.l.items;
    *n = c.l.n;
    return FCT_OK;
}

void fct_gallery_people_free(fct_person *p) { fct_free(p); }

/* Of several people of one name in different collections, the one of the default
 * collection is meant, where there is one. */
static fct_status choose_one(const fct_gallery *g, const list_call *c, fct_person *out, fct_error *err) {
    const fct_person *p = c->l.items;
    int at = 0;
    while (at < c->l.n && p[at].collection_id != FCT_COLLECTION_DEFAULT) at++;
    if (at == c->l.n && c->l.n > 1)
        return fct_fail(err, FCT_ERR_ARG, "%s: %d people in different collections are called %s: say which collection",
                        g->reader->place, c->l.n, c->name);
    *out = p[at == c->l.n ? 0 : at];
    return FCT_OK;
}

fct_status fct_gallery_find(fct_gallery *g, const char *name, fct_person *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    if (!name) return fct_fail(err, FCT_ERR_ARG, "no name to look for");
    list_call c = {.l = {.item_size = sizeof *out}, .name = name, .collection_id = fct_gallery_home(g)};
    fct_status s = fct_gallery_read(g, list_people, &c, err);
    fct_apart_clear(&c.apart);
    if (!s && !c.l.n) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: nobody is called %s", g->reader->place, name);
    if (!s) s = choose_one(g, &c, out, err);
    fct_free(c.l.items);
    return s;
}

static fct_status no_person(const fct_store *st, int64_t id, fct_error *err) {
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)id);
}

static fct_status one_person(void *ctx, fct_store *st, fct_error *err) {
    list_call *c = ctx;
    c->l.st = st;
    c->l.n = 0;
    fct_people_query q = {.ids = &c->person_id, .n = 1, .count_faces = true};
    fct_status s = st->ops->people(st, &q, add_person, c, err);
    return s || c->l.n ? s : no_person(st, c->person_id, err);
}

fct_status fct_gallery_person(fct_gallery *g, int64_t person_id, fct_person *out, fct_error *err) {
    list_call c = {.l = {.item_size = sizeof *out}, .person_id = person_id};
    memset(out, 0, sizeof *out);
    fct_status s = fct_gallery_read(g, one_person, &c, err);
    if (!s) *out = *(fct_person *)c.l.items;
    fct_free(c.l.items);
    return s;
}

static fct_status count_person(void *ctx, const fct_store_person *p, fct_error *err) {
    ++*(int *)ctx;
    return FCT_OK;
}

fct_status fct_person_require(fct_store *st, int64_t id, fct_error *err) {
    int n = 0;
    fct_people_query q = {.ids = &id, .n = 1};
    fct_status s = st->ops->people(st, &q, count_person, &n, err);
    return s || n ? s : no_person(st, id, err);
}

static fct_status add_face(void *ctx, const fct_store_face *row, fct_error *err) {
    fct_stored_face *f = list_add(ctx, err);
    if (!f) return FCT_ERR_NOMEM;
    fct_face_show(row, f);
    return FCT_OK;
}

static fct_status list_faces(void *ctx, fct_store *st, fct_error *err) {
    list_call *c = ctx;
    c->l.n = 0;
    fct_faces_query q = {.people = &c->person_id, .n = 1, .parts = FCT_FACE_INFO, .by_person = true};
    fct_status s = fct_person_require(st, c->person_id, err);
    return s ? s : st->ops->faces(st, &q, add_face, &c->l, err);
}

fct_status fct_gallery_faces(fct_gallery *g, int64_t person_id, fct_stored_face **out, int *n, fct_error *err) {
    list_call c = {.l = {.item_size = sizeof **out}, .person_id = person_id};
    *out = NULL;
    *n = 0;
    fct_status s = fct_gallery_read(g, list_faces, &c, err);
    if (s) return fct_free(c.l.items), s;
    *out = c.l.items;
    *n = c.l.n;
    return FCT_OK;
}

static fct_status show_face(void *ctx, const fct_store_face *row, fct_error *err) {
    fct_face_show(row, ctx);
    return FCT_OK;
}

static fct_status one_face(void *ctx, fct_store *st, fct_error *err) {
    fct_stored_face *f = ctx;
    int64_t id = f->id;
    fct_faces_query q = {.ids = &id, .n = 1, .parts = FCT_FACE_INFO};
    f->person_id = 0;
    fct_status s = st->ops->faces(st, &q, show_face, f, err);
    return s || f->person_id ? s : fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no face %lld", st->place, (long long)id);
}

fct_status fct_gallery_face(fct_gallery *g, int64_t face_id, fct_stored_face *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    out->id = face_id;
    fct_status s = fct_gallery_read(g, one_face, out, err);
    if (s) memset(out, 0, sizeof *out);
    return s;
}

void fct_gallery_faces_free(fct_stored_face *f) { fct_free(f); }

/* ---- Changes ------------------------------------------------------------------------ */

/* What a change is about. */
typedef struct change_call {
    int64_t id, into;
    const char *name;
} change_call;

static fct_status add_nobody(void *ctx, fct_store *st, fct_error *err) {
    change_call *c = ctx;
    fct_store_person p = {.name = c->name, .collection_id = c->into};
    fct_status s = st->ops->people_add(st, &p, 1, err);
    if (!s && !p.is_new) s = fct_fail(err, FCT_ERR_EXISTS, "%s: %s is there already", st->place, c->name);
    c->id = p.id;
    return s ? s : fct_audit_person(st, "enroll", p.id, err);
}

fct_status fct_gallery_add_person(fct_gallery *g, const char *name, int64_t *id, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    change_call c = {.name = clean, .into = fct_gallery_home(g) ? fct_gallery_home(g) : FCT_COLLECTION_DEFAULT};
    fct_status s = fct_name_take(name, "person", clean, err);
    if (!s) s = fct_gallery_write(g, add_nobody, &c, err);
    *id = s ? 0 : c.id;
    return s;
}

static fct_status rename_person(void *ctx, fct_store *st, fct_error *err) {
    const change_call *c = ctx;
    fct_store_person p = {.id = c->id, .name = c->name};
    size_t found;
    fct_status s = st->ops->people_update(st, &p, 1, FCT_PERSON_NAME, &found, err);
    if (!s && !found) s = no_person(st, c->id, err);
    return s ? s : fct_audit_person(st, "rename", c->id, err);
}

fct_status fct_gallery_rename(fct_gallery *g, int64_t person_id, const char *name, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    change_call c = {.id = person_id, .name = clean};
    fct_status s = fct_name_take(name, "person", clean, err);
    return s ? s : fct_gallery_write(g, rename_person, &c, err);
}

static fct_status remove_person(void *ctx, fct_store *st, fct_error *err) {
    const change_call *c = ctx;
    size_t removed;
    fct_status s = st->ops->people_remove(st, &c->id, 1, &removed, err);
    if (!s && !removed) s = no_person(st, c->id, err);
    return s ? s : fct_audit_person(st, "remove", c->id, err);
}

fct_status fct_gallery_remove_person(fct_gallery *g, int64_t person_id, fct_error *err) {
    change_call c = {.id = person_id};
    return fct_gallery_write(g, remove_person, &c, err);
}

static fct_status remove_face(void *ctx, fct_store *st, fct_error *err) {
    const change_call *c = ctx;
    size_t removed;
    fct_status s = st->ops->faces_remove(st, &c->id, 1, &removed, err);
    if (!s && !removed) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no face %lld", st->place, (long long)c->id);
    return s ? s : fct_audit_ids(st, "remove-face", 0, &c->id, 1, err);
}

fct_status fct_gallery_remove_face(fct_gallery *g, int64_t face_id, fct_error *err) {
    change_call c = {.id = face_id};
    return fct_gallery_write(g, remove_face, &c, err);
}

/* What moving a face is about, and which face the person has then. */
typedef struct face_move {
    int64_t face_id, person_id, kept;
} face_move;

typedef struct face_taken {
    const fct_store *st;
    int64_t person_id; /* 0 = there is no such face */
    float *embedding;  /* [dim] */
    int dim;
} face_taken;

static fct_status take_face(void *ctx, const fct_store_face *f, fct_error *err) {
    face_taken *t = ctx;
    t->person_id = f->person_id;
    return fct_face_unpack(t->st, f, t->dim, t->embedding, err);
}

/* Moves the face, or removes it where the person has one like it. */
static fct_status move_or_drop(fct_store *st, face_move *c, const face_taken *taken, fct_error *err) {
    fct_face_set set = {.dim = taken->dim};
    size_t removed;
    fct_status s = fct_face_sets_load(st, &c->person_id, &set, 1, err);
    int at = s ? -1 : fct_face_set_find(&set, taken->embedding);
    c->kept = at >= 0 ? set.ids[at] : c->face_id;
    fct_face_set_clear(&set);
    if (s) return s;
    if (at >= 0) s = st->ops->faces_remove(st, &c->face_id, 1, &removed, err);
    else s = st->ops->faces_move(st, &c->face_id, 1, c->person_id, err);
    return s ? s : fct_audit_ids(st, "move-face", c->person_id, &c->face_id, 1, err);
}

static fct_status move_face(void *ctx, fct_store *st, fct_error *err) {
    face_move *c = ctx;
    fct_store_model model;
    fct_status s = fct_person_require(st, c->person_id, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (s) return s;
    face_taken taken = {.st = st, .dim = (int)model.dim};
    taken.embedding = fct_realloc_array(NULL, (size_t)model.dim + 1, sizeof *taken.embedding);
    if (!taken.embedding) return fct_fail_nomem(err, "face", 0);
    fct_faces_query q = {.ids = &c->face_id, .n = 1, .parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING};
    s = st->ops->faces(st, &q, take_face, &taken, err);
    c->kept = c->face_id;
    if (!s && !taken.person_id)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no face %lld", st->place, (long long)c->face_id);
    else if (!s && taken.person_id != c->person_id) s = move_or_drop(st, c, &taken, err);
    fct_free(taken.embedding);
    return s;
}

fct_status fct_gallery_move_face(fct_gallery *g, int64_t face_id, int64_t person_id, int64_t *kept, fct_error *err) {
    face_move c = {.face_id = face_id, .person_id = person_id};
    fct_status s = fct_gallery_write(g, move_face, &c, err);
    if (kept) *kept = s ? 0 : c.kept;
    return s;
}

/* ---- Merging ------------------------------------------------------------------------- */

/* Moves the faces of set from that are not in set to. Those left behind as
 * duplicates go with the person. */
static fct_status move_faces(fct_store *st, const fct_face_set *from, fct_face_set *to, int64_t into, fct_error *err) {
    size_t n = 0;
    int64_t *ids = fct_realloc_array(NULL, (size_t)from->n + 1, sizeof *ids);
    fct_status s = ids ? FCT_OK : fct_fail_nomem(err, "faces of a person", 0);
    for (int i = 0; i < from->n && !s; i++) {
        const float *embedding = from->embeddings + (size_t)i * from->dim;
        if (fct_face_set_find(to, embedding) >= 0) continue;
        ids[n++] = from->ids[i];
        s = fct_face_set_add(to, from->ids[i], embedding, err);
    }
    if (!s && n) s = st->ops->faces_move(st, ids, n, into, err);
    if (!s) s = fct_audit_ids(st, "merge", into, ids, n, err);
    fct_free(ids);
    return s;
}

/* Moves the faces that the other person does not have yet, then removes the person who is merged. */
static fct_status merge_people(void *ctx, fct_store *st, fct_error *err) {
    change_call *c = ctx;
    const int64_t both[] = {c->id, c->into};
    fct_store_model model;
    fct_status s = fct_person_require(st, c->id, err);
    if (!s) s = fct_person_require(st, c->into, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (s) return s;
    fct_face_set sets[2] = {{.dim = (int)model.dim}, {.dim = (int)model.dim}};
    if (model.dim) {
        s = fct_face_sets_load(st, both, sets, 2, err);
        if (!s) s = move_faces(st, &sets[0], &sets[1], c->into, err);
    }
    fct_face_set_clear(&sets[0]);
    fct_face_set_clear(&sets[1]);
    return s ? s : remove_person(c, st, err);
}

fct_status fct_gallery_merge(fct_gallery *g, int64_t from, int64_t into, fct_error *err) {
    if (from == into) return fct_fail(err, FCT_ERR_ARG, "person %lld cannot be merged with itself", (long long)from);
    change_call c = {.id = from, .into = into};
    return fct_gallery_write(g, merge_people, &c, err);
}
