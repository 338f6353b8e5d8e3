/* People and faces in the dumps of CompreFace and Immich.
 *
 * CompreFace: subject (id, api_key, subject_name), embedding (id, subject_id, embedding
 * double precision[], calculator, img_id). An API key is a service with its own people.
 * Immich: person (id, name, ownerId), asset_face (id, assetId, personId, boundingBox...;
 * once asset_faces; faceClusterId in place of personId later), face_search (faceId,
 * embedding vector(512)).
 *
 * Tables stand in the order of their names, embeddings before people, so the dump is
 * read twice: first who is who, then the embeddings. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "imports/import_sink.h"
#include "imports/pg_dump.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a row's id (a UUID, or any text) is kept as. */
typedef struct row_key {
    uint8_t bytes[16];
} row_key;

typedef struct dump_person {
    row_key key;
    char *name;    /* owned */
    uint32_t part; /* place in parts */
} dump_person;

typedef struct dump_face {
    row_key key, person;
    float box[4];
    char *source; /* owned; NULL = none */
} dump_face;

typedef struct dump_reader {
    fct_import_sink *sink;
    const char *part;
    dump_person *people; /* [n_people] by key, once sorted */
    size_t n_people, cap_people;
    dump_face *faces; /* [n_faces], of Immich */
    size_t n_faces, cap_faces;
    char **parts; /* [n_parts] owners and services that occur, owned */
    size_t n_parts, cap_parts;
    char calculator[80];
    bool embeddings; /* the dump has a table of them */
} dump_reader;

static row_key key_of(const char *id) {
    fct_sha256 h;
    uint8_t hash[32];
    row_key k;
    fct_sha256_init(&h);
    fct_sha256_update(&h, id, strlen(id));
    fct_sha256_final(&h, hash);
    memcpy(k.bytes, hash, sizeof k.bytes);
    return k;
}

static int by_key(const void *a, const void *b) { return memcmp(a, b, sizeof(row_key)); }

static void clear(dump_reader *r) {
    for (size_t i = 0; i < r->n_people; i++) fct_free(r->people[i].name);
    for (size_t i = 0; i < r->n_faces; i++) fct_free(r->faces[i].source);
    for (size_t i = 0; i < r->n_parts; i++) fct_free(r->parts[i]);
    fct_free(r->people);
    fct_free(r->faces);
    fct_free(r->parts);
}

/* The place of a part, which is added where it is new. */
static fct_status note_part(dump_reader *r, const char *part, uint32_t *out, fct_error *err) {
    for (size_t i = 0; i < r->n_parts; i++)
        if (strcmp(r->parts[i], part) == 0) return *out = (uint32_t)i, FCT_OK;
    char **p = fct_grow(r->parts, &r->cap_parts, r->n_parts + 1, sizeof *p);
    if (p) r->parts = p;
    char *copy = p ? fct_strdup(part) : NULL;
    if (!copy) return fct_fail_nomem(err, "parts", 0);
    *out = (uint32_t)r->n_parts;
    r->parts[r->n_parts++] = copy;
    return FCT_OK;
}

static fct_status add_person(dump_reader *r, const char *id, const char *name, const char *part, fct_error *err) {
    uint32_t at = 0;
    if (r->part && strcmp(r->part, part) != 0) return FCT_OK;
    fct_status s = note_part(r, part, &at, err);
    if (s) return s;
    dump_person *p = fct_grow(r->people, &r->cap_people, r->n_people + 1, sizeof *p);
    if (p) r->people = p;
    char *copy = p ? fct_strdup(name) : NULL;
    if (!copy) return fct_fail_nomem(err, "people", 0);
    r->people[r->n_people++] = (dump_person){key_of(id), copy, at};
    return FCT_OK;
}

static const dump_person *find_person(const dump_reader *r, const row_key *key) {
    return r->n_people ? bsearch(key, r->people, r->n_people, sizeof *r->people, by_key) : NULL;
}

/* Places of columns; FCT_ERR_FORMAT where one that is needed is missing. */
static fct_status find_columns(const fct_dump *d, const char *const *names, int *out, int n, fct_error *err) {
    for (int i = 0; i < n; i++) {
        out[i] = fct_dump_column(d, names[i]);
        if (out[i] >= 0) continue;
        char what[100];
        snprintf(what, sizeof what, "begins a table without the column %.40s", names[i]);
        return fct_dump_bad(d, what, err);
    }
    return FCT_OK;
}

/* ---- First: who is who --------------------------------------------------------------------- */

/* People, as the three columns name them; a second id stands for the same person. */
static fct_status read_people(dump_reader *r, fct_dump *d, const char *const columns[3], const char *second,
                              fct_error *err) {
    int at[3] = {0}, also = second ? fct_dump_column(d, second) : -1;
    char **field;
    bool more = true;
    fct_status s = find_columns(d, columns, at, 3, err);
    while (!s && !(s = fct_dump_next_row(d, &field, &more, err)) && more) {
        const char *id = field[at[0]], *name = field[at[1]], *part = field[at[2]];
        if (!id || !name || !*name) continue;
        s = add_person(r, id, name, part ? part : "", err);
        if (!s && also >= 0 && field[also]) s = add_person(r, field[also], name, part ? part : "", err);
    }
    return s;
}

static fct_status read_asset_faces(dump_reader *r, fct_dump *d, fct_error *err) {
    static const char *const columns[] = {"id",     "boundingBoxX1", "boundingBoxY1", "boundingBoxX2", "boundingBoxY2",
                                          "assetId"};
    int at[6] = {0}, person = fct_dump_column(d, "personId"), gone = fct_dump_column(d, "deletedAt");
    if (person < 0) person = fct_dump_column(d, "faceClusterId");
    if (person < 0) return fct_dump_bad(d, "begins a table of faces without people", err);
    char **field;
    bool more = true;
    fct_status s = find_columns(d, columns, at, 6, err);
    while (!s && !(s = fct_dump_next_row(d, &field, &more, err)) && more) {
        if (!field[at[0]] || !field[person] || (gone >= 0 && field[gone])) continue;
        dump_face *p = fct_grow(r->faces, &r->cap_faces, r->n_faces + 1, sizeof *p);
        if (!p) return fct_fail_nomem(err, "faces", 0);
        r->faces = p;
        dump_face *f = &r->faces[r->n_faces++];
        *f = (dump_face){.key = key_of(field[at[0]]), .person = key_of(field[person])};
        for (int k = 0; k < 4; k++) f->box[k] = field[at[k + 1]] ? (float)atoi(field[at[k + 1]]) : 0;
        if (field[at[5]] && !(f->source = fct_asprintf("immich:%s", field[at[5]]))) s = fct_fail_nomem(err, "faces", 0);
    }
    return s;
}

static fct_status read_who_is_who(dump_reader *r, fct_import_kind kind, fct_error *err) {
    static const char *const compreface[] = {"subject", NULL}, *const immich[] = {"person", "asset_face", "asset_faces",
                                                                                  NULL};
    static const char *const subject[] = {"id", "subject_name", "api_key"}, *const person[] = {"id", "name", "ownerId"};
    fct_dump *d;
    int which = 0;
    fct_status s = fct_dump_open(r->sink->path, &d, err);
    while (!s && which >= 0) {
        s = fct_dump_next_table(d, kind == FCT_IMPORT_IMMICH ? immich : compreface, &which, err);
        if (s || which < 0) break;
        if (which > 0) s = read_asset_faces(r, d, err);
        else if (kind == FCT_IMPORT_IMMICH) s = read_people(r, d, person, "faceClusterId", err);
        else s = read_people(r, d, subject, NULL, err);
    }
    fct_dump_close(d);
    if (r->n_people) qsort(r->people, r->n_people, sizeof *r->people, by_key);
    if (r->n_faces) qsort(r->faces, r->n_faces, sizeof *r->faces, by_key);
    return s;
}

/* ---- Then: the embeddings ---------------------------------------------------------------------- */

static fct_status put_row(dump_reader *r, fct_dump *d, const dump_person *p, const char *numbers, const char *brackets,
                          fct_enrollment *face, fct_error *err) {
    size_t n;
    if (!p) {
        r->sink->unnamed++;
        return FCT_OK;
    }
    fct_status s = fct_import_read_numbers(r->sink, numbers, brackets[0], brackets[1], &n, err);
    if (!s && !n) s = fct_dump_bad(d, "has a bad embedding", err);
    return s ? s : fct_import_emit(r->sink, p->name, face, n, err);
}

/* Embeddings of several networks in one file do not belong into one gallery. */
static fct_status note_calculator(dump_reader *r, const fct_dump *d, const char *name, fct_error *err) {
    if (!name) return FCT_OK;
    if (!r->calculator[0]) snprintf(r->calculator, sizeof r->calculator, "%s", name);
    if (strncmp(r->calculator, name, sizeof r->calculator - 1) == 0) return FCT_OK;
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: has embeddings of %.60s and of %.60s", r->sink->path, r->calculator,
                    name);
}

static fct_status read_compreface(dump_reader *r, fct_dump *d, fct_error *err) {
    static const char *const columns[] = {"subject_id", "embedding", "calculator"};
    int at[3] = {0};
    char **field;
    bool more = true;
    fct_status s = find_columns(d, columns, at, 3, err);
    while (!s && !(s = fct_dump_next_row(d, &field, &more, err)) && more) {
        if (!field[at[0]] || !field[at[1]]) continue;
        row_key key = key_of(field[at[0]]);
        const dump_person *p = find_person(r, &key);
        if (p) s = note_calculator(r, d, field[at[2]], err);
        if (!s) s = put_row(r, d, p, field[at[1]], "{}", &(fct_enrollment){.source = "compreface"}, err);
    }
    return s;
}

static fct_status read_immich(dump_reader *r, fct_dump *d, fct_error *err) {
    static const char *const columns[] = {"faceId", "embedding"};
    int at[2] = {0};
    char **field;
    bool more = true;
    fct_status s = find_columns(d, columns, at, 2, err);
    while (!s && !(s = fct_dump_next_row(d, &field, &more, err)) && more) {
        if (!field[at[0]] || !field[at[1]]) continue;
        row_key key = key_of(field[at[0]]);
        const dump_face *f = r->n_faces ? bsearch(&key, r->faces, r->n_faces, sizeof *r->faces, by_key) : NULL;
        const dump_person *p = f ? find_person(r, &f->person) : NULL;
        fct_enrollment face = {.source = f ? f->source : NULL};
        if (f) memcpy(face.box, f->box, sizeof face.box);
        s = put_row(r, d, p, field[at[1]], "[]", &face, err);
    }
    return s;
}

static fct_status read_embeddings(dump_reader *r, fct_import_kind kind, fct_error *err) {
    static const char *const compreface[] = {"embedding", NULL}, *const immich[] = {"face_search", NULL};
    fct_dump *d;
    int which = 0;
    fct_status s = fct_dump_open(r->sink->path, &d, err);
    while (!s && which >= 0) {
        s = fct_dump_next_table(d, kind == FCT_IMPORT_IMMICH ? immich : compreface, &which, err);
        if (s || which < 0) break;
        r->embeddings = true;
        s = kind == FCT_IMPORT_IMMICH ? read_immich(r, d, err) : read_compreface(r, d, err);
    }
    fct_dump_close(d);
    return s;
}

/* ---- The calls ------------------------------------------------------------------------------------ */

/* People of several services or users must not become one by their names. */
static fct_status check_parts(const dump_reader *r, fct_import_kind kind, fct_error *err) {
    const char *what = kind == FCT_IMPORT_IMMICH ? "user" : "service";
    if (r->part && !r->n_parts)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: nobody of the %s %.100s", r->sink->path, what, r->part);
    if (r->n_parts < 2) return FCT_OK;
    return fct_fail(err, FCT_ERR_ARG, "%s: has people of %zu %ss: %.60s, %.60s%s; choose one with --part",
                    r->sink->path, r->n_parts, what, r->parts[0], r->parts[1], r->n_parts > 2 ? ", ..." : "");
}

fct_status fct_dump_import(fct_import_kind kind, const char *part, fct_import_sink *sink, fct_error *err) {
    dump_reader r = {.sink = sink, .part = part};
    fct_status s = read_who_is_who(&r, kind, err);
    if (!s) s = check_parts(&r, kind, err);
    if (!s) s = read_embeddings(&r, kind, err);
    if (!s && !r.embeddings)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: has no table of embeddings as %s keeps them", sink->path,
                     fct_import_kind_name(kind));
    snprintf(sink->model, sizeof sink->model, "%s", r.calculator);
    clear(&r);
    return s;
}

fct_status fct_dump_recognize(const char *path, fct_import_kind *out, fct_error *err) {
    static const char *const tables[] = {"subject", "face_search", NULL};
    fct_dump *d;
    int which;
    *out = FCT_IMPORT_AUTO;
    fct_status s = fct_dump_open(path, &d, err);
    if (!s) s = fct_dump_next_table(d, tables, &which, err);
    fct_dump_close(d);
    if (s) return s;
    *out = which == 0 ? FCT_IMPORT_COMPREFACE : FCT_IMPORT_IMMICH;
    if (which >= 0) return FCT_OK;
    *out = FCT_IMPORT_AUTO;
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: a dump without the tables of CompreFace or Immich (or made with --inserts, which is not read)",
                    path);
}
