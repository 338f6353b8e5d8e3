/* Embedding, landmarks, gender and age. */
#include "face/tasks.h"
#include "face/align.h"
#include "face/landmark.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* The landmark network gives 1103 points in space; the last 68 are the face's. */
enum { points_3d = 1103 };

int fct_task_values(fct_task task, int dim) {
    switch (task) {
    case FCT_TASK_EMBED:
        return dim;
    case FCT_TASK_LANDMARK_106:
        return 106 * 2;
    case FCT_TASK_LANDMARK_68:
        return points_3d * 3;
    case FCT_TASK_GENDER_AGE:
        return 3;
    default:
        return 0;
    }
}

/* ---- Rows: one face's values into its results ------------------------------------ */

/* A face of a subject. */
typedef struct target {
    fct_faces *faces;
    int i;
} target;

static void row_embed(const fct_crop *crop, const float *values, void *ctx) {
    const target *t = crop->user;
    int dim = *(const int *)ctx;
    fct_face *f = &t->faces->items[t->i];
    float *e = t->faces->embeddings + (size_t)t->i * (size_t)dim;
    double sum = 0;
    for (int k = 0; k < dim; k++) {
        e[k] = values[k];
        sum += (double)e[k] * (double)e[k];
    }
    f->embedding = e;
    f->embedding_dim = dim;
    f->embedding_norm = (float)sqrt(sum);
}

static void decode(const fct_crop *crop, const float *values, int n, int dims, int size, float *out) {
    double inv[6];
    if (fct_affine_invert(crop->m, inv)) fct_decode_landmarks(values, n, dims, size, inv, out);
}

static void row_landmark_106(const fct_crop *crop, const float *values, void *ctx) {
    const target *t = crop->user;
    float *out = t->faces->landmarks_106 + (size_t)t->i * 106 * 2;
    decode(crop, values, 106, 2, *(const int *)ctx, out);
    t->faces->items[t->i].landmark_106 = out;
}

static void row_landmark_68(const fct_crop *crop, const float *values, void *ctx) {
    const target *t = crop->user;
    float *out = t->faces->landmarks_68 + (size_t)t->i * 68 * 3;
    decode(crop, values + (size_t)(points_3d - 68) * 3, 68, 3, *(const int *)ctx, out);
    t->faces->items[t->i].landmark_68 = out;
}

static void row_attributes(const fct_crop *crop, const float *values, void *ctx) {
    const target *t = crop->user;
    (void)ctx;
    fct_decode_attributes(values, &t->faces->items[t->i].gender, &t->faces->items[t->i].age);
}

/* ---- Crops ------------------------------------------------------------------------- */

static bool crop_face(fct_task task, const fct_face *f, int size, double m[6]) {
    double inv[6];
    bool ok = task == FCT_TASK_EMBED
                  ? f->has_kps && fct_align_matrix((const float(*)[2])f->kps, size, m, NULL) == FCT_OK
                  : fct_align_box_matrix(f->box, size, m);
    return ok && fct_affine_invert(m, inv);
}

/* Fills crops and targets ([count of all faces]); returns how many can be run. */
static int collect(fct_task task, int size, fct_subject *subjects, int n, fct_crop *crops, target *targets) {
    int used = 0;
    for (int s = 0; s < n; s++)
        for (int i = 0; i < subjects[s].faces->n; i++) {
            if (!crop_face(task, &subjects[s].faces->items[i], size, crops[used].m)) continue;
            crops[used].picture = subjects[s].view;
            crops[used].user = &targets[used];
            targets[used++] = (target){subjects[s].faces, i};
        }
    return used;
}

fct_status fct_task_run(fct_task task, fct_runner *r, fct_subject *subjects, int n, fct_error *err) {
    size_t all = 0;
    for (int i = 0; i < n; i++) all += (size_t)subjects[i].faces->n;
    if (all == 0) return FCT_OK;
    fct_crop *crops = fct_calloc(all, sizeof *crops);
    target *targets = fct_calloc(all, sizeof *targets);
    fct_status s = crops && targets ? FCT_OK : fct_fail_nomem(err, "face crops", all * sizeof *crops);
    if (!s) {
        int size = fct_runner_size(r), values = fct_runner_values(r);
        int used = collect(task, size, subjects, n, crops, targets);
        fct_runner_row *row = task == FCT_TASK_EMBED          ? row_embed
                              : task == FCT_TASK_LANDMARK_106 ? row_landmark_106
                              : task == FCT_TASK_LANDMARK_68  ? row_landmark_68
                                                              : row_attributes;
        s = fct_runner_run(r, crops, used, row, task == FCT_TASK_EMBED ? &values : &size, err);
    }
    fct_free(crops);
    fct_free(targets);
    return s;
}
