/* Searching the mirror. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <stdio.h>
#include <string.h>

static fct_status check_args(const fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                             fct_error *err) {
    const fct_mirror *m = &g->mirror;
    if (!model_id || (!embeddings && n > 0)) return fct_fail(err, FCT_ERR_ARG, "search: no model id or no embedding");
    if (m->index && (strcmp(model_id, m->model_id) != 0 || dim != m->dim))
        return fct_fail(err, FCT_ERR_MISMATCH,
                        "%s: its faces were made by model %.12s (%d values), not by %.12s (%d values)", g->reader->place,
                        m->model_id, m->dim, model_id, dim);
    return FCT_OK;
}

static void fill_matches(const fct_mirror *m, const fct_hit *hits, int n, fct_match *out) {
    for (int i = 0; i < n; i++) {
        const char *name = fct_mirror_name(m, hits[i].person_id);
        out[i] = (fct_match){.person_id = hits[i].person_id, .face_id = hits[i].face_id, .score = hits[i].score};
        snprintf(out[i].name, sizeof out[i].name, "%s", name ? name : "");
    }
}

/* While the mirror is being read. */
static fct_status search_mirror(const fct_mirror *m, const float *embeddings, int n, float threshold, int k,
                                fct_match *out, int *n_found, fct_error *err) {
    size_t most = fct_index_count(m->index);
    int k_hits = (size_t)k < most ? k : (int)most; /* the caller's k may be anything */
    fct_hit *hits = fct_realloc_array(NULL, (size_t)n, (size_t)k_hits * sizeof *hits + 1);
    if (!hits) return fct_fail_nomem(err, "search", 0);
    fct_status s = fct_index_search(m->index, embeddings, n, threshold, k_hits, hits, n_found, err);
    for (int p = 0; p < n && !s; p++) fill_matches(m, hits + (size_t)p * k_hits, n_found[p], out + (size_t)p * k);
    fct_free(hits);
    return s;
}

fct_status fct_gallery_search_batch(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                    float threshold, int k, fct_match *out, int *n_found, fct_error *err) {
    if (n < 0 || k < 0 || (n > 0 && !n_found) || (n > 0 && k > 0 && !out))
        return fct_fail(err, FCT_ERR_ARG, "search: %d embeddings, %d results: negative, or no place for them", n, k);
    if (n > 0) memset(n_found, 0, (size_t)n * sizeof *n_found);
    fct_mutex_lock(&g->lock);
    fct_status s = fct_gallery_sync(g, err);
    if (!s) s = check_args(g, model_id, embeddings, n, dim, err);
    if (!s) fct_gallery_read_begin(g);
    fct_mutex_unlock(&g->lock);
    if (s) return s;
    if (g->mirror.index && n > 0) s = search_mirror(&g->mirror, embeddings, n, threshold, k, out, n_found, err);
    fct_gallery_read_end(g);
    return s;
}

fct_status fct_gallery_search(fct_gallery *g, const char *model_id, const float *embedding, int dim, float threshold,
                              int k, fct_match *out, int *n_found, fct_error *err) {
    return fct_gallery_search_batch(g, model_id, embedding, 1, dim, threshold, k, out, n_found, err);
}
