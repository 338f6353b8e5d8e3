/* A JSON reader (RFC 8259) for files that strangers wrote: manifests, exports,
 * requests. The text is checked whole and becomes a tree of values in one array.
 *
 * Refused besides what the RFC refuses: a member that comes twice, a NUL in a
 * text, text that is not UTF-8, half a surrogate pair, a number that a double
 * cannot hold, and more depth or values than the limits below. A byte-order mark
 * at the beginning is skipped. The size of the text is the caller's to limit;
 * the tree takes up to 24 times as much. */
#ifndef FCT_TEXT_JSON_READER_H
#define FCT_TEXT_JSON_READER_H

#include "facet/base.h"

enum { FCT_JSON_DEEPEST = 64, FCT_JSON_MOST_VALUES = 1 << 24 };

typedef enum fct_json_kind {
    FCT_JSON_NULL,
    FCT_JSON_FALSE,
    FCT_JSON_TRUE,
    FCT_JSON_NUMBER,
    FCT_JSON_TEXT,
    FCT_JSON_ARRAY,
    FCT_JSON_OBJECT
} fct_json_kind;

/* One value. Its children follow it in the array, each with its own behind it. */
typedef struct fct_json {
    const char *key; /* of a member of an object; else NULL */
    union {
        double number;
        const char *text; /* with a NUL at its end and none inside */
    };
    uint32_t length; /* of a text in bytes; of an array or object, how many children */
    uint32_t span;   /* this value and all that is in it: the next sibling is so far away */
    uint8_t kind;    /* fct_json_kind */
} fct_json;

/* The tree. A zeroed one is empty; it can be used for one text after the other
 * and keeps its memory. The root is values[0]. */
typedef struct fct_json_doc {
    fct_json *values;
    size_t n, capacity;
} fct_json_doc;

/* What is wrong with a text, and where. why begins with a verb: "has a bad number". */
typedef struct fct_json_fault {
    const char *why;  /* static */
    size_t offset;    /* bytes before the place */
    int line, column; /* from 1; the column counts bytes */
} fct_json_fault;

/* Reads text [len], which is changed: the tree's texts are decoded where they
 * stand and borrowed from it. FCT_ERR_FORMAT or FCT_ERR_LIMIT with *fault set,
 * or FCT_ERR_NOMEM (why = NULL). text[len] must be writable: it becomes NUL. */
fct_status fct_json_read(fct_json_doc *doc, char *text, size_t len, fct_json_fault *fault);

/* The same with an error for people: "NAME: line 3, column 7: has a bad number". */
fct_status fct_json_parse(fct_json_doc *doc, char *text, size_t len, const char *name, fct_error *err);

void fct_json_free(fct_json_doc *doc);

/* ---- Asking. All take a NULL value for one that is not there. -------------------- */

/* The member of an object; NULL where there is none or v is no object. */
const fct_json *fct_json_member(const fct_json *v, const char *key);

/* for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c)): the
 * children of an array or object in the order of the text. */
const fct_json *fct_json_first(const fct_json *v);
const fct_json *fct_json_next(const fct_json *parent, const fct_json *child);

bool fct_json_is(const fct_json *v, fct_json_kind kind);
const char *fct_json_get_text(const fct_json *v); /* borrowed; NULL where v is no text */
/* True where v is a number, or one that is whole and within 2^53 of zero. */
bool fct_json_get_number(const fct_json *v, double *out);
bool fct_json_get_int(const fct_json *v, int64_t *out);
bool fct_json_get_bool(const fct_json *v, bool *out);

#endif
