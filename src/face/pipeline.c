/* The analyzer: detection, then every task over all faces as one batch. */
#include "face/align.h"
#include "face/finder.h"
#include "face/pose.h"
#include "face/tasks.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>
#include <math.h>

struct fct_analyzer {
    const fct_pack *pack;
    uint32_t tasks;
    bool rotations;
    fct_arena arena; /* of all networks: they run one after another */
    fct_finder *finder;
    fct_runner *runners[FCT_TASK_SLOTS]; /* by row of the task table; NULL = not run */
    int refine; /* row of the network whose points align faces, run before the others; -1 = none */
    fct_det_list dets;
};

/* A picture on its way through. */
typedef struct work {
    fct_view picture;
    fct_image *turned; /* owned; NULL = the picture as it is */
    int turns;
    fct_faces *faces;
} work;

void fct_analyzer_opts_init(fct_analyzer_opts *o) {
    *o = (fct_analyzer_opts){.size = sizeof *o,
                             .tasks = FCT_TASK_ALL,
                             .det_thresh = 0.5f,
                             .nms_thresh = 0.4f,
                             .metric = FCT_METRIC_DEFAULT,
                             .second_look = true};
}

/* Reads the options of an older or newer caller: what both know is taken over, and the rest keeps its default. */
static fct_analyzer_opts read_opts(const fct_analyzer_opts *in) {
    fct_analyzer_opts o;
    fct_analyzer_opts_init(&o);
    if (in) memcpy(&o, in, in->size < sizeof o ? in->size : sizeof o);
    o.size = sizeof o;
    return o;
}

/* A runner for each task that is wanted and that the pack has; and one for the network that refines, where
 * something depends on it. */
static fct_status create_runners(fct_analyzer *a, fct_error *err) {
    a->refine = -1;
    for (int i = 0; i < fct_task_count(); i++) {
        const fct_task_row *row = fct_task_row_at(i);
        const fct_pack_net *net = fct_pack_get_net(a->pack, (fct_task)(1u << i));
        if (!net || row->crop == FCT_TASK_CROP_NONE) continue;
        if (net->refine && a->tasks & (FCT_TASK_EMBED | 1u << i)) a->refine = i;
        if (a->refine != i && !(a->tasks >> i & 1)) continue;
        const int values = row->values ? row->values : fct_pack_embedding_dim(a->pack);
        fct_status s = fct_runner_create(net, values, &a->arena, &a->runners[i], err);
        if (s) return s;
    }
    return FCT_OK;
}

fct_status fct_analyzer_create(const fct_pack *p, const fct_analyzer_opts *opts, fct_analyzer **out, fct_error *err) {
    *out = NULL;
    if (!p) return fct_fail(err, FCT_ERR_ARG, "no pack");
    fct_analyzer_opts o = read_opts(opts);
    fct_analyzer *a = fct_calloc(1, sizeof *a);
    if (!a) return fct_fail_nomem(err, "analyzer", sizeof *a);
    a->pack = p;
    a->tasks = o.tasks & fct_pack_tasks(p);
    a->rotations = o.rotations;
    fct_status s = o.tasks & FCT_TASK_DETECT ? fct_finder_create(p, &o, &a->arena, &a->finder, err) : FCT_OK;
    if (!s) s = create_runners(a, err);
    if (s) {
        fct_analyzer_free(a);
        return s;
    }
    *out = a;
    return FCT_OK;
}

void fct_analyzer_free(fct_analyzer *a) {
    if (!a) return;
    fct_finder_free(a->finder);
    for (int i = 0; i < FCT_TASK_SLOTS; i++) fct_runner_free(a->runners[i]);
    fct_arena_free(&a->arena);
    fct_free(a->dets.items);
    fct_free(a);
}

fct_status fct_analyzer_configure(fct_analyzer *a, const fct_analyzer_opts *opts, fct_error *err) {
    fct_analyzer_opts o = read_opts(opts);
    fct_status s = a->finder ? fct_finder_configure(a->finder, &o, err) : FCT_OK;
    if (!s) a->rotations = o.rotations;
    return s;
}

/* ---- Detection ------------------------------------------------------------------------ */

static fct_view working_view(const work *w) { return w->turned ? fct_image_view(w->turned) : w->picture; }

/* Whether the landmarks agree that the face is upright: from the middle of the eyes
 * to the middle of the mouth it goes down more than to a side. */
static bool is_upright(const fct_det *d) {
    float right = d->kps[3][0] + d->kps[4][0] - d->kps[0][0] - d->kps[1][0];
    float down = d->kps[3][1] + d->kps[4][1] - d->kps[0][1] - d->kps[1][1];
    return down > fabsf(right);
}

/* Measures what speaks for the turn in which the faces were found: the sum of the scores of those that are upright
 * in it. *best is the highest of them. */
static float evidence(const fct_analyzer *a, const fct_det_list *l, float *best) {
    float sum = 0;
    *best = 0;
    for (int i = 0; i < l->n; i++) {
        if (fct_finder_has_kps(a->finder) && !is_upright(&l->items[i])) continue;
        sum += l->items[i].score;
        *best = fmaxf(*best, l->items[i].score);
    }
    return sum;
}

/* a->dets has the faces of the picture as it is. A detector finds many faces that
 * lie on their side, weakly, and gives them landmarks of an upright face, which no
 * embedding survives: of 40 photos turned by 90 and 180 degrees, 38 % and 90 % had
 * such a find, at scores up to 0.81; upright 0.78 to 0.97. So unless a face is found
 * surely, the quarter turns are tried and the one with the most evidence wins. The
 * analyzer's list holds the winner's faces afterwards. */
static fct_status find_turned(fct_analyzer *a, work *w, fct_error *err) {
    const float sure = 0.85f;
    float highest, most = evidence(a, &a->dets, &highest);
    if (highest >= sure) return FCT_OK;
    fct_det_list best = a->dets;
    a->dets = (fct_det_list){0};
    fct_status s = FCT_OK;
    for (int turns = 1; turns < 4 && !s; turns++) {
        fct_image *im;
        s = fct_image_rotate(w->picture, turns, &im, err);
        if (s) break;
        s = fct_finder_run(a->finder, fct_image_view(im), &a->dets, err);
        float sum = s ? 0 : evidence(a, &a->dets, &highest);
        if (s || sum <= most) {
            fct_image_free(im);
            continue;
        }
        most = sum;
        fct_image_free(w->turned);
        w->turned = im;
        w->turns = turns;
        fct_det_list swap = best;
        best = a->dets;
        a->dets = swap;
    }
    fct_free(a->dets.items);
    a->dets = best;
    return s;
}

/* Tasks whose values faces have room for: those asked for, and the one that refines. */
static uint32_t tasks_to_run(const fct_analyzer *a) { return a->tasks | (a->refine < 0 ? 0 : 1u << a->refine); }

/* Detects faces in one picture and, where nothing is found and rotations are asked for, in the turned ones. */
static fct_status find(fct_analyzer *a, work *w, fct_error *err) {
    fct_status s = fct_view_check(w->picture, "picture", err);
    if (!s) s = fct_finder_run(a->finder, w->picture, &a->dets, err);
    if (!s && a->rotations) s = find_turned(a, w, err);
    if (s) return s;
    return fct_faces_create(a->dets.items, a->dets.n, fct_finder_has_kps(a->finder), tasks_to_run(a),
                            fct_pack_embedding_dim(a->pack), &w->faces, err);
}

/* ---- All the rest ----------------------------------------------------------------------- */

/* Replaces the five landmarks that a detector gave by those of the 68 points. */
static void refine_faces(const fct_analyzer *a, fct_faces *f) {
    for (int i = 0; i < f->n; i++) {
        const float *points = f->items[i].values[a->refine];
        if (points && f->items[i].has_kps) fct_refine_landmarks((const float(*)[3])points, f->items[i].kps);
    }
}

/* Every task over the faces of all pictures at once, so that batches are full. What refines the landmarks comes
 * first: the others are cut out by them. */
static fct_status run_tasks(fct_analyzer *a, work *works, int n, fct_error *err) {
    fct_subject *subjects = fct_calloc((size_t)n, sizeof *subjects);
    if (!subjects) return fct_fail_nomem(err, "pictures", (size_t)n * sizeof *subjects);
    for (int i = 0; i < n; i++) subjects[i] = (fct_subject){working_view(&works[i]), works[i].faces};
    fct_status s = a->refine < 0 ? FCT_OK : fct_task_run(a->refine, a->runners[a->refine], subjects, n, err);
    for (int i = 0; i < n && !s && a->refine >= 0; i++) refine_faces(a, subjects[i].faces);
    for (int i = 0; i < FCT_TASK_SLOTS && !s; i++)
        if (a->runners[i] && i != a->refine) s = fct_task_run(i, a->runners[i], subjects, n, err);
    fct_free(subjects);
    return s;
}

/* The pose follows from the 68 points. */
static void add_poses(fct_faces *f) {
    for (int i = 0; i < f->n; i++) {
        fct_face *a = &f->items[i];
        a->has_pose = a->landmark_68 && fct_pose_estimate((const float(*)[3])a->landmark_68, a->pose);
    }
}

/* Runs the tasks over n pictures whose faces are known and hands them out; frees
 * what the works hold. s: of the steps before. */
static fct_status finish(fct_analyzer *a, work *works, int n, fct_faces **outs, fct_status s, fct_error *err) {
    if (!s) s = run_tasks(a, works, n, err);
    for (int i = 0; i < n; i++) {
        work *w = &works[i];
        if (!s && w->turns) fct_faces_turn_back(w->faces, w->turns, w->picture.width, w->picture.height);
        if (!s) fct_faces_land(w->faces, a->tasks);
        if (!s) add_poses(w->faces);
        fct_image_free(w->turned);
        if (s) fct_faces_free(w->faces);
        else outs[i] = w->faces;
    }
    return s;
}

/* Finds the faces of all pictures first, so that the crops of all of them can go through the networks in large
 * batches. */
fct_status fct_analyze_batch(fct_analyzer *a, const fct_view *pictures, int n, fct_faces **outs, fct_error *err) {
    for (int i = 0; i < n; i++) outs[i] = NULL;
    if (!a->finder) return fct_fail(err, FCT_ERR_NOT_FOUND, "the analyzer was made without detection");
    if (n < 0) return fct_fail(err, FCT_ERR_ARG, "%d pictures", n);
    if (n == 0) return FCT_OK;
    work *works = fct_calloc((size_t)n, sizeof *works);
    if (!works) return fct_fail_nomem(err, "pictures", (size_t)n * sizeof *works);
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) {
        works[i].picture = pictures[i];
        s = find(a, &works[i], err);
    }
    s = finish(a, works, n, outs, s, err);
    fct_free(works);
    return s;
}

fct_status fct_analyze(fct_analyzer *a, fct_view picture, fct_faces **out, fct_error *err) {
    return fct_analyze_batch(a, &picture, 1, out, err);
}

fct_status fct_analyze_again(fct_analyzer *a, fct_view picture, const fct_faces *found, float kx, float ky,
                             fct_faces **out, fct_error *err) {
    *out = NULL;
    if (!(kx > 0 && ky > 0)) return fct_fail(err, FCT_ERR_ARG, "faces scaled by %g and %g", (double)kx, (double)ky);
    work w = {.picture = picture};
    int n = fct_faces_count(found);
    fct_status s = fct_view_check(picture, "picture", err);
    a->dets.n = 0;
    for (int i = 0; i < n && !s; i++) {
        const fct_face *f = fct_faces_at(found, i);
        fct_det d = {.score = f->score};
        for (int k = 0; k < 4; k++) d.box[k] = f->box[k] * (k % 2 ? ky : kx);
        for (int k = 0; k < 10; k++) d.kps[k / 2][k % 2] = f->kps[k / 2][k % 2] * (k % 2 ? ky : kx);
        s = fct_det_append(&a->dets, &d, err);
    }
    bool has_kps = n && fct_faces_at(found, 0)->has_kps;
    if (!s)
        s = fct_faces_create(a->dets.items, n, has_kps, tasks_to_run(a), fct_pack_embedding_dim(a->pack), &w.faces,
                             err);
    return s ? s : finish(a, &w, 1, out, s, err);
}

fct_status fct_analyze_known(fct_analyzer *a, fct_view picture, int n, const float *boxes, const float *kps,
                             fct_faces **out, fct_error *err) {
    *out = NULL;
    if (n < 0 || (n > 0 && !kps)) return fct_fail(err, FCT_ERR_ARG, "%d known faces without landmarks", n);
    work w = {.picture = picture};
    fct_status s = fct_view_check(picture, "picture", err);
    if (s) return s;
    a->dets.n = 0;
    for (int i = 0; i < n; i++) {
        fct_det d = {.score = 1};
        memcpy(d.kps, kps + (size_t)i * 10, sizeof d.kps);
        if (boxes) memcpy(d.box, boxes + (size_t)i * 4, sizeof d.box);
        else fct_align_box_of_points((const float(*)[2])d.kps, d.box);
        s = fct_det_append(&a->dets, &d, err);
        if (s) return s;
    }
    s = fct_faces_create(a->dets.items, n, true, tasks_to_run(a), fct_pack_embedding_dim(a->pack), &w.faces, err);
    return finish(a, &w, 1, out, s, err);
}

/* ---- Parts --------------------------------------------------------------------------------- */

typedef struct sink {
    float *out;
    int dim;
} sink;

static void row_copy(const fct_crop *crop, const float *values, void *ctx) {
    sink *k = ctx;
    (void)crop;
    memcpy(k->out, values, (size_t)k->dim * sizeof *values);
    k->out += k->dim;
}

fct_status fct_embed_aligned(fct_analyzer *a, const fct_view *crops, int n, float *out, fct_error *err) {
    fct_runner *r = a->runners[fct_task_index(FCT_TASK_EMBED)];
    if (!r) return fct_fail(err, FCT_ERR_NOT_FOUND, "the analyzer has no embedder");
    if (n < 0) return fct_fail(err, FCT_ERR_ARG, "%d crops", n);
    int size = fct_runner_size(r);
    fct_crop *list = fct_calloc((size_t)n + 1, sizeof *list);
    if (!list) return fct_fail_nomem(err, "crops", (size_t)n * sizeof *list);
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) {
        s = fct_view_check(crops[i], "crop", err);
        if (!s && (crops[i].width != size || crops[i].height != size))
            s = fct_fail(err, FCT_ERR_ARG, "crop %d is %d x %d, the embedder wants %d x %d", i, crops[i].width,
                         crops[i].height, size, size);
        list[i] = (fct_crop){.picture = crops[i], .m = {1, 0, 0, 0, 1, 0}};
    }
    sink k = {out, fct_runner_values(r)};
    if (!s) s = fct_runner_run(r, list, n, row_copy, &k, err);
    fct_free(list);
    return s;
}
