/* The copy of embeddings and names that searches run on, and how it follows the
 * file. Every write adds to the change log what must be read again; a commit of
 * another process shows in PRAGMA data_version, which costs microseconds. The
 * log keeps some thousand entries: whoever missed more reads everything anew.
 *
 * Searches read the mirror without the gallery's lock. They begin under it, so
 * whoever holds the lock and has seen the last reader leave may change it. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

void fct_gallery_read_begin(fct_gallery *g) {
    fct_mutex_lock(&g->readers_lock);
    g->readers++;
    fct_mutex_unlock(&g->readers_lock);
}

void fct_gallery_read_end(fct_gallery *g) {
    fct_mutex_lock(&g->readers_lock);
    if (--g->readers == 0) fct_cond_broadcast(&g->readers_gone);
    fct_mutex_unlock(&g->readers_lock);
}

static void wait_for_readers(fct_gallery *g) {
    fct_mutex_lock(&g->readers_lock);
    while (g->readers) fct_cond_wait(&g->readers_gone, &g->readers_lock);
    fct_mutex_unlock(&g->readers_lock);
}

void fct_mirror_clear(fct_mirror *m) {
    fct_index_free(m->index);
    for (uint32_t i = 0; i < m->n_people; i++) fct_free(m->people[i].name);
    fct_free(m->people);
    fct_idmap_clear(&m->by_person);
    memset(m, 0, sizeof *m);
}

const char *fct_mirror_name(const fct_mirror *m, int64_t person_id) {
    uint32_t at = fct_idmap_get(&m->by_person, person_id);
    return at == FCT_IDMAP_NONE ? NULL : m->people[at].name;
}

static void forget_person(fct_mirror *m, int64_t id) {
    if (m->index) fct_index_remove_person(m->index, id);
    uint32_t at = fct_idmap_get(&m->by_person, id), last = m->n_people - 1;
    if (at == FCT_IDMAP_NONE) return;
    fct_free(m->people[at].name);
    fct_idmap_remove(&m->by_person, id);
    if (at != last) {
        m->people[at] = m->people[last];
        fct_idmap_put(&m->by_person, m->people[at].id, at);
    }
    m->n_people--;
}

static bool reserve_person(fct_mirror *m) {
    if (m->n_people == m->cap_people) {
        uint32_t cap = m->cap_people ? m->cap_people * 2 : 16;
        fct_mirror_person *people = cap ? fct_realloc_array(m->people, cap, sizeof *people) : NULL;
        if (!people) return false;
        m->people = people;
        m->cap_people = cap;
    }
    return fct_idmap_reserve(&m->by_person, 1);
}

/* Column of q: the name of person id. */
static fct_status put_person(const fct_db *db, fct_mirror *m, int64_t id, sqlite3_stmt *q, int column, fct_error *err) {
    const char *why, *name;
    fct_status s = fct_db_text(db, q, column, &name, err);
    if (s) return s;
    if (!name || !fct_name_valid(name, &why))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the name of person %lld is damaged", db->path, (long long)id);
    char *copy = reserve_person(m) ? fct_strdup(name) : NULL;
    if (!copy) return fct_fail_nomem(err, "names of the gallery", 0);
    uint32_t at = fct_idmap_get(&m->by_person, id);
    if (at == FCT_IDMAP_NONE) {
        at = m->n_people++;
        fct_idmap_put(&m->by_person, id, at);
    } else fct_free(m->people[at].name);
    m->people[at] = (fct_mirror_person){id, copy};
    return FCT_OK;
}

/* Row of "SELECT id, person_id, embedding FROM face". buf: [dim]. */
static fct_status put_face(const fct_db *db, fct_mirror *m, sqlite3_stmt *q, float *buf, fct_error *err) {
    int64_t id = sqlite3_column_int64(q, 0), person = sqlite3_column_int64(q, 1);
    const void *blob;
    size_t size;
    fct_status s = fct_db_blob(db, q, 2, &blob, &size, err);
    if (s) return s;
    if (!m->index) return fct_fail(err, FCT_ERR_FORMAT, "%s: it has faces but names no model", db->path);
    if (!fct_embedding_unpack(blob, size, m->dim, buf))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the embedding of face %lld is damaged", db->path, (long long)id);
    if (!fct_mirror_name(m, person))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: face %lld belongs to nobody", db->path, (long long)id);
    return fct_index_add(m->index, id, person, buf, err);
}

static fct_status put_faces(const fct_db *db, fct_mirror *m, sqlite3_stmt *q, fct_error *err) {
    float *buf = fct_realloc_array(NULL, m->dim ? (size_t)m->dim : 1, sizeof *buf);
    fct_status s = buf ? FCT_OK : fct_fail_nomem(err, "embedding", 0);
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = put_face(db, m, q, buf, err);
    }
    fct_free(buf);
    return s;
}

static fct_status load_model(const fct_db *db, fct_mirror *m, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(db, &q, err, "SELECT model_id, dim FROM model", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    const char *id = NULL;
    if (!s && row) s = fct_db_text(db, q, 0, &id, err);
    if (!s && row) {
        int64_t dim = sqlite3_column_int64(q, 1);
        if (!id || !*id || strlen(id) >= sizeof m->model_id || dim < 1 || dim > FCT_INDEX_DIM_MAX)
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: the entry of its model is damaged", db->path);
        else {
            fct_text_clean(id, m->model_id, sizeof m->model_id);
            m->dim = (int)dim;
            s = fct_index_create(m->dim, &m->index, err);
        }
    }
    sqlite3_finalize(q);
    return s;
}

static fct_status load_people(const fct_db *db, fct_mirror *m, fct_error *err) {
    sqlite3_stmt *q;
    fct_status s = fct_db_query(db, &q, err, "SELECT id, name FROM person", "");
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = put_person(db, m, sqlite3_column_int64(q, 0), q, 1, err);
    }
    sqlite3_finalize(q);
    return s;
}

static fct_status load_all(const fct_db *db, fct_mirror *m, fct_error *err) {
    sqlite3_stmt *q = NULL;
    fct_status s = fct_db_int(db, &m->seq, err, "SELECT max(seq) FROM change", "");
    if (!s) s = load_model(db, m, err);
    if (!s) s = load_people(db, m, err);
    if (!s) s = fct_db_query(db, &q, err, "SELECT id, person_id, embedding FROM face", "");
    if (!s) s = put_faces(db, m, q, err);
    sqlite3_finalize(q);
    return s;
}

/* Reads one face again: new, changed, moved to another person or gone. */
static fct_status refresh_face(const fct_db *db, fct_mirror *m, int64_t id, fct_error *err) {
    if (m->index) fct_index_remove(m->index, id);
    sqlite3_stmt *q;
    fct_status s = fct_db_query(db, &q, err, "SELECT id, person_id, embedding FROM face WHERE id = ?", "i", id);
    if (!s) s = put_faces(db, m, q, err);
    sqlite3_finalize(q);
    return s;
}

static fct_status refresh_person(const fct_db *db, fct_mirror *m, int64_t id, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(db, &q, err, "SELECT name FROM person WHERE id = ?", "i", id);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) s = put_person(db, m, id, q, 0, err);
    if (!s && !row) forget_person(m, id);
    sqlite3_finalize(q);
    return s;
}

/* Applies the log's entries after m->seq, each thing once, people before their
 * faces. *whole becomes false when everything must be read anew instead. */
static fct_status apply_log(const fct_db *db, fct_mirror *m, bool *whole, fct_error *err) {
    sqlite3_stmt *q;
    fct_status s = fct_db_query(
        db, &q, err, "SELECT what, id FROM change WHERE seq > ? GROUP BY what, id ORDER BY what DESC, id", "i", m->seq);
    for (bool row = true; !s && *whole;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        int64_t id = sqlite3_column_int64(q, 1);
        switch (sqlite3_column_int64(q, 0)) {
        case FCT_CHANGE_FACE:
            s = refresh_face(db, m, id, err);
            break;
        case FCT_CHANGE_PERSON:
            s = refresh_person(db, m, id, err);
            break;
        default:
            *whole = false;
        }
    }
    sqlite3_finalize(q);
    return s;
}

/* Inside a read transaction. */
static fct_status follow(fct_gallery *g, fct_error *err) {
    int64_t oldest, newest;
    fct_status s = fct_db_int(&g->db, &newest, err, "SELECT max(seq) FROM change", "");
    if (!s) s = fct_db_int(&g->db, &oldest, err, "SELECT min(seq) FROM change", "");
    if (s || (g->whole && newest == g->mirror.seq)) return s;
    wait_for_readers(g);
    int64_t seq = g->mirror.seq; /* numbers of a damaged file may be at the ends of their range */
    bool whole = g->whole && newest > seq && (oldest <= seq || oldest - 1 == seq);
    g->whole = false; /* until all has gone well */
    if (whole) s = apply_log(&g->db, &g->mirror, &whole, err);
    if (!s && whole) g->mirror.seq = newest;
    else if (!s) {
        fct_mirror_clear(&g->mirror);
        s = load_all(&g->db, &g->mirror, err);
    }
    g->whole = !s;
    return s;
}

static fct_status data_version(fct_gallery *g, int64_t *out, fct_error *err) {
    bool row;
    fct_status s = fct_db_step(&g->db, g->version_stmt, &row, err);
    *out = !s && row ? sqlite3_column_int64(g->version_stmt, 0) : 0;
    sqlite3_reset(g->version_stmt);
    return s;
}

fct_status fct_gallery_sync(fct_gallery *g, fct_error *err) {
    int64_t version;
    fct_status s = data_version(g, &version, err);
    if (s || (g->current && version == g->version)) return s;
    g->current = false;
    s = fct_db_begin_read(&g->db, err);
    if (s) return s;
    s = fct_db_end(&g->db, follow(g, err), err);
    if (!s) {
        /* Read before the transaction began: what came between is looked at again next time. */
        g->version = version;
        g->current = true;
    }
    return s;
}
