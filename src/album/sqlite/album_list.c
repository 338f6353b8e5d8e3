/* Listing folders, files, photos and people. */
#include "album/sqlite/album_rows.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

fct_status fct_album_damaged(const fct_album *a, const char *what, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged: %s; %s", a->file.path, what, fct_album_kind.remedy);
}

fct_status fct_album_each(fct_album *a, fct_status s, sqlite3_stmt *q, fct_album_row_fn *fn, void *ctx, int64_t *n,
                          fct_error *err) {
    if (n) *n = 0;
    for (bool row = true; !s;) {
        s = fct_db_step(fct_album_db(a), q, &row, err);
        if (s || !row) break;
        if (n) ++*n;
        s = fn(a, q, ctx, err);
    }
    sqlite3_finalize(q);
    return s;
}

char *fct_album_path(const char *root, const char *folder, const char *name) {
    char *dir = *folder ? fct_path_join(root, folder) : fct_strdup(root);
    char *path = dir ? fct_path_join(dir, name) : NULL;
    fct_free(dir);
    return path;
}

/* ---- Folders --------------------------------------------------------------------------------- */

typedef struct root_visit {
    fct_album_root_fn *fn;
    void *user;
} root_visit;

static fct_status visit_root(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const root_visit *v = ctx;
    fct_album_root r = {.id = sqlite3_column_int64(q, 0), .files = sqlite3_column_int64(q, 2)};
    fct_status s = fct_db_text(fct_album_db(a), q, 1, &r.path, err);
    if (!s && !r.path) s = fct_album_damaged(a, "a folder without a path", err);
    return s ? s : v->fn(v->user, &r, err);
}

fct_status fct_album_roots(fct_album *a, fct_album_root_fn *fn, void *user, fct_error *err) {
    sqlite3_stmt *q;
    root_visit v = {fn, user};
    fct_status s = fct_db_query(fct_album_db(a), &q, err,
                                "SELECT r.id, r.path, (SELECT count(*) FROM file f JOIN folder d ON d.id = f.folder_id "
                                "WHERE d.root_id = r.id) FROM root r ORDER BY r.path",
                                "");
    return fct_album_each(a, s, q, visit_root, &v, NULL, err);
}

/* ---- Files ------------------------------------------------------------------------------------ */

void fct_album_file_query_init(fct_album_file_query *q) { *q = (fct_album_file_query){.size = sizeof *q}; }

fct_status fct_album_read_file(fct_album *a, sqlite3_stmt *q, fct_album_file *out, char **path, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    const char *root, *folder, *name;
    *path = NULL;
    *out = (fct_album_file){.id = sqlite3_column_int64(q, 0),
                            .photo_id = sqlite3_column_int64(q, 1),
                            .size = sqlite3_column_int64(q, 5),
                            .mtime_ns = sqlite3_column_int64(q, 6)};
    fct_status s = fct_db_text(db, q, 2, &root, err);
    if (!s) s = fct_db_text(db, q, 3, &folder, err);
    if (!s) s = fct_db_text(db, q, 4, &name, err);
    if (!s) s = fct_db_text(db, q, 7, &out->error, err);
    if (s) return s;
    if (!root || !folder || !name) return fct_album_damaged(a, "a file without a path", err);
    out->path = *path = fct_album_path(root, folder, name);
    return *path ? FCT_OK : fct_fail_nomem(err, "path", 0);
}

typedef struct file_visit {
    fct_album_file_fn *fn;
    void *user;
} file_visit;

static fct_status visit_file(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const file_visit *v = ctx;
    fct_album_file f;
    char *path;
    fct_status s = fct_album_read_file(a, q, &f, &path, err);
    if (!s) s = v->fn(v->user, &f, err);
    fct_free(path);
    return s;
}

fct_status fct_album_files(fct_album *a, const fct_album_file_query *query, fct_album_file_fn *fn, void *user,
                           fct_error *err) {
    sqlite3_stmt *q;
    file_visit v = {fn, user};
    int64_t photo = query ? query->photo_id : 0, bad = query ? query->unreadable : 0;
#define FILE_SELECT                                                                                                    \
    "SELECT " FCT_ALBUM_FILE_COLUMNS " FROM " FCT_ALBUM_FILE_TABLES                                                    \
    " WHERE (NOT ?2 OR coalesce(f.error, p.error) NOT NULL) AND "
#define FILE_ORDER " ORDER BY r.path, d.path, f.name"
    const char *sql = photo ? FILE_SELECT "f.photo_id = ?1" FILE_ORDER : FILE_SELECT "?1 = 0" FILE_ORDER;
    fct_status s = fct_db_query(fct_album_db(a), &q, err, sql, "ii", photo, bad);
    return fct_album_each(a, s, q, visit_file, &v, NULL, err);
}

/* ---- Photos ------------------------------------------------------------------------------------ */

typedef struct photo_visit {
    fct_album_photo_fn *fn;
    void *user;
} photo_visit;

/* Text columns of a photo; *path is owned. */
static fct_status read_texts(fct_album *a, sqlite3_stmt *q, fct_album_photo *p, char **path, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    const char *root, *folder, *name;
    fct_status s = fct_db_text(db, q, 12, &p->error, err);
    if (!s) s = fct_db_text(db, q, 13, &root, err);
    if (!s) s = fct_db_text(db, q, 14, &folder, err);
    if (!s) s = fct_db_text(db, q, 15, &name, err);
    if (s || !root || !folder || !name) return s;
    p->path = *path = fct_album_path(root, folder, name);
    return *path ? FCT_OK : fct_fail_nomem(err, "path", 0);
}

static int limited(int64_t v, int64_t low, int64_t high) { return (int)(v < low ? low : v > high ? high : v); }

/* Numbers that a damaged file may hold are limited to what they can be. */
static fct_status visit_photo(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const photo_visit *v = ctx;
    const void *hash;
    size_t size;
    char *path = NULL;
    fct_album_photo p = {.id = sqlite3_column_int64(q, 0),
                         .is_video = sqlite3_column_int64(q, 2) != 0,
                         .width = limited(sqlite3_column_int64(q, 3), 0, INT32_MAX),
                         .height = limited(sqlite3_column_int64(q, 4), 0, INT32_MAX),
                         .orientation = limited(sqlite3_column_int64(q, 5), 1, 8),
                         .taken = sqlite3_column_int64(q, 6),
                         .taken_known = sqlite3_column_int64(q, 7) != 0,
                         .phash = (uint64_t)sqlite3_column_int64(q, 8),
                         .has_phash = sqlite3_column_int64(q, 9) != 0,
                         .faces = limited(sqlite3_column_int64(q, 10), 0, INT32_MAX),
                         .places = limited(sqlite3_column_int64(q, 11), 0, INT32_MAX)};
    fct_status s = fct_db_blob(fct_album_db(a), q, 1, &hash, &size, err);
    if (!s && size != sizeof p.hash) s = fct_album_damaged(a, "a photo's hash has another length", err);
    if (!s) memcpy(p.hash, hash, sizeof p.hash);
    if (!s) s = read_texts(a, q, &p, &path, err);
    if (!s) s = v->fn(v->user, &p, err);
    fct_free(path);
    return s;
}

/* Of a photo's copies the first by path stands for it: numbers of files depend on which thread was done first. */
fct_status fct_album_photos(fct_album *a, int64_t id, fct_album_photo_fn *fn, void *user, fct_error *err) {
    sqlite3_stmt *q;
    photo_visit v = {fn, user};
    int64_t n;
#define PHOTO_SELECT                                                                                                   \
    "SELECT p.id, p.hash, p.video, p.width, p.height, p.orientation, coalesce(p.taken, p.changed), "                   \
    "p.taken NOT NULL, p.phash, p.phash NOT NULL, (SELECT count(*) FROM face WHERE photo_id = p.id), "                 \
    "(SELECT count(*) FROM file WHERE photo_id = p.id), p.error, r.path, d.path, f.name FROM photo p "                 \
    "LEFT JOIN file f ON f.id = (SELECT c.id FROM file c JOIN folder cd ON cd.id = c.folder_id "                       \
    "JOIN root cr ON cr.id = cd.root_id WHERE c.photo_id = p.id ORDER BY cr.path, cd.path, c.name LIMIT 1) "           \
    "LEFT JOIN folder d ON d.id = f.folder_id LEFT JOIN root r ON r.id = d.root_id "
    const char *sql =
        id ? PHOTO_SELECT "WHERE p.id = ?1" : PHOTO_SELECT "WHERE ?1 = 0 ORDER BY coalesce(p.taken, p.changed), p.id";
    fct_status s = fct_db_query(fct_album_db(a), &q, err, sql, "i", id);
    s = fct_album_each(a, s, q, visit_photo, &v, &n, err);
    if (!s && id && !n) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no photo %lld", a->file.path, (long long)id);
    return s;
}

/* ---- People -------------------------------------------------------------------------------------- */

typedef struct person_visit {
    fct_album_person_fn *fn;
    void *user;
} person_visit;

static fct_status visit_person(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const person_visit *v = ctx;
    fct_album_person p = {.id = sqlite3_column_int64(q, 0),
                          .ignored = sqlite3_column_int64(q, 2) != 0,
                          .faces = sqlite3_column_int64(q, 3),
                          .photos = sqlite3_column_int64(q, 4),
                          .first = sqlite3_column_int64(q, 5),
                          .last = sqlite3_column_int64(q, 6)};
    fct_status s = fct_db_text(fct_album_db(a), q, 1, &p.name, err);
    return s ? s : v->fn(v->user, &p, err);
}

fct_status fct_album_people(fct_album *a, int64_t id, fct_album_person_fn *fn, void *user, fct_error *err) {
    sqlite3_stmt *q;
    person_visit v = {fn, user};
    int64_t n;
#define PERSON_SELECT(one)                                                                                             \
    "WITH shown AS (SELECT m.person_id, f.photo_id, f.id AS face_id FROM member m JOIN face f ON f.id = m.face_id "    \
    "WHERE 1 " one "UNION ALL " FCT_ALBUM_PLACES one ") "                                                              \
    "SELECT w.id, w.name, w.ignored, count(s.face_id), count(DISTINCT s.photo_id) AS photos, "                         \
    "min(coalesce(p.taken, p.changed)), max(coalesce(p.taken, p.changed)) FROM person w "                              \
    "LEFT JOIN shown s ON s.person_id = w.id LEFT JOIN photo p ON p.id = s.photo_id "
    const char *sql =
        id ? PERSON_SELECT("AND person_id = ?1 ") "WHERE w.id = ?1 GROUP BY w.id"
           : PERSON_SELECT("") "WHERE ?1 = 0 GROUP BY w.id ORDER BY w.name IS NULL, w.name, photos DESC, w.id";
    fct_status s = fct_db_query(fct_album_db(a), &q, err, sql, "i", id);
    s = fct_album_each(a, s, q, visit_person, &v, &n, err);
    if (!s && id && !n)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no person %lld", a->file.path, (long long)id);
    return s;
}
