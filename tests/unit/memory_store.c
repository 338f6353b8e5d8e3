#include "memory_store.h"
#include "base/alloc.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

#define MANY 4096 /* people, faces, changes that fit */

typedef struct memory_person {
    int64_t id, created;
    char name[256];
} memory_person;

/* What a database holds; copied as a whole when a transaction begins. */
typedef struct memory_content {
    fct_store_model model;
    memory_person people[MANY];
    fct_store_face faces[MANY]; /* their bytes are never freed before the database */
    fct_store_change changes[MANY];
    int n_people, n_faces, n_changes; /* a change's number is its place + 1 */
    int64_t last_person, last_face;
} memory_content;

struct memory_db {
    memory_content now, before;
    void *blocks[16 * MANY];
    int n_blocks, disturb, open;
    int64_t version;
    long calls;
};

typedef struct memory_store {
    fct_store head;
    memory_db *db;
    fct_store_mode mode;
} memory_store;

memory_db *memory_db_create(void) { return calloc(1, sizeof(memory_db)); }
void memory_db_free(memory_db *db) {
    if (db->open) abort();
    for (int i = 0; i < db->n_blocks; i++) free(db->blocks[i]);
    free(db);
}
void memory_db_disturb(memory_db *db, int n) { db->disturb = n; }
long memory_db_calls(const memory_db *db) { return db->calls; }

static memory_db *db_of(fct_store *st) {
    memory_db *db = ((memory_store *)st)->db;
    db->calls++;
    return db;
}

static const void *keep(memory_db *db, const void *data, size_t n) {
    if (!data) return NULL;
    if (db->n_blocks == 16 * MANY) abort();
    void *p = malloc(n + 1);
    memcpy(p, data, n);
    return db->blocks[db->n_blocks++] = p;
}

static void note(memory_db *db, fct_change what, int64_t id) {
    if (db->now.n_changes == MANY) abort();
    db->now.changes[db->now.n_changes++] = (fct_store_change){what, id};
}

static void m_close(fct_store *st) {
    ((memory_store *)st)->db->open--;
    free(st);
}

static fct_status m_reader(fct_store *st, fct_store **out, fct_error *err) {
    *out = memory_store_open(((memory_store *)st)->db);
    return FCT_OK;
}

static fct_status m_begin(fct_store *st, fct_store_mode mode, fct_error *err) {
    memory_store *m = (memory_store *)st;
    m->mode = mode;
    if (mode == FCT_STORE_WRITE) m->db->before = m->db->now;
    return FCT_OK;
}

static fct_status m_end(fct_store *st, fct_status s, fct_error *err) {
    memory_store *m = (memory_store *)st;
    if (m->mode == FCT_STORE_READ) return s;
    if (!s && m->db->disturb) {
        m->db->disturb--;
        st->retry = true;
        s = fct_fail(err, FCT_ERR_BUSY, "memory: disturbed");
    }
    if (s) m->db->now = m->db->before;
    else m->db->version++;
    return s;
}

static fct_status m_version(fct_store *st, int64_t *out, fct_error *err) {
    return *out = ((memory_store *)st)->db->version, FCT_OK;
}

/* In the order of the contract, though things may come more than once: a reader must not mind. */
static fct_status m_changes(fct_store *st, int64_t after, fct_store_changes *out, fct_error *err) {
    const memory_content *c = &db_of(st)->now;
    *out = (fct_store_changes){.newest = c->n_changes, .complete = after <= c->n_changes};
    for (fct_change what = FCT_CHANGE_ALL; what >= FCT_CHANGE_FACE && out->complete; what--)
        for (int64_t i = after; i < c->n_changes; i++) {
            if (c->changes[i].what != what) continue;
            if (what == FCT_CHANGE_ALL) out->complete = false;
            fct_store_change *items = fct_realloc_array(out->items, out->n + 1, sizeof *items);
            if (!items) return fct_free(out->items), FCT_ERR_NOMEM;
            out->items = items;
            items[out->n++] = c->changes[i];
        }
    return FCT_OK;
}

static fct_status m_describe(fct_store *st, int64_t *people, int64_t *faces, int *schema, fct_error *err) {
    const memory_content *c = &db_of(st)->now;
    *people = c->n_people;
    *faces = c->n_faces;
    *schema = 1;
    return FCT_OK;
}

static fct_status m_get_model(fct_store *st, fct_store_model *out, fct_error *err) {
    return *out = db_of(st)->now.model, FCT_OK;
}
static fct_status m_set_model(fct_store *st, const fct_store_model *m, fct_error *err) {
    memory_db *db = db_of(st);
    db->now.model = *m;
    note(db, FCT_CHANGE_ALL, 0);
    return FCT_OK;
}

/* ---- People ----------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const memory_person *)a)->name, ((const memory_person *)b)->name);
}

static int place_of(const memory_content *c, const char *name) {
    for (int i = 0; i < c->n_people; i++)
        if (strcmp(c->people[i].name, name) == 0) return i;
    return -1;
}

static bool is_wanted(const fct_people_query *q, const memory_person *p) {
    for (size_t i = 0; i < q->n; i++)
        if (q->ids ? q->ids[i] == p->id : strcmp(q->names[i], p->name) == 0) return true;
    return !q->ids && !q->names;
}

static fct_status m_people(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err) {
    const memory_content *c = &db_of(st)->now;
    memory_person *sorted = malloc((size_t)c->n_people * sizeof *sorted + 1);
    fct_status s = FCT_OK;
    memcpy(sorted, c->people, (size_t)c->n_people * sizeof *sorted);
    if (q->by_name) qsort(sorted, (size_t)c->n_people, sizeof *sorted, by_name);
    for (int i = 0; i < c->n_people && !s; i++) {
        if (!is_wanted(q, &sorted[i])) continue;
        fct_store_person p = {.id = sorted[i].id, .created = sorted[i].created, .name = sorted[i].name};
        for (int f = 0; q->count_faces && f < c->n_faces; f++) p.faces += c->faces[f].person_id == p.id;
        s = fn(ctx, &p, err);
    }
    free(sorted);
    return s;
}

static fct_status m_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err) {
    memory_db *db = db_of(st);
    memory_content *c = &db->now;
    for (size_t i = 0; i < n; i++) {
        int at = place_of(c, p[i].name);
        p[i].is_new = at < 0;
        if (at < 0) {
            if (c->n_people == MANY) abort();
            at = c->n_people++;
            c->people[at] = (memory_person){.id = ++c->last_person, .created = p[i].created};
            strncpy(c->people[at].name, p[i].name, sizeof c->people[at].name - 1);
            note(db, FCT_CHANGE_PERSON, c->last_person);
        }
        p[i].id = c->people[at].id;
    }
    return FCT_OK;
}

static fct_status m_person_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err) {
    memory_db *db = db_of(st);
    memory_content *c = &db->now;
    int at = place_of(c, name);
    *found = false;
    if (at >= 0 && c->people[at].id != id) return fct_fail(err, FCT_ERR_EXISTS, "memory: %s: exists", name);
    for (int i = 0; i < c->n_people; i++)
        if (c->people[i].id == id) {
            strncpy(c->people[i].name, name, sizeof c->people[i].name - 1);
            *found = true;
            note(db, FCT_CHANGE_PERSON, id);
        }
    return FCT_OK;
}

static void unpin(memory_db *db) {
    if (db->now.n_faces) return;
    db->now.model = (fct_store_model){0};
    note(db, FCT_CHANGE_ALL, 0);
}

static fct_status m_people_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    memory_db *db = db_of(st);
    memory_content *c = &db->now;
    *removed = 0;
    for (size_t k = 0; k < n; k++)
        for (int i = 0; i < c->n_people; i++) {
            if (c->people[i].id != ids[k]) continue;
            int kept = 0;
            for (int f = 0; f < c->n_faces; f++)
                if (c->faces[f].person_id != ids[k]) c->faces[kept++] = c->faces[f];
            c->n_faces = kept;
            c->people[i--] = c->people[--c->n_people];
            ++*removed;
            note(db, FCT_CHANGE_PERSON, ids[k]);
        }
    if (*removed) unpin(db);
    return FCT_OK;
}

/* ---- Faces ------------------------------------------------------------------------ */

static int by_person(const void *a, const void *b) {
    const fct_store_face *x = a, *y = b;
    if (x->person_id != y->person_id) return x->person_id < y->person_id ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static bool face_wanted(const fct_faces_query *q, const fct_store_face *f) {
    for (size_t i = 0; i < q->n; i++)
        if (q->ids ? q->ids[i] == f->id : q->people[i] == f->person_id) return true;
    return !q->ids && !q->people;
}

static fct_status m_faces(fct_store *st, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err) {
    const memory_content *c = &db_of(st)->now;
    int n = c->n_faces;
    fct_store_face *all = malloc((size_t)n * sizeof *all + 1);
    fct_status s = FCT_OK;
    memcpy(all, c->faces, (size_t)n * sizeof *all);
    if (q->by_person) qsort(all, (size_t)n, sizeof *all, by_person);
    for (int i = 0; i < n && !s; i++) {
        if (!face_wanted(q, &all[i])) continue;
        fct_store_face f = all[i];
        if (!(q->parts & FCT_FACE_INFO))
            f = (fct_store_face){.id = f.id,
                                 .person_id = f.person_id,
                                 .has_crop = f.has_crop,
                                 .checksum = f.checksum,
                                 .embedding = f.embedding,
                                 .embedding_size = f.embedding_size,
                                 .crop = f.crop,
                                 .crop_size = f.crop_size};
        if (!(q->parts & FCT_FACE_EMBEDDING)) f.embedding = NULL, f.embedding_size = 0;
        if (!(q->parts & FCT_FACE_CROP)) f.crop = NULL, f.crop_size = 0;
        s = fn(ctx, &f, err);
    }
    free(all);
    return s;
}

static fct_status m_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err) {
    memory_db *db = db_of(st);
    memory_content *c = &db->now;
    for (size_t i = 0; i < n; i++) {
        if (c->n_faces == MANY) abort();
        f[i].id = ++c->last_face;
        fct_store_face *mine = &c->faces[c->n_faces++];
        *mine = f[i];
        mine->source = keep(db, f[i].source, f[i].source ? strlen(f[i].source) + 1 : 0);
        mine->embedding = keep(db, f[i].embedding, f[i].embedding_size);
        mine->crop = keep(db, f[i].crop, f[i].crop_size);
        note(db, FCT_CHANGE_FACE, f[i].id);
    }
    return FCT_OK;
}

static fct_store_face *find_face(memory_content *c, int64_t id) {
    for (int i = 0; i < c->n_faces; i++)
        if (c->faces[i].id == id) return &c->faces[i];
    return NULL;
}

static fct_status m_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err) {
    memory_db *db = db_of(st);
    for (size_t i = 0; i < n; i++) {
        fct_store_face *f = find_face(&db->now, ids[i]);
        if (f) f->person_id = person_id, note(db, FCT_CHANGE_FACE, ids[i]);
    }
    return FCT_OK;
}

static fct_status m_faces_embed(fct_store *st, const fct_store_face *faces, size_t n, fct_error *err) {
    memory_db *db = db_of(st);
    for (size_t i = 0; i < n; i++) {
        fct_store_face *f = find_face(&db->now, faces[i].id);
        if (!f) continue;
        f->embedding = keep(db, faces[i].embedding, faces[i].embedding_size);
        f->embedding_size = faces[i].embedding_size;
        f->checksum = faces[i].checksum;
        note(db, FCT_CHANGE_FACE, f->id);
    }
    return FCT_OK;
}

static fct_status m_faces_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    memory_db *db = db_of(st);
    *removed = 0;
    for (size_t i = 0; i < n; i++) {
        fct_store_face *f = find_face(&db->now, ids[i]);
        if (!f) continue;
        *f = db->now.faces[--db->now.n_faces];
        ++*removed;
        note(db, FCT_CHANGE_FACE, ids[i]);
    }
    if (*removed) unpin(db);
    return FCT_OK;
}

static fct_status m_check(fct_store *st, fct_error *err) { return FCT_OK; }
static fct_status m_backup(fct_store *st, const char *path, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "memory: cannot be copied to a file");
}

fct_store *memory_store_open(memory_db *db) {
    static const fct_store_ops ops = {m_close,      m_reader,        m_begin,         m_end,       m_version,
                                      m_changes,    m_describe,      m_get_model,     m_set_model, m_people,
                                      m_people_add, m_person_rename, m_people_remove, m_faces,     m_faces_add,
                                      m_faces_move, m_faces_embed,   m_faces_remove,  m_check,     m_backup};
    memory_store *st = calloc(1, sizeof *st);
    st->head = (fct_store){.ops = &ops, .place = "memory"};
    st->db = db;
    db->open++;
    return &st->head;
}
