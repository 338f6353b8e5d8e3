/* Details of people as they are stored: a JSON object. */
#ifndef FCT_GALLERY_DETAILS_H
#define FCT_GALLERY_DETAILS_H

#include "text/json_reader.h"
#include "text/json_writer.h"

/* Reads details text [size], which has a NUL behind it and is changed. *metadata and
 * *consent are borrowed from doc and text; NULL = there are none. FCT_ERR_FORMAT where
 * they are not what gallery_details.c writes. */
fct_status fct_details_parse(fct_json_doc *doc, char *text, size_t size, const fct_json **metadata,
                             const fct_json **consent);

/* Writes a value that was read; false where it is too deep. */
bool fct_details_write(fct_json_writer *w, const char *key, const fct_json *v);

#endif
