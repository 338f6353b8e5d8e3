/* Rekognition's stored faces: IndexFaces, ListFaces, DeleteFaces. */
#include "server/rekognition.h"

#include "base/alloc.h"
#include "base/error.h"
#include "server/collections.h"
#include "server/problem.h"

#include <stdlib.h>
#include <string.h>

enum { INDEXED_MOST = 100, PAGE = 4096, DELETED_MOST = 4096 };

/* ---- IndexFaces ------------------------------------------------------------------------------- */

/* A request to store the faces of a picture. */
typedef struct index_run {
    srv_app *app;
    int64_t collection;
    srv_seen seen;
    srv_rk_origin origin;
    uint32_t refuse; /* fct_flaw bits */
    int most;        /* faces */
    int *order;      /* faces by size; owned */
    int n;
} index_run;

/* The flaws for which QualityFilter leaves faces out. */
static bool read_filter(srv_request *r, srv_form *form, uint32_t *refuse, srv_reply *out) {
    static const struct {
        const char *name;
        uint32_t flaws;
    } filters[] = {
        {"NONE", 0},
        {"LOW", FCT_FLAW_HARD_TO_SEE | FCT_FLAW_MISPLACED},
        {"AUTO", FCT_FLAW_HARD_TO_SEE | FCT_FLAW_MISPLACED | FCT_FLAW_DARK | FCT_FLAW_BLURRED},
        {"MEDIUM", FCT_FLAW_HARD_TO_SEE | FCT_FLAW_MISPLACED | FCT_FLAW_DARK | FCT_FLAW_BLURRED | FCT_FLAW_TURNED},
        {"HIGH", FCT_FLAW_ALL}};
    const fct_json *v = srv_form_json(form, "QualityFilter");
    const char *name = v ? fct_json_get_text(v) : "AUTO";
    for (size_t i = 0; i < sizeof filters / sizeof *filters && name; i++)
        if (strcmp(name, filters[i].name) == 0) {
            *refuse = filters[i].flaws;
            return true;
        }
    srv_rk_fail(r, out, "InvalidParameterException", "QualityFilter: is none of NONE, AUTO, LOW, MEDIUM, HIGH");
    return false;
}

/* The service's word for a flaw. */
static const char *reason_of(fct_flaw flaw) {
    return flaw == FCT_FLAW_SMALL         ? "SMALL_BOUNDING_BOX"
           : flaw == FCT_FLAW_HARD_TO_SEE ? "LOW_CONFIDENCE"
           : flaw == FCT_FLAW_TURNED      ? "EXTREME_POSE"
           : flaw == FCT_FLAW_DARK        ? "LOW_BRIGHTNESS"
           : flaw == FCT_FLAW_BLURRED     ? "LOW_SHARPNESS"
                                          : "LOW_FACE_QUALITY";
}

/* Why the i-th of the faces by size is not stored; NULL = it is. */
static const char *reason_against(const index_run *run, int i) {
    const fct_face *f = fct_faces_at(run->seen.faces, run->order[i]);
    fct_quality q;
    fct_warning flaws[9];
    if (i >= run->most) return "EXCEEDS_MAX_FACES";
    if (!f->has_kps || !f->embedding || fct_face_quality(fct_image_view(run->seen.image), f, &q, NULL))
        return "LOW_FACE_QUALITY";
    int n = fct_quality_flaws(&q, NULL, flaws, 9);
    for (int k = 0; k < n; k++)
        if (flaws[k].flaw & run->refuse) return reason_of(flaws[k].flaw);
    return NULL;
}

/* Stores one face under its label and reads it back as it is stored: the same face of the same picture may be there
 * already. */
static fct_status store(index_run *run, int i, fct_stored_face *f, fct_person *p, fct_error *err) {
    char name[201], source[400];
    fct_enroll_opts o;
    fct_enroll_result result;
    srv_core *c = &run->app->core;
    srv_rk_write_origin(&run->origin, source, sizeof source);
    srv_rk_label(&run->origin, run->n == 1 || run->most == 1, i + 1, name);
    fct_enroll_item item = {fct_image_view(run->seen.image), fct_faces_at(run->seen.faces, run->order[i]), source};
    fct_enroll_opts_init(&o);
    o.threshold = srv_core_threshold(c);
    bool crops;
    fct_status s = srv_setting_bool(c, run->collection, "crops", true, &crops, err);
    o.no_crop = !crops;
    if (!s) s = fct_enroll_batch(c->gallery, c->pack, name, &item, 1, &o, &result, err);
    return s ? s : srv_core_face(c, run->collection, result.face_id, f, p, err);
}

static fct_status write_stored(fct_json_writer *j, index_run *run, int i, fct_error *err) {
    fct_stored_face f;
    fct_person p;
    bool user = false;
    fct_status s = store(run, i, &f, &p, err);
    if (!s) s = srv_rk_is_user(run->app, p.id, &user, err);
    if (s) return s;
    fct_json_object(j, NULL);
    srv_rk_record(j, "Face", &f, &p, user);
    srv_rk_face(j, "FaceDetail", &run->seen, fct_faces_at(run->seen.faces, run->order[i]), true);
    fct_json_close_object(j);
    fct_json_close_object(j);
    return FCT_OK;
}

static void write_left_out(fct_json_writer *j, const index_run *run) {
    fct_json_array(j, "UnindexedFaces");
    for (int i = 0; i < run->n; i++) {
        const char *reason = reason_against(run, i);
        if (!reason) continue;
        fct_json_object(j, NULL);
        fct_json_array(j, "Reasons");
        fct_json_text(j, NULL, reason);
        fct_json_close_array(j);
        srv_rk_face(j, "FaceDetail", &run->seen, fct_faces_at(run->seen.faces, run->order[i]), true);
        fct_json_close_object(j);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

static void answer_index(index_run *run, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    fct_status s = FCT_OK;
    char model[SRV_RK_MODEL];
    srv_rk_begin(out, &j);
    fct_json_array(&j, "FaceRecords");
    for (int i = 0; i < run->n && !s; i++)
        if (!reason_against(run, i)) s = write_stored(&j, run, i, &e);
    fct_json_close_array(&j);
    write_left_out(&j, run);
    fct_json_text(&j, "FaceModelVersion", srv_rk_model(run->app, model));
    fct_json_close_object(&j);
    if (s) srv_fail_call(r, out, &e);
}

void srv_rk_index_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    index_run run = {.app = app, .most = INDEXED_MOST};
    const char *external = srv_rk_name(r, form, "ExternalImageId", SRV_RK_EXTERNAL - 1, false, out);
    uint32_t tasks = FCT_TASK_EMBED | srv_rk_tasks(form, "DetectionAttributes");
    if (external && srv_rk_int(r, form, "MaxFaces", 1, 4096, &run.most, out) &&
        read_filter(r, form, &run.refuse, out) && srv_rk_collection(app, r, form, &run.collection, out) &&
        srv_rk_look(app, r, form, "Image", tasks, true, &run.seen, out)) {
        fct_view v = fct_image_view(run.seen.image);
        if (run.most > INDEXED_MOST) run.most = INDEXED_MOST;
        srv_new_id(run.origin.image_id);
        strcpy(run.origin.external, external);
        run.origin.width = v.width;
        run.origin.height = v.height;
        run.n = fct_faces_count(run.seen.faces);
        run.order = fct_alloc((size_t)run.n * sizeof *run.order);
        if (!run.order) srv_fail(r, out, 503, "not_ready", "out of memory");
        else {
            srv_by_area(run.seen.faces, run.order);
            answer_index(&run, r, out);
        }
    }
    fct_free(run.order);
    srv_seen_free(&run.seen);
}

/* ---- ListFaces ----------------------------------------------------------------------------------- */

/* A page of faces while it is written: those after a person and a face, by both their numbers. */
typedef struct face_page {
    int64_t after[2], last[2];
    int left;
    bool more;
} face_page;

/* Writes a person's faces, as many as the page has room for. */
static fct_status list_person(fct_json_writer *j, srv_app *app, const fct_person *p, face_page *page, fct_error *err) {
    fct_stored_face *faces;
    int n;
    bool user = false;
    fct_status s = srv_rk_is_user(app, p->id, &user, err);
    if (!s) s = fct_gallery_faces(app->core.gallery, p->id, &faces, &n, err);
    if (s) return s == FCT_ERR_NOT_FOUND ? FCT_OK : s; /* removed meanwhile */
    for (int i = 0; i < n && !page->more; i++) {
        if (p->id == page->after[0] && faces[i].id <= page->after[1]) continue;
        page->more = page->left == 0;
        if (page->more) break;
        srv_rk_record(j, NULL, &faces[i], p, user);
        page->left--;
        page->last[0] = p->id;
        page->last[1] = faces[i].id;
    }
    fct_gallery_faces_free(faces);
    return FCT_OK;
}

static int by_id(const void *a, const void *b) {
    int64_t x = ((const fct_person *)a)->id, y = ((const fct_person *)b)->id;
    return (x > y) - (x < y);
}

/* Writes the faces of the people from the page's beginning on, or of one of them. */
static fct_status list_people(fct_json_writer *j, srv_app *app, const fct_person *one, face_page *page,
                              fct_error *err) {
    fct_person *p;
    int n;
    if (one) return one->id >= page->after[0] ? list_person(j, app, one, page, err) : FCT_OK;
    fct_status s = fct_gallery_people(app->core.gallery, &p, &n, err);
    if (!s && n) qsort(p, (size_t)n, sizeof *p, by_id);
    for (int i = 0; i < n && !s && !page->more; i++)
        if (p[i].faces && p[i].id >= page->after[0]) s = list_person(j, app, &p[i], page, err);
    fct_gallery_people_free(p);
    return s;
}

/* Writes the faces of a list of ids, those that are there. */
static fct_status list_ids(fct_json_writer *j, srv_app *app, int64_t collection, const fct_json *ids, fct_error *err) {
    fct_stored_face f;
    fct_person p;
    bool user;
    fct_status s = FCT_OK;
    for (const fct_json *c = fct_json_first(ids); c && !s; c = fct_json_next(ids, c)) {
        s = srv_rk_find_face(app, collection, fct_json_get_text(c), &f, &p, err);
        if (!s) s = srv_rk_is_user(app, p.id, &user, err);
        if (!s) srv_rk_record(j, NULL, &f, &p, user);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
    }
    return s;
}

static void answer_list(srv_app *app, srv_request *r, int64_t collection, const fct_json *ids, const fct_person *one,
                        face_page *page, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    char model[SRV_RK_MODEL];
    srv_rk_begin(out, &j);
    fct_json_array(&j, "Faces");
    fct_status s = ids ? list_ids(&j, app, collection, ids, &e) : list_people(&j, app, one, page, &e);
    fct_json_close_array(&j);
    if (page->more) srv_rk_write_token(&j, "faces", collection, page->last);
    fct_json_text(&j, "FaceModelVersion", srv_rk_model(app, model));
    fct_json_close_object(&j);
    if (s) srv_fail_call(r, out, &e);
}

void srv_rk_list_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    face_page page = {.left = PAGE};
    fct_person user;
    fct_error e;
    int64_t collection;
    const char *name = srv_rk_name(r, form, "UserId", SRV_RK_NAME, false, out);
    const fct_json *ids = NULL;
    if (!name || !srv_rk_int(r, form, "MaxResults", 1, PAGE, &page.left, out) ||
        !srv_rk_collection(app, r, form, &collection, out) ||
        !srv_rk_token(r, form, "faces", collection, page.after, out) ||
        (srv_form_json(form, "FaceIds") && !(ids = srv_rk_face_ids(r, form, PAGE, out))))
        return;
    fct_status s = *name ? srv_rk_find_user(app, name, &user, &e) : FCT_OK;
    if (s == FCT_ERR_NOT_FOUND) srv_rk_fail(r, out, "ResourceNotFoundException", "The user id does not exist");
    else if (s) srv_fail_call(r, out, &e);
    else answer_list(app, r, collection, ids, *name ? &user : NULL, &page, out);
}

/* ---- DeleteFaces ------------------------------------------------------------------------------------- */

/* What became of one id. */
typedef struct deletion {
    const char *uuid;   /* borrowed */
    const char *reason; /* why it was not deleted; static; NULL = it was */
    char user[201];     /* whose face it is, where that is the reason */
} deletion;

static fct_status delete_one(srv_app *app, int64_t collection, deletion *d, fct_error *err) {
    fct_stored_face f;
    fct_person p;
    bool user = false;
    fct_status s = srv_rk_find_face(app, collection, d->uuid, &f, &p, err);
    if (!s) s = srv_rk_is_user(app, p.id, &user, err);
    if (!s && user) {
        d->reason = "ASSOCIATED_TO_AN_EXISTING_USER";
        strcpy(d->user, p.name);
        return FCT_OK;
    }
    if (!s) s = fct_gallery_remove_face(app->core.gallery, f.id, err);
    if (!s) s = srv_rk_tidy(app, p.id, err);
    if (s != FCT_ERR_NOT_FOUND) return s;
    d->reason = "FACE_NOT_FOUND";
    return FCT_OK;
}

static void answer_deletions(const deletion *d, size_t n, srv_reply *out) {
    fct_json_writer j;
    srv_rk_begin(out, &j);
    fct_json_array(&j, "DeletedFaces");
    for (size_t i = 0; i < n; i++)
        if (!d[i].reason) fct_json_text(&j, NULL, d[i].uuid);
    fct_json_close_array(&j);
    fct_json_array(&j, "UnsuccessfulFaceDeletions");
    for (size_t i = 0; i < n; i++)
        if (d[i].reason) srv_rk_refusal(&j, d[i].uuid, d[i].user, -1, d[i].reason);
    fct_json_close_array(&j);
    fct_json_close_object(&j);
}

void srv_rk_delete_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_error e;
    int64_t collection;
    size_t n = 0;
    if (!srv_rk_collection(app, r, form, &collection, out)) return;
    const fct_json *ids = srv_rk_face_ids(r, form, DELETED_MOST, out);
    deletion *list = ids ? fct_calloc(ids->length, sizeof *list) : NULL;
    if (ids && !list) srv_fail(r, out, 503, "not_ready", "out of memory");
    if (!list) return;
    fct_status s = FCT_OK;
    for (const fct_json *c = fct_json_first(ids); c && !s; c = fct_json_next(ids, c)) {
        list[n].uuid = fct_json_get_text(c);
        s = delete_one(app, collection, &list[n++], &e);
    }
    if (s) srv_fail_call(r, out, &e);
    else answer_deletions(list, n, out);
    fct_free(list);
}
