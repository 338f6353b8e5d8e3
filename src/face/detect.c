/* SCRFD's anchors, non-maximum suppression and the choice of faces. */
#include "face/detect.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_candidates = 65536 };

fct_status fct_det_append(fct_det_list *l, const fct_det *d, fct_error *err) {
    if (l->n == INT32_MAX) return fct_fail(err, FCT_ERR_LIMIT, "too many face candidates");
    fct_det *p = fct_grow(l->items, &l->cap, (size_t)l->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "face candidates", 0);
    l->items = p;
    l->items[l->n++] = *d;
    return FCT_OK;
}

/* The number of outputs tells SCRFD's variants apart: scores and boxes, with or without landmarks, for three levels
 * of two anchors or five levels of one. */
fct_status fct_scrfd_get_form(int n_outputs, fct_scrfd_form *form, fct_error *err) {
    bool three = n_outputs == 6 || n_outputs == 9, five = n_outputs == 10 || n_outputs == 15;
    *form = (fct_scrfd_form){0};
    if (!three && !five)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "a detector with %d outputs (6, 9, 10 and 15 are known)", n_outputs);
    form->levels = three ? 3 : 5;
    form->anchors = three ? 2 : 1;
    form->has_kps = n_outputs == 9 || n_outputs == 15;
    return FCT_OK;
}

/* Finds the first float of picture `index` in an output of `rows` anchors and `cols` values each; NULL when the
 * shape does not fit. */
static const float *output_rows(const fct_tensor *t, int batch, int index, int64_t rows, int cols) {
    bool ok;
    if (t->rank == 3) ok = t->dims[0] == batch && t->dims[1] == rows && t->dims[2] == cols;
    else ok = t->rank == 2 && t->dims[0] == rows * batch && t->dims[1] == cols;
    return ok ? t->data + (int64_t)index * rows * cols : NULL;
}

/* An error that names the shape an output has and the one it should have. */
static fct_status bad_shape(const fct_tensor *t, int output, int64_t rows, int cols, fct_error *err) {
    char shape[128] = "";
    size_t used = 0;
    for (int i = 0; i < t->rank && i < FCT_MAX_RANK && used < sizeof shape; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, i ? " x %lld" : "%lld", (long long)t->dims[i]);
    return fct_fail(err, FCT_ERR_FORMAT, "output %d of the detector is %s, expected %lld x %d", output, shape,
                    (long long)rows, cols);
}

static bool all_finite(const fct_det *d) {
    float sum = 0; /* of finite numbers times zero: zero, else NaN */
    for (int i = 0; i < 4; i++) sum += d->box[i] * 0;
    for (int i = 0; i < 10; i++) sum += (&d->kps[0][0])[i] * 0;
    return sum == 0;
}

/* Decodes one anchor, whose values are distances to the sides and offsets of the landmarks, in strides. */
static void decode_anchor(const fct_scrfd_frame *f, float cx, float cy, float stride, const float *box,
                          const float *kps, fct_det *d) {
    float x[4] = {cx - box[0] * stride, cy - box[1] * stride, cx + box[2] * stride, cy + box[3] * stride};
    for (int i = 0; i < 4; i++) d->box[i] = x[i] / f->scale + (i & 1 ? f->top : f->left);
    for (int i = 0; kps && i < 5; i++) {
        d->kps[i][0] = (cx + kps[2 * i] * stride) / f->scale + f->left;
        d->kps[i][1] = (cy + kps[2 * i + 1] * stride) / f->scale + f->top;
    }
}

static fct_status decode_level(const fct_scrfd_form *form, int level, const fct_tensor *outs, int batch, int index,
                               const fct_scrfd_frame *frame, float thresh, fct_det_list *list, fct_error *err) {
    static const int cols[3] = {1, 4, 10};
    int stride = 8 << level, gw = frame->width / stride, gh = frame->height / stride;
    int64_t rows = (int64_t)gw * gh * form->anchors;
    const float *part[3] = {NULL, NULL, NULL};
    for (int g = 0; g < (form->has_kps ? 3 : 2); g++) {
        int o = g * form->levels + level;
        part[g] = output_rows(&outs[o], batch, index, rows, cols[g]);
        if (!part[g]) return bad_shape(&outs[o], o, rows * (outs[o].rank == 3 ? 1 : batch), cols[g], err);
    }
    for (int64_t i = 0; i < rows; i++) {
        if (!(part[0][i] >= thresh)) continue;
        int64_t cell = i / form->anchors;
        fct_det d = {.score = part[0][i]};
        decode_anchor(frame, (float)(cell % gw * stride), (float)(cell / gw * stride), (float)stride, part[1] + i * 4,
                      part[2] ? part[2] + i * 10 : NULL, &d);
        if (!all_finite(&d)) continue;
        fct_status s = fct_det_append(list, &d, err);
        if (s) return s;
    }
    return FCT_OK;
}

fct_status fct_scrfd_decode(const fct_scrfd_form *form, const fct_tensor *outs, int batch, int index,
                            const fct_scrfd_frame *frame, float thresh, fct_det_list *list, fct_error *err) {
    for (int l = 0; l < form->levels; l++) {
        fct_status s = decode_level(form, l, outs, batch, index, frame, thresh, list, err);
        if (s) return s;
    }
    return FCT_OK;
}

/* ---- Suppression and choice --------------------------------------------------- */

static int by_value(const void *pa, const void *pb) {
    const fct_det *a = pa, *b = pb;
    if (a->value != b->value) return a->value > b->value ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place; /* makes the sort stable */
}

static void sort_by_value(fct_det_list *l) {
    for (int i = 0; i < l->n; i++) l->items[i].place = i;
    if (l->n > 1) qsort(l->items, (size_t)l->n, sizeof *l->items, by_value);
}

static float side(float a, float b) { return b - a + 1; }

/* NaN for two boxes without area. */
static float iou(const float *a, const float *b) {
    float w = side(fmaxf(a[0], b[0]), fminf(a[2], b[2]));
    float h = side(fmaxf(a[1], b[1]), fminf(a[3], b[3]));
    float inter = fmaxf(w, 0) * fmaxf(h, 0);
    float area_a = side(a[0], a[2]) * side(a[1], a[3]), area_b = side(b[0], b[2]) * side(b[1], b[3]);
    return inter / (area_a + area_b - inter);
}

/* Written so that a box without area (0 / 0) is dropped, as in the original's "keep where <=". */
static bool overlaps(const fct_det *a, const fct_det *b, float thresh) { return !(iou(a->box, b->box) <= thresh); }

/* Sorts the candidates by score and drops those beyond the most that are looked at. */
static void best_first(fct_det_list *l) {
    for (int i = 0; i < l->n; i++) l->items[i].value = l->items[i].score;
    sort_by_value(l);
    if (l->n > max_candidates) l->n = max_candidates;
}

/* Goes through the candidates from the best to the worst and keeps each one that overlaps no better one. */
void fct_det_nms(fct_det_list *l, float thresh) {
    best_first(l);
    int kept = 0;
    for (int i = 0; i < l->n; i++) {
        int k = 0;
        while (k < kept && !overlaps(&l->items[k], &l->items[i], thresh)) k++;
        if (k == kept) l->items[kept++] = l->items[i];
    }
    l->n = kept;
}

/* Takes a candidate that a removes into what is known of a. */
static void join(fct_det *a, const fct_det *b) {
    const float same_face = 0.5f, same_box = 0.6f, same_points = 0.75f;
    float over = iou(a->box, b->box), weight = b->score * b->score;
    a->best[b->look] = fmaxf(a->best[b->look], b->score);
    if (over >= same_face && b->score >= FCT_DET_AGREE_FROM) a->agreeing++;
    if (over >= same_box) {
        a->box_weight += weight;
        for (int i = 0; i < 4; i++) a->mean[i] += (b->box[i] - a->mean[i]) * (weight / a->box_weight);
    }
    if (over >= same_points) {
        a->kps_weight += weight;
        for (int i = 0; i < 5; i++)
            for (int c = 0; c < 2; c++) a->kps[i][c] += (b->kps[i][c] - a->kps[i][c]) * (weight / a->kps_weight);
    }
}

static float logit(float p) {
    p = fminf(fmaxf(p, 1e-6f), 1 - 1e-6f);
    return logf(p / (1 - p));
}

void fct_det_from_look(fct_det_list *l, int from, int look, float thresh) {
    const float surer = 0.2f * (float)look;
    int n = from;
    for (int i = from; i < l->n; i++) {
        fct_det d = l->items[i];
        d.score = 1 / (1 + expf(surer - logit(d.score)));
        d.look = look;
        if (d.score >= thresh) l->items[n++] = d;
    }
    l->n = n;
}

/* The logit that all looks together give a face. A look without a candidate saw less than FCT_DET_AGREE_FROM. */
static float mean_logit(const fct_det *d) {
    float least = fminf(d->score, FCT_DET_AGREE_FROM), sum = 0;
    for (int i = 0; i < FCT_DET_LOOKS; i++) sum += logit(fmaxf(d->best[i], least));
    return sum / FCT_DET_LOOKS;
}

/* Gives the boxes that stay what their candidates agree on. */
static void take_means(fct_det_list *l, int looks) {
    for (int i = 0; i < l->n; i++) {
        fct_det *d = &l->items[i];
        memcpy(d->box, d->mean, sizeof d->box);
        float n = (float)d->agreeing;
        d->value = looks > 1 ? mean_logit(d) + 0.4f * logf(n / 14) : logit(d->score) + 0.2f * logf(n / 3);
    }
}

/* Lowers the values, which are sorted, of boxes that overlap better ones. */
static void take_overlaps(fct_det_list *l) {
    for (int i = 0; i < l->n; i++) {
        float most = 0;
        for (int k = 0; k < i; k++) most = fmaxf(most, iou(l->items[k].box, l->items[i].box));
        l->items[i].value -= 2 * most;
    }
}

/* How much b, if it is a face, is company of a: 1 for the same place and width, near 0 far off. */
static float nearness(const fct_det *a, const fct_det *b) {
    const float widths = 5, spread = 0.5f, most = 20; /* beyond `most` nothing is left */
    float wa = fmaxf(a->box[2] - a->box[0], 1e-3f), wb = fmaxf(b->box[2] - b->box[0], 1e-3f);
    float x = a->box[0] + a->box[2] - b->box[0] - b->box[2], y = a->box[1] + a->box[3] - b->box[1] - b->box[3];
    float far = sqrtf(x * x + y * y) / 2 / (widths * sqrtf(wa * wb));
    if (!(far < most)) return 0;
    float ratio = logf(wa / wb) / spread;
    return expf(-ratio * ratio / 2 - far);
}

/* Raises the values of boxes near others of their width, and makes scores of them: faces come in groups. Boxes that
 * are there for a low threshold's sake are nobody's company. */
static void take_scores(fct_det_list *l) {
    for (int i = 0; i < l->n; i++) {
        fct_det *d = &l->items[i];
        d->score = d->score >= FCT_DET_AGREE_FROM ? 1 / (1 + expf(-d->value)) : 0;
    }
    for (int i = 0; i < l->n; i++) {
        float company = 0;
        for (int k = 0; k < l->n; k++)
            if (k != i && l->items[k].score > 0) company += l->items[k].score * nearness(&l->items[i], &l->items[k]);
        l->items[i].value += 0.16f * log1pf(company);
    }
    for (int i = 0; i < l->n; i++) l->items[i].value = l->items[i].score = 1 / (1 + expf(-l->items[i].value));
}

void fct_det_agree(fct_det_list *l, float thresh, float det_thresh, int looks) {
    best_first(l);
    int kept = 0;
    for (int i = 0; i < l->n; i++) {
        int k = 0;
        while (k < kept && !overlaps(&l->items[k], &l->items[i], thresh)) k++;
        if (k < kept) {
            join(&l->items[k], &l->items[i]);
            continue;
        }
        fct_det *d = &l->items[kept++];
        *d = l->items[i];
        d->agreeing = 1;
        for (int z = 0; z < FCT_DET_LOOKS; z++) d->best[z] = z == d->look ? d->score : 0;
        d->box_weight = d->kps_weight = fmaxf(d->score * d->score, 1e-6f);
        memcpy(d->mean, d->box, sizeof d->mean);
    }
    l->n = kept;
    take_means(l, looks);
    sort_by_value(l);
    take_overlaps(l);
    take_scores(l);
    sort_by_value(l);
    while (l->n && !(l->items[l->n - 1].score >= det_thresh)) l->n--;
}

/* Ranks faces by area, from which the default metric subtracts their squared distance from the center, as
 * InsightFace does. */
void fct_det_select(fct_det_list *l, int width, int height, int max, fct_metric metric) {
    if (max <= 0 || l->n <= max) return;
    for (int i = 0; i < l->n; i++) {
        fct_det *d = &l->items[i];
        float dx = (d->box[0] + d->box[2]) / 2 - (float)(width / 2);
        float dy = (d->box[1] + d->box[3]) / 2 - (float)(height / 2);
        d->value = (d->box[2] - d->box[0]) * (d->box[3] - d->box[1]);
        if (metric == FCT_METRIC_DEFAULT) d->value -= 2 * (dx * dx + dy * dy);
    }
    sort_by_value(l);
    l->n = max;
}
