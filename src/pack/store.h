/* Parts of the pack store. */
#ifndef FCT_PACK_STORE_H
#define FCT_PACK_STORE_H

#include "facet/store.h"

/* ---- What is known of published packs (known.c) ------------------------------- */

typedef struct fct_known_file {
    const char *name, *sha256;
} fct_known_file;

typedef struct fct_known_pack {
    const char *name, *url, *license;
    const char *sha256; /* of the archive, NULL = not known */
    fct_known_file files[4];
} fct_known_pack;

const fct_known_pack *fct_known_at(int i);                                  /* NULL past the end; static */
const fct_known_pack *fct_known_find(const char *name);                     /* NULL = unknown; static */
const char *fct_known_file_hash(const fct_known_pack *k, const char *file); /* NULL = unknown; k may be NULL */

/* ---- Lists of hashes (sums.c) ---------------------------------------------------- */

/* As sha256sum writes them: 64 digits, two spaces, the name; a line each. */
#define FCT_SUMS_NAME "SHA256SUMS"

typedef struct fct_sums {
    struct fct_sum {
        char sha256[65];
        char name[256];
    } * items;
    int n;
} fct_sums;

/* A missing file is an empty list. Release with fct_sums_clear(). */
fct_status fct_sums_read(const char *path, fct_sums *out, fct_error *err);
fct_status fct_sums_write(const char *path, const fct_sums *s, fct_error *err);
fct_status fct_sums_set(fct_sums *s, const char *name, const char *sha256, fct_error *err);
const char *fct_sums_get(const fct_sums *s, const char *name); /* NULL = not there; borrowed */
void fct_sums_clear(fct_sums *s);

/* ---- Files on their way -------------------------------------------------------------- */

/* A file being written and hashed. */
typedef struct fct_sink fct_sink;
fct_status fct_sink_create(const char *path, fct_sink **out, fct_error *err);
fct_status fct_sink_write(fct_sink *k, const void *data, size_t n, fct_error *err);
/* Flushes to disk and closes; sha256 may be NULL. k is gone in any case. */
fct_status fct_sink_close(fct_sink *k, char sha256[65], fct_error *err);
void fct_sink_abort(fct_sink *k);

/* Calls fn with one piece of a file after the other; total is the file's size. */
typedef fct_status fct_piece_fn(void *ctx, const uint8_t *data, size_t n, uint64_t total, fct_error *err);
fct_status fct_store_read(const char *path, fct_piece_fn *fn, void *ctx, fct_error *err);

/* Hashes a file, with progress under the name of a step. */
fct_status fct_store_hash(const char *path, const fct_store_opts *o, const char *step, uint64_t *bytes, char sha256[65],
                          fct_error *err);

/* Calls the progress function, if any; FCT_ERR_CANCELLED. */
fct_status fct_store_tell(const fct_store_opts *o, const char *step, uint64_t done, uint64_t total, fct_error *err);

/* 1 to 64 letters, digits, '.', '_', '-', not starting with '.' or '-'. */
bool fct_store_name_ok(const char *name);
/* The same for a file of a pack, up to 200 characters. */
bool fct_store_file_ok(const char *name);

/* ---- One installation at a time (store_lock.c) ------------------------------------ */

/* {0} holds nothing. */
typedef struct fct_store_lock {
    char *path;
    intptr_t handle;
} fct_store_lock;

/* Takes the lock root/.facet-<what><name>; waits, as step "wait", while another
 * installation has it. FCT_ERR_CANCELLED, FCT_ERR_IO. */
fct_status fct_store_lock_take(fct_store_lock *l, const char *root, const char *what, const char *name,
                               const fct_store_opts *o, fct_error *err);
void fct_store_lock_release(fct_store_lock *l);

/* A pack's temporary folders in root, all under the lock. fct_store_temp() names one; fct_store_tidy() removes what a
 * killed installation has left of them and puts back a pack that it had put aside. */
char *fct_store_temp(const char *root, const char *kind, const char *name); /* kind: "new", "old"; owned */
fct_status fct_store_tidy(const char *root, const char *name, fct_error *err);

/* ---- Steps --------------------------------------------------------------------------- */

/* A URL as it may be printed: without what stands before an '@' in its host, which is
 * a name and a password, and without its query, which may be a key. Returns out. */
enum { FCT_SHOWN_URL = 300 };
const char *fct_url_shown(const char *url, char out[FCT_SHOWN_URL]);

/* Downloads url to path, resuming what is there (fetch.c). */
fct_status fct_fetch(const char *url, const char *path, const fct_store_opts *o, fct_error *err);

/* Unpacks the pack in a zip into the existing folder `into` and lists hashes of
 * its files (unzip.c). */
fct_status fct_unzip(const char *zip, const char *into, const fct_store_opts *o, fct_sums *sums, fct_error *err);

#endif
