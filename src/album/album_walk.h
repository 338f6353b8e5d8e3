/* The first part of a scan: which files are new, changed or gone. */
#ifndef FCT_ALBUM_WALK_H
#define FCT_ALBUM_WALK_H

#include "album/album_scan_store.h"
#include "base/numbers.h"

/* UNKNOWN: a photo of a format that facet does not read. */
typedef enum fct_media { FCT_MEDIA_NONE, FCT_MEDIA_PHOTO, FCT_MEDIA_VIDEO, FCT_MEDIA_UNKNOWN } fct_media;
/* What a file's name says that it is. */
fct_media fct_media_of(const char *name);

/* A folder with files to read. */
typedef struct fct_scan_folder {
    int64_t root_id;
    int64_t id; /* 0 = not in the album yet */
    char *full; /* absolute path, owned */
    char *path; /* below the root, owned */
    bool mount;
} fct_scan_folder;

/* A file to read. */
typedef struct fct_scan_job {
    size_t folder; /* index */
    char *name;    /* owned */
    int64_t size, mtime_ns;
    int64_t photo_id; /* what it showed when last seen; 0 = not known */
    bool known;       /* the album has the file */
} fct_scan_job;

typedef struct fct_scan_list {
    fct_scan_folder *folders;
    size_t n_folders, cap_folders;
    fct_scan_job *jobs;
    size_t n_jobs, cap_jobs;
    fct_numbers gone;         /* files that are no longer there */
    fct_numbers gone_folders; /* and folders, with all their files */
    int64_t bytes;            /* of all jobs */
} fct_scan_list;

typedef struct fct_scan_walk {
    fct_album *album;
    const fct_scan_opts *opts;
    fct_scan_result *result; /* looked, unchanged, missing, unknown are counted */
    fct_scan_list *list;
    /* Asked now and then; false: stop. */
    bool (*go_on)(void *ctx);
    void *ctx;
} fct_scan_walk;

/* Looks through a folder of the album and all below it: root is its root's path,
 * path where it lies below that one. Free the list with fct_scan_list_free(), also
 * after a failure. FCT_ERR_CANCELLED: go_on said so. */
fct_status fct_scan_look(const fct_scan_walk *w, int64_t root_id, const char *root, const char *path, fct_error *err);
void fct_scan_list_free(fct_scan_list *l);

#endif
