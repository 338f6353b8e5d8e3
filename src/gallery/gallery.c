/* Opening, closing and describing a gallery; its transactions. */
#include "facet/gallery.h"
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <string.h>

/* The caller may have been compiled against a shorter struct. */
static fct_status read_opts(const fct_gallery_opts *opts, fct_gallery_opts *o, fct_error *err) {
    fct_gallery_opts_init(o);
    if (!opts) return FCT_OK;
    if (opts->size < sizeof(size_t) || opts->size > 4096)
        return fct_fail(err, FCT_ERR_ARG, "gallery options: not initialized");
    memcpy(o, opts, opts->size < sizeof *o ? opts->size : sizeof *o);
    if (o->busy_ms < 0) return fct_fail(err, FCT_ERR_ARG, "gallery options: busy_ms is negative");
    if (o->search < FCT_SEARCH_AUTO || o->search > FCT_SEARCH_FAST)
        return fct_fail(err, FCT_ERR_ARG, "gallery options: no way to search has number %d", (int)o->search);
    return FCT_OK;
}

/* cache: owned; NULL = no cache file. */
static fct_status create(fct_store *store, fct_store *reader, fct_index_make_fn *make_index, char *cache,
                         int cache_from, int64_t server_from, fct_gallery **out, fct_error *err) {
    *out = NULL;
    fct_gallery *g = fct_calloc(1, sizeof *g);
    if (!g) {
        fct_free(cache);
        fct_store_close(reader);
        fct_store_close(store);
        return fct_fail_nomem(err, "gallery", sizeof *g);
    }
    fct_mutex_init(&g->write_lock);
    fct_mutex_init(&g->lock);
    fct_mirror_init(&g->mirror);
    g->make_index = make_index;
    g->read_only = !store;
    g->store = store;
    g->reader = reader;
    g->cache.path = cache;
    g->cache.from = cache_from;
    g->server_from = server_from;
    fct_gallery_plan_cache(g);
    fct_status s = fct_gallery_sync(g, err);
    if (s) {
        fct_gallery_free(g);
        return s;
    }
    /* Nothing depends on it: what cannot be respelled now will be some other time. */
    if (store && g->mirror.odd_names) fct_gallery_respell(g, NULL);
    *out = g;
    return FCT_OK;
}

/* Who is noted in the audit log; what cannot be shown in it becomes '?'. */
static fct_status set_actor(fct_gallery *g, const char *actor, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    if (!actor) return FCT_OK;
    fct_text_clean(actor, clean, sizeof clean);
    g->actor = fct_strdup(clean);
    if (g->store) g->store->actor = g->actor;
    return g->actor ? FCT_OK : fct_fail_nomem(err, "gallery", 0);
}

fct_status fct_gallery_create(fct_store *store, fct_store *reader, fct_index_make_fn *make_index, fct_gallery **out,
                              fct_error *err) {
    return create(store, reader, make_index, NULL, 0, 0, out, err);
}

/* A second connection reads, so that searches need not wait for a write. */
fct_status fct_gallery_open(const char *path, const fct_gallery_opts *opts, fct_gallery **out, fct_error *err) {
    if (!out) return fct_fail(err, FCT_ERR_ARG, "gallery: no place for the result");
    *out = NULL;
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "gallery: no path");
    fct_gallery_opts o;
    fct_store *store = NULL, *reader = NULL;
    fct_status s = read_opts(opts, &o, err);
    if (!s) s = fct_store_open(path, &o, &store, err);
    if (!s) s = fct_store_unseal(&store, o.key, err);
    if (!s && !o.read_only) s = store->ops->reader(store, &reader, err);
    if (s) {
        fct_store_close(store);
        return s;
    }
    if (o.read_only) reader = store, store = NULL;
    s = create(store, reader, o.search == FCT_SEARCH_FAST ? fct_index_create_staged : fct_index_create,
               fct_gallery_cache_path(path), o.cache_from, o.server_from, out, err);
    if (s) return s;
    (*out)->search = o.search;
    s = set_actor(*out, o.actor, err);
    if (!s && o.collection) s = fct_gallery_choose_collection(*out, o.collection, !o.must_exist, err);
    if (!s) return FCT_OK;
    fct_gallery_free(*out);
    *out = NULL;
    return s;
}

void fct_gallery_free(fct_gallery *g) {
    if (!g) return;
    /* The connection that can write goes last: it leaves everything in the file. */
    fct_store_close(g->reader);
    fct_store_close(g->store);
    fct_free(g->actor);
    fct_means_clear(&g->means);
    fct_mirror_destroy(&g->mirror);
    fct_idset_clear(&g->fetched);
    fct_free(g->cache.path);
    fct_mutex_destroy(&g->lock);
    fct_mutex_destroy(&g->write_lock);
    fct_free(g);
}

/* ---- Transactions ----------------------------------------------------------------- */

void fct_gallery_join(fct_gallery *g, fct_store_fn *fn, void *ctx) {
    fct_mutex_lock(&g->write_lock);
    g->joint = fn;
    g->joint_ctx = ctx;
    fct_mutex_unlock(&g->write_lock);
}

/* A transaction with what was joined to it. */
typedef struct joint_call {
    const fct_gallery *g;
    fct_store_fn *fn;
    void *ctx;
} joint_call;

static fct_status run_joint(void *ctx, fct_store *st, fct_error *err) {
    const joint_call *c = ctx;
    /* Nothing is written in the clear into a gallery that somebody has encrypted meanwhile. */
    fct_status s = fct_store_check_seal(st, err);
    if (!s) s = c->fn(c->ctx, st, err);
    return s || !c->g->joint ? s : c->g->joint(c->g->joint_ctx, fct_store_bottom(st), err);
}

fct_status fct_gallery_write(fct_gallery *g, fct_store_fn *fn, void *ctx, fct_error *err) {
    if (g->read_only) return fct_fail(err, FCT_ERR_ARG, "%s: opened for reading only", g->reader->place);
    joint_call call = {g, fn, ctx};
    fct_mutex_lock(&g->write_lock);
    fct_status s = fct_store_run(g->store, FCT_STORE_WRITE, run_joint, &call, err);
    fct_mutex_unlock(&g->write_lock);
    return s;
}

fct_status fct_gallery_read(fct_gallery *g, fct_store_fn *fn, void *ctx, fct_error *err) {
    fct_mutex_lock(&g->lock);
    fct_status s = fct_store_run(g->reader, FCT_STORE_READ, fn, ctx, err);
    fct_mutex_unlock(&g->lock);
    return s;
}

/* Another connection like the gallery's reader. */
static fct_status open_another(fct_gallery *g, fct_store **out, fct_error *err) {
    fct_mutex_lock(&g->lock);
    fct_status s = g->reader->ops->reader(g->reader, out, err);
    fct_mutex_unlock(&g->lock);
    return s;
}

fct_status fct_gallery_read_apart(fct_gallery *g, fct_store_fn *fn, void *ctx, fct_error *err) {
    fct_store *st;
    fct_status s = open_another(g, &st, err);
    if (!s) s = fct_store_run(st, FCT_STORE_READ, fn, ctx, err);
    fct_store_close(st);
    return s;
}

fct_status fct_gallery_backup(fct_gallery *g, const char *path, fct_error *err) {
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "backup: no path");
    fct_store *st;
    fct_status s = open_another(g, &st, err);
    if (!s) s = st->ops->backup(st, path, err);
    fct_store_close(st);
    return s;
}

/* ---- Description ------------------------------------------------------------------ */

static fct_status read_info(void *ctx, fct_store *st, fct_error *err) {
    fct_gallery_info *out = ctx;
    int64_t people, faces;
    fct_store_model model;
    fct_status s = st->ops->describe(st, &people, &faces, &out->schema, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (s) return s;
    out->people = people < INT_MAX ? (int)people : INT_MAX;
    out->faces = faces < INT_MAX ? (int)faces : INT_MAX;
    out->dim = (int)model.dim;
    out->encrypted = st->seal != NULL;
    fct_text_clean(model.id, out->model_id, sizeof out->model_id);
    fct_text_clean(st->place, out->path, sizeof out->path);
    return FCT_OK;
}

fct_status fct_gallery_stat(fct_gallery *g, fct_gallery_info *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    fct_gallery_info info = {0};
    fct_status s = fct_gallery_read(g, read_info, &info, err);
    if (s) return s;
    fct_mutex_lock(&g->lock);
    info.fast = fct_gallery_by_signs(g, 1);
    info.cached = g->cache.used;
    info.by_server = g->partial;
    fct_mutex_unlock(&g->lock);
    *out = info;
    return FCT_OK;
}
