/* The cache file of a large gallery's index, beside the database: NAME.index. It is
 * made by who opens the gallery for writing and has to read all faces anyway, and it
 * spares others that; docs/decisions/0055 says why it is as it is.
 *
 * A file is right for a database that has the same mark (a setting, FCT_SETTING_INDEX)
 * and whose change feed goes on from the entry that the file ends with. The mark is
 * random, and a new one is written just before a file is made. So a copy of the
 * database that was put back later, and went on in another way, has an older mark
 * than a file that it would contradict. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file_sys.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define BEHIND_MOST 2048 /* entries of the feed; a file that is further behind is made anew */

char *fct_gallery_cache_path(const char *place) {
    return fct_gallery_is_address(place) ? NULL : fct_asprintf("%s.index", place);
}

/* What a file of this database and model has to say. False where the text of one does not fit. */
static bool make_key(const char *mark, const char *model_id, fct_index_key *out) {
    size_t n = strlen(mark), m = strlen(model_id);
    memset(out, 0, sizeof *out);
    if (!n || !m || n >= sizeof out->database || m >= sizeof out->model) return false;
    memcpy(out->database, mark, n);
    memcpy(out->model, model_id, m);
    return true;
}

/* What the store says about keeping a file. */
typedef struct cache_facts {
    fct_gallery_cache *c;
    int64_t faces;
    bool sealed;
} cache_facts;

/* Whether the file fits the key and the feed goes on from its end. */
static fct_status check_file(fct_store *st, fct_gallery_cache *c, fct_error *err) {
    fct_store_changes changes;
    c->plan = FCT_CACHE_NONE;
    if (fct_index_cache_check(c->path, &c->key, &c->seq, NULL)) return FCT_OK;
    fct_status s = st->ops->changes(st, c->seq, &changes, err);
    if (s) return s;
    if (changes.complete && changes.n <= BEHIND_MOST) c->plan = FCT_CACHE_READ;
    fct_free(changes.items);
    return FCT_OK;
}

static fct_status look(void *ctx, fct_store *st, fct_error *err) {
    cache_facts *f = ctx;
    fct_store_model model;
    int64_t people;
    int schema;
    char *mark = NULL, *seal = NULL;
    fct_status s = fct_model_read(st, &model, err);
    if (!s) s = st->ops->describe(st, &people, &f->faces, &schema, err);
    if (!s) s = fct_setting_read(st, 0, FCT_SETTING_SEAL, &seal, err);
    if (!s) s = fct_setting_read(st, 0, FCT_SETTING_INDEX, &mark, err);
    f->sealed = seal != NULL;
    if (!s && !seal && model.dim && make_key(mark ? mark : "", model.id, &f->c->key)) s = check_file(st, f->c, err);
    fct_free(mark);
    fct_free(seal);
    return s;
}

/* Gives the database a new mark. */
static fct_status write_mark(void *ctx, fct_store *st, fct_error *err) {
    fct_gallery_cache *c = ctx;
    fct_store_changes changes;
    fct_store_model model;
    uint8_t random[16];
    char mark[2 * sizeof random + 1];
    fct_store_setting x = {.key = FCT_SETTING_INDEX, .value = mark};
    if (fct_sys_random(random, sizeof random)) return fct_fail(err, FCT_ERR_IO, "no random numbers");
    for (size_t i = 0; i < sizeof random; i++) snprintf(mark + 2 * i, 3, "%02x", random[i]);
    fct_status s = st->ops->settings_put(st, &x, 1, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (!s) s = st->ops->changes(st, INT64_MAX, &changes, err);
    if (s) return s;
    c->seq = changes.newest;
    c->plan = make_key(mark, model.id, &c->key) ? FCT_CACHE_WRITE : FCT_CACHE_NONE;
    fct_free(changes.items);
    return FCT_OK;
}

void fct_gallery_plan_cache(fct_gallery *g) {
    fct_gallery_cache c = g->cache;
    cache_facts f = {.c = &c};
    if (!c.path) return;
    fct_mutex_lock(&g->lock);
    bool good = !fct_store_run(g->reader, FCT_STORE_READ, look, &f, NULL);
    fct_mutex_unlock(&g->lock);
    if (!good || f.sealed || c.from <= 0 || f.faces < c.from) c.plan = FCT_CACHE_NONE;
    /* Nobody should keep what is sealed, or not wanted, in a file in the open. */
    if (good && g->store && (f.sealed || c.from <= 0)) (void)fct_index_cache_remove(c.path, NULL);
    else if (good && g->store && f.faces >= c.from && c.plan == FCT_CACHE_NONE &&
             fct_gallery_write(g, write_mark, &c, NULL))
        c.plan = FCT_CACHE_NONE;
    fct_mutex_lock(&g->lock);
    g->cache.plan = c.plan;
    g->cache.key = c.key;
    g->cache.seq = c.seq;
    fct_mutex_unlock(&g->lock);
}

fct_status fct_gallery_cache_open(fct_gallery *g, int dim, fct_index **out, int64_t *seq, fct_error *err) {
    *out = NULL;
    fct_status s = fct_index_cache_open(g->cache.path, &g->cache.key, out, seq, err);
    if (s || fct_index_dim(*out) == dim) return s;
    fct_index_free(*out);
    *out = NULL;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: of embeddings of another length", g->cache.path);
}

bool fct_gallery_lose_cache(fct_gallery *g) {
    fct_mutex_lock(&g->lock);
    bool had = g->cache.used;
    g->cache.used = false;
    if (had) g->whole = g->current = false;
    fct_mutex_unlock(&g->lock);
    return had;
}

fct_status fct_gallery_remove_cache(fct_gallery *g, fct_error *err) {
    char *path = fct_gallery_cache_path(g->reader->place);
    if (!path) return fct_gallery_is_address(g->reader->place) ? FCT_OK : fct_fail_nomem(err, "path", 0);
    fct_status s = fct_index_cache_remove(path, err);
    fct_free(path);
    return s;
}
