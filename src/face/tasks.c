#include "face/tasks.h"
#include "face/align.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

/* ---- One face's values into its results ------------------------------------------- */

/* A face of a subject. */
typedef struct target {
    fct_faces *faces;
    int i;
} target;

typedef struct task_run {
    const fct_task_row *row;
    int index, size, values;
} task_run;

/* Decodes what the network said of one crop into the face's place. */
static void take_row(const fct_crop *crop, const float *values, void *ctx) {
    const task_run *r = ctx;
    const target *t = crop->user;
    fct_crop_frame frame = {.size = r->size};
    if (!fct_affine_invert(crop->m, frame.inv)) return;
    r->row->decode(values, r->values, &frame, fct_faces_room(t->faces, t->i, r->index));
    fct_faces_set(t->faces, t->i, r->index);
}

/* ---- Crops ------------------------------------------------------------------------- */

/* Computes where the crop of a face lies; false where it cannot be cut. */
static bool crop_face(fct_task_crop kind, const fct_face *f, int size, double m[6]) {
    const float(*kps)[2] = (const float(*)[2])f->kps;
    double inv[6];
    bool ok = false;
    if (kind == FCT_TASK_CROP_BOX) ok = fct_align_box_matrix(f->box, size, m);
    else if (f->has_kps && kind == FCT_TASK_CROP_WIDE) ok = fct_align_wide_matrix(kps, size, m);
    else if (f->has_kps) ok = fct_align_matrix(kps, size, m, NULL) == FCT_OK;
    return ok && fct_affine_invert(m, inv);
}

/* Fills crops and targets ([count of all faces]); returns how many can be run. */
static int collect(fct_task_crop kind, int size, fct_subject *subjects, int n, fct_crop *crops, target *targets) {
    int used = 0;
    for (int s = 0; s < n; s++)
        for (int i = 0; i < subjects[s].faces->n; i++) {
            if (!crop_face(kind, &subjects[s].faces->items[i], size, crops[used].m)) continue;
            crops[used].picture = subjects[s].view;
            crops[used].user = &targets[used];
            targets[used++] = (target){subjects[s].faces, i};
        }
    return used;
}

/* Collects the crops of all faces of all pictures, so that the network runs in as few batches as possible. */
fct_status fct_task_run(int index, fct_runner *r, fct_subject *subjects, int n, fct_error *err) {
    size_t all = 0;
    for (int i = 0; i < n; i++) all += (size_t)subjects[i].faces->n;
    if (all == 0) return FCT_OK;
    fct_crop *crops = fct_calloc(all, sizeof *crops);
    target *targets = fct_calloc(all, sizeof *targets);
    fct_status s = crops && targets ? FCT_OK : fct_fail_nomem(err, "face crops", all * sizeof *crops);
    if (!s) {
        task_run t = {fct_task_row_at(index), index, fct_runner_size(r), fct_runner_values(r)};
        const fct_task_crop kind = fct_runner_aligned(r) ? FCT_TASK_CROP_WIDE : t.row->crop;
        int used = collect(kind, t.size, subjects, n, crops, targets);
        s = fct_runner_run(r, crops, used, take_row, &t, err);
    }
    fct_free(crops);
    fct_free(targets);
    return s;
}

/* ---- Refined landmarks ------------------------------------------------------------- */

/* Points of the 68 (iBUG's order) whose mean is an eye's center, the nose's tip, a corner of the mouth. */
static const struct { int first, n; } five_of_68[5] = {{36, 6}, {42, 6}, {30, 1}, {48, 1}, {54, 1}};

void fct_refine_landmarks(const float points[68][3], float kps[5][2]) {
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++) {
            float sum = 0;
            for (int q = 0; q < five_of_68[i].n; q++) sum += points[five_of_68[i].first + q][k];
            kps[i][k] = sum / (float)five_of_68[i].n;
        }
}
