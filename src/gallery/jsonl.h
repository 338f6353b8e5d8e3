/* One line of a gallery export: a JSON object of strings, numbers and arrays of
 * numbers. */
#ifndef FCT_GALLERY_JSONL_H
#define FCT_GALLERY_JSONL_H

#include "text/json_reader.h"

/* What a line says; strings are borrowed from the line. NULL, 0 = not given. */
typedef struct fct_json_line {
    int64_t facet_gallery, dim, created, crop_cut, expires;
    char *model, *name, *source, *collection;
    const fct_json *metadata, *consent; /* borrowed from the document */
    char *embedding, *crop;             /* base 64 */
    float box[4], score, quality;
} fct_json_line;

/* Parses line [len], which has a NUL at its end and is changed. doc is the
 * reader's memory, for one line after the other. Members of other names are
 * skipped. FCT_ERR_FORMAT or FCT_ERR_LIMIT with *why (static) when the line is not
 * such an object or a member is of the wrong type; FCT_ERR_NOMEM. */
fct_status fct_json_line_parse(fct_json_doc *doc, char *line, size_t len, fct_json_line *out, const char **why);

#endif
