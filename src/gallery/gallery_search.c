/* Searching the mirror. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <math.h>
#include <string.h>

void fct_search_opts_init(fct_search_opts *o) {
    *o = (fct_search_opts){.size = sizeof *o, .k = 1, .threshold = NAN, .fallback = 0.4f};
}

/* What a search looks for, and where it puts it. */
typedef struct search_call {
    const char *model_id;
    int dim;
    int64_t scope; /* fct_gallery_home() */
    fct_search_opts o;
    fct_index_query q;
    fct_index_filter filter;
    fct_face_filter chosen;
    size_t n_rows;  /* of the view */
    fct_match *out; /* [q.n][o.k] */
    int *n_found;   /* [q.n] */
    fct_hit *hits;  /* [q.n][q.k] */
} search_call;

static fct_status check_args(const fct_gallery *g, const search_call *c, fct_error *err) {
    const fct_mirror *m = &g->mirror;
    if (!c->model_id || (!c->q.probes && c->q.n > 0))
        return fct_fail(err, FCT_ERR_ARG, "search: no model id or no embedding");
    if (m->index && (strcmp(c->model_id, m->model_id) != 0 || c->dim != m->dim))
        return fct_fail(err, FCT_ERR_MISMATCH,
                        "%s: its faces were made by model %.12s (%d values), not by %.12s (%d values)",
                        g->reader->place, m->model_id, m->dim, c->model_id, c->dim);
    return FCT_OK;
}

/* Limits the search to the collection that the gallery was opened for, where there
 * are others, and to the lowest threshold of those that are searched. */
static fct_status choose_rows(fct_gallery *g, search_call *c, fct_error *err) {
    fct_mirror *m = &g->mirror;
    bool any;
    fct_mutex_lock(&m->names_lock);
    const fct_mirror_collection *mine = fct_mirror_find_collection(m, c->scope);
    fct_status s = fct_face_filter_apply(&c->chosen, &c->o, mine ? &mine->members : NULL,
                                         c->scope && (m->n_collections > 1 || !mine), &c->filter, &any, err);
    c->q.filter = any ? &c->filter : NULL;
    c->q.threshold = c->o.threshold;
    if (isnan(c->o.threshold)) {
        float least = INFINITY;
        for (size_t i = 0; i < m->n_collections; i++)
            if (c->scope ? m->collections[i].id == c->scope : !m->collections[i].apart)
                least = fminf(least, fct_mirror_threshold(m, m->collections[i].id, c->o.fallback));
        c->q.threshold = isfinite(least) ? least : c->o.fallback;
    }
    fct_mutex_unlock(&m->names_lock);
    return s;
}

#define FAST_FACES 200000
#define FAST_BATCH 32 /* from here on comparing with every face takes no more than twice as long */

bool fct_gallery_by_signs(const fct_gallery *g, int n) {
    if (g->search != FCT_SEARCH_AUTO) return g->search == FCT_SEARCH_FAST;
    return g->mirror.index && fct_index_count(g->mirror.index) >= FAST_FACES && n < FAST_BATCH;
}

/* Brings the mirror up to date and takes a view of it; NULL where there is no face. */
static fct_status take_view(fct_gallery *g, search_call *c, size_t k, fct_index_view **view, fct_error *err) {
    *view = NULL;
    fct_mutex_lock(&g->lock);
    fct_status s = fct_gallery_sync(g, err);
    if (!s) s = check_args(g, c, err);
    if (!s && g->partial && (c->o.templates == FCT_TEMPLATE_MEAN || c->chosen.people || c->chosen.dates))
        s = fct_fail(err, FCT_ERR_UNSUPPORTED,
                     "%s: the server searches among all faces, not people's means, some people or dates (server_from 0 "
                     "searches here)",
                     g->reader->place);
    if (!s && g->partial && c->q.n)
        s = fct_gallery_fetch_nearest(g, c->q.probes, c->q.n, c->dim, (int)(k < INT_MAX ? k : INT_MAX), err);
    fct_index *index = g->mirror.index;
    if (!s && index && c->q.n && c->o.templates == FCT_TEMPLATE_MEAN) s = fct_gallery_sync_means(g, &index, err);
    if (!s && index && c->q.n) s = choose_rows(g, c, err);
    if (!s && index && c->q.n) {
        c->n_rows = fct_index_count(index);
        c->q.fast = fct_gallery_by_signs(g, c->q.n);
        *view = fct_index_view_begin(index);
    }
    fct_mutex_unlock(&g->lock);
    return s;
}

static fct_status search_view(search_call *c, const fct_index_view *view, size_t k, fct_error *err) {
    c->q.k = (int)(k < c->n_rows ? k : c->n_rows); /* the caller's k may be anything */
    fct_hit *hits = fct_realloc_array(c->hits, (size_t)c->q.n, (size_t)c->q.k * sizeof *hits + 1);
    if (!hits) return fct_fail_nomem(err, "search", 0);
    c->hits = hits;
    return fct_index_view_search(view, &c->q, hits, c->n_found, err);
}

/* Whether the person of a hit is a match; fills in the name. *gone: was removed meanwhile. */
static bool take_hit(fct_mirror *m, const search_call *c, const float *probe, const fct_hit *hit, fct_match *out,
                     bool *gone) {
    float threshold;
    bool mean = c->o.templates == FCT_TEMPLATE_MEAN;
    *out = (fct_match){.person_id = hit->person_id, .face_id = mean ? 0 : hit->face_id, .score = hit->score};
    if (!fct_mirror_get_person(m, hit->person_id, out, c->o.fallback, &threshold)) return *gone = true, false;
    if (isnan(c->o.threshold) && hit->score < threshold) return false;
    if (!c->scope && fct_mirror_is_apart(m, out->collection_id)) return false;
    return c->o.ignore_negatives || !fct_mirror_is_negative(m, hit->person_id, probe, c->dim, hit->score);
}

/* Turns hits into matches and leaves out who is none. False where people were left
 * out and more might be found by a larger k. */
static bool fill_matches(fct_mirror *m, const search_call *c, bool *gone) {
    bool enough = true;
    *gone = false;
    for (int p = 0; p < c->q.n; p++) {
        int n = 0, left_out = 0, found = c->n_found[p];
        const float *probe = c->q.probes + (size_t)p * (size_t)c->dim;
        for (int i = 0; i < found && n < c->o.k; i++)
            if (take_hit(m, c, probe, &c->hits[(size_t)p * c->q.k + i], &c->out[(size_t)p * c->o.k + n], gone)) n++;
            else left_out++;
        c->n_found[p] = n;
        if (left_out && n < c->o.k && found == c->q.k && (size_t)c->q.k < c->n_rows) enough = false;
    }
    return enough;
}

#define TRIES 4 /* a removal during a search costs another one, but not for ever */

/* Searches again when a person was removed between the search and the look-up of the
 * names, and for more where some were no matches. */
static fct_status search(fct_gallery *g, search_call *c, fct_error *err) {
    bool gone = true, enough = false;
    size_t k = (size_t)c->o.k;
    fct_status s = fct_face_filter_make(g, &c->o, &c->chosen, err);
    for (int i = 0; !s && (!enough || (gone && i < TRIES)); i++) {
        fct_index_view *view;
        s = take_view(g, c, k, &view, err);
        if (!view) break;
        s = search_view(c, view, k, err);
        fct_index_view_end(view);
        if ((s == FCT_ERR_FORMAT || s == FCT_ERR_IO) && fct_gallery_lose_cache(g)) {
            s = FCT_OK; /* the cache file has changed: the store is read anew */
            enough = false;
            continue;
        }
        enough = s || fill_matches(&g->mirror, c, &gone);
        k *= enough ? 1 : 2;
    }
    fct_face_filter_clear(&c->chosen);
    fct_free(c->hits);
    return s;
}

/* The caller may have been compiled against a shorter struct. */
static fct_status read_opts(const fct_search_opts *opts, fct_search_opts *o, fct_error *err) {
    fct_search_opts_init(o);
    if (!opts) return FCT_OK;
    if (opts->size < sizeof(size_t) || opts->size > 4096)
        return fct_fail(err, FCT_ERR_ARG, "search options: not initialized");
    memcpy(o, opts, opts->size < sizeof *o ? opts->size : sizeof *o);
    if (o->templates != FCT_TEMPLATE_BEST && o->templates != FCT_TEMPLATE_MEAN)
        return fct_fail(err, FCT_ERR_ARG, "search options: no template %d", (int)o->templates);
    if (!isfinite(o->fallback)) return fct_fail(err, FCT_ERR_ARG, "search options: fallback is not a number");
    return FCT_OK;
}

static fct_status check_room(int n, int k, const fct_match *out, const int *n_found, fct_error *err) {
    if (n >= 0 && k >= 0 && (n == 0 || n_found) && (n == 0 || k == 0 || out)) return FCT_OK;
    return fct_fail(err, FCT_ERR_ARG, "search: %d embeddings, %d results: negative, or no place for them", n, k);
}

fct_status fct_gallery_search_with(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                   const fct_search_opts *opts, fct_match *out, int *n_found, fct_error *err) {
    search_call c = {.model_id = model_id,
                     .dim = dim,
                     .scope = fct_gallery_home(g),
                     .q = {.probes = embeddings, .n = n},
                     .out = out,
                     .n_found = n_found};
    fct_status s = read_opts(opts, &c.o, err);
    if (!s) s = check_room(n, c.o.k, out, n_found, err);
    if (s) return s;
    if (n > 0) memset(n_found, 0, (size_t)n * sizeof *n_found);
    s = search(g, &c, err);
    return s || !g->mirror.audit_searches ? s : fct_audit_search(g, out, n_found, n, c.o.k, err);
}

fct_status fct_gallery_search_batch(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                    float threshold, int k, fct_match *out, int *n_found, fct_error *err) {
    fct_search_opts o;
    if (isnan(threshold)) return fct_fail(err, FCT_ERR_ARG, "search: the threshold is not a number");
    fct_search_opts_init(&o);
    o.threshold = threshold;
    o.k = k;
    return fct_gallery_search_with(g, model_id, embeddings, n, dim, &o, out, n_found, err);
}

fct_status fct_gallery_search(fct_gallery *g, const char *model_id, const float *embedding, int dim, float threshold,
                              int k, fct_match *out, int *n_found, fct_error *err) {
    return fct_gallery_search_batch(g, model_id, embedding, 1, dim, threshold, k, out, n_found, err);
}
