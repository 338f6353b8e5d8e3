/* The list of faces: one block per kind of result. */
#include "face/faces.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

/* n * per floats, zeroed, if wanted. */
static bool make_block(bool wanted, int n, size_t per, float **out) {
    size_t count;
    if (!wanted || n == 0) return true;
    if (!fct_mul_size((size_t)n, per, &count)) return false;
    *out = fct_calloc(count, sizeof(float));
    return *out != NULL;
}

fct_status fct_faces_create(const fct_det *dets, int n, bool has_kps, uint32_t tasks, int embedding_dim,
                            fct_faces **out, fct_error *err) {
    *out = NULL;
    fct_faces *f = fct_calloc(1, sizeof *f);
    if (f) f->items = fct_calloc((size_t)n + 1, sizeof *f->items);
    if (!f || !f->items || !make_block(tasks & FCT_TASK_EMBED, n, (size_t)embedding_dim, &f->embeddings) ||
        !make_block(tasks & FCT_TASK_LANDMARK_106, n, 106 * 2, &f->landmarks_106) ||
        !make_block(tasks & FCT_TASK_LANDMARK_68, n, 68 * 3, &f->landmarks_68)) {
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
    }
    *out = f;
    return FCT_OK;
}

void fct_faces_free(fct_faces *f) {
    if (!f) return;
    fct_free(f->items);
    fct_free(f->embeddings);
    fct_free(f->landmarks_106);
    fct_free(f->landmarks_68);
    fct_free(f);
}

int fct_faces_count(const fct_faces *f) { return f ? f->n : 0; }

const fct_face *fct_faces_at(const fct_faces *f, int i) { return f && i >= 0 && i < f->n ? &f->items[i] : NULL; }

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

static void turn_box(float b[4], int turns, float right, float bottom) {
    float p[2] = {b[0], b[1]}, q[2] = {b[2], b[3]};
    turn_point(p, turns, right, bottom);
    turn_point(q, turns, right, bottom);
    for (int k = 0; k < 2; k++) {
        b[k] = p[k] < q[k] ? p[k] : q[k];
        b[k + 2] = p[k] < q[k] ? q[k] : p[k];
    }
}

void fct_faces_turn_back(fct_faces *f, int turns, int width, int height) {
    float right = (float)(width - 1), bottom = (float)(height - 1);
    for (int i = 0; i < f->n; i++) {
        fct_face *a = &f->items[i];
        a->turns = turns;
        turn_box(a->box, turns, right, bottom);
        for (int k = 0; a->has_kps && k < 5; k++) turn_point(a->kps[k], turns, right, bottom);
        for (int k = 0; a->landmark_106 && k < 106; k++)
            turn_point(f->landmarks_106 + ((size_t)i * 106 + (size_t)k) * 2, turns, right, bottom);
        for (int k = 0; a->landmark_68 && k < 68; k++)
            turn_point(f->landmarks_68 + ((size_t)i * 68 + (size_t)k) * 3, turns, right, bottom);
    }
}
