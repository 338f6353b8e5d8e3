/* All faces compared with one another: histograms and groups. */
#include "base/alloc.h"
#include "base/error.h"
#include "cluster/cluster.h"
#include "facet/gallery_faces.h"
#include "gallery/face_pool.h"
#include <math.h>

#define GROUP_MOST 200000
#define LANES      16 /* sums that are made side by side, so that a compiler can use its vectors */

/* ---- Histograms ------------------------------------------------------------------------- */

/* Gives all rows the length 1. */
static void normalize(fct_face_pool *p) {
    size_t dim = (size_t)p->model.dim;
    for (size_t i = 0; i < p->n; i++) {
        double sum = 0;
        float *row = p->rows + i * dim;
        for (size_t k = 0; k < dim; k++) sum += (double)row[k] * row[k];
        float scale = (float)(1 / sqrt(sum));
        for (size_t k = 0; k < dim; k++) row[k] *= scale;
    }
}

static float dot(const float *a, const float *b, size_t n) {
    float sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) sums[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sum += a[i] * b[i];
    for (size_t k = 0; k < LANES; k++) sum += sums[k];
    return sum;
}

static void count_pair(fct_histogram *h, float score, bool same, float threshold) {
    int bin = (int)floorf((score + 1) / 2 * (float)h->bins);
    bin = bin < 0 ? 0 : bin >= h->bins ? h->bins - 1 : bin;
    if (same) {
        h->genuine[bin]++;
        h->n_genuine++;
        h->genuine_matches += score >= threshold;
    } else {
        h->impostor[bin]++;
        h->n_impostor++;
        h->impostor_matches += score >= threshold;
    }
}

fct_status fct_gallery_histogram(fct_gallery *g, int bins, int most_faces, float threshold, fct_histogram *out,
                                 fct_error *err) {
    *out = (fct_histogram){.bins = bins};
    if (bins < 1 || bins > FCT_HISTOGRAM_MOST || most_faces < 2 || most_faces > 20000 || isnan(threshold))
        return fct_fail(err, FCT_ERR_ARG, "histogram: %d bins, %d faces, threshold %g", bins, most_faces,
                        (double)threshold);
    fct_face_pool p = {.seed = 1};
    fct_status s = fct_face_pool_load(g, most_faces, &p, err);
    size_t dim = (size_t)p.model.dim;
    out->people = (int)p.n_people;
    out->faces = p.seen;
    out->compared = (int64_t)p.n;
    if (!s) normalize(&p);
    for (size_t i = 0; i < p.n && !s; i++)
        for (size_t k = 0; k < i; k++)
            count_pair(out, dot(p.rows + i * dim, p.rows + k * dim, dim), p.of[i] == p.of[k], threshold);
    fct_face_pool_clear(&p);
    return s;
}

/* ---- Groups ------------------------------------------------------------------------------ */

static fct_status group(const fct_face_pool *p, float threshold, int least, fct_grouped_face *out, int *groups,
                        fct_error *err) {
    fct_clusters c;
    fct_cluster_opts o;
    fct_cluster_opts_init(&o);
    o.threshold = threshold;
    o.least_faces = least;
    fct_cluster_faces f = {.n = p->n, .dim = (int)p->model.dim, .embeddings = p->rows, .quality = p->quality};
    fct_status s = fct_cluster(&f, &o, &c, err);
    if (s) return s;
    for (size_t i = 0; i < p->n; i++)
        out[i] = (fct_grouped_face){p->ids[i], p->people[p->of[i]], (int)-c.person[i], c.score[i]};
    *groups = (int)c.n_new;
    fct_clusters_free(&c);
    return FCT_OK;
}

fct_status fct_gallery_group(fct_gallery *g, float threshold, int least, fct_grouped_face **out, int *n, int *groups,
                             fct_error *err) {
    *out = NULL;
    *n = *groups = 0;
    if (!(threshold >= -1 && threshold <= 1) || least < 1)
        return fct_fail(err, FCT_ERR_ARG, "groups: threshold %g, %d faces at least", (double)threshold, least);
    fct_face_pool p = {.seed = 1};
    fct_status s = fct_face_pool_load(g, GROUP_MOST, &p, err);
    if (!s && p.seen > GROUP_MOST)
        s = fct_fail(err, FCT_ERR_LIMIT, "%s: %lld faces, of which %d can be grouped", p.place, (long long)p.seen,
                     GROUP_MOST);
    fct_grouped_face *list = s ? NULL : fct_calloc(p.n + 1, sizeof *list);
    if (!s && !list) s = fct_fail_nomem(err, "groups", 0);
    if (!s && p.n) s = group(&p, threshold, least, list, groups, err);
    if (s) fct_free(list);
    else {
        *out = list;
        *n = (int)p.n;
    }
    fct_face_pool_clear(&p);
    return s;
}

void fct_grouped_faces_free(fct_grouped_face *x) { fct_free(x); }
