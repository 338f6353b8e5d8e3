/* Writing a JSON value that was read. */
#ifndef FCT_TEXT_JSON_COPY_H
#define FCT_TEXT_JSON_COPY_H

#include "text/json_reader.h"
#include "text/json_writer.h"

/* Writes v, whose objects and arrays may lie `deepest` inside each other; false where
 * they are deeper, and then what was written is not complete. */
bool fct_json_copy(fct_json_writer *w, const char *key, const fct_json *v, int deepest);

#endif
