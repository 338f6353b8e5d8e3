/* What all photos look like. */
#include "album/album_scan_store.h"
#include "album/sqlite/album_rows.h"
#include <string.h>

typedef struct look_visit {
    fct_photo_look_fn *fn;
    void *user;
} look_visit;

static fct_status visit_look(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const look_visit *v = ctx;
    const void *gray;
    size_t size;
    fct_photo_look p = {.id = sqlite3_column_int64(q, 0),
                        .changed = sqlite3_column_int64(q, 1),
                        .width = sqlite3_column_int(q, 2),
                        .height = sqlite3_column_int(q, 3),
                        .phash = (uint64_t)sqlite3_column_int64(q, 4),
                        .places = sqlite3_column_int64(q, 6)};
    fct_status s = fct_db_blob(fct_album_db(a), q, 5, &gray, &size, err);
    if (s) return s;
    p.has_look = size == sizeof p.gray && !sqlite3_column_int64(q, 7);
    if (p.has_look) memcpy(p.gray, gray, sizeof p.gray);
    return v->fn(v->user, &p, err);
}

fct_status fct_album_looks(fct_album *a, fct_photo_look_fn *fn, void *user, fct_error *err) {
    sqlite3_stmt *q;
    look_visit v = {fn, user};
    fct_status s = fct_db_query(fct_album_db(a), &q, err,
                                "SELECT id, changed, width, height, phash, look, "
                                "(SELECT count(*) FROM file WHERE photo_id = photo.id), video FROM photo "
                                "WHERE error IS NULL ORDER BY id",
                                "");
    return fct_album_each(a, s, q, visit_look, &v, NULL, err);
}
