#include "server/core.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "facet/privacy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A picture that is decoded at a smaller size has a shorter side of at least so many pixels, what the detector looks at
 * of a photo of 4:3. */
enum { LEAST_SIDE = 480 };

/* ---- Opening ---------------------------------------------------------------------------------- */

static fct_status open_pack(const srv_core_opts *o, srv_core *c, fct_error *err) {
    fct_pack_opts po;
    fct_pack_opts_init(&po);
    po.cache_dir = o->cache_dir;
    fct_status s = fct_pack_open(o->pack, &po, &c->pack, err);
    if (s) return s;
    if (!(fct_pack_tasks(c->pack) & FCT_TASK_EMBED))
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no embedder in this pack", fct_pack_name(c->pack));
    c->threshold = isnan(o->threshold) ? fct_pack_threshold(c->pack) : o->threshold;
    return FCT_OK;
}

static fct_status open_gallery(const srv_core_opts *o, srv_core *c, fct_error *err) {
    fct_gallery_info info;
    fct_file_stat fs;
    fct_file_get_stat(o->gallery, &fs);
    bool is_new = !fs.exists && !fct_gallery_is_address(o->gallery);
    fct_gallery_opts go;
    fct_gallery_opts_init(&go);
    go.actor = "facet serve"; /* where no request is the reason */
    fct_status s = fct_gallery_open(o->gallery, &go, &c->gallery, err);
    if (!s) s = fct_gallery_stat(c->gallery, &info, err);
    if (s) return s;
    strcpy(c->gallery_path, info.path);
    const char *audit = o->audit ? o->audit : is_new ? "changes" : NULL;
    return audit ? fct_gallery_set_setting(c->gallery, 0, "audit", audit, err) : FCT_OK;
}

/* A gallery's opening in a thread of its own, and what the caller does then: a new one waits for the disk a dozen
 * times, a server's for the network, while the pack wants a processor. */
typedef struct gallery_opening {
    const srv_core_opts *opts;
    srv_core *core;
    fct_status status;
    fct_error error;
} gallery_opening;

static void open_beside(void *arg) {
    gallery_opening *g = arg;
    g->status = open_gallery(g->opts, g->core, &g->error);
    if (!g->status && g->opts->beside) g->status = g->opts->beside(g->opts->user, &g->error);
}

/* Whether the gallery was made with the pack's embedder. */
static fct_status check_model(const srv_core_opts *o, const srv_core *c, fct_error *err) {
    fct_gallery_info info;
    fct_status s = fct_gallery_stat(c->gallery, &info, err);
    if (s || !info.model_id[0] || strcmp(info.model_id, fct_pack_embedder_id(c->pack)) == 0) return s;
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: made with the embedder %s, and pack %s has %s; 'facet gallery migrate'",
                    o->gallery, info.model_id, fct_pack_name(c->pack), fct_pack_embedder_id(c->pack));
}

fct_status srv_core_open(const srv_core_opts *o, srv_core *out, fct_error *err) {
    *out = (srv_core){.max_pixels = o->max_pixels};
    gallery_opening g = {.opts = o, .core = out};
    fct_thread thread;
    fct_status s = fct_thread_start(&thread, open_beside, &g, err);
    if (s) return s;
    s = open_pack(o, out, err);
    fct_thread_join(&thread);
    if (!s && g.status) {
        s = g.status;
        if (err) *err = g.error;
    }
    if (!s) s = check_model(o, out, err);
    return s ? s : srv_infer_start(out->pack, o->threads, o->batch, &out->infer, err);
}

void srv_core_close(srv_core *c) {
    srv_infer_stop(c->infer);
    fct_gallery_free(c->gallery);
    fct_pack_free(c->pack);
    *c = (srv_core){0};
}

float srv_core_threshold(const srv_core *c) {
    float own;
    return fct_gallery_threshold(c->gallery, 0, &own, NULL) || isnan(own) ? c->threshold : own;
}

/* ---- Pictures ----------------------------------------------------------------------------------- */

/* The faces are too small in the reduced picture to say who they are: all but finding them is done again in one that is
 * large enough. */
static fct_status look_closer(srv_core *c, const void *data, size_t size, const char *name, const srv_look *look,
                              fct_decode_opts *o, srv_seen *seen, fct_error *err) {
    fct_image *larger = NULL;
    fct_faces *faces = NULL;
    fct_view before = fct_image_view(seen->image);
    int side = before.width < before.height ? before.width : before.height;
    o->min_side_hint = (int)ceilf((float)side * fct_faces_enlargement(seen->faces));
    fct_status s = fct_image_decode(data, size, name, o, &larger, err);
    fct_view v = s ? (fct_view){0} : fct_image_view(larger);
    if (!s)
        s = srv_infer_again(c->infer, v, look, seen->faces, (float)v.width / (float)before.width,
                            (float)v.height / (float)before.height, &faces, err);
    if (s) {
        fct_image_free(larger);
        return s;
    }
    fct_image_free(seen->image);
    fct_faces_free(seen->faces);
    seen->image = larger;
    seen->faces = faces;
    return FCT_OK;
}

fct_status srv_core_look(srv_core *c, const void *data, size_t size, const char *name, const srv_look *look,
                         srv_seen *out, fct_error *err) {
    fct_image_facts facts;
    fct_decode_opts o;
    fct_decode_opts_init(&o);
    o.max_pixels = c->max_pixels;
    if (look->reduce) o.min_side_hint = LEAST_SIDE;
    *out = (srv_seen){0};
    fct_status s = fct_image_decode_facts(data, size, name, &o, &out->image, &facts, err);
    if (s) return s;
    out->width = facts.width;
    out->height = facts.height;
    s = srv_infer_run(c->infer, fct_image_view(out->image), look, &out->faces, err);
    bool reduced = fct_image_view(out->image).width < out->width;
    if (!s && reduced && fct_faces_enlargement(out->faces) > 1)
        s = look_closer(c, data, size, name, look, &o, out, err);
    fct_view v = fct_image_view(out->image);
    if (!s && v.width < out->width)
        fct_faces_scale(out->faces, (float)out->width / (float)v.width, (float)out->height / (float)v.height);
    return s;
}

fct_face srv_seen_face(const srv_seen *seen, const fct_face *f) {
    fct_view v = fct_image_view(seen->image);
    fct_face out = *f;
    float kx = (float)v.width / (float)seen->width, ky = (float)v.height / (float)seen->height;
    for (int k = 0; k < 4; k++) out.box[k] *= k % 2 ? ky : kx;
    for (int k = 0; k < 10; k++) out.kps[k / 2][k % 2] *= k % 2 ? ky : kx;
    return out;
}

void srv_seen_free(srv_seen *s) {
    fct_faces_free(s->faces);
    fct_image_free(s->image);
    *s = (srv_seen){0};
}

static float area(const fct_face *f) { return (f->box[2] - f->box[0]) * (f->box[3] - f->box[1]); }

const fct_face *srv_largest(const fct_faces *f) {
    const fct_face *best = NULL;
    for (int i = 0; i < fct_faces_count(f); i++) {
        const fct_face *face = fct_faces_at(f, i);
        if (!best || area(face) > area(best)) best = face;
    }
    return best;
}

void srv_by_area(const fct_faces *f, int *order) {
    for (int i = 0; i < fct_faces_count(f); i++) {
        int at = i;
        for (; at > 0 && area(fct_faces_at(f, order[at - 1])) < area(fct_faces_at(f, i)); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* The mean of a face's gray pixels, 0..1, and the variance of their Laplacian. */
static void gray_measures(fct_view part, float *mean, float *laplacian) {
    fct_image *gray;
    *mean = *laplacian = 0;
    if (!part.data || fct_image_convert(part, FCT_PIX_GRAY, &gray, NULL)) return;
    fct_view v = fct_image_view(gray);
    double sum = 0, l1 = 0, l2 = 0;
    for (int y = 0; y < v.height; y++) {
        const uint8_t *p = v.data + y * v.stride;
        for (int x = 0; x < v.width; x++) {
            sum += p[x];
            if (y == 0 || x == 0 || y + 1 == v.height || x + 1 == v.width) continue;
            double l = p[x - 1] + p[x + 1] + p[x - v.stride] + p[x + v.stride] - 4.0 * p[x];
            l1 += l;
            l2 += l * l;
        }
    }
    double all = (double)v.width * v.height, inner = (double)(v.width - 2) * (v.height - 2);
    *mean = (float)(sum / all / 255);
    if (v.width > 2 && v.height > 2) *laplacian = (float)(l2 / inner - l1 / inner * (l1 / inner));
    fct_image_free(gray);
}

static float pose_grade(fct_view picture, const fct_face *f) {
    fct_quality q;
    if (f->has_pose) return 1 - fminf(1, (fabsf(f->pose[0]) + fabsf(f->pose[1]) + fabsf(f->pose[2])) / 135);
    return fct_face_quality(picture, f, &q, NULL) ? 0 : q.pose_grade;
}

void srv_core_quality(const srv_seen *seen, const fct_face *f, srv_quality *out) {
    fct_view picture = fct_image_view(seen->image);
    fct_face here = srv_seen_face(seen, f);
    float mean, laplacian, side = fminf(f->box[2] - f->box[0], f->box[3] - f->box[1]);
    fct_view part = fct_view_crop(picture, (int)fmaxf(here.box[0], 0), (int)fmaxf(here.box[1], 0),
                                  (int)(here.box[2] - here.box[0]), (int)(here.box[3] - here.box[1]));
    gray_measures(part, &mean, &laplacian);
    out->sharpness = 1 - expf(-laplacian / 100);
    out->brightness = 1 - fabsf(mean - 0.5f) / 0.5f;
    out->pose = pose_grade(picture, &here);
    out->score = 0.35f * f->score + 0.25f * out->sharpness + 0.15f * out->brightness +
                 0.15f * fminf(1, fmaxf(side, 0) / 80) + 0.1f * out->pose;
}

/* ---- People ----------------------------------------------------------------------------------------- */

fct_status srv_core_search(srv_core *c, const fct_face *face, float threshold, int k, fct_match *out, int *n,
                           fct_error *err) {
    *n = 0;
    if (!face->embedding) return FCT_OK;
    return fct_gallery_search(c->gallery, fct_pack_embedder_id(c->pack), face->embedding, face->embedding_dim,
                              threshold, k, out, n, err);
}

fct_status srv_core_verify(srv_core *c, const fct_face *face, int64_t person_id, float *similarity, int64_t *face_id,
                           fct_error *err) {
    enum { MOST = 4096 };
    float stored[MOST];
    int n, dim;
    fct_stored_face *faces;
    *similarity = -1;
    *face_id = 0;
    fct_status s = fct_gallery_faces(c->gallery, person_id, &faces, &n, err);
    for (int i = 0; i < n && !s; i++) {
        fct_status st = fct_gallery_embedding(c->gallery, faces[i].id, stored, MOST, &dim, err);
        if (st == FCT_ERR_NOT_FOUND) continue; /* removed meanwhile */
        s = st;
        if (s || dim != face->embedding_dim) continue;
        float cosine = fct_cosine(stored, face->embedding, dim);
        if (cosine <= *similarity) continue;
        *similarity = cosine;
        *face_id = faces[i].id;
    }
    fct_gallery_faces_free(faces);
    return s;
}

fct_status srv_core_face(srv_core *c, int64_t collection_id, int64_t face_id, fct_stored_face *f, fct_person *p,
                         fct_error *err) {
    fct_person person;
    fct_status s = fct_gallery_face(c->gallery, face_id, f, err);
    if (!s) s = fct_gallery_person(c->gallery, f->person_id, &person, err);
    if (!s && collection_id && person.collection_id != collection_id)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "face %lld is in another collection", (long long)face_id);
    if (!s && p) *p = person;
    return s;
}

fct_status srv_core_forget(srv_core *c, const int64_t *ids, int n, fct_error *err) {
    fct_status s = fct_gallery_forget(c->gallery, ids, n, NULL, err);
    if (s != FCT_ERR_BUSY) return s;
    fct_log(FCT_LOG_WARN, "%s", err->text);
    return FCT_OK;
}

static int face_order(const void *a, const void *b) {
    int64_t x = ((const fct_stored_face *)a)->id, y = ((const fct_stored_face *)b)->id;
    return (x > y) - (x < y);
}

fct_status srv_core_people(srv_core *c, const char *search, srv_page *page, fct_person **out, int *n, fct_error *err) {
    bool more;
    fct_status s = fct_gallery_people_page(c->gallery, page->after, page->limit, search, out, n, &more, err);
    page->next = !s && more ? (*out)[*n - 1].id : 0;
    return s;
}

fct_status srv_core_faces(srv_core *c, int64_t person_id, srv_page *page, fct_stored_face **out, int *n,
                          fct_error *err) {
    int all, kept = 0;
    *n = 0;
    page->next = 0;
    fct_status s = fct_gallery_faces(c->gallery, person_id, out, &all, err);
    if (s) return s;
    fct_stored_face *f = *out;
    if (all) qsort(f, (size_t)all, sizeof *f, face_order);
    for (int i = 0; i < all; i++) {
        if (f[i].id <= page->after) continue;
        if (kept == page->limit) {
            page->next = f[kept - 1].id;
            break;
        }
        f[kept++] = f[i];
    }
    *n = kept;
    return FCT_OK;
}
