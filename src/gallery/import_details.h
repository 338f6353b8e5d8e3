/* Details of people on their way from an export into a gallery: they wait until the
 * people are there. */
#ifndef FCT_GALLERY_IMPORT_DETAILS_H
#define FCT_GALLERY_IMPORT_DETAILS_H

#include "gallery/gallery_store.h"
#include "gallery/jsonl.h"

/* Details of one person. */
typedef struct fct_waiting_details {
    char *name; /* owned, as are the details */
    int64_t collection_id, expires;
    char *details; /* NULL = none */
    size_t size;
} fct_waiting_details;

typedef struct fct_import_details {
    fct_waiting_details *items;
    size_t n, cap;
} fct_import_details;

/* Keeps what a person's line says, if it says anything. *why: what is wrong with the
 * line (FCT_ERR_FORMAT). */
fct_status fct_import_details_take(fct_import_details *d, const char *name, int64_t collection_id,
                                   const fct_json_line *line, const char **why);
/* Gives people what was kept, once they are in the store. What somebody has already stays. */
fct_status fct_import_details_store(fct_import_details *d, fct_store *st, fct_error *err);
void fct_import_details_clear(fct_import_details *d);

#endif
