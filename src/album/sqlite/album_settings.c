/* Settings of the album, and the network that its faces are compared by. */
#include "album/album_store.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

fct_status fct_album_setting(fct_album *a, const char *key, char **out, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row;
    const char *text = NULL;
    *out = NULL;
    fct_status s = fct_db_query(db, &q, err, "SELECT value FROM setting WHERE key = ?", "t", key);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) s = fct_db_text(db, q, 0, &text, err);
    if (!s && text && !(*out = fct_strdup(text))) s = fct_fail_nomem(err, "setting", 0);
    sqlite3_finalize(q);
    return s;
}

fct_status fct_album_setting_put(fct_album *a, const char *key, const char *value, fct_error *err) {
    return fct_db_run(fct_album_db(a), err,
                      "INSERT INTO setting(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = "
                      "excluded.value",
                      "tt", key, value);
}

fct_status fct_album_model(fct_album *a, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row = false;
    a->model_id = 0;
    a->dim = 0;
    fct_status s = fct_db_query(db, &q, err,
                                "SELECT m.id, m.dim FROM setting s JOIN model m ON m.network = s.value "
                                "WHERE s.key = 'network'",
                                "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) {
        int64_t dim = sqlite3_column_int64(q, 1);
        if (dim < 1 || dim > FCT_ALBUM_MOST_DIM)
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: damaged: embeddings of %lld numbers; %s", db->path, (long long)dim,
                         db->kind->remedy);
        else a->model_id = sqlite3_column_int64(q, 0), a->dim = (int)dim;
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_album_model_put(fct_album *a, const char *network, int dim, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    int64_t known;
    if (dim < 1 || dim > FCT_ALBUM_MOST_DIM)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: embeddings of %d numbers, an album takes up to %d", db->path, dim,
                        FCT_ALBUM_MOST_DIM);
    fct_status s =
        fct_db_run(db, err, "INSERT OR IGNORE INTO model(network, dim) VALUES(?, ?)", "ti", network, (int64_t)dim);
    if (!s) s = fct_db_int(db, &known, err, "SELECT dim FROM model WHERE network = ?", "t", network);
    if (!s && known != dim)
        s = fct_fail(err, FCT_ERR_MISMATCH, "%s: network %s has embeddings of %lld numbers here, not of %d", db->path,
                     network, (long long)known, dim);
    if (!s) s = fct_album_setting_put(a, "network", network, err);
    return s ? s : fct_album_model(a, err);
}
