/* The copy of embeddings and names that searches run on, and how it follows the
 * store. Every write adds to the change feed what must be read again; a commit of
 * another connection shows in the store's version, which costs microseconds. The
 * feed keeps some thousand entries: whoever missed more reads everything anew.
 *
 * A search takes a view of the index under the gallery's lock and gives the lock
 * up. Following the store while it runs waits for nobody: the index keeps what a
 * view needs (index/index.h). Names are looked up at the end, under a lock of
 * their own that is never held for long. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

void fct_mirror_init(fct_mirror *m) {
    memset(m, 0, sizeof *m);
    fct_mutex_init(&m->names_lock);
}

void fct_mirror_clear(fct_mirror *m) {
    fct_index_free(m->index);
    m->index = NULL;
    fct_mutex_lock(&m->names_lock);
    for (uint32_t i = 0; i < m->n_people; i++) fct_free(m->people[i].name);
    fct_free(m->people);
    fct_idmap_clear(&m->by_person);
    m->people = NULL;
    m->n_people = 0;
    m->cap_people = 0;
    fct_mirror_clear_collections(m);
    fct_mirror_clear_negatives(m);
    fct_mutex_unlock(&m->names_lock);
    memset(m->model_id, 0, sizeof m->model_id);
    m->dim = 0;
    m->odd_names = false;
    m->seq = 0;
}

void fct_mirror_destroy(fct_mirror *m) {
    fct_mirror_clear(m);
    fct_mutex_destroy(&m->names_lock);
}

bool fct_mirror_get_person(fct_mirror *m, int64_t person_id, fct_match *out, float fallback, float *threshold) {
    fct_mutex_lock(&m->names_lock);
    uint32_t at = fct_idmap_get(&m->by_person, person_id);
    if (at != FCT_IDMAP_NONE) {
        memcpy(out->name, m->people[at].name, strlen(m->people[at].name) + 1);
        out->collection_id = m->people[at].collection_id;
        *threshold = fct_mirror_threshold(m, out->collection_id, fallback);
    }
    fct_mutex_unlock(&m->names_lock);
    return at != FCT_IDMAP_NONE;
}

/* Takes a person out of the set of a collection's members. Holds the names' lock. */
static void leave_collection(fct_mirror *m, const fct_mirror_person *p) {
    fct_mirror_collection *c = fct_mirror_find_collection(m, p->collection_id);
    if (c) fct_idset_remove(&c->members, p->id);
}

static void forget_name(fct_mirror *m, int64_t id) {
    fct_mutex_lock(&m->names_lock);
    uint32_t at = fct_idmap_get(&m->by_person, id), last = m->n_people - 1;
    if (at != FCT_IDMAP_NONE) {
        leave_collection(m, &m->people[at]);
        fct_free(m->people[at].name);
        fct_idmap_remove(&m->by_person, id);
        if (at != last) {
            m->people[at] = m->people[last];
            fct_idmap_put(&m->by_person, m->people[at].id, at);
        }
        m->n_people--;
    }
    fct_mutex_unlock(&m->names_lock);
}

static fct_status forget_person(fct_mirror *m, int64_t id, fct_error *err) {
    fct_status s = m->index ? fct_index_remove_person(m->index, id, err) : FCT_OK;
    if (!s) forget_name(m, id);
    return s;
}

/* Finds out which of the people are gone: a visitor takes those that are there
 * out of a list of ids. */
typedef struct gone_list {
    int64_t *ids;
    size_t n;
} gone_list;

static fct_status strike_out(void *ctx, const fct_store_person *p, fct_error *err) {
    gone_list *l = ctx;
    for (size_t i = 0; i < l->n;)
        if (l->ids[i] == p->id) l->ids[i] = l->ids[--l->n];
        else i++;
    return FCT_OK;
}

static fct_status forget_gone(fct_store *st, fct_mirror *m, const int64_t *ids, size_t n, fct_error *err) {
    if (!n) return FCT_OK;
    gone_list l = {.ids = fct_realloc_array(NULL, n, sizeof *ids), .n = n};
    if (!l.ids) return fct_fail_nomem(err, "changes of the gallery", 0);
    memcpy(l.ids, ids, n * sizeof *ids);
    fct_status s = st->ops->people(st, &(fct_people_query){.ids = ids, .n = n}, strike_out, &l, err);
    for (size_t i = 0; i < l.n && !s; i++) s = forget_person(m, l.ids[i], err);
    fct_free(l.ids);
    return s;
}

static bool reserve_person(fct_mirror *m) {
    if (m->n_people == FCT_IDMAP_NONE) return false; /* places have 32 bits */
    fct_mirror_person *people = fct_grow(m->people, &m->cap_people, (size_t)m->n_people + 1, sizeof *people);
    if (!people) return false;
    m->people = people;
    return fct_idmap_reserve(&m->by_person, 1);
}

/* Adds a person to the mirror or changes the name; the name is copied before the lock is taken. */
static fct_status put_person(const fct_store *st, fct_mirror *m, const fct_store_person *p, fct_error *err) {
    fct_status s = fct_person_check(st, p, err);
    if (s) return s;
    char *copy = fct_strdup(p->name);
    fct_mutex_lock(&m->names_lock);
    fct_mirror_collection *c = fct_mirror_find_collection(m, p->collection_id);
    bool room = copy && reserve_person(m) && (!c || fct_idset_add(&c->members, p->id));
    if (room) {
        uint32_t at = fct_idmap_get(&m->by_person, p->id);
        if (at == FCT_IDMAP_NONE) {
            at = m->n_people++;
            fct_idmap_put(&m->by_person, p->id, at);
        } else {
            if (m->people[at].collection_id != p->collection_id) leave_collection(m, &m->people[at]);
            fct_free(m->people[at].name);
        }
        m->people[at] = (fct_mirror_person){p->id, p->collection_id, copy};
    }
    fct_mutex_unlock(&m->names_lock);
    if (!room) return fct_free(copy), fct_fail_nomem(err, "names of the gallery", 0);
    m->odd_names |= fct_name_is_odd(p->name);
    return FCT_OK;
}

/* What a scan that fills the mirror carries along. */
typedef struct filler {
    const fct_store *st;
    fct_mirror *m;
    bool all;         /* every face comes once */
    bool partial;     /* faces of people who are not in the mirror are left out */
    float *embedding; /* [dim] */
} filler;

static fct_status fill_person(void *ctx, const fct_store_person *p, fct_error *err) {
    const filler *f = ctx;
    return put_person(f->st, f->m, p, err);
}

static fct_status fill_face(void *ctx, const fct_store_face *face, fct_error *err) {
    const filler *f = ctx;
    fct_mirror *m = f->m;
    if (!m->index) return fct_fail(err, FCT_ERR_FORMAT, "%s: it has faces but names no model", f->st->place);
    fct_status s = fct_face_unpack(f->st, face, m->dim, f->embedding, err);
    if (s) return s;
    if (fct_idmap_get(&m->by_person, face->person_id) == FCT_IDMAP_NONE)
        return f->partial ? FCT_OK
                          : fct_fail(err, FCT_ERR_FORMAT, "%s: face %lld belongs to nobody", f->st->place,
                                     (long long)face->id);
    return (f->all ? fct_index_append : fct_index_add)(m->index, face->id, face->person_id, f->embedding, err);
}

fct_status fct_mirror_fill(fct_store *st, fct_mirror *m, bool partial, const fct_people_query *people,
                           fct_faces_query *faces, fct_error *err) {
    filler f = {.st = st, .m = m, .partial = partial, .all = faces && !faces->ids && !faces->people};
    f.embedding = fct_realloc_array(NULL, m->dim ? (size_t)m->dim : 1, sizeof *f.embedding);
    if (!f.embedding) return fct_fail_nomem(err, "embedding", 0);
    fct_status s = st->ops->people(st, people, fill_person, &f, err);
    if (faces) faces->parts = FCT_FACE_EMBEDDING;
    if (!s && faces) s = st->ops->faces(st, faces, fill_face, &f, err);
    fct_free(f.embedding);
    return s;
}

/* What does not depend on how the index is made: settings, negatives, the model. */
static fct_status load_rest(fct_store *st, fct_mirror *m, fct_error *err) {
    fct_store_model model;
    fct_mirror_clear(m);
    fct_status s = fct_model_read(st, &model, err);
    if (s) return s;
    m->dim = (int)model.dim;
    if (model.dim) fct_text_clean(model.id, m->model_id, sizeof m->model_id);
    s = fct_mirror_load_settings(st, m, err);
    return s ? s : fct_mirror_load_negatives(st, m, NULL, 0, err);
}

/* Reads everything from the store. */
static fct_status load_all(fct_gallery *g, fct_store *st, fct_error *err) {
    fct_mirror *m = &g->mirror;
    fct_status s = load_rest(st, m, err);
    if (!s) s = fct_gallery_plan_partial(g, st, err);
    if (!s && m->dim) s = g->make_index(m->dim, &m->index, err);
    return s || g->partial ? s : fct_mirror_fill(st, m, false, &(fct_people_query){0}, &(fct_faces_query){0}, err);
}

/* The same, with embeddings from the cache file, as they were at entry *seq of the feed. */
static fct_status load_cached(fct_gallery *g, fct_store *st, int64_t *seq, fct_error *err) {
    fct_mirror *m = &g->mirror;
    fct_status s = load_rest(st, m, err);
    if (!s) s = fct_gallery_cache_open(g, m->dim, &m->index, seq, err);
    return s ? s : fct_mirror_fill(st, m, false, &(fct_people_query){0}, NULL, err);
}

/* Reads everything from the store and writes the cache file. */
static fct_status load_writing(fct_gallery *g, fct_store *st, int64_t seq, fct_error *err) {
    fct_mirror *m = &g->mirror;
    fct_status s = load_rest(st, m, err);
    if (!s) s = fct_index_create_staged(m->dim, &m->index, err);
    if (!s) s = fct_index_cache_begin(m->index, g->cache.path, err);
    if (!s) s = fct_mirror_fill(st, m, false, &(fct_people_query){0}, &(fct_faces_query){0}, err);
    return s ? s : fct_index_cache_end(m->index, &g->cache.key, seq, err);
}

/* Makes the mirror anew, with the cache file as it was planned. *seq: the entry of the feed it then is at. */
static fct_status load(fct_gallery *g, fct_store *st, int64_t newest, int64_t *seq, fct_error *err) {
    fct_cache_plan plan = g->cache.plan;
    g->cache.plan = FCT_CACHE_NONE; /* it was made for the state that the gallery was opened in */
    g->cache.used = false;
    *seq = newest;
    if (plan == FCT_CACHE_READ) g->cache.used = !load_cached(g, st, seq, NULL);
    else if (plan == FCT_CACHE_WRITE && g->cache.seq == newest) g->cache.used = !load_writing(g, st, newest, NULL);
    if (g->cache.used) return FCT_OK;
    *seq = newest;
    return load_all(g, st, err);
}

/* Reads what changed again. A person or face that the store has no more is left
 * out of the mirror. */
static fct_status apply_changes(fct_gallery *g, fct_store *st, const fct_store_changes *c, fct_error *err) {
    fct_mirror *m = &g->mirror;
    int64_t *ids = fct_realloc_array(NULL, c->n + 1, sizeof *ids);
    size_t n = 0, n_people = 0;
    if (!ids) return fct_fail_nomem(err, "changes of the gallery", 0);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < c->n && !s; i++) {
        if (c->items[i].what == FCT_CHANGE_SETTING) {
            s = fct_mirror_load_settings(st, m, err);
            continue;
        }
        ids[n++] = c->items[i].id;
        fct_idset_remove(&g->fetched, c->items[i].id); /* of a face; harmless where it is a person's */
        if (c->items[i].what == FCT_CHANGE_PERSON) n_people = n;
        else if (m->index) s = fct_index_remove(m->index, c->items[i].id, err);
    }
    fct_people_query people = {.ids = ids, .n = n_people};
    fct_faces_query faces = {.ids = ids + n_people, .n = n - n_people};
    if (!s) s = forget_gone(st, m, ids, n_people, err);
    if (!s) s = fct_mirror_fill(st, m, g->partial, &people, &faces, err);
    if (!s) s = fct_mirror_load_negatives(st, m, ids, n_people, err);
    fct_free(ids);
    return s;
}

/* Inside a read transaction. */
static fct_status follow(void *ctx, fct_store *st, fct_error *err) {
    fct_gallery *g = ctx;
    fct_store_changes changes;
    int64_t seq = g->mirror.seq;
    fct_status s = st->ops->changes(st, seq, &changes, err);
    if (s || (g->whole && changes.newest == seq)) return s;
    bool whole = g->whole && changes.complete;
    g->whole = false; /* until all has gone well */
    if (!whole) {
        int64_t newest = changes.newest;
        fct_free(changes.items);
        s = load(g, st, newest, &seq, err);
        changes = (fct_store_changes){.newest = newest, .complete = true};
        if (!s && seq != newest) s = st->ops->changes(st, seq, &changes, err);
    }
    if (!s && !changes.complete) s = fct_fail(err, FCT_ERR_FORMAT, "%s: its list of changes has a gap", st->place);
    if (!s && changes.n) s = apply_changes(g, st, &changes, err);
    fct_free(changes.items);
    if (!s) g->mirror.seq = changes.newest;
    g->whole = !s;
    return s;
}

fct_status fct_gallery_sync(fct_gallery *g, fct_error *err) {
    int64_t version;
    fct_status s = g->reader->ops->version(g->reader, &version, err);
    if (s || (g->current && version == g->version)) return s;
    g->current = false;
    s = fct_store_run(g->reader, FCT_STORE_READ, follow, g, err);
    if (s && g->cache.used) { /* the cache file may be at fault: once more without it */
        g->cache.used = g->whole = false;
        s = fct_store_run(g->reader, FCT_STORE_READ, follow, g, err);
    }
    if (!s) {
        /* Read before the transaction began: what came between is looked at again next time. */
        g->version = version;
        g->current = true;
    }
    return s;
}
