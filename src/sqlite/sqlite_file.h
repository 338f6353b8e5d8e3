/* Opening and closing a database file of ours: private to its owner, durable at
 * every commit, readable where nothing can be written. */
#ifndef FCT_SQLITE_FILE_H
#define FCT_SQLITE_FILE_H

#include "sqlite/sqlite_tables.h"

typedef struct fct_db_file {
    fct_db db;
    char *path;  /* owned */
    int busy_ms; /* how long to wait for other connections */
    bool read_only;
    bool may_be_still; /* read_only, and not beside a connection of this process that writes */
    bool has_log;      /* commits go to a write-ahead log */
} fct_db_file;

/* Opens or creates (unless read_only or must_exist) the file at path and its
 * folders, and compares its tables with its kind's. FCT_ERR_NOT_FOUND: "no such
 * NOUN". Close with fct_db_file_close(), also after a failure. */
fct_status fct_db_file_open(fct_db_file *f, const fct_db_kind *kind, const char *path, int busy_ms, bool read_only,
                            bool must_exist, fct_error *err);

/* Another connection to the same file that only reads. */
fct_status fct_db_file_reader(const fct_db_file *from, fct_db_file *f, fct_error *err);

/* For many commits of what could be made again: from `on` until off, a commit is safe from the end of the process but
 * not from a power failure, which may undo the last ones; the file stays whole. Turning it off waits until all are on
 * the disk. Without a write-ahead log nothing changes. */
fct_status fct_db_file_defer(fct_db_file *f, bool on, fct_error *err);

/* A reader that leaves a log behind tries to move it into the file. */
void fct_db_file_close(fct_db_file *f);

#endif
