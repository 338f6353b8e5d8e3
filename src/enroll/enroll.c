/* Enrollment: a face is judged by its picture (src/face/flaws.c), compared with the
 * person's faces and with everybody else, cut out and stored. */
#include "facet/enroll.h"
#include "base/alloc.h"
#include "base/error.h"
#include "enroll/person_faces.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CROP_SIDE = 112, CROP_JPEG_QUALITY = 90 };
#define SAME_FACE 0.9999f /* fct_gallery_enroll()'s own limit: above it a face cannot be stored twice */

void fct_enroll_opts_init(fct_enroll_opts *o) { *o = (fct_enroll_opts){.size = sizeof *o, .duplicate = SAME_FACE}; }

/* What a call works with. */
typedef struct enrollment_run {
    fct_gallery *g; /* NULL = pictures alone are judged */
    const fct_pack *p;
    const char *name;
    fct_enroll_opts o;
    fct_person_faces known; /* the person's faces, stored and of this call */
} enrollment_run;

/* The caller may have been compiled against a shorter struct. */
static fct_status read_opts(const fct_enroll_opts *given, const fct_pack *p, fct_enroll_opts *o, fct_error *err) {
    fct_enroll_opts_init(o);
    if (!p) return fct_fail(err, FCT_ERR_ARG, "enrollment: no pack");
    if (given && (given->size < sizeof(size_t) || given->size > 4096))
        return fct_fail(err, FCT_ERR_ARG, "enrollment options: not initialized");
    if (given) memcpy(o, given, given->size < sizeof *o ? given->size : sizeof *o);
    if (o->threshold == 0) o->threshold = fct_pack_threshold(p);
    if (!(o->threshold >= -1 && o->threshold <= 1))
        return fct_fail(err, FCT_ERR_ARG, "enrollment options: the threshold is no cosine: %g", (double)o->threshold);
    if (!(o->duplicate > 0 && o->duplicate <= SAME_FACE))
        return fct_fail(err, FCT_ERR_ARG, "enrollment options: duplicate is not in 0..%.4f: %g", (double)SAME_FACE,
                        (double)o->duplicate);
    if (o->face < 0) return fct_fail(err, FCT_ERR_ARG, "enrollment options: there is no face %d", o->face);
    return FCT_OK;
}

/* Whether the name is whose it must be: where all faces are known already, no transaction asks. */
static fct_status check_person(const enrollment_run *r, fct_error *err) {
    const int64_t wanted = r->o.person_id, is = r->known.person_id;
    if (!wanted || wanted == is || (wanted == FCT_PERSON_NEW && !is)) return FCT_OK;
    if (wanted == FCT_PERSON_NEW) return fct_fail(err, FCT_ERR_EXISTS, "there is somebody called %s already", r->name);
    return fct_fail(err, FCT_ERR_NOT_FOUND, "person %lld is not called %s any more", (long long)wanted, r->name);
}

static fct_status begin(enrollment_run *r, fct_gallery *g, const fct_pack *p, const char *name,
                        const fct_enroll_opts *opts, fct_error *err) {
    *r = (enrollment_run){.g = g, .p = p, .name = name};
    fct_status s = read_opts(opts, p, &r->o, err);
    if (s || !g || !name) return s;
    s = fct_person_faces_load(g, name, fct_pack_embedding_dim(p), &r->known, err);
    if (!s && (s = check_person(r, err))) fct_person_faces_clear(&r->known);
    return s;
}

/* ---- Judging ------------------------------------------------------------------------ */

/* Adds one more warning of the comparison. */
static fct_warning *warn(fct_enroll_result *out, fct_flaw flaw, float value, float limit) {
    if (out->n_warnings == FCT_ENROLL_WARNINGS) out->n_warnings--; /* the flaws are fewer than the places */
    fct_warning *w = &out->warnings[out->n_warnings++];
    *w = (fct_warning){.flaw = flaw, .value = value, .limit = limit};
    return w;
}

/* A face that the person has already is not judged further: the id is known. */
static void compare_with_own(const enrollment_run *r, const fct_face *f, fct_enroll_result *out) {
    float cosine;
    int nearest = fct_person_faces_nearest(&r->known, f->embedding, &cosine);
    if (nearest < 0) return;
    if (cosine > r->o.duplicate) {
        out->outcome = FCT_ENROLL_KNOWN;
        out->face_id = r->known.ids[nearest];
    }
    if (cosine >= r->o.threshold) return;
    fct_warning *w = warn(out, FCT_FLAW_UNLIKE, cosine, r->o.threshold);
    snprintf(w->text, sizeof w->text, "unlike the other photos of %.60s (cosine %.2f)", r->name, (double)cosine);
}

/* The nearest of other people is one of the two nearest. */
static fct_status compare_with_others(const enrollment_run *r, const fct_face *f, fct_enroll_result *out,
                                      fct_error *err) {
    fct_match near[2];
    int n;
    fct_status s = fct_gallery_search(r->g, fct_pack_embedder_id(r->p), f->embedding, f->embedding_dim, r->o.threshold,
                                      2, near, &n, err);
    for (int i = 0; i < n && !s; i++) {
        if (near[i].person_id == r->known.person_id) continue;
        fct_warning *w = warn(out, FCT_FLAW_LIKE_OTHER, near[i].score, r->o.threshold);
        w->person_id = near[i].person_id;
        snprintf(w->text, sizeof w->text, "like %.60s (cosine %.2f)", near[i].name, (double)near[i].score);
        break;
    }
    return s;
}

static fct_status judge(const enrollment_run *r, fct_view picture, const fct_face *f, fct_enroll_result *out,
                        fct_error *err) {
    fct_status s = fct_face_quality(picture, f, &out->quality, err);
    if (s) return s;
    out->n_warnings += fct_quality_flaws(&out->quality, r->o.limits, out->warnings + out->n_warnings,
                                         FCT_ENROLL_WARNINGS - out->n_warnings);
    out->outcome = FCT_ENROLL_STORED;
    if (r->g && r->name && f->embedding) {
        if (f->embedding_dim != fct_pack_embedding_dim(r->p))
            return fct_fail(err, FCT_ERR_MISMATCH, "the face's embedding has %d values, the pack's have %d",
                            f->embedding_dim, fct_pack_embedding_dim(r->p));
        compare_with_own(r, f, out);
        s = compare_with_others(r, f, out, err);
    }
    for (int i = 0; i < out->n_warnings && out->outcome == FCT_ENROLL_STORED; i++)
        if (r->o.refuse & (uint32_t)out->warnings[i].flaw) out->outcome = FCT_ENROLL_REFUSED;
    return s;
}

/* ---- Storing -------------------------------------------------------------------------- */

/* The aligned crop as JPEG. One that cannot be made is left out: the embedding is
 * what counts. Only want of memory is an error. */
static fct_status make_crop(const enrollment_run *r, const fct_enroll_item *item, fct_enrollment *out, fct_error *err) {
    fct_image *crop = NULL;
    uint8_t *data = NULL;
    size_t len;
    if (r->o.no_crop) return FCT_OK;
    fct_status s = fct_align(item->picture, item->face->kps, CROP_SIDE, &crop, err);
    if (!s) s = fct_image_encode(fct_image_view(crop), FCT_FILE_JPEG, CROP_JPEG_QUALITY, &data, &len, err);
    fct_image_free(crop);
    if (s == FCT_ERR_NOMEM) return s;
    if (s) {
        fct_error_clear(err);
        return FCT_OK;
    }
    out->crop = data;
    out->crop_len = len;
    out->crop_cut = FCT_CROP_ALIGNED;
    return FCT_OK;
}

static fct_status prepare(const enrollment_run *r, const fct_enroll_item *item, const fct_enroll_result *judged,
                          fct_enrollment *out, fct_error *err) {
    const fct_face *f = item->face;
    *out = (fct_enrollment){.model_id = fct_pack_embedder_id(r->p),
                            .embedding = f->embedding,
                            .dim = f->embedding_dim,
                            .source = item->source ? item->source : r->o.source,
                            .score = f->score,
                            .quality = judged->quality.score};
    memcpy(out->box, f->box, sizeof out->box);
    return make_crop(r, item, out, err);
}

/* Judges all faces and prepares those to be stored: at[i] is what out[which[i]] tells of. */
static fct_status prepare_all(enrollment_run *r, const fct_enroll_item *items, int n, fct_enroll_result *out,
                              fct_enrollment *at, int *which, int *n_at, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) {
        const fct_face *f = items[i].face;
        if (!f || !f->embedding || !f->has_kps)
            return fct_fail(err, FCT_ERR_ARG, "face %d has no %s", i, f && f->embedding ? "landmarks" : "embedding");
        s = judge(r, items[i].picture, f, &out[i], err);
        if (s || out[i].outcome != FCT_ENROLL_STORED) continue;
        which[*n_at] = i;
        s = prepare(r, &items[i], &out[i], &at[*n_at], err);
        ++*n_at;
        if (!s) s = fct_person_faces_add(&r->known, -*n_at, f->embedding, err); /* its number, until it has an id */
    }
    return s;
}

/* A face that equals one before it in the same call gets that one's id. */
static int64_t final_id(int64_t id, const int64_t *ids) { return id < 0 ? ids[-id - 1] : id; }

static fct_status store(const enrollment_run *r, const fct_enrollment *at, const int *which, int n_at, int64_t *ids,
                        fct_enroll_result *out, int n, fct_error *err) {
    fct_status s = n_at ? fct_gallery_enroll_known(r->g, r->o.person_id, r->name, at, n_at, ids, NULL, err) : FCT_OK;
    if (s) return s;
    for (int i = 0; i < n_at; i++) out[which[i]].face_id = ids[i];
    for (int i = 0; i < n; i++) out[i].face_id = final_id(out[i].face_id, ids);
    return FCT_OK;
}

static fct_status enroll_all(enrollment_run *r, const fct_enroll_item *items, int n, fct_enroll_result *out,
                             fct_error *err) {
    int n_at = 0;
    fct_enrollment *at = fct_calloc((size_t)n, sizeof *at);
    int *which = fct_realloc_array(NULL, (size_t)n, sizeof *which);
    int64_t *ids = fct_calloc((size_t)n, sizeof *ids);
    fct_status s = at && which && ids ? FCT_OK : fct_fail_nomem(err, "enrollment", 0);
    if (!s) s = prepare_all(r, items, n, out, at, which, &n_at, err);
    if (!s) s = store(r, at, which, n_at, ids, out, n, err);
    for (int i = 0; i < n_at; i++) fct_buffer_free((void *)(uintptr_t)at[i].crop);
    fct_free(at);
    fct_free(which);
    fct_free(ids);
    return s;
}

/* ---- Public ------------------------------------------------------------------------------ */

fct_status fct_enroll_batch(fct_gallery *g, const fct_pack *p, const char *name, const fct_enroll_item *items, int n,
                            const fct_enroll_opts *opts, fct_enroll_result *out, fct_error *err) {
    enrollment_run r;
    if (n < 0 || (n > 0 && (!items || !out))) return fct_fail(err, FCT_ERR_ARG, "enrollment: %d faces", n);
    if (n) memset(out, 0, (size_t)n * sizeof *out);
    if (!g || !name || !*name) return fct_fail(err, FCT_ERR_ARG, "enrollment: no %s", g ? "name" : "gallery");
    fct_status s = begin(&r, g, p, name, opts, err);
    if (!s && n) s = enroll_all(&r, items, n, out, err);
    if (s && n) memset(out, 0, (size_t)n * sizeof *out);
    fct_person_faces_clear(&r.known);
    return s;
}

fct_status fct_enroll(fct_gallery *g, const fct_pack *p, const char *name, fct_view picture, const fct_face *face,
                      const fct_enroll_opts *opts, fct_enroll_result *out, fct_error *err) {
    return fct_enroll_batch(g, p, name, &(fct_enroll_item){.picture = picture, .face = face}, 1, opts, out, err);
}

static int largest_face(const fct_faces *faces) {
    int best = -1;
    float most = -1;
    for (int i = 0; i < fct_faces_count(faces); i++) {
        const float *b = fct_faces_at(faces, i)->box;
        float area = (b[2] - b[0]) * (b[3] - b[1]);
        if (area > most) most = area, best = i;
    }
    return best;
}

/* The judgement that a choice had to be made goes before those of the chosen face. */
static void note_several(int n, fct_enroll_result *out) {
    if (out->n_warnings == FCT_ENROLL_WARNINGS) out->n_warnings--;
    memmove(out->warnings + 1, out->warnings, (size_t)out->n_warnings++ * sizeof *out->warnings);
    out->warnings[0] = (fct_warning){.flaw = FCT_FLAW_SEVERAL, .value = (float)n, .limit = 1};
    snprintf(out->warnings[0].text, sizeof out->warnings[0].text, "the largest of %d in the picture", n);
}

fct_status fct_enroll_photo(fct_gallery *g, const fct_pack *p, const char *name, fct_view picture,
                            const fct_faces *faces, const fct_enroll_opts *opts, fct_enroll_result *out,
                            fct_error *err) {
    fct_enroll_opts o;
    memset(out, 0, sizeof *out);
    fct_status s = read_opts(opts, p, &o, err);
    if (s) return s;
    int n = fct_faces_count(faces), i = o.face ? o.face - 1 : largest_face(faces);
    bool several = n > 1 && !o.face;
    out->face = -1;
    if (i < 0 || i >= n) return FCT_OK;
    if (several && o.refuse & FCT_FLAW_SEVERAL) {
        s = fct_enroll_check(g, p, name, picture, fct_faces_at(faces, i), opts, out, err);
        if (!s) out->outcome = FCT_ENROLL_REFUSED;
    } else s = fct_enroll(g, p, name, picture, fct_faces_at(faces, i), opts, out, err);
    if (s) return s;
    out->face = i;
    if (several) note_several(n, out);
    return FCT_OK;
}

fct_status fct_enroll_check(fct_gallery *g, const fct_pack *p, const char *name, fct_view picture, const fct_face *face,
                            const fct_enroll_opts *opts, fct_enroll_result *out, fct_error *err) {
    enrollment_run r;
    memset(out, 0, sizeof *out);
    if (!face) return fct_fail(err, FCT_ERR_ARG, "enrollment: no face");
    fct_status s = begin(&r, face->embedding ? g : NULL, p, name, opts, err);
    if (!s) s = judge(&r, picture, face, out, err);
    if (s) memset(out, 0, sizeof *out);
    fct_person_faces_clear(&r.known);
    return s;
}
