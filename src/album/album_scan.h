/* The threads of a scan: they read files, one each at a time, while the thread
 * that called hands out work and stores what comes of it. */
#ifndef FCT_ALBUM_SCAN_H
#define FCT_ALBUM_SCAN_H

#include "album/album_read.h"

typedef struct fct_crew fct_crew;

/* find is called by all threads. */
typedef struct fct_crew_opts {
    const fct_pack *pack;
    const fct_analyzer_opts *finder;
    const fct_scan_list *list;
    int threads;
    int64_t max_pixels;
    int64_t (*find)(void *ctx, const uint8_t hash[32]);
    void *ctx;
} fct_crew_opts;
/* Starts threads on the jobs of a list. *out is owned. */
fct_status fct_crew_start(const fct_crew_opts *o, fct_crew **out, fct_error *err);

/* The next file that was read, in any order, into *out, which the caller frees;
 * false: none within ms, or none is left (*done). */
bool fct_crew_next(fct_crew *c, int ms, fct_read_item *out, bool *done);

/* Stops after the files that are being read, and drops those that nobody took. */
void fct_crew_free(fct_crew *c);

/* A lock on the album for scans, beside its file. FCT_ERR_BUSY: somebody has it. */
fct_status fct_scan_lock(const fct_album *a, char **path, intptr_t *handle, fct_error *err);
void fct_scan_unlock(char *path, intptr_t handle);

/* Folders to look through: a root, and where below it to begin. */
typedef struct fct_scan_target {
    int64_t root_id;
    char *root, *path; /* owned */
} fct_scan_target;
typedef struct fct_scan_targets {
    fct_scan_target *at; /* owned */
    size_t n;
} fct_scan_targets;
/* Which folders are meant: those named, new ones becoming roots of the album, or with n = 0 all its roots. None lies
 * below another. Free with fct_scan_targets_free(), also after a failure. */
fct_status fct_scan_targets_find(fct_album *a, const char *const *folders, int n, fct_scan_targets *out,
                                 fct_error *err);
void fct_scan_targets_free(fct_scan_targets *t);

/* How often to tell of progress. */
#define FCT_SCAN_TELL_NS 100000000u

/* Options that the caller left out are filled in. */
fct_status fct_scan_read_opts(const fct_scan_opts *opts, fct_scan_opts *o, fct_error *err);

#endif
