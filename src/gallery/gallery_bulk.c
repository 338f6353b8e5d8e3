/* Enrolling many faces: they are gathered, and each batch takes a fixed number of
 * questions to the store however many faces it has. A batch makes sure of the
 * model, finds or creates its people, reads the faces that they have already,
 * drops duplicates and adds the rest. What is known of people stays for the next
 * batch where they come up again, so that one with many faces is read once. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define BATCH_FACES  256
#define BATCH_PEOPLE 1024
#define BATCH_BYTES  ((size_t)8 << 20)
#define NO_ROW       SIZE_MAX

/* A face that waits. One block holds all that it points to. */
struct fct_bulk_face {
    float *embedding; /* [dim], owned: the start of the block */
    fct_store_face row;
    size_t person; /* place in people */
    size_t row_at; /* its place among the rows that are added, or that of its equal; NO_ROW = it has an id */
    int64_t *id;   /* where the caller wants to have it, or NULL */
};

/* Faces of a person. Those from n_stored on are not in the store yet: in place of
 * the id stands where they are among the rows that will be added. */
struct fct_bulk_known {
    int64_t person;
    bool used; /* by the batch */
    int n_stored;
    fct_face_set faces;
};

static void clear_batch(fct_enroller *e) {
    for (size_t i = 0; i < e->n_faces; i++) fct_free(e->faces[i].embedding);
    for (size_t i = 0; i < e->n_people; i++) fct_free((char *)e->people[i].name);
    e->n_faces = e->n_people = e->bytes = 0;
}

void fct_enroller_clear(fct_enroller *e) {
    clear_batch(e);
    for (size_t i = 0; i < e->n_known; i++) fct_face_set_clear(&e->known[i].faces);
    fct_free(e->known);
    fct_free(e->faces);
    fct_free(e->people);
    *e = (fct_enroller){.st = e->st, .collection_id = e->collection_id, .added = e->added};
}

/* ---- Gathering -------------------------------------------------------------------- */

/* Room for one more item. */
static bool grow(void **items, size_t n, size_t *cap, size_t size) {
    void *p = fct_grow(*items, cap, n + 1, size);
    if (p) *items = p;
    return p != NULL;
}

/* Puts name last among the people of the batch unless it is there already. */
static fct_status gather_person(fct_enroller *e, const char *given, int64_t created, fct_error *err) {
    char name[FCT_NAME_MAX + 1];
    fct_status s = fct_name_take(given, "person", name, err);
    if (s) return s;
    int64_t collection = e->collection_id ? e->collection_id : FCT_COLLECTION_DEFAULT;
    const fct_store_person *last = e->n_people ? &e->people[e->n_people - 1] : NULL;
    if (last && last->collection_id == collection && strcmp(last->name, name) == 0) return FCT_OK;
    bool room = grow((void **)&e->people, e->n_people, &e->cap_people, sizeof *e->people);
    char *copy = room ? fct_strdup(name) : NULL;
    if (!copy) return fct_fail_nomem(err, "enrollment", 0);
    e->people[e->n_people++] = (fct_store_person){.name = copy, .created = created, .collection_id = collection};
    return FCT_OK;
}

/* Copies a face into one block: floats, bytes, source, picture. */
static fct_status copy_face(const fct_enrollment *f, int64_t created, fct_bulk_face *out, fct_error *err) {
    char source[FCT_SOURCE_MAX] = "";
    if (f->source) fct_text_clean(f->source, source, sizeof source);
    size_t size = (size_t)f->dim * 4, crop = f->crop ? f->crop_len : 0, text = strlen(source) + 1;
    char *block = fct_alloc(2 * size + text + crop);
    if (!block) return fct_fail_nomem(err, "enrollment", 0);
    memcpy(block, f->embedding, size);
    fct_embedding_pack(f->embedding, f->dim, (uint8_t *)block + size);
    memcpy(block + 2 * size, source, text);
    if (crop) memcpy(block + 2 * size + text, f->crop, crop);
    *out = (fct_bulk_face){.embedding = (float *)(void *)block,
                           .row = {.created = created,
                                   .score = f->score,
                                   .quality = f->quality,
                                   .source = f->source ? block + 2 * size : NULL,
                                   .embedding = block + size,
                                   .embedding_size = size,
                                   .crop = crop ? block + 2 * size + text : NULL,
                                   .crop_size = crop,
                                   .has_crop = crop > 0,
                                   .crop_cut = f->crop_cut}};
    for (int i = 0; i < 4; i++) out->row.box[i] = f->box[i];
    out->row.checksum = fct_face_checksum(out->row.embedding, size, out->row.crop, crop);
    return FCT_OK;
}

/* The model of the first face is that of all. */
static fct_status check_model(fct_enroller *e, const fct_enrollment *f, fct_error *err) {
    if (!e->model.dim) {
        memcpy(e->model.id, f->model_id, strlen(f->model_id) + 1);
        e->model.dim = f->dim;
    }
    if (e->model.dim == f->dim && strcmp(e->model.id, f->model_id) == 0) return FCT_OK;
    return fct_fail(err, FCT_ERR_MISMATCH, "faces of two models in one enrollment");
}

fct_status fct_enroller_put(fct_enroller *e, const char *name, const fct_enrollment *f, int64_t created, int64_t *id,
                            fct_error *err) {
    fct_status s = fct_faces_check(f, 1, err);
    if (!s) s = check_model(e, f, err);
    if (!s) s = gather_person(e, name, created, err);
    if (!s && !grow((void **)&e->faces, e->n_faces, &e->cap_faces, sizeof *e->faces))
        s = fct_fail_nomem(err, "enrollment", 0);
    if (!s) s = copy_face(f, created, &e->faces[e->n_faces], err);
    if (s) return s;
    fct_bulk_face *face = &e->faces[e->n_faces++];
    face->person = e->n_people - 1;
    face->id = id;
    e->bytes += 2 * face->row.embedding_size + face->row.crop_size;
    return e->n_faces < BATCH_FACES && e->bytes < BATCH_BYTES ? FCT_OK : fct_enroller_flush(e, err);
}

fct_status fct_enroller_put_person(fct_enroller *e, const char *name, int64_t created, fct_error *err) {
    fct_status s = gather_person(e, name, created, err);
    return s || e->n_people < BATCH_PEOPLE ? s : fct_enroller_flush(e, err);
}

/* ---- A batch ---------------------------------------------------------------------- */

/* The first enrollment pins the model, others must agree with it. */
static fct_status pin_model(fct_enroller *e, fct_error *err) {
    fct_store_model there;
    fct_status s = e->st->ops->get_model(e->st, &there, err);
    if (s) return s;
    if (there.dim && (there.dim != e->model.dim || strcmp(there.id, e->model.id) != 0))
        return fct_fail(
            err, FCT_ERR_MISMATCH, "%s: its faces were made by model %.12s (%lld values), not by %.12s (%lld values)",
            e->st->place, there.id[0] ? there.id : "?", (long long)there.dim, e->model.id, (long long)e->model.dim);
    e->pinned = true;
    s = fct_audit_is_on(e->st, &e->audit, err);
    if (s) return s;
    return there.dim ? FCT_OK : e->st->ops->set_model(e->st, &e->model, err);
}

static fct_bulk_known *find_known(const fct_enroller *e, int64_t person) {
    for (size_t i = e->n_known; i-- > 0;)
        if (e->known[i].person == person) return &e->known[i];
    return NULL;
}

/* Forgets people who are not in the batch and adds those who are new in it, with
 * empty sets; their faces are in the sets from *first on, where they must be read. */
static fct_status choose_known(fct_enroller *e, size_t *first, fct_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < e->n_known; i++) e->known[i].used = false;
    for (size_t i = 0; i < e->n_faces; i++) {
        fct_bulk_known *k = find_known(e, e->people[e->faces[i].person].id);
        if (k) k->used = true;
    }
    for (size_t i = 0; i < e->n_known; i++)
        if (e->known[i].used) e->known[kept++] = e->known[i];
        else fct_face_set_clear(&e->known[i].faces);
    e->n_known = *first = kept;
    fct_bulk_known *known = fct_realloc_array(e->known, kept + e->n_faces + 1, sizeof *known);
    if (!known) return fct_fail_nomem(err, "enrollment", 0);
    e->known = known;
    for (size_t i = 0; i < e->n_faces; i++) {
        int64_t person = e->people[e->faces[i].person].id;
        if (!find_known(e, person))
            known[e->n_known++] = (fct_bulk_known){.person = person, .faces = {.dim = (int)e->model.dim}};
    }
    return FCT_OK;
}

/* Reads the faces of the known people from first on. */
static fct_status load_known(fct_enroller *e, size_t first, fct_error *err) {
    size_t n = e->n_known - first;
    int64_t *ids = fct_realloc_array(NULL, n + 1, sizeof *ids);
    fct_face_set *sets = fct_realloc_array(NULL, n + 1, sizeof *sets);
    fct_status s = ids && sets ? FCT_OK : fct_fail_nomem(err, "enrollment", 0);
    for (size_t i = 0; i < n && !s; i++) {
        ids[i] = e->known[first + i].person;
        sets[i] = e->known[first + i].faces;
    }
    if (!s) {
        s = fct_face_sets_load(e->st, ids, sets, n, err);
        for (size_t i = 0; i < n; i++) {
            e->known[first + i].faces = sets[i];
            e->known[first + i].n_stored = sets[i].n;
        }
    }
    fct_free(ids);
    fct_free(sets);
    return s;
}

/* Gives each face the id of its equal, or a place among rows [*n], those to be added. */
static fct_status choose_rows(fct_enroller *e, fct_store_face *rows, size_t *n, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0; i < e->n_faces && !s; i++) {
        fct_bulk_face *f = &e->faces[i];
        f->row.person_id = e->people[f->person].id;
        fct_bulk_known *k = find_known(e, f->row.person_id);
        int at = fct_face_set_find(&k->faces, f->embedding);
        f->row_at = at < 0 ? *n : at < k->n_stored ? NO_ROW : (size_t)k->faces.ids[at];
        if (f->row_at == NO_ROW) f->row.id = k->faces.ids[at];
        if (at >= 0) continue;
        s = fct_face_set_add(&k->faces, (int64_t)*n, f->embedding, err);
        rows[(*n)++] = f->row;
    }
    return s;
}

/* Tells the caller the ids of rows, and keeps them with the known faces. */
static void settle_ids(fct_enroller *e, const fct_store_face *rows) {
    for (size_t i = 0; i < e->n_faces; i++) {
        fct_bulk_face *f = &e->faces[i];
        if (f->row_at != NO_ROW) f->row.id = rows[f->row_at].id;
        if (f->id) *f->id = f->row.id;
    }
    for (size_t i = 0; i < e->n_known; i++) {
        fct_bulk_known *k = &e->known[i];
        for (; k->n_stored < k->faces.n; k->n_stored++) k->faces.ids[k->n_stored] = rows[k->faces.ids[k->n_stored]].id;
    }
}

/* Tells the audit log of new faces, those of a person together. */
static fct_status note_rows(fct_enroller *e, const fct_store_face *rows, size_t n, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0, end; i < n && !s && e->audit; i = end) {
        int64_t ids[BATCH_FACES];
        for (end = i; end < n && rows[end].person_id == rows[i].person_id; end++) ids[end - i] = rows[end].id;
        s = fct_audit_ids(e->st, "enroll", rows[i].person_id, ids, end - i, err);
    }
    return s;
}

static fct_status add_faces(fct_enroller *e, fct_error *err) {
    size_t first, n = 0;
    fct_store_face *rows = NULL;
    fct_status s = choose_known(e, &first, err);
    if (!s) s = load_known(e, first, err);
    if (!s) rows = fct_realloc_array(NULL, e->n_faces, sizeof *rows);
    if (!s && !rows) s = fct_fail_nomem(err, "enrollment", 0);
    if (!s) s = choose_rows(e, rows, &n, err);
    if (!s && n) s = e->st->ops->faces_add(e->st, rows, n, err);
    if (!s) s = note_rows(e, rows, n, err);
    if (!s) settle_ids(e, rows);
    if (!s) e->added += (int)n;
    fct_free(rows);
    return s;
}

/* Whether all who wait are the one person who is meant. */
static fct_status check_only(fct_enroller *e, fct_error *err) {
    if (e->only == FCT_PERSON_NEW && e->n_people) {
        if (!e->people[0].is_new)
            return fct_fail(err, FCT_ERR_EXISTS, "there is somebody called %s already", e->people[0].name);
        e->only = e->people[0].id;
    }
    for (size_t i = 0; i < e->n_people; i++)
        if (e->only && e->people[i].id != e->only)
            return fct_fail(err, FCT_ERR_NOT_FOUND, "person %lld is not called %s any more", (long long)e->only,
                            e->people[i].name);
    return FCT_OK;
}

fct_status fct_enroller_flush(fct_enroller *e, fct_error *err) {
    fct_status s = FCT_OK;
    if (e->n_faces && !e->pinned) s = pin_model(e, err);
    if (!s && e->n_people) s = e->st->ops->people_add(e->st, e->people, e->n_people, err);
    if (!s) s = check_only(e, err);
    if (!s && e->n_faces) s = add_faces(e, err);
    clear_batch(e);
    return s;
}
