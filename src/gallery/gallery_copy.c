/* Copying a gallery into another one, of any kind each. The source is read in one
 * transaction, which sees one state of it; what was read is written in batches,
 * each a transaction of its own. A copy that was stopped is simply begun again:
 * what is there already is recognized by its content and passed over. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <stdlib.h>
#include <string.h>

#define BATCH_FACES 512
#define BATCH_BYTES ((size_t)8 << 20)

/* A collection of the source and what it is in the target. */
typedef struct copy_collection {
    int64_t from, into;
} copy_collection;

typedef struct copy_call {
    fct_gallery *to;
    fct_store *from;
    fct_store_model model;
    copy_collection *collections; /* [n_collections] */
    size_t n_collections, cap_collections;
    fct_store_person *people; /* [n_people] of the source, by id; what they point to is owned */
    int64_t *ids;             /* [n_people] in the target, 0 = not there yet */
    size_t n_people, cap_people, cap_ids;
    fct_idmap by_id;       /* id in the source -> place in people */
    fct_store_face *faces; /* [n_faces] that wait; person_id is a place in people, bytes are owned */
    fct_store_negative *negatives;
    size_t n_faces, n_negatives, cap_faces, cap_negatives, bytes;
    fct_gallery_copied done;
    fct_copy_fn *tell;
    void *user;
} copy_call;

static void *copy_bytes(const void *data, size_t n) {
    void *p = data ? fct_alloc(n + 1) : NULL;
    if (p && n) memcpy(p, data, n);
    return p;
}

/* ---- People ---------------------------------------------------------------------------- */

static void free_person(fct_store_person *p) {
    fct_free((void *)p->name);
    fct_free((void *)p->label);
    fct_free((void *)p->details);
}

/* Copies a row; in which collection the person will be there was found before. */
static fct_status keep_person(void *ctx, const fct_store_person *p, fct_error *err) {
    copy_call *c = ctx;
    fct_status s = fct_person_check(c->from, p, err);
    if (s) return s;
    fct_store_person *people = fct_grow(c->people, &c->cap_people, c->n_people + 1, sizeof *people);
    if (people) c->people = people;
    int64_t *ids = fct_grow(c->ids, &c->cap_ids, c->n_people + 1, sizeof *ids);
    if (ids) c->ids = ids;
    if (!people || !ids || !fct_idmap_reserve(&c->by_id, 1)) return fct_fail_nomem(err, "copy", 0);
    fct_store_person *mine = &c->people[c->n_people];
    *mine = *p;
    mine->name = fct_strdup(p->name);
    mine->label = copy_bytes(p->label, p->label_size);
    mine->details = copy_bytes(p->details, p->details_size);
    mine->key = NULL;
    if (!mine->name || !mine->label != !p->label || !mine->details != !p->details)
        return free_person(mine), fct_fail_nomem(err, "copy", 0);
    for (size_t i = 0; i < c->n_collections; i++)
        if (c->collections[i].from == p->collection_id) mine->collection_id = c->collections[i].into;
    c->ids[c->n_people] = 0;
    fct_idmap_put(&c->by_id, p->id, (uint32_t)c->n_people++);
    return FCT_OK;
}

/* Adds people [first, first + n) to the target, or finds them there. */
static fct_status put_people(copy_call *c, fct_store *to, size_t first, size_t n, fct_error *err) {
    fct_store_person *p = fct_realloc_array(NULL, n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "copy", 0);
    for (size_t i = 0; i < n; i++) p[i] = c->people[first + i];
    fct_status s = to->ops->people_add(to, p, n, err);
    for (size_t i = 0; i < n && !s; i++) {
        c->ids[first + i] = p[i].id;
        c->done.people += p[i].is_new;
    }
    fct_free(p);
    return s;
}

/* A part of the people, as a transaction. */
typedef struct people_part {
    copy_call *c;
    size_t first, n;
    int people; /* done.people before it */
} people_part;

static fct_status write_people(void *ctx, fct_store *to, fct_error *err) {
    people_part *part = ctx;
    part->c->done.people = part->people;
    return put_people(part->c, to, part->first, part->n, err);
}

static fct_status copy_people(copy_call *c, fct_error *err) {
    fct_people_query q = {.parts = FCT_PERSON_DETAILS};
    fct_status s = c->from->ops->people(c->from, &q, keep_person, c, err);
    for (size_t i = 0; i < c->n_people && !s; i += BATCH_FACES) {
        people_part part = {c, i, c->n_people - i < BATCH_FACES ? c->n_people - i : BATCH_FACES, c->done.people};
        s = fct_gallery_write(c->to, write_people, &part, err);
    }
    return s;
}

/* ---- Collections, settings, the model ---------------------------------------------------- */

static fct_status note_collection(void *ctx, const fct_store_collection *x, fct_error *err) {
    copy_call *c = ctx;
    const char *why;
    if (!x->name || !fct_name_valid(x->name, &why))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the name of collection %lld is damaged", c->from->place,
                        (long long)x->id);
    copy_collection *all = fct_grow(c->collections, &c->cap_collections, c->n_collections + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "copy", 0);
    c->collections = all;
    all[c->n_collections].from = x->id;
    all[c->n_collections].into = FCT_COLLECTION_DEFAULT;
    if (x->id != FCT_COLLECTION_DEFAULT) {
        fct_store_collection mine = {.name = x->name, .created = x->created};
        fct_status s = c->to->store->ops->collections_add(c->to->store, &mine, 1, err);
        if (s) return s;
        all[c->n_collections].into = mine.id;
    }
    c->n_collections++;
    return FCT_OK;
}

/* What a scan of the target's settings looks for. */
typedef struct setting_search {
    const fct_store_setting *wanted;
    bool there;
} setting_search;

static fct_status find_setting(void *ctx, const fct_store_setting *x, fct_error *err) {
    setting_search *f = ctx;
    f->there |= x->collection_id == f->wanted->collection_id && x->key && strcmp(x->key, f->wanted->key) == 0;
    return FCT_OK;
}

/* A setting that the target has already stays as it is. How a gallery is encrypted and
 * which cache file fits it says nothing about another one. */
static fct_status copy_setting(void *ctx, const fct_store_setting *x, fct_error *err) {
    copy_call *c = ctx;
    fct_store *to = c->to->store;
    fct_store_setting mine = *x;
    if (!x->key || !x->value || strcmp(x->key, FCT_SETTING_INDEX) == 0 || strcmp(x->key, FCT_SETTING_SEAL) == 0)
        return FCT_OK;
    for (size_t i = 0; i < c->n_collections; i++)
        if (c->collections[i].from == x->collection_id) mine.collection_id = c->collections[i].into;
    setting_search f = {.wanted = &mine};
    fct_status s = to->ops->settings(to, find_setting, &f, err);
    return s || f.there ? s : to->ops->settings_put(to, &mine, 1, err);
}

/* The first transaction: what all else refers to. */
static fct_status write_frame(void *ctx, fct_store *to, fct_error *err) {
    copy_call *c = ctx;
    fct_store_model there;
    c->n_collections = 0;
    fct_status s = to->ops->get_model(to, &there, err);
    if (!s && there.dim && c->model.dim && (there.dim != c->model.dim || strcmp(there.id, c->model.id) != 0))
        return fct_fail(err, FCT_ERR_MISMATCH,
                        "%s: its faces were made by model %.12s (%lld values), not by %.12s (%lld)", to->place,
                        there.id[0] ? there.id : "?", (long long)there.dim, c->model.id, (long long)c->model.dim);
    if (!s && !there.dim && c->model.dim) s = to->ops->set_model(to, &c->model, err);
    if (!s) s = c->from->ops->collections(c->from, note_collection, c, err);
    return s ? s : c->from->ops->settings(c->from, copy_setting, c, err);
}

/* ---- Faces --------------------------------------------------------------------------------- */

static void clear_batch(copy_call *c) {
    for (size_t i = 0; i < c->n_faces; i++) {
        fct_free((void *)c->faces[i].source);
        fct_free((void *)c->faces[i].embedding);
        fct_free((void *)c->faces[i].crop);
    }
    for (size_t i = 0; i < c->n_negatives; i++) fct_free((void *)c->negatives[i].embedding);
    c->n_faces = c->n_negatives = c->bytes = 0;
}

/* What the people of a batch have already. */
typedef struct copy_known {
    int64_t *people;    /* [n] ids in the target, each once, in their order */
    fct_face_set *sets; /* [n] */
    size_t n;
} copy_known;

static int compare_ids(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void clear_known(copy_known *k) {
    for (size_t i = 0; i < k->n && k->sets; i++) fct_face_set_clear(&k->sets[i]);
    fct_free(k->sets);
    fct_free(k->people);
}

static fct_status load_known(copy_call *c, fct_store *to, copy_known *k, fct_error *err) {
    size_t n = c->n_faces;
    k->people = fct_realloc_array(NULL, n + 1, sizeof *k->people);
    k->sets = fct_calloc(n + 1, sizeof *k->sets);
    if (!k->people || !k->sets) return fct_fail_nomem(err, "copy", 0);
    for (size_t i = 0; i < n; i++) k->people[i] = c->ids[c->faces[i].person_id];
    qsort(k->people, n, sizeof *k->people, compare_ids);
    for (size_t i = 0; i < n; i++)
        if (!k->n || k->people[k->n - 1] != k->people[i]) k->people[k->n++] = k->people[i];
    for (size_t i = 0; i < k->n; i++) k->sets[i].dim = (int)c->model.dim;
    return fct_face_sets_load(to, k->people, k->sets, k->n, err);
}

/* Chooses the faces that the target lacks and adds them. */
static fct_status put_faces(copy_call *c, fct_store *to, float *v, fct_error *err) {
    copy_known k = {0};
    size_t n = 0;
    fct_store_face *rows = fct_realloc_array(NULL, c->n_faces + 1, sizeof *rows);
    fct_status s = rows ? load_known(c, to, &k, err) : fct_fail_nomem(err, "copy", 0);
    for (size_t i = 0; i < c->n_faces && !s; i++) {
        fct_store_face f = c->faces[i];
        f.person_id = c->ids[f.person_id];
        s = fct_face_unpack(c->from, &f, (int)c->model.dim, v, err);
        const int64_t *at = s ? NULL : bsearch(&f.person_id, k.people, k.n, sizeof *k.people, compare_ids);
        if (!at) break;
        fct_face_set *set = &k.sets[at - k.people];
        if (fct_face_set_find(set, v) >= 0) continue;
        s = fct_face_set_add(set, 0, v, err);
        f.id = 0;
        rows[n++] = f;
    }
    if (!s && n) s = to->ops->faces_add(to, rows, n, err);
    if (!s) c->done.faces += (int)n;
    clear_known(&k);
    fct_free(rows);
    return s;
}

/* What a scan of the target's negatives looks for. */
typedef struct negative_search {
    copy_call *c;
    bool *there; /* [c->n_negatives] */
} negative_search;

static fct_status strike_negative(void *ctx, const fct_store_negative *x, fct_error *err) {
    negative_search *f = ctx;
    for (size_t i = 0; i < f->c->n_negatives; i++) {
        const fct_store_negative *mine = &f->c->negatives[i];
        f->there[i] |= x->person_id == f->c->ids[mine->person_id] && x->embedding_size == mine->embedding_size &&
                       memcmp(x->embedding, mine->embedding, x->embedding_size) == 0;
    }
    return FCT_OK;
}

static fct_status put_negatives(copy_call *c, fct_store *to, fct_error *err) {
    size_t n = c->n_negatives, put = 0;
    if (!n) return FCT_OK;
    int64_t *people = fct_realloc_array(NULL, n, sizeof *people);
    fct_store_negative *rows = fct_realloc_array(NULL, n, sizeof *rows);
    negative_search f = {.c = c, .there = fct_calloc(n, sizeof *f.there)};
    fct_status s = people && rows && f.there ? FCT_OK : fct_fail_nomem(err, "copy", 0);
    for (size_t i = 0; i < n && !s; i++) people[i] = c->ids[c->negatives[i].person_id];
    if (!s) s = to->ops->negatives(to, people, n, 0, strike_negative, &f, err);
    for (size_t i = 0; i < n && !s; i++) {
        if (f.there[i]) continue;
        rows[put] = c->negatives[i];
        rows[put++].person_id = people[i];
    }
    if (!s && put) s = to->ops->negatives_add(to, rows, put, err);
    fct_free(people);
    fct_free(rows);
    fct_free(f.there);
    return s;
}

/* A batch, as a transaction. */
typedef struct batch_part {
    copy_call *c;
    int faces; /* done.faces before it */
    float *embedding;
} batch_part;

static fct_status write_batch(void *ctx, fct_store *to, fct_error *err) {
    batch_part *part = ctx;
    part->c->done.faces = part->faces;
    fct_status s = put_faces(part->c, to, part->embedding, err);
    return s ? s : put_negatives(part->c, to, err);
}

static fct_status flush(copy_call *c, fct_error *err) {
    batch_part part = {.c = c, .faces = c->done.faces};
    part.embedding = fct_realloc_array(NULL, (size_t)c->model.dim + 1, sizeof *part.embedding);
    if (!part.embedding) return fct_fail_nomem(err, "embedding", 0);
    size_t n = c->n_faces;
    fct_status s = n || c->n_negatives ? fct_gallery_write(c->to, write_batch, &part, err) : FCT_OK;
    fct_free(part.embedding);
    clear_batch(c);
    if (s) return s;
    c->done.seen += (int)n;
    return c->tell ? c->tell(&c->done, c->user, err) : FCT_OK;
}

/* Place of a person of the source among people. */
static fct_status place_of(const copy_call *c, int64_t person_id, const char *what, int64_t id, int64_t *place,
                           fct_error *err) {
    uint32_t at = fct_idmap_get(&c->by_id, person_id);
    *place = at;
    if (at != FCT_IDMAP_NONE) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %s %lld belongs to nobody", c->from->place, what, (long long)id);
}

/* Copies a row, which is the store's only until the next one, and writes a batch when there are enough. */
static fct_status keep_face(void *ctx, const fct_store_face *f, fct_error *err) {
    copy_call *c = ctx;
    int64_t place;
    fct_status s = place_of(c, f->person_id, "face", f->id, &place, err);
    if (s) return s;
    if (!c->model.dim) return fct_fail(err, FCT_ERR_FORMAT, "%s: it has faces but names no model", c->from->place);
    fct_store_face *all = fct_grow(c->faces, &c->cap_faces, c->n_faces + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "copy", 0);
    c->faces = all;
    char source[FCT_SOURCE_MAX] = "";
    if (f->source) fct_text_clean(f->source, source, sizeof source);
    fct_store_face *mine = &all[c->n_faces++];
    *mine = *f;
    mine->person_id = place;
    mine->source = f->source ? fct_strdup(source) : NULL;
    mine->embedding = copy_bytes(f->embedding, f->embedding_size);
    mine->crop = copy_bytes(f->crop, f->crop_size);
    mine->key = NULL;
    if (!mine->source != !f->source || !mine->embedding != !f->embedding || !mine->crop != !f->crop)
        return fct_fail_nomem(err, "copy", 0);
    c->bytes += f->embedding_size + f->crop_size;
    return c->n_faces < BATCH_FACES && c->bytes < BATCH_BYTES ? FCT_OK : flush(c, err);
}

static fct_status keep_negative(void *ctx, const fct_store_negative *x, fct_error *err) {
    copy_call *c = ctx;
    int64_t place;
    fct_status s = place_of(c, x->person_id, "negative", x->id, &place, err);
    if (s) return s;
    fct_store_negative *all = fct_grow(c->negatives, &c->cap_negatives, c->n_negatives + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "copy", 0);
    c->negatives = all;
    fct_store_negative *mine = &all[c->n_negatives++];
    *mine = *x;
    mine->person_id = place;
    mine->embedding = copy_bytes(x->embedding, x->embedding_size);
    mine->key = NULL;
    if (!mine->embedding) return fct_fail_nomem(err, "copy", 0);
    return c->n_negatives < BATCH_FACES ? FCT_OK : flush(c, err);
}

/* Inside a read transaction of the source. */
static fct_status copy_all(void *ctx, fct_store *from, fct_error *err) {
    copy_call *c = ctx;
    c->from = from;
    fct_status s = fct_model_read(from, &c->model, err);
    if (!s) s = fct_gallery_write(c->to, write_frame, c, err);
    if (!s) s = copy_people(c, err);
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING | FCT_FACE_CROP, .by_person = true};
    if (!s) s = from->ops->faces(from, &q, keep_face, c, err);
    if (!s) s = from->ops->negatives(from, NULL, 0, 0, keep_negative, c, err);
    return s ? s : flush(c, err);
}

fct_status fct_gallery_copy(fct_gallery *from, fct_gallery *to, fct_copy_fn *tell, void *user, fct_gallery_copied *out,
                            fct_error *err) {
    if (out) *out = (fct_gallery_copied){0};
    if (from == to || strcmp(from->reader->place, to->reader->place) == 0)
        return fct_fail(err, FCT_ERR_ARG, "%s: is the gallery itself", from->reader->place);
    copy_call c = {.to = to, .tell = tell, .user = user};
    fct_status s = fct_gallery_read_apart(from, copy_all, &c, err);
    clear_batch(&c);
    for (size_t i = 0; i < c.n_people; i++) free_person(&c.people[i]);
    fct_free(c.people);
    fct_free(c.ids);
    fct_free(c.collections);
    fct_free(c.faces);
    fct_free(c.negatives);
    fct_idmap_clear(&c.by_id);
    if (out) *out = c.done;
    return s;
}
