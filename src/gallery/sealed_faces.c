/* Faces and negatives of a sealed store. The checksum of a face is 0 below: the tags of
 * what is sealed say more. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "gallery/sealed_store.h"
#include "text/base64.h"
#include <string.h>

static fct_status damaged(const fct_sealed_store *m, const char *what, int64_t face, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: the %s of face %lld cannot be decrypted: damaged, or moved here",
                    m->head.place, what, (long long)face);
}

/* ---- Opening ------------------------------------------------------------------------------ */

/* Opens embedding and picture into the buffer, one after the other, and the source
 * behind them. */
static fct_status open_face(fct_sealed_store *m, const uint8_t *key, fct_store_face *f, fct_error *err) {
    size_t source = f->source ? strlen(f->source) : 0, size;
    uint8_t *to = fct_sealed_room(m, f->embedding_size + f->crop_size + 2 * source + 2);
    if (!to) return fct_fail_nomem(err, "face", f->crop_size);
    fct_seal_place at = {.kind = 'E', .person = f->person_id, .row = f->id, .name = ""};
    if (f->embedding) {
        if (!fct_seal_get(&m->seal, key, &at, f->embedding, f->embedding_size, to))
            return damaged(m, "embedding", f->id, err);
        f->embedding = to;
        to += f->embedding_size -= FCT_SEAL_EXTRA;
    }
    at.kind = 'C';
    if (f->crop) {
        if (!fct_seal_get(&m->seal, key, &at, f->crop, f->crop_size, to)) return damaged(m, "picture", f->id, err);
        f->crop = to;
        to += f->crop_size -= FCT_SEAL_EXTRA;
    }
    at.kind = 'S';
    if (f->source) {
        uint8_t *sealed = to + source + 1;
        if (!fct_base64_decode(f->source, source, sealed, &size) || size < FCT_SEAL_EXTRA ||
            !fct_seal_get(&m->seal, key, &at, sealed, size, to))
            return damaged(m, "source", f->id, err);
        to[size - FCT_SEAL_EXTRA] = 0;
        f->source = (const char *)to;
    }
    return FCT_OK;
}

/* A question for faces. */
typedef struct faces_call {
    fct_sealed_store *m;
    fct_face_fn *fn;
    void *ctx;
    int parts;
} faces_call;

static fct_status visit_face(void *ctx, const fct_store_face *row, fct_error *err) {
    const faces_call *c = ctx;
    const uint8_t *key;
    fct_status s = fct_sealed_key(c->m, row->person_id, row->key, row->key_size, &key, err);
    if (s || !key) return s;
    fct_store_face f = *row;
    f.key = NULL;
    f.key_size = 0;
    s = open_face(c->m, key, &f, err);
    if (s) return s;
    bool whole = c->parts & FCT_FACE_EMBEDDING && c->parts & FCT_FACE_CROP;
    f.checksum = whole ? fct_face_checksum(f.embedding, f.embedding_size, f.crop, f.crop_size) : 0;
    return c->fn(c->ctx, &f, err);
}

fct_status fct_sealed_faces(fct_store *st, const fct_faces_query *want, fct_face_fn *fn, void *ctx, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    faces_call c = {m, fn, ctx, want->parts};
    fct_faces_query q = *want;
    q.parts |= FCT_FACE_KEY;
    return m->inner->ops->faces(m->inner, &q, visit_face, &c, err);
}

/* ---- Sealing ------------------------------------------------------------------------------ */

/* One block: the sealed embedding, picture, source, and the source as text. Owned, NULL = out of memory. */
static uint8_t *seal_face(const fct_sealed_store *m, const uint8_t *key, int parts, fct_store_face *f) {
    size_t source = f->source ? strlen(f->source) : 0, sealed = source + FCT_SEAL_EXTRA;
    uint8_t *block =
        fct_alloc(f->embedding_size + f->crop_size + 2 * FCT_SEAL_EXTRA + sealed + fct_base64_size(sealed) + 1);
    uint8_t *to = block;
    if (!block) return NULL;
    fct_seal_place at = {.kind = 'E', .person = f->person_id, .row = f->id, .name = ""};
    if (parts & FCT_FACE_EMBEDDING) {
        fct_seal_put(&m->seal, key, &at, f->embedding, f->embedding_size, to);
        f->embedding = to;
        to += f->embedding_size += FCT_SEAL_EXTRA;
    }
    at.kind = 'C';
    if (parts & FCT_FACE_CROP && f->crop) {
        fct_seal_put(&m->seal, key, &at, f->crop, f->crop_size, to);
        f->crop = to;
        to += f->crop_size += FCT_SEAL_EXTRA;
    }
    at.kind = 'S';
    if (parts & FCT_FACE_SOURCE && f->source) {
        char *text = (char *)to + sealed;
        fct_seal_put(&m->seal, key, &at, f->source, source, to);
        fct_base64_encode(to, sealed, text);
        text[fct_base64_size(sealed)] = 0;
        f->source = text;
    }
    f->checksum = 0;
    return block;
}

/* Faces on their way into the store below. */
typedef struct faces_writer {
    fct_store_face *rows; /* [n], owned */
    uint8_t **blocks;     /* [n], owned: what rows point to */
    size_t n;
} faces_writer;

static void clear_writer(faces_writer *w) {
    for (size_t i = 0; w->blocks && i < w->n; i++) fct_free(w->blocks[i]);
    fct_free(w->blocks);
    fct_free(w->rows);
}

/* Seals faces [n], whose ids and people are known, with the keys of their people, and
 * leaves out those whose people have none. */
static fct_status seal_faces(fct_sealed_store *m, const fct_store_face *f, size_t n, int parts, faces_writer *w,
                             fct_error *err) {
    fct_sealed_keys keys = {0};
    int64_t *people = fct_realloc_array(NULL, n + 1, sizeof *people);
    size_t n_people = 0;
    *w = (faces_writer){.rows = fct_calloc(n + 1, sizeof *w->rows), .blocks = fct_calloc(n + 1, sizeof *w->blocks)};
    fct_status s = people && w->rows && w->blocks ? FCT_OK : fct_fail_nomem(err, "faces", 0);
    for (size_t i = 0; i < n && !s; i++)
        if (!n_people || people[n_people - 1] != f[i].person_id) people[n_people++] = f[i].person_id;
    if (!s) s = fct_sealed_keys_load(m, people, n_people, &keys, err);
    for (size_t i = 0; i < n && !s; i++) {
        const uint8_t *key = fct_sealed_keys_find(&keys, f[i].person_id);
        if (!key) continue;
        w->rows[w->n] = f[i];
        w->blocks[w->n] = seal_face(m, key, parts, &w->rows[w->n]);
        if (!w->blocks[w->n]) s = fct_fail_nomem(err, "faces", 0);
        else w->n++;
    }
    fct_sealed_keys_clear(&keys);
    fct_free(people);
    return s;
}

#define WHOLE (FCT_FACE_EMBEDDING | FCT_FACE_CROP | FCT_FACE_SOURCE)

fct_status fct_sealed_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    faces_writer w = {0};
    int64_t next = 0;
    size_t without = 0;
    for (size_t i = 0; i < n; i++) without += !f[i].id;
    fct_status s = without ? m->inner->ops->face_ids(m->inner, without, &next, err) : FCT_OK;
    for (size_t i = 0; i < n && !s; i++)
        if (!f[i].id) f[i].id = next++;
    if (!s) s = seal_faces(m, f, n, WHOLE, &w, err);
    if (!s && w.n != n) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: a face of nobody", st->place);
    if (!s) s = m->inner->ops->faces_add(m->inner, w.rows, w.n, err);
    clear_writer(&w);
    return s;
}

/* Copies of faces that are read, with all they point to in one block each. */
typedef struct moved_faces {
    fct_store_face *items;
    void **blocks;
    size_t n, cap, cap_blocks;
} moved_faces;

static void clear_faces(moved_faces *l) {
    for (size_t i = 0; i < l->n; i++) fct_free(l->blocks[i]);
    fct_free(l->items);
    fct_free(l->blocks);
}

static fct_status copy_face(void *ctx, const fct_store_face *f, fct_error *err) {
    moved_faces *l = ctx;
    size_t source = f->source ? strlen(f->source) + 1 : 0;
    fct_store_face *items = fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (items) l->items = items;
    void **blocks = fct_grow(l->blocks, &l->cap_blocks, l->n + 1, sizeof *blocks);
    if (blocks) l->blocks = blocks;
    uint8_t *b = fct_alloc(f->embedding_size + f->crop_size + source + 1);
    if (!items || !blocks || !b) return fct_free(b), fct_fail_nomem(err, "faces", 0);
    fct_store_face *x = &l->items[l->n];
    l->blocks[l->n++] = b;
    *x = *f;
    if (f->embedding) x->embedding = memcpy(b, f->embedding, f->embedding_size);
    b += f->embedding_size;
    if (f->crop) x->crop = memcpy(b, f->crop, f->crop_size);
    b += f->crop_size;
    if (f->source) x->source = memcpy(b, f->source, source);
    return FCT_OK;
}

/* A face belongs to its person with all that is sealed of it, so moving seals it anew. */
fct_status fct_sealed_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    moved_faces l = {0};
    faces_writer w = {0};
    fct_faces_query q = {.ids = ids, .n = n, .parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING | FCT_FACE_CROP};
    fct_status s = fct_sealed_faces(st, &q, copy_face, &l, err);
    if (!s) s = m->inner->ops->faces_move(m->inner, ids, n, person_id, err);
    for (size_t i = 0; i < l.n; i++) l.items[i].person_id = person_id;
    if (!s) s = seal_faces(m, l.items, l.n, WHOLE, &w, err);
    if (!s && w.n != l.n) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)person_id);
    if (!s) s = m->inner->ops->faces_update(m->inner, w.rows, w.n, WHOLE, err);
    clear_writer(&w);
    clear_faces(&l);
    return s;
}

/* Whose faces these are. */
typedef struct owner_finder {
    const fct_store_face *given;
    fct_store_face *rows; /* [n]: given, with their people */
    size_t n;
    fct_idmap by_id;
} owner_finder;

static fct_status note_owner(void *ctx, const fct_store_face *f, fct_error *err) {
    owner_finder *o = ctx;
    uint32_t at = fct_idmap_get(&o->by_id, f->id);
    if (at == FCT_IDMAP_NONE) return FCT_OK;
    o->rows[o->n] = o->given[at];
    o->rows[o->n++].person_id = f->person_id;
    fct_idmap_remove(&o->by_id, f->id);
    return FCT_OK;
}

fct_status fct_sealed_faces_update(fct_store *st, const fct_store_face *f, size_t n, int parts, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    owner_finder o = {.given = f, .rows = fct_calloc(n + 1, sizeof *o.rows)};
    faces_writer w = {0};
    int64_t *ids = fct_realloc_array(NULL, n + 1, sizeof *ids);
    bool room = o.rows && ids && fct_idmap_reserve(&o.by_id, n);
    for (size_t i = 0; room && i < n; i++) ids[i] = f[i].id, fct_idmap_put(&o.by_id, f[i].id, (uint32_t)i);
    fct_faces_query q = {.ids = ids, .n = n};
    fct_status s = room ? m->inner->ops->faces(m->inner, &q, note_owner, &o, err) : fct_fail_nomem(err, "faces", 0);
    if (!s) s = seal_faces(m, o.rows, o.n, parts, &w, err);
    if (!s && w.n) s = m->inner->ops->faces_update(m->inner, w.rows, w.n, parts, err);
    clear_writer(&w);
    fct_idmap_clear(&o.by_id);
    fct_free(o.rows);
    fct_free(ids);
    return s;
}

/* ---- Negatives ------------------------------------------------------------------------------ */

/* A question for negatives. */
typedef struct negatives_call {
    fct_sealed_store *m;
    fct_negative_fn *fn;
    void *ctx;
} negatives_call;

static fct_status visit_negative(void *ctx, const fct_store_negative *row, fct_error *err) {
    const negatives_call *c = ctx;
    const uint8_t *key;
    fct_status s = fct_sealed_key(c->m, row->person_id, row->key, row->key_size, &key, err);
    if (s || !key) return s;
    fct_store_negative x = *row;
    uint8_t *to = fct_sealed_room(c->m, x.embedding_size + 1);
    if (!to) return fct_fail_nomem(err, "embedding", x.embedding_size);
    fct_seal_place at = {.kind = 'N', .person = x.person_id, .name = ""};
    if (!fct_seal_get(&c->m->seal, key, &at, x.embedding, x.embedding_size, to))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: negative %lld of person %lld cannot be decrypted", c->m->head.place,
                        (long long)x.id, (long long)x.person_id);
    x.embedding = to;
    x.embedding_size -= FCT_SEAL_EXTRA;
    x.key = NULL;
    x.key_size = 0;
    return c->fn(c->ctx, &x, err);
}

fct_status fct_sealed_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn,
                                void *ctx, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    negatives_call c = {m, fn, ctx};
    return m->inner->ops->negatives(m->inner, people, n, FCT_FACE_KEY, visit_negative, &c, err);
}

fct_status fct_sealed_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        fct_sealed_keys keys = {0};
        fct_store_negative row = x[i];
        uint8_t *sealed = fct_alloc(row.embedding_size + FCT_SEAL_EXTRA);
        s = sealed ? fct_sealed_keys_load(m, &row.person_id, 1, &keys, err) : fct_fail_nomem(err, "embedding", 0);
        const uint8_t *key = s ? NULL : fct_sealed_keys_find(&keys, row.person_id);
        if (!s && !key) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)row.person_id);
        if (!s) {
            fct_seal_place at = {.kind = 'N', .person = row.person_id, .name = ""};
            fct_seal_put(&m->seal, key, &at, row.embedding, row.embedding_size, sealed);
            row.embedding = sealed;
            row.embedding_size += FCT_SEAL_EXTRA;
            s = m->inner->ops->negatives_add(m->inner, &row, 1, err);
            x[i].id = s ? 0 : row.id;
        }
        fct_sealed_keys_clear(&keys);
        fct_free(sealed);
    }
    return s;
}
