#include "base/alloc.h"
#include "base/error.h"
#include "memory_content.h"
#include <stdlib.h>
#include <string.h>

typedef struct memory_store {
    fct_store head;
    memory_db *db;
    fct_store_mode mode;
} memory_store;

memory_db *memory_db_create(void) {
    memory_db *db = calloc(1, sizeof(memory_db));
    db->now.collections[0] = (memory_collection){.id = FCT_COLLECTION_DEFAULT, .name = "default"};
    db->now.n_collections = 1;
    db->now.last_collection = 1;
    return db;
}
void memory_db_free(memory_db *db) {
    if (db->open) abort();
    for (int i = 0; i < db->n_blocks; i++) free(db->blocks[i]);
    free(db);
}
void memory_db_keep_numbers(memory_db *db) { db->keeps_numbers = true; }
void memory_db_disturb(memory_db *db, int n) { db->disturb = n; }
long memory_db_calls(const memory_db *db) { return db->calls; }

memory_db *memory_db_of(fct_store *st) {
    memory_db *db = ((memory_store *)st)->db;
    db->calls++;
    return db;
}

const void *memory_keep(memory_db *db, const void *data, size_t n) {
    if (!data) return NULL;
    if (db->n_blocks == 32 * MANY) abort();
    void *p = malloc(n + 1);
    memcpy(p, data, n);
    return db->blocks[db->n_blocks++] = p;
}

void memory_note(memory_db *db, fct_change what, int64_t id) {
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
    if (s) {
        memory_content *now = &m->db->now, *before = &m->db->before;
        if (m->db->keeps_numbers) {
            before->last_person = now->last_person;
            before->last_face = now->last_face;
            before->last_negative = now->last_negative;
            before->last_collection = now->last_collection;
        }
        *now = *before;
    } else m->db->version++;
    return s;
}

static fct_status m_version(fct_store *st, int64_t *out, fct_error *err) {
    return *out = ((memory_store *)st)->db->version, FCT_OK;
}

/* In the order of the contract, though things may come more than once: a reader must not mind. */
static fct_status m_changes(fct_store *st, int64_t after, fct_store_changes *out, fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    *out = (fct_store_changes){.newest = c->n_changes, .complete = after <= c->n_changes};
    for (fct_change what = FCT_CHANGE_SETTING; what >= FCT_CHANGE_FACE && out->complete; what--)
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
    const memory_content *c = &memory_db_of(st)->now;
    *people = c->n_people;
    *faces = c->n_faces;
    *schema = 3;
    return FCT_OK;
}

static fct_status m_get_model(fct_store *st, fct_store_model *out, fct_error *err) {
    return *out = memory_db_of(st)->now.model, FCT_OK;
}
static fct_status m_set_model(fct_store *st, const fct_store_model *m, fct_error *err) {
    memory_db *db = memory_db_of(st);
    if (db->now.model.dim != m->dim || strcmp(db->now.model.id, m->id) != 0) db->now.n_negatives = 0;
    db->now.model = *m;
    memory_note(db, FCT_CHANGE_ALL, 0);
    return FCT_OK;
}

/* ---- People ----------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    int d = strcmp(((const memory_person *)a)->name, ((const memory_person *)b)->name);
    int64_t x = ((const memory_person *)a)->row.id, y = ((const memory_person *)b)->row.id;
    return d ? d : (x > y) - (x < y);
}

static int by_id(const void *a, const void *b) {
    int64_t x = ((const memory_person *)a)->row.id, y = ((const memory_person *)b)->row.id;
    return (x > y) - (x < y);
}

static int place_of(const memory_content *c, int64_t collection_id, const char *name) {
    for (int i = 0; i < c->n_people; i++)
        if (c->people[i].row.collection_id == collection_id && strcmp(c->people[i].name, name) == 0) return i;
    return -1;
}

memory_person *memory_find_person(memory_content *c, int64_t id) {
    for (int i = 0; i < c->n_people; i++)
        if (c->people[i].row.id == id) return &c->people[i];
    return NULL;
}

static bool is_wanted(const fct_people_query *q, const memory_person *p) {
    if (q->collection_id && q->collection_id != p->row.collection_id) return false;
    if (p->row.id <= q->after) return false;
    for (size_t i = 0; i < q->n; i++)
        if (q->ids ? q->ids[i] == p->row.id : strcmp(q->names[i], p->name) == 0) return true;
    return !q->ids && !q->names;
}

static fct_status m_people(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    memory_person *sorted = malloc((size_t)c->n_people * sizeof *sorted + 1);
    fct_status s = FCT_OK;
    size_t given = 0;
    memcpy(sorted, c->people, (size_t)c->n_people * sizeof *sorted);
    qsort(sorted, (size_t)c->n_people, sizeof *sorted, q->by_name ? by_name : by_id);
    for (int i = 0; i < c->n_people && !s && (!q->most || given < q->most); i++) {
        if (!is_wanted(q, &sorted[i])) continue;
        given++;
        fct_store_person p = sorted[i].row;
        p.name = sorted[i].name;
        if (!(q->parts & FCT_PERSON_DETAILS)) p.details = NULL, p.details_size = 0;
        if (q->parts & FCT_PERSON_KEY) p.key = sorted[i].key, p.key_size = sorted[i].key_size;
        for (int f = 0; q->count_faces && f < c->n_faces; f++) p.faces += c->faces[f].person_id == p.id;
        s = fn(ctx, &p, err);
    }
    free(sorted);
    return s;
}

static void put_name(memory_db *db, memory_person *mine, const fct_store_person *p) {
    memset(mine->name, 0, sizeof mine->name);
    strncpy(mine->name, p->name, sizeof mine->name - 1);
    mine->row.label = memory_keep(db, p->label, p->label_size);
    mine->row.label_size = p->label_size;
}

static void put_details(memory_db *db, memory_person *mine, const fct_store_person *p) {
    mine->row.details = memory_keep(db, p->details, p->details_size);
    mine->row.details_size = p->details_size;
}

static fct_status m_people_count(fct_store *st, int64_t collection_id, int64_t *people, int64_t *faces,
                                 fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    *people = *faces = 0;
    for (int i = 0; i < c->n_people; i++) *people += c->people[i].row.collection_id == collection_id;
    for (int k = 0; k < c->n_faces; k++)
        for (int i = 0; i < c->n_people; i++)
            *faces += c->people[i].row.collection_id == collection_id && c->people[i].row.id == c->faces[k].person_id;
    return FCT_OK;
}

static fct_status m_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    for (size_t i = 0; i < n; i++) {
        int at = place_of(c, p[i].collection_id, p[i].name);
        p[i].is_new = at < 0;
        if (at < 0) {
            if (c->n_people == MANY) abort();
            at = c->n_people++;
            c->people[at] = (memory_person){.row = {.id = ++c->last_person,
                                                    .created = p[i].created,
                                                    .collection_id = p[i].collection_id,
                                                    .expires = p[i].expires}};
            put_name(db, &c->people[at], &p[i]);
            put_details(db, &c->people[at], &p[i]);
            memory_note(db, FCT_CHANGE_PERSON, c->last_person);
        }
        p[i].id = c->people[at].row.id;
    }
    return FCT_OK;
}

static fct_status m_people_update(fct_store *st, const fct_store_person *p, size_t n, int parts, size_t *found,
                                  fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    *found = 0;
    for (size_t i = 0; i < n; i++) {
        memory_person *mine = memory_find_person(c, p[i].id);
        if (!mine) continue;
        ++*found;
        int64_t into = parts & FCT_PERSON_COLLECTION ? p[i].collection_id : mine->row.collection_id;
        int at = place_of(c, into, parts & FCT_PERSON_NAME ? p[i].name : mine->name);
        if (at >= 0 && &c->people[at] != mine) return fct_fail(err, FCT_ERR_EXISTS, "memory: the name exists");
        if (parts & FCT_PERSON_NAME) put_name(db, mine, &p[i]);
        mine->row.collection_id = into;
        if (parts & FCT_PERSON_EXPIRES) mine->row.expires = p[i].expires;
        if (parts & FCT_PERSON_DETAILS) put_details(db, mine, &p[i]);
        memory_note(db, FCT_CHANGE_PERSON, p[i].id);
    }
    return FCT_OK;
}

static void unpin(memory_db *db) {
    if (db->now.n_faces) return;
    db->now.model = (fct_store_model){0};
    db->now.n_negatives = 0;
    memory_note(db, FCT_CHANGE_ALL, 0);
}

static fct_status m_people_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    *removed = 0;
    for (size_t k = 0; k < n; k++)
        for (int i = 0; i < c->n_people; i++) {
            if (c->people[i].row.id != ids[k]) continue;
            int kept = 0, n_negatives = 0;
            for (int f = 0; f < c->n_faces; f++)
                if (c->faces[f].person_id != ids[k]) c->faces[kept++] = c->faces[f];
            c->n_faces = kept;
            for (int x = 0; x < c->n_negatives; x++)
                if (c->negatives[x].person_id != ids[k]) c->negatives[n_negatives++] = c->negatives[x];
            c->n_negatives = n_negatives;
            c->people[i--] = c->people[--c->n_people];
            ++*removed;
            memory_note(db, FCT_CHANGE_PERSON, ids[k]);
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
    memory_content *c = &memory_db_of(st)->now;
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
        const memory_person *owner = memory_find_person(c, f.person_id);
        if (q->parts & FCT_FACE_KEY && owner) f.key = owner->key, f.key_size = owner->key_size;
        s = fn(ctx, &f, err);
    }
    free(all);
    return s;
}

static fct_status m_face_ids(fct_store *st, size_t n, int64_t *first, fct_error *err) {
    return *first = memory_db_of(st)->now.last_face + 1, FCT_OK;
}

static fct_status m_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    for (size_t i = 0; i < n; i++) {
        if (c->n_faces == MANY) abort();
        if (!f[i].id) f[i].id = c->last_face + 1;
        if (f[i].id > c->last_face) c->last_face = f[i].id;
        fct_store_face *mine = &c->faces[c->n_faces++];
        *mine = f[i];
        mine->source = memory_keep(db, f[i].source, f[i].source ? strlen(f[i].source) + 1 : 0);
        mine->embedding = memory_keep(db, f[i].embedding, f[i].embedding_size);
        mine->crop = memory_keep(db, f[i].crop, f[i].crop_size);
        memory_note(db, FCT_CHANGE_FACE, f[i].id);
    }
    return FCT_OK;
}

static fct_store_face *find_face(memory_content *c, int64_t id) {
    for (int i = 0; i < c->n_faces; i++)
        if (c->faces[i].id == id) return &c->faces[i];
    return NULL;
}

static fct_status m_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err) {
    memory_db *db = memory_db_of(st);
    for (size_t i = 0; i < n; i++) {
        fct_store_face *f = find_face(&db->now, ids[i]);
        if (f) f->person_id = person_id, memory_note(db, FCT_CHANGE_FACE, ids[i]);
    }
    return FCT_OK;
}

static fct_status m_faces_update(fct_store *st, const fct_store_face *faces, size_t n, int parts, fct_error *err) {
    memory_db *db = memory_db_of(st);
    for (size_t i = 0; i < n; i++) {
        fct_store_face *f = find_face(&db->now, faces[i].id);
        if (!f) continue;
        if (parts & FCT_FACE_EMBEDDING) {
            f->embedding = memory_keep(db, faces[i].embedding, faces[i].embedding_size);
            f->embedding_size = faces[i].embedding_size;
        }
        if (parts & FCT_FACE_CROP) {
            f->crop = memory_keep(db, faces[i].crop, faces[i].crop_size);
            f->crop_size = faces[i].crop_size;
            f->crop_cut = faces[i].crop_cut;
            f->has_crop = f->crop != NULL;
        }
        const char *source = faces[i].source;
        if (parts & FCT_FACE_SOURCE) f->source = memory_keep(db, source, source ? strlen(source) + 1 : 0);
        f->checksum = faces[i].checksum;
        memory_note(db, FCT_CHANGE_FACE, f->id);
    }
    return FCT_OK;
}

static fct_status m_faces_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    memory_db *db = memory_db_of(st);
    *removed = 0;
    for (size_t i = 0; i < n; i++) {
        fct_store_face *f = find_face(&db->now, ids[i]);
        if (!f) continue;
        *f = db->now.faces[--db->now.n_faces];
        ++*removed;
        memory_note(db, FCT_CHANGE_FACE, ids[i]);
    }
    if (*removed) unpin(db);
    return FCT_OK;
}

static fct_status m_purge(fct_store *st, fct_error *err) { return FCT_OK; }
static fct_status m_check(fct_store *st, fct_error *err) { return FCT_OK; }
static fct_status m_backup(fct_store *st, const char *path, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "memory: cannot be copied to a file");
}

fct_store *memory_store_open(memory_db *db) {
    static const fct_store_ops ops = {.close = m_close,
                                      .reader = m_reader,
                                      .begin = m_begin,
                                      .end = m_end,
                                      .version = m_version,
                                      .changes = m_changes,
                                      .describe = m_describe,
                                      .get_model = m_get_model,
                                      .set_model = m_set_model,
                                      .people = m_people,
                                      .people_count = m_people_count,
                                      .people_add = m_people_add,
                                      .people_update = m_people_update,
                                      .people_remove = m_people_remove,
                                      .faces = m_faces,
                                      .face_ids = m_face_ids,
                                      .faces_add = m_faces_add,
                                      .faces_move = m_faces_move,
                                      .faces_update = m_faces_update,
                                      .faces_remove = m_faces_remove,
                                      .collections = memory_collections,
                                      .collections_add = memory_collections_add,
                                      .collection_rename = memory_collection_rename,
                                      .collection_remove = memory_collection_remove,
                                      .settings = memory_settings,
                                      .settings_put = memory_settings_put,
                                      .negatives = memory_negatives,
                                      .negatives_add = memory_negatives_add,
                                      .negatives_remove = memory_negatives_remove,
                                      .audit = memory_audit,
                                      .audit_last = memory_audit_last,
                                      .audit_add = memory_audit_add,
                                      .keys_put = memory_keys_put,
                                      .purge = m_purge,
                                      .check = m_check,
                                      .backup = m_backup};
    memory_store *st = calloc(1, sizeof *st);
    st->head = (fct_store){.ops = &ops, .place = "memory"};
    st->db = db;
    db->open++;
    return &st->head;
}
