/* One line of a gallery export: a flat JSON object (RFC 8259) of strings,
 * numbers and arrays of numbers. */
#ifndef FCT_GALLERY_JSONL_H
#define FCT_GALLERY_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a line says; strings are borrowed from the line. NULL, 0 = not given. */
typedef struct fct_json_line {
    int64_t facet_gallery, dim, created, crop_cut;
    char *model, *name, *source;
    char *embedding, *crop; /* base 64 */
    float box[4], score, quality;
} fct_json_line;

/* Parses line [len], which has a NUL at its end and is changed. Unknown members
 * are skipped. False with *why (static) when it is not such an object, a member
 * is of the wrong type, comes twice or holds a NUL. */
bool fct_json_line_parse(char *line, size_t len, fct_json_line *out, const char **why);

#endif
