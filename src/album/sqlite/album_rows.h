/* Rows of the album's tables as the public structs, and listing in general. */
#ifndef FCT_ALBUM_ROWS_H
#define FCT_ALBUM_ROWS_H

#include "album/album_store.h"

/* Reads the current row of a statement into a struct and hands it to a visitor; what it points to is borrowed. */
typedef fct_status fct_album_row_fn(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err);

/* Runs a prepared statement to its end with a call for each row, and finalizes it. s: the status of preparing it. *n
 * (may be NULL): how many rows there were. */
fct_status fct_album_each(fct_album *a, fct_status s, sqlite3_stmt *q, fct_album_row_fn *fn, void *ctx, int64_t *n,
                          fct_error *err);

/* FCT_ERR_FORMAT: a column of the file holds what it cannot. */
fct_status fct_album_damaged(const fct_album *a, const char *what, fct_error *err);

/* Who was said to be at a place of a photo, by the newest word about that place: rows of person, photo and NULL for the
 * face, which may not have been found. To be followed by "AND ...". */
#define FCT_ALBUM_PLACES                                                                                               \
    "SELECT d.person_id, p.id AS photo_id, NULL AS face_id FROM decision d JOIN anchor k ON k.id = d.a JOIN photo p "  \
    "ON p.hash = k.hash WHERE d.kind = 1 AND d.id = (SELECT max(e.id) FROM decision e WHERE e.a = d.a AND e.kind = "   \
    "1) "

/* The columns of a file, for SELECTs from "file f JOIN folder d ON ... JOIN root r ON ... LEFT JOIN photo p ON ...". */
#define FCT_ALBUM_FILE_COLUMNS                                                                                         \
    "f.id, f.photo_id, r.path, d.path, f.name, f.size, f.mtime_ns, coalesce(f.error, p.error)"
#define FCT_ALBUM_FILE_TABLES                                                                                          \
    "file f JOIN folder d ON d.id = f.folder_id JOIN root r ON r.id = d.root_id LEFT JOIN photo p ON p.id = "          \
    "f.photo_id"
enum { FCT_ALBUM_FILE_N = 8 };

/* Reads them from the statement's first columns. *path, which out->path borrows, is owned (fct_free()). */
fct_status fct_album_read_file(fct_album *a, sqlite3_stmt *q, fct_album_file *out, char **path, fct_error *err);

/* root, folder and name as one path; owned, NULL = out of memory. */
char *fct_album_path(const char *root, const char *folder, const char *name);

#endif
