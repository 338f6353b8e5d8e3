/* Copies of a file while it is in use, by SQLite's online backup. */
#include "base/alloc.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "sqlite/sqlite_tables.h"
#include <string.h>

/* Refuses a file of that name. What a reader left behind beside a file that is
 * gone (an empty log, its shared memory) is removed: SQLite would take it for the
 * copy's. A log with entries is somebody's data, and stays. */
static fct_status clear_target(const fct_db_kind *kind, const char *path, fct_error *err) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    fct_status s = FCT_OK;
    for (int i = 0; i < 4 && !s; i++) {
        fct_file_stat st;
        char *name = fct_asprintf("%s%s", path, ends[i]);
        if (!name) return fct_fail_nomem(err, "path", 0);
        fct_file_get_stat(name, &st);
        bool leftover = st.is_file && (i == 2 || (i == 1 && st.size == 0));
        if (leftover) s = fct_file_remove(name, err);
        else if (st.exists && i == 1)
            s = fct_fail(err, FCT_ERR_EXISTS, "%s: holds changes of %s that is gone; move it away first", name,
                         kind->article);
        else if (st.exists) s = fct_fail(err, FCT_ERR_EXISTS, "%s: exists already", name);
        fct_free(name);
    }
    return s;
}

/* Copies all pages at once: readers and writers of other processes go on. */
static fct_status copy_pages(const fct_db *from, const fct_db *to, fct_error *err) {
    sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");
    if (!b) return fct_db_fail(to, sqlite3_extended_errcode(to->h), "backup", err);
    int step = sqlite3_backup_step(b, -1), end = sqlite3_backup_finish(b);
    if (step == SQLITE_DONE && end == SQLITE_OK) return FCT_OK;
    return fct_db_fail(to, step == SQLITE_DONE ? end : step, "backup", err);
}

/* Into a draft's file, which is empty. Its journal is no file: what is not
 * complete goes with the draft. */
static fct_status write_copy(const fct_db *from, const char *draft, fct_error *err) {
    fct_db to;
    fct_status s = fct_db_open(&to, from->kind, draft, draft, SQLITE_OPEN_READWRITE, 0, err);
    if (!s) s = fct_db_run(&to, err, "PRAGMA journal_mode=MEMORY", "");
    if (!s) s = copy_pages(from, &to, err);
    fct_db_close(&to);
    return s;
}

fct_status fct_db_backup(const fct_db *db, const char *path, fct_error *err) {
    fct_draft *d;
    fct_status s = clear_target(db->kind, path, err);
    if (!s) s = fct_draft_open(path, FCT_DRAFT_PRIVATE, &d, err);
    if (s) return s;
    s = write_copy(db, fct_draft_name(d), err);
    if (!s) return fct_draft_commit_new(d, err);
    fct_draft_discard(d);
    return s;
}
