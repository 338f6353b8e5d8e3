/* The verbs of an index, passed on to the one that it is. */
#include "index/index.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

void fct_index_free(fct_index *x) {
    if (x) x->ops->destroy(x);
}

int fct_index_dim(const fct_index *x) { return x->dim; }
size_t fct_index_count(const fct_index *x) { return x->ops->count(x); }

fct_status fct_index_add(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err) {
    return x->ops->add(x, face_id, person_id, embedding, err);
}
fct_status fct_index_append(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err) {
    return (x->ops->append ? x->ops->append : x->ops->add)(x, face_id, person_id, embedding, err);
}
fct_status fct_index_remove(fct_index *x, int64_t face_id, fct_error *err) { return x->ops->remove(x, face_id, err); }
fct_status fct_index_remove_person(fct_index *x, int64_t person_id, fct_error *err) {
    return x->ops->remove_person(x, person_id, err);
}

fct_index_view *fct_index_view_begin(fct_index *x) { return x->ops->view_begin(x); }
void fct_index_view_end(fct_index_view *v) {
    if (v) v->ops->view_end(v);
}

fct_status fct_index_view_search(const fct_index_view *v, const fct_index_query *q, fct_hit *out, int *n_found,
                                 fct_error *err) {
    if (q->n < 0 || q->k < 0)
        return fct_fail(err, FCT_ERR_ARG, "search: %d probes, %d results: a negative count", q->n, q->k);
    if (isnan(q->threshold)) return fct_fail(err, FCT_ERR_ARG, "search: the threshold is not a number");
    memset(n_found, 0, (size_t)q->n * sizeof *n_found);
    fct_status s = v->ops->search(v, q, out, n_found, err);
    if (s) memset(n_found, 0, (size_t)q->n * sizeof *n_found);
    return s;
}

fct_status fct_index_search(fct_index *x, const float *probes, int n, float threshold, int k, fct_hit *out,
                            int *n_found, fct_error *err) {
    fct_index_query q = {.probes = probes, .n = n, .threshold = threshold, .k = k};
    fct_index_view *v = fct_index_view_begin(x);
    fct_status s = fct_index_view_search(v, &q, out, n_found, err);
    fct_index_view_end(v);
    return s;
}

bool fct_index_normalize(const float *src, int dim, float *dst, size_t step) {
    double sum = 0;
    for (int i = 0; i < dim; i++) sum += (double)src[i] * src[i];
    /* Squares of floats neither overflow nor vanish in double; a NaN or an infinity stays one. */
    if (!(sum > 0) || !isfinite(sum)) return false;
    double scale = 1 / sqrt(sum);
    for (int i = 0; i < dim; i++) dst[(size_t)i * step] = (float)(src[i] * scale);
    return true;
}
