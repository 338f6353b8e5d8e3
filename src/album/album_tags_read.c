/* Names in files into the album. All files are read first, without keeping other
 * programs from the album; then what they say is noted in one transaction. */
#include "album/album_tags.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "text/names.h"

#include <string.h>

/* A region that is going to be noted. */
typedef struct tag_claim {
    size_t photo, file; /* indices in the table */
    double box[4];
    char *name; /* owned */
    bool picasa, ours;
} tag_claim;

/* What the files said. */
typedef struct tag_outcome {
    size_t file;
    int named, drawn, contrary;
    char *error; /* owned; NULL = it could be read */
    fct_status code;
} tag_outcome;

typedef struct tag_collector {
    fct_album *album;
    fct_album_table table;
    fct_tag_marks marks;
    fct_tags_reader *reader;
    tag_claim *claims;
    tag_outcome *files;
    size_t n_claims, claims_cap, n_files, files_cap;
    bool noting; /* an operation is open */
} tag_collector;

/* Notes that a region of a file names somebody. Names that are none are passed over. */
static fct_status add_claim(tag_collector *r, size_t photo, const fct_region *region, fct_error *err) {
    tag_claim *list = fct_grow(r->claims, &r->claims_cap, r->n_claims + 1, sizeof *list), c = {.photo = photo};
    if (!list) return fct_fail_nomem(err, "regions", 0);
    r->claims = list;
    c.file = r->n_files - 1;
    c.picasa = region->source == FCT_REGION_PICASA;
    c.ours = region->ours;
    for (int i = 0; i < 4; i++) c.box[i] = region->box[i];
    fct_status s = fct_text_nfc(region->name, &c.name, err);
    if (s == FCT_ERR_NOMEM) return s;
    if (s) return FCT_OK; /* no name that the album could keep */
    if (c.name[0]) list[r->n_claims++] = c;
    else fct_free(c.name);
    return FCT_OK;
}

/* Reads one file. What keeps it from being read is noted, and the next one is read. */
static fct_status read_file(tag_collector *r, size_t photo, size_t file, fct_error *err) {
    tag_outcome *list = fct_grow(r->files, &r->files_cap, r->n_files + 1, sizeof *list);
    if (!list) return fct_fail_nomem(err, "files", 0);
    r->files = list;
    list[r->n_files++] = (tag_outcome){.file = file};
    fct_error e;
    fct_tags *t;
    fct_status s = fct_tags_read(r->reader, r->table.files[file].path, &t, &e);
    if (s) {
        list[r->n_files - 1].code = s;
        list[r->n_files - 1].error = fct_strdup(e.text);
        return list[r->n_files - 1].error ? FCT_OK : fct_fail_nomem(err, "files", 0);
    }
    for (int i = 0; i < fct_tags_count(t) && !s; i++) {
        const fct_region *region = fct_tags_region(t, i);
        if (region->kind == FCT_REGION_FACE && region->name[0] && !region->doubtful)
            s = add_claim(r, photo, region, err);
    }
    fct_tags_free(t);
    return s;
}

/* ---- Noting -------------------------------------------------------------------------- */

/* The face that a box means, by the rule of anchors; NULL = none. */
static const fct_table_face *face_at(const tag_collector *r, size_t photo, const double box[4]) {
    const fct_table_photo *p = &r->table.photos[photo];
    const fct_table_face *best = NULL;
    double most = 0.3;
    for (size_t i = p->face; i < p->face + p->n_faces; i++) {
        double o = fct_album_overlap(r->table.faces[i].box, box);
        if (o < most) continue;
        most = o;
        best = &r->table.faces[i];
    }
    return best;
}

/* Whether the user has said otherwise of this place: that it is somebody else, or not this person. */
static bool is_contrary(const tag_collector *r, const tag_claim *c, const fct_table_face *face, int64_t person) {
    size_t n, first = fct_tag_marks_of(&r->marks, c->photo, &n);
    for (size_t i = first; i < first + n; i++) {
        const fct_tag_mark *m = &r->marks.at[i];
        bool here = face ? m->face_id == face->id : !m->face_id && fct_album_overlap(m->box, c->box) >= 0.3;
        if (here && m->by_user && (m->person_id == person) != m->is) return true;
    }
    return false;
}

/* Whether an earlier reading has noted this region already. */
static bool is_known(const tag_collector *r, const tag_claim *c, const fct_table_face *face, int64_t person) {
    size_t n, first = fct_tag_marks_of(&r->marks, c->photo, &n);
    for (size_t i = first; i < first + n; i++) {
        const fct_tag_mark *m = &r->marks.at[i];
        bool here = face ? m->face_id == face->id : !m->face_id && fct_album_overlap(m->box, c->box) >= 0.3;
        if (here && m->is && m->person_id == person && person) return true;
    }
    return false;
}

/* Whether the face has a name already, against which facet's own region, which may be an older guess, does not count.
 */
static bool has_name(const tag_collector *r, const fct_table_face *face) {
    const fct_table_person *p = face && face->person_id ? fct_album_table_person(&r->table, face->person_id) : NULL;
    return p && p->name;
}

/* Opens the operation before the first change: a reading that changes nothing is nothing to undo. */
static fct_status begin_noting(tag_collector *r, fct_error *err) {
    if (r->noting) return FCT_OK;
    r->noting = true;
    return fct_album_operation_begin(r->album, "read tags", err);
}

/* Gives the face, or the place, its name. */
static fct_status note_claim(tag_collector *r, const tag_claim *c, fct_error *err) {
    const fct_table_face *face = face_at(r, c->photo, c->box);
    tag_outcome *out = &r->files[c->file];
    fct_decision d = {.kind = FCT_DECISION_IS, .source = c->picasa ? FCT_SOURCE_PICASA : FCT_SOURCE_TAG};
    fct_anchor k = {.time_ms = 0};
    if (c->ours && has_name(r, face)) return FCT_OK;
    memcpy(k.hash, r->table.photos[c->photo].hash, sizeof k.hash);
    memcpy(k.box, c->box, sizeof k.box);
    fct_status s = fct_album_person_find(r->album, c->name, &d.person_id, err);
    if (s) return s;
    if (is_contrary(r, c, face, d.person_id)) {
        out->contrary++;
        return FCT_OK;
    }
    if (is_known(r, c, face, d.person_id) && (!face || face->person_id == d.person_id)) return FCT_OK;
    s = begin_noting(r, err);
    if (!s && !d.person_id) s = fct_album_person_add(r->album, c->name, &d.person_id, err);
    if (!s)
        s = face ? fct_album_anchor_of_face(r->album, face->id, &d.a, err)
                 : fct_album_anchor_put(r->album, &k, &d.a, err);
    if (!s) s = fct_album_decide(r->album, &d, err);
    if (!s && face) s = fct_album_member_put(r->album, face->id, d.person_id, FCT_MEMBER_NAMED, 1, err);
    if (face) out->named++;
    else out->drawn++;
    return s;
}

static fct_status note_claims(tag_collector *r, fct_error *err) {
    fct_status s = fct_album_begin(r->album, err);
    if (s) return s;
    for (size_t i = 0; i < r->n_claims && !s; i++) s = note_claim(r, &r->claims[i], err);
    if (r->noting) fct_album_operation_end(r->album);
    return fct_album_end(r->album, s, err);
}

/* Tells what became of each file. */
static fct_status tell(const tag_collector *r, fct_album_tagged_fn *fn, void *user, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0; i < r->n_files && !s && fn; i++) {
        const tag_outcome *o = &r->files[i];
        fct_error e;
        fct_album_tagged t = {
            .path = r->table.files[o->file].path, .named = o->named, .drawn = o->drawn, .contrary = o->contrary};
        if (o->error) {
            (void)fct_fail(&e, o->code, "%s", o->error);
            t.error = &e;
        }
        s = fn(user, &t, err);
    }
    return s;
}

fct_status fct_album_tags_read(fct_album *a, fct_album_tagged_fn *fn, void *user, fct_error *err) {
    tag_collector r = {.album = a};
    fct_status s = fct_album_table_read(a, &r.table, err);
    if (!s) s = fct_tag_marks_read(a, &r.table, &r.marks, err);
    if (!s) s = fct_tags_reader_create(&r.reader, err);
    for (size_t i = 0; i < r.table.n_photos && !s; i++) {
        const fct_table_photo *p = &r.table.photos[i];
        for (size_t k = p->file; k < p->file + p->n_files && !s && !p->is_video; k++) s = read_file(&r, i, k, err);
    }
    if (!s && r.n_claims) s = note_claims(&r, err);
    if (!s) s = tell(&r, fn, user, err);
    for (size_t i = 0; i < r.n_claims; i++) fct_free(r.claims[i].name);
    for (size_t i = 0; i < r.n_files; i++) fct_free(r.files[i].error);
    fct_free(r.claims);
    fct_free(r.files);
    fct_free(r.marks.at);
    fct_tags_reader_free(r.reader);
    fct_album_table_free(&r.table);
    return s;
}
