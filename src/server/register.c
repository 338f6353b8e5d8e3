#include "server/register.h"

#include "base/alloc.h"
#include "base/error.h"
#include "server/collections.h"

#include <stdio.h>
#include <string.h>

/* The pictures while they are judged together. */
typedef struct register_run {
    srv_seen seen[SRV_REGISTER_MOST];
    fct_enroll_item faces[SRV_REGISTER_MOST];
    fct_face copies[SRV_REGISTER_MOST]; /* with embeddings from elsewhere */
    int from[SRV_REGISTER_MOST];        /* the picture that faces[i] is from */
    int n;
} register_run;

static void reject(srv_register_item *item, const char *reason, const char *detail) {
    item->reason = reason;
    snprintf(item->detail, sizeof item->detail, "%s", detail);
}

/* A copy of the face with an embedding from elsewhere, of unit length. */
static const fct_face *with_embedding(const srv_core *c, const fct_face *f, const float *embedding, fct_face *out) {
    *out = *f;
    out->embedding = embedding;
    out->embedding_dim = fct_pack_embedding_dim(c->pack);
    out->embedding_norm = 1;
    out->values = NULL;
    return out;
}

/* Finds the face of one picture. A picture that has none is rejected; only what no picture is to blame for fails. */
static fct_status find_face(srv_core *c, const srv_register_opts *o, register_run *run, srv_register_item *item, int i,
                            fct_error *err) {
    srv_look look = {.tasks = FCT_TASK_EMBED, .det_thresh = 0.5f, .deadline = o->deadline};
    const char *name = *item->filename ? item->filename : "image";
    fct_status s = srv_core_look(c, item->data, item->size, name, &look, &run->seen[i], err);
    const char *reason = s == FCT_ERR_LIMIT                                ? "image_too_large"
                         : s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED ? "invalid_image"
                                                                           : NULL;
    if (reason) {
        reject(item, reason, err->text);
        return FCT_OK;
    }
    if (s) return s;
    const fct_face *f = srv_largest(run->seen[i].faces);
    if (f && item->embedding) f = with_embedding(c, f, item->embedding, &run->copies[i]);
    if (!f) reject(item, "face_not_found", "there is no face in it");
    else if (!f->has_kps || !f->embedding)
        reject(item, "invalid_embedding", "the face has no landmarks or no embedding");
    else if (o->review && fct_faces_count(run->seen[i].faces) > 1)
        reject(item, "multiple_faces", "there is more than one face");
    else {
        run->faces[run->n] = (fct_enroll_item){fct_image_view(run->seen[i].image), f, o->source};
        run->from[run->n++] = i;
    }
    return FCT_OK;
}

/* InsightFace Server's word for what is wrong with a face. */
static const char *reason_of(const fct_enroll_result *r, uint32_t refused) {
    for (int i = 0; i < r->n_warnings; i++) {
        if (!(r->warnings[i].flaw & refused)) continue;
        switch (r->warnings[i].flaw) {
        case FCT_FLAW_SMALL:
            return "face_too_small";
        case FCT_FLAW_HARD_TO_SEE:
            return "low_detection_score";
        case FCT_FLAW_TURNED:
            return "extreme_pose";
        case FCT_FLAW_UNLIKE:
        case FCT_FLAW_LIKE_OTHER:
            return "identity_similarity_conflict";
        default:
            return "low_quality";
        }
    }
    return "low_quality";
}

static fct_status store(srv_core *c, const srv_register_opts *whom, register_run *run, srv_register_item *items,
                        int *stored, fct_error *err) {
    fct_enroll_result results[SRV_REGISTER_MOST];
    fct_enroll_opts o;
    fct_enroll_opts_init(&o);
    o.person_id = whom->person_id;
    o.threshold = srv_core_threshold(c);
    bool crops;
    fct_status s = srv_setting_bool(c, srv_place() ? srv_place() : SRV_COLLECTION_DEFAULT, "crops", true, &crops, err);
    if (s) return s;
    o.no_crop = !crops;
    uint32_t people = FCT_FLAW_UNLIKE | FCT_FLAW_LIKE_OTHER | FCT_FLAW_SEVERAL;
    if (whom->review == SRV_REVIEW_STRICT) o.refuse = FCT_FLAW_ALL;
    else o.refuse = whom->review == SRV_REVIEW_STANDARD ? FCT_FLAW_ALL & ~people : 0;
    s = fct_enroll_batch(c->gallery, c->pack, whom->name, run->faces, run->n, &o, results, err);
    for (int i = 0; i < run->n && !s; i++) {
        srv_register_item *item = &items[run->from[i]];
        item->result = results[i];
        if (results[i].face_id) ++*stored;
        else reject(item, reason_of(&results[i], o.refuse), results[i].n_warnings ? results[i].warnings[0].text : "");
    }
    return s;
}

/* Stores embeddings without pictures. */
static fct_status store_bare(srv_core *c, const srv_register_opts *o, srv_register_item *items, int n, int *stored,
                             fct_error *err) {
    fct_enrollment faces[SRV_REGISTER_MOST] = {0};
    int64_t ids[SRV_REGISTER_MOST] = {0};
    for (int i = 0; i < n; i++)
        faces[i] = (fct_enrollment){.model_id = fct_pack_embedder_id(c->pack),
                                    .embedding = items[i].embedding,
                                    .dim = fct_pack_embedding_dim(c->pack),
                                    .source = o->source};
    fct_status s = fct_gallery_enroll_known(c->gallery, o->person_id, o->name, faces, n, ids, NULL, err);
    for (int i = 0; i < n && !s; i++) items[i].result.face_id = ids[i];
    *stored = s ? 0 : n;
    return s;
}

fct_status srv_register(srv_core *c, const srv_register_opts *o, srv_register_item *items, int n, int *stored,
                        fct_error *err) {
    *stored = 0;
    if (n > SRV_REGISTER_MOST) return fct_fail(err, FCT_ERR_LIMIT, "more than %d pictures at once", SRV_REGISTER_MOST);
    register_run *run = fct_calloc(1, sizeof *run);
    if (!run) return fct_fail_nomem(err, "pictures", 0);
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++)
        if (items[i].data) s = find_face(c, o, run, &items[i], i, err);
    if (!s && run->n) s = store(c, o, run, items, stored, err);
    if (!s && n && !items[0].data) s = store_bare(c, o, items, n, stored, err);
    for (int i = 0; i < n; i++) srv_seen_free(&run->seen[i]);
    fct_free(run);
    return s;
}
