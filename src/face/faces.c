/* The list of faces: one block per kind of result. */
#include "face/faces.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

/* Allocates n * per zeroed floats, if they are wanted. */
static bool make_block(bool wanted, int n, size_t per, float **out) {
    size_t count;
    if (!wanted || n == 0) return true;
    if (!fct_mul_size((size_t)n, per, &count)) return false;
    *out = fct_calloc(count, sizeof(float));
    return *out != NULL;
}

/* Allocates room for what each of the tasks keeps. */
static bool make_blocks(fct_faces *f, int n, uint32_t tasks, int embedding_dim) {
    for (int t = 0; t < fct_task_count(); t++) {
        f->kept[t] = fct_task_kept(fct_task_row_at(t), embedding_dim);
        if (!make_block(tasks >> t & 1, n, (size_t)f->kept[t], &f->blocks[t])) return false;
    }
    return true;
}

fct_status fct_faces_create(const fct_det *dets, int n, bool has_kps, uint32_t tasks, int embedding_dim,
                            fct_faces **out, fct_error *err) {
    const size_t slots = (size_t)fct_task_count();
    *out = NULL;
    fct_faces *f = fct_calloc(1, sizeof *f);
    if (f) f->items = fct_calloc((size_t)n + 1, sizeof *f->items);
    if (f) f->values = fct_calloc(((size_t)n + 1) * slots, sizeof *f->values);
    if (!f || !f->items || !f->values || !make_blocks(f, n, tasks, embedding_dim)) {
        fct_faces_free(f);
        return fct_fail_nomem(err, "faces", 0);
    }
    f->n = n;
    for (int i = 0; i < n; i++) {
        fct_face *a = &f->items[i];
        memcpy(a->box, dets[i].box, sizeof a->box);
        memcpy(a->kps, dets[i].kps, sizeof a->kps);
        a->score = dets[i].score;
        a->has_kps = has_kps;
        a->gender = a->age = -1;
        a->values = f->values + (size_t)i * slots;
    }
    *out = f;
    return FCT_OK;
}

void fct_faces_free(fct_faces *f) {
    if (!f) return;
    for (int t = 0; t < FCT_TASK_SLOTS; t++) fct_free(f->blocks[t]);
    fct_free(f->items);
    fct_free((void *)f->values);
    fct_free(f);
}

float *fct_faces_room(fct_faces *f, int i, int task_index) {
    return f->blocks[task_index] + (size_t)i * (size_t)f->kept[task_index];
}

void fct_faces_set(fct_faces *f, int i, int task_index) {
    f->values[(size_t)i * (size_t)fct_task_count() + (size_t)task_index] = fct_faces_room(f, i, task_index);
}

void fct_faces_land(fct_faces *f, uint32_t tasks) {
    const int slots = fct_task_count();
    for (int k = 0; k < f->n * slots; k++) {
        const int t = k % slots;
        const fct_task_row *row = fct_task_row_at(t);
        if (!(tasks >> t & 1)) f->values[k] = NULL;
        if (f->values[k] && row->land) row->land(&f->items[k / slots], f->values[k], f->kept[t]);
    }
}

int fct_faces_count(const fct_faces *f) { return f ? f->n : 0; }

const fct_face *fct_faces_at(const fct_faces *f, int i) { return f && i >= 0 && i < f->n ? &f->items[i] : NULL; }

/* A point of the picture turned clockwise by `turns` quarters, back in the picture itself. */
static void turn_point(float p[2], int turns, float right, float bottom) {
    float x = p[0], y = p[1];
    switch (turns) {
    case 1:
        p[0] = y, p[1] = bottom - x;
        break;
    case 2:
        p[0] = right - x, p[1] = bottom - y;
        break;
    case 3:
        p[0] = right - y, p[1] = x;
        break;
    default:
        break;
    }
}

/* A box: two of its corners, sorted anew. */
static void turn_box(float b[4], int turns, float right, float bottom) {
    float p[2] = {b[0], b[1]}, q[2] = {b[2], b[3]};
    turn_point(p, turns, right, bottom);
    turn_point(q, turns, right, bottom);
    for (int k = 0; k < 2; k++) {
        b[k] = p[k] < q[k] ? p[k] : q[k];
        b[k + 2] = p[k] < q[k] ? q[k] : p[k];
    }
}

/* Points that a task has found. */
static void turn_values(fct_faces *f, int i, int task, int turns, float right, float bottom) {
    const fct_task_row *row = fct_task_row_at(task);
    if (!row->points || !f->blocks[task]) return;
    float *p = fct_faces_room(f, i, task);
    for (int k = 0; k < row->rows; k++) turn_point(p + k * row->columns, turns, right, bottom);
}

void fct_faces_turn_back(fct_faces *f, int turns, int width, int height) {
    float right = (float)(width - 1), bottom = (float)(height - 1);
    for (int i = 0; i < f->n; i++) {
        fct_face *a = &f->items[i];
        a->turns = turns;
        turn_box(a->box, turns, right, bottom);
        for (int k = 0; a->has_kps && k < 5; k++) turn_point(a->kps[k], turns, right, bottom);
        for (int t = 0; t < fct_task_count(); t++) turn_values(f, i, t, turns, right, bottom);
    }
}

/* Points that a task has found: x and y, and, where it has one, z in pixels. */
static void scale_values(fct_faces *f, int i, int task, float kx, float ky) {
    const fct_task_row *row = fct_task_row_at(task);
    if (!row->points || !f->blocks[task]) return;
    float *p = fct_faces_room(f, i, task);
    for (int k = 0; k < row->rows; k++, p += row->columns) {
        p[0] *= kx;
        p[1] *= ky;
        if (row->columns > 2) p[2] *= (kx + ky) / 2;
    }
}

void fct_faces_scale(fct_faces *f, float kx, float ky) {
    for (int i = 0; i < fct_faces_count(f); i++) {
        fct_face *a = &f->items[i];
        for (int k = 0; k < 4; k++) a->box[k] *= k % 2 ? ky : kx;
        for (int k = 0; k < 10; k++) a->kps[k / 2][k % 2] *= k % 2 ? ky : kx;
        for (int t = 0; t < fct_task_count(); t++) scale_values(f, i, t, kx, ky);
    }
}
