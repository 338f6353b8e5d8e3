/* Details of people as they are stored: a JSON object. */
#ifndef FCT_GALLERY_DETAILS_H
#define FCT_GALLERY_DETAILS_H

#include "gallery/gallery_impl.h"
#include "text/json_copy.h"

/* Reads details text [size], which has a NUL behind it and is changed. *metadata and
 * *consent are borrowed from doc and text; NULL = there are none. FCT_ERR_FORMAT where
 * they are not what gallery_details.c writes. */
fct_status fct_details_parse(fct_json_doc *doc, char *text, size_t size, const fct_json **metadata,
                             const fct_json **consent);

/* Writes a value that was read; false where it is too deep. */
bool fct_details_write(fct_json_writer *w, const char *key, const fct_json *v);

/* FCT_ERR_EXISTS where somebody else of the collection has the same text in the member of the metadata; unique may be
 * NULL. Inside a write transaction. */
fct_status fct_details_check_unique(fct_store *st, int64_t person_id, int64_t collection_id, const char *unique,
                                    fct_error *err);

/* What a removed person was before (gallery_removed.c). */
typedef struct fct_removed_note {
    char name[FCT_NAME_MAX + 1];
    int64_t collection_id, expires, time; /* time: of the removal */
} fct_removed_note;
/* Notes it, or takes the note away (NULL). Inside a write transaction. */
fct_status fct_details_set_removed(fct_store *st, int64_t person_id, const fct_removed_note *note, fct_error *err);
/* What is noted; *is false where nothing is. p: with FCT_PERSON_DETAILS. */
fct_status fct_details_get_removed(const fct_store_person *p, fct_removed_note *out, bool *is, fct_error *err);

#endif
