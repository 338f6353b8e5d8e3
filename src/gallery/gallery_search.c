/* Searching the mirror. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

static fct_status check_args(const fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                             fct_error *err) {
    const fct_mirror *m = &g->mirror;
    if (!model_id || (!embeddings && n > 0)) return fct_fail(err, FCT_ERR_ARG, "search: no model id or no embedding");
    if (m->index && (strcmp(model_id, m->model_id) != 0 || dim != m->dim))
        return fct_fail(err, FCT_ERR_MISMATCH,
                        "%s: its faces were made by model %.12s (%d values), not by %.12s (%d values)",
                        g->reader->place, m->model_id, m->dim, model_id, dim);
    return FCT_OK;
}

/* What a search looks for, and where it puts it. */
typedef struct search_call {
    const char *model_id;
    int dim;
    fct_index_query q;
    fct_match *out; /* [q.n][k] */
    int k;
    int *n_found;  /* [q.n] */
    fct_hit *hits; /* [q.n][q.k] */
} search_call;

/* Brings the mirror up to date and takes a view of it; NULL where there is no face. */
static fct_status take_view(fct_gallery *g, const search_call *c, fct_index_view **view, size_t *n_rows,
                            fct_error *err) {
    *view = NULL;
    fct_mutex_lock(&g->lock);
    fct_status s = fct_gallery_sync(g, err);
    if (!s) s = check_args(g, c->model_id, c->q.probes, c->q.n, c->dim, err);
    if (!s && g->mirror.index && c->q.n) {
        *n_rows = fct_index_count(g->mirror.index);
        *view = fct_index_view_begin(g->mirror.index);
    }
    fct_mutex_unlock(&g->lock);
    return s;
}

static fct_status search_view(search_call *c, const fct_index_view *view, size_t n_rows, fct_error *err) {
    c->q.k = (size_t)c->k < n_rows ? c->k : (int)n_rows; /* the caller's k may be anything */
    fct_hit *hits = fct_realloc_array(c->hits, (size_t)c->q.n, (size_t)c->q.k * sizeof *hits + 1);
    if (!hits) return fct_fail_nomem(err, "search", 0);
    c->hits = hits;
    return fct_index_view_search(view, &c->q, hits, c->n_found, err);
}

/* Names the hits; leaves out people who were removed meanwhile and says whether
 * there were any. */
static bool fill_matches(fct_mirror *m, const search_call *c) {
    bool gone = false;
    for (int p = 0; p < c->q.n; p++) {
        int n = 0;
        for (int i = 0; i < c->n_found[p]; i++) {
            const fct_hit *hit = &c->hits[(size_t)p * c->q.k + i];
            fct_match *match = &c->out[(size_t)p * c->k + n];
            *match = (fct_match){.person_id = hit->person_id, .face_id = hit->face_id, .score = hit->score};
            if (fct_mirror_get_name(m, hit->person_id, match->name)) n++;
            else gone = true;
        }
        c->n_found[p] = n;
    }
    return gone;
}

#define TRIES 4 /* a removal during a search costs another one, but not for ever */

/* Searches again when a person was removed between the search and the look-up of the names. */
static fct_status search(fct_gallery *g, search_call *c, fct_error *err) {
    bool gone = true;
    fct_status s = FCT_OK;
    for (int i = 0; i < TRIES && gone && !s; i++) {
        fct_index_view *view;
        size_t n_rows = 0;
        s = take_view(g, c, &view, &n_rows, err);
        if (!view) break;
        s = search_view(c, view, n_rows, err);
        fct_index_view_end(view);
        gone = !s && fill_matches(&g->mirror, c);
    }
    fct_free(c->hits);
    return s;
}

fct_status fct_gallery_search_batch(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                    float threshold, int k, fct_match *out, int *n_found, fct_error *err) {
    if (n < 0 || k < 0 || (n > 0 && !n_found) || (n > 0 && k > 0 && !out))
        return fct_fail(err, FCT_ERR_ARG, "search: %d embeddings, %d results: negative, or no place for them", n, k);
    if (n > 0) memset(n_found, 0, (size_t)n * sizeof *n_found);
    search_call c = {.model_id = model_id,
                     .dim = dim,
                     .q = {.probes = embeddings, .n = n, .threshold = threshold, .fast = g->fast},
                     .out = out,
                     .k = k,
                     .n_found = n_found};
    return search(g, &c, err);
}

fct_status fct_gallery_search(fct_gallery *g, const char *model_id, const float *embedding, int dim, float threshold,
                              int k, fct_match *out, int *n_found, fct_error *err) {
    return fct_gallery_search_batch(g, model_id, embedding, 1, dim, threshold, k, out, n_found, err);
}
