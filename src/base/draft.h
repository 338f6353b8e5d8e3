/* The one way in which facet writes a file that matters: into a draft beside it,
 * which takes the file's place when it is complete. Whoever looks finds the old
 * file or the new one, never a part; a failure, a full disk or a signal leaves
 * the old one.
 *
 * The draft's name cannot be guessed, and it is created anew and never by way of
 * a link, so that nobody who may write into the same folder (/tmp) can have laid
 * something in its place. A link under the file's own name is replaced and not
 * followed. */
#ifndef FCT_BASE_DRAFT_H
#define FCT_BASE_DRAFT_H

#include "facet/base.h"
#include <stdio.h>

typedef struct fct_draft fct_draft;

typedef enum fct_draft_kind {
    FCT_DRAFT_PLAIN,   /* whatever the umask leaves others */
    FCT_DRAFT_PRIVATE, /* for this user alone (0600): embeddings, faces, names */
    FCT_DRAFT_CACHE    /* private, and not flushed to the disk: what can be made again and is checked when read */
} fct_draft_kind;

/* Begins a file. Where path is a device or a pipe (/dev/stdout, /dev/null), the
 * draft is that itself. Errors: FCT_ERR_IO, FCT_ERR_NOT_FOUND (the folder),
 * FCT_ERR_NOMEM. *out is owned: fct_draft_commit() or fct_draft_discard(). */
fct_status fct_draft_open(const char *path, fct_draft_kind kind, fct_draft **out, fct_error *err);

FILE *fct_draft_file(fct_draft *d);       /* to write to and to seek in; borrowed, not to be closed */
const char *fct_draft_name(fct_draft *d); /* the draft's own path, for a library that opens files itself; borrowed */

/* Flushes the draft to the disk, puts it in the file's place and flushes the
 * folder. Also fails when an earlier write to the file did. Frees d in every case;
 * after a failure the draft is gone and the old file is as it was. */
fct_status fct_draft_commit(fct_draft *d, fct_error *err);

/* The same where nothing may be there yet: FCT_ERR_EXISTS when something has got
 * that name since, which then stays. */
fct_status fct_draft_commit_new(fct_draft *d, fct_error *err);

/* Removes the draft and frees d, which may be NULL. */
void fct_draft_discard(fct_draft *d);

/* Removes the drafts of all threads at once and makes their commits fail: for a
 * program's signal handler just before it ends the process. Calls only what a
 * signal handler may call. */
void fct_draft_abandon_all(void);

#endif
