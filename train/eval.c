#include "train/eval.h"
#include "train/augment.h"
#include "train/csv.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const double fct_eval_far[FCT_EVAL_FARS] = {1e-2, 1e-3, 1e-4, 1e-5};

/* Sixteen independent sums, which compilers turn into vectors. */
static double dot(const float *a, const float *b, int n) {
    float s[16] = {0};
    int k = 0;
    for (; k + 16 <= n; k += 16)
        for (int j = 0; j < 16; j++) s[j] += a[k + j] * b[k + j];
    double sum = 0;
    for (; k < n; k++) sum += a[k] * b[k];
    for (int j = 0; j < 16; j++) sum += s[j];
    return sum;
}

/* ---- Pairs ------------------------------------------------------------------- */

static fct_status add_pair(const char *path, const fct_dataset *d, char **field, const int col[3], size_t *cap,
                           fct_pairs *p, fct_error *err) {
    long a = fct_dataset_find(d, field[col[0]]), b = fct_dataset_find(d, field[col[1]]);
    if (a < 0 || b < 0)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no picture %s", path, field[a < 0 ? col[0] : col[1]]);
    if (p->n == *cap) {
        *cap = *cap ? *cap * 2 : 1024;
        uint32_t *na = fct_realloc_array(p->a, *cap, sizeof *na),
                 *nb = na ? fct_realloc_array(p->b, *cap, sizeof *nb) : NULL;
        if (na) p->a = na;
        if (nb) p->b = nb;
        uint8_t *ns = nb ? fct_realloc_array(p->same, *cap, 1) : NULL;
        if (!ns) return fct_fail_nomem(err, "pairs", *cap * 9);
        p->same = ns;
    }
    p->a[p->n] = (uint32_t)a;
    p->b[p->n] = (uint32_t)b;
    p->same[p->n++] = atoi(field[col[2]]) != 0;
    return FCT_OK;
}

/* Reads pairs of file names and whether they show the same person. */
fct_status fct_pairs_read(const char *path, const fct_dataset *d, fct_pairs *out, fct_error *err) {
    uint8_t *data;
    size_t size, cap = 0;
    char *field[16];
    *out = (fct_pairs){0};
    fct_status s = fct_file_read(path, 1 << 28, &data, &size, err);
    if (s) return s;
    char *text = (char *)data;
    int n = fct_csv_record(&text, field, 16);
    const int col[3] = {fct_csv_column(field, n, "a"), fct_csv_column(field, n, "b"), fct_csv_column(field, n, "same")};
    if (col[0] < 0 || col[1] < 0 || col[2] < 0)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: columns a, b and same expected", path);
    while (!s && (n = fct_csv_record(&text, field, 16)) > 0)
        if (col[0] < n && col[1] < n && col[2] < n) s = add_pair(path, d, field, col, &cap, out, err);
    fct_free(data);
    if (s) fct_pairs_clear(out);
    return s;
}

void fct_pairs_clear(fct_pairs *p) {
    fct_free(p->a);
    fct_free(p->b);
    fct_free(p->same);
    *p = (fct_pairs){0};
}

/* ---- Embedding ----------------------------------------------------------------- */

/* Writes the central square of a picture as the network's input. */
static bool load(const fct_dataset *d, size_t i, int size, bool mirror, float *out) {
    fct_image *im;
    if (fct_dataset_read(d, i, &im, NULL)) return false;
    fct_view v = fct_image_view(im);
    int x0 = (v.width - size) / 2, y0 = (v.height - size) / 2;
    bool ok = x0 >= 0 && y0 >= 0;
    for (int y = 0; ok && y < size; y++) {
        const uint8_t *row = v.data + (y0 + y) * v.stride + x0 * 3;
        for (int x = 0; x < size; x++, out += 3) fct_augment_to_input(row + 3 * (mirror ? size - 1 - x : x), 3, out);
    }
    fct_image_free(im);
    return ok;
}

/* Adds unit embeddings, so that a picture and its mirror image count the same. */
static void add_rows(const float *z, int n, int dim, const bool *ok, float *out) {
    for (int i = 0; i < n; i++, z += fct_pad(dim), out += dim) {
        double norm = sqrt(dot(z, z, dim));
        for (int k = 0; ok[i] && norm > 0 && k < dim; k++) out[k] += (float)(z[k] / norm);
    }
}

static void normalize(float *rows, size_t n, int dim) {
    for (size_t i = 0; i < n; i++, rows += dim) {
        double norm = sqrt(dot(rows, rows, dim));
        for (int k = 0; norm > 0 && k < dim; k++) rows[k] = (float)(rows[k] / norm);
    }
}

fct_status fct_eval_embed(const fct_dataset *d, const fct_net_spec *spec, fct_net *net, int max_batch,
                          const float *params, float *stats, bool mirror, float *out, size_t *bad, fct_error *err) {
    size_t pixels = (size_t)spec->size * spec->size * 3;
    float *input = fct_aligned_alloc((size_t)max_batch * pixels * sizeof *input);
    bool *ok = fct_calloc((size_t)max_batch, sizeof *ok);
    *bad = 0;
    memset(out, 0, d->n * (size_t)spec->dim * sizeof *out);
    for (size_t i = 0; input && ok && i < d->n; i += max_batch) {
        int n = d->n - i < (size_t)max_batch ? (int)(d->n - i) : max_batch;
        for (int side = 0; side <= (mirror ? 1 : 0); side++) {
            memset(input, 0, (size_t)n * pixels * sizeof *input);
            for (int k = 0; k < n; k++) {
                ok[k] = load(d, i + k, spec->size, side == 1, input + k * pixels);
                *bad += side == 0 && !ok[k];
            }
            const float *z = fct_net_forward(net, params, stats, input, n, (fct_net_mode){0});
            add_rows(z, n, spec->dim, ok, out + i * spec->dim);
        }
    }
    normalize(out, d->n, spec->dim);
    bool nomem = !input || !ok;
    fct_aligned_free(input);
    fct_free(ok);
    return nomem ? fct_fail_nomem(err, "evaluation", max_batch * pixels * sizeof(float)) : FCT_OK;
}

/* ---- Figures -------------------------------------------------------------------- */

fct_status fct_eval_all_pairs(const fct_dataset *d, const float *rows, int dim, fct_scores **out, fct_error *err) {
    size_t n = 0;
    float *labeled = fct_aligned_alloc((d->n + 1) * (size_t)dim * sizeof *labeled);
    uint32_t *people = fct_alloc((d->n + 1) * sizeof *people);
    fct_status s = labeled && people ? fct_scores_create(NULL, out, err)
                                     : fct_fail_nomem(err, "evaluation", d->n * (size_t)dim * sizeof *labeled);
    for (size_t i = 0; i < d->n && !s; i++) {
        if (d->sample[i].label < 0) continue;
        memcpy(labeled + n * dim, rows + i * dim, (size_t)dim * sizeof *labeled);
        people[n++] = (uint32_t)d->sample[i].label;
    }
    if (!s && (s = fct_scores_add_all(*out, labeled, people, n, dim, err))) fct_scores_free(*out);
    fct_aligned_free(labeled);
    fct_free(people);
    if (s) *out = NULL;
    return s;
}

/* Ten folds, which take equal shares of both kinds in the order of the file. */
static fct_status measure_pairs(const float *rows, int dim, const fct_pairs *p, fct_eval_result *out, fct_error *err) {
    size_t total[2] = {0}, seen[2] = {0};
    float *scores = fct_calloc(p->n, sizeof *scores);
    bool *same = fct_calloc(p->n, sizeof *same);
    uint8_t *fold = fct_calloc(p->n, sizeof *fold);
    fct_status s = scores && same && fold ? FCT_OK : fct_fail_nomem(err, "pairs", p->n * sizeof *scores);
    for (size_t i = 0; i < p->n && !s; i++) total[p->same[i]]++;
    for (size_t i = 0; i < p->n && !s; i++) {
        int c = p->same[i];
        scores[i] = (float)dot(rows + (size_t)p->a[i] * dim, rows + (size_t)p->b[i] * dim, dim);
        same[i] = c;
        fold[i] = (uint8_t)(seen[c]++ * 10 / total[c]);
    }
    if (!s) s = fct_pair_accuracy(scores, same, fold, p->n, 10, &out->accuracy, &out->deviation, err);
    fct_free(scores);
    fct_free(same);
    fct_free(fold);
    return s;
}

fct_status fct_eval_measure(const fct_dataset *d, const float *rows, int dim, const fct_pairs *pairs,
                            fct_eval_result *out, fct_error *err) {
    fct_scores *all;
    fct_scores_info info;
    fct_operating_point p[FCT_EVAL_FARS];
    fct_interval_opts o;
    *out = (fct_eval_result){0};
    fct_interval_opts_init(&o);
    o.replicates = 0;
    fct_status s = pairs && pairs->n ? measure_pairs(rows, dim, pairs, out, err) : FCT_OK;
    if (!s) s = fct_eval_all_pairs(d, rows, dim, &all, err);
    if (s) return s;
    fct_scores_stat(all, &info);
    out->genuine = info.genuine;
    out->impostor = info.impostor;
    s = fct_scores_at_far(all, fct_eval_far, FCT_EVAL_FARS, &o, p, err);
    for (int k = 0; k < FCT_EVAL_FARS && !s; k++) {
        out->tar[k] = p[k].tar.value;
        out->threshold[k] = p[k].threshold;
    }
    fct_scores_free(all);
    return s;
}
