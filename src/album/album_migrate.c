/* Moving an album to another network. The new network is the album's at once;
 * faces that it has not embedded yet count as without embedding. So a migration
 * that was stopped, or killed, is seen as what it is, and goes on when it is
 * called again. */
#include "album/album_scan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/enroll.h"

enum { BATCH = 64 }; /* faces that are read and stored at once */

typedef struct album_migration {
    fct_album *a;
    const fct_pack *pack;
    fct_analyzer *analyzer;
    fct_scan_opts o;
    float *embedding; /* [dim] */
    int64_t done, after;
    fct_scan_progress progress;
} album_migration;

/* A picture that cannot be read leaves its face without an embedding: the next scan with "again" mends it. */
static fct_status embed_one(album_migration *m, const fct_crop_row *c, fct_error *err) {
    fct_status s = fct_embed_crop(m->pack, m->analyzer, c->jpeg, c->size, FCT_CROP_ALIGNED, m->embedding, err);
    if (s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_LIMIT) return FCT_OK;
    if (s) return s;
    float norm = fct_normalize(m->embedding, m->a->dim);
    m->done++;
    return fct_album_embedding_put(m->a, c->face_id, m->embedding, norm, err);
}

/* The next faces; *n 0: there are no more. */
static fct_status embed_some(album_migration *m, int *n, fct_error *err) {
    fct_crop_row rows[BATCH];
    fct_status s = fct_album_begin(m->a, err);
    if (s) return s;
    s = fct_album_to_embed(m->a, m->after, rows, BATCH, n, err);
    for (int i = 0; i < *n; i++) {
        if (!s) s = embed_one(m, &rows[i], err);
        m->after = rows[i].face_id;
        fct_free(rows[i].jpeg);
    }
    return fct_album_end(m->a, s, err);
}

/* Embeds all faces that have no embedding by the new network, some in each transaction. */
static fct_status embed_all(album_migration *m, fct_error *err) {
    fct_album_info info;
    int n = 1;
    fct_status s = fct_album_stat(m->a, &info, err);
    m->progress = (fct_scan_progress){.phase = FCT_SCAN_EMBED, .total = info.to_embed};
    while (!s && n) {
        s = embed_some(m, &n, err);
        m->progress.done = m->done;
        if (!s && n && m->o.progress && !m->o.progress(m->o.user, &m->progress))
            s = fct_fail(err, FCT_ERR_CANCELLED, "the migration was stopped");
    }
    return s;
}

/* Makes the pack's network the album's, from when on all faces count as not embedded, and embeds them. */
static fct_status migrate(album_migration *m, fct_error *err) {
    fct_analyzer_opts o;
    int dim = fct_pack_embedding_dim(m->pack);
    fct_analyzer_opts_init(&o);
    o.tasks = FCT_TASK_EMBED;
    if (!dim) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no embedder in this pack", fct_pack_name(m->pack));
    m->embedding = fct_alloc((size_t)dim * sizeof *m->embedding);
    if (!m->embedding) return fct_fail_nomem(err, "embedding", 0);
    fct_status s = fct_analyzer_create(m->pack, &o, &m->analyzer, err);
    if (!s) s = fct_album_begin(m->a, err);
    if (s) return s;
    s = fct_album_model_put(m->a, fct_pack_embedder_id(m->pack), dim, err);
    if (!s) s = fct_album_setting_put(m->a, "pack", fct_pack_name(m->pack), err);
    s = fct_album_end(m->a, s, err);
    return s ? s : embed_all(m, err);
}

fct_status fct_album_migrate(fct_album *a, const fct_pack *p, const fct_scan_opts *opts, int64_t *n, fct_error *err) {
    album_migration m = {.a = a, .pack = p};
    char *lock;
    intptr_t handle;
    if (n) *n = 0;
    if (!a || !p) return fct_fail(err, FCT_ERR_ARG, "migration: something is missing");
    fct_status s = fct_scan_read_opts(opts, &m.o, err);
    if (!s) s = fct_scan_lock(a, &lock, &handle, err);
    if (s) return s;
    s = migrate(&m, err);
    fct_analyzer_free(m.analyzer);
    fct_free(m.embedding);
    fct_scan_unlock(lock, handle);
    if (n) *n = m.done;
    return s;
}
