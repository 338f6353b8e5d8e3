/* XML, tag by tag, as far as facet needs it: to find the places in a packet where
 * regions are, to change these and nothing else, and to bound what another parser is
 * given. Depth, breadth and size are limited; a document type, with which a few bytes
 * can ask for gigabytes, is refused. What a full parser would find besides is left to
 * that one. */
#ifndef FCT_TAGS_XML_SCAN_H
#define FCT_TAGS_XML_SCAN_H

#include "base/buffer.h"
#include "facet/base.h"

enum {
    FCT_XML_MAX_SIZE = 16 << 20,
    FCT_XML_MAX_DEPTH = 64,
    FCT_XML_MAX_SIBLINGS = 5000, /* attributes and elements, but for list items, in one element */
    FCT_XML_MAX_ELEMENTS = 400000,
    FCT_XML_MAX_NAMESPACES = 256 /* declarations at one time */
};

/* A piece of the text. */
typedef struct fct_xml_piece {
    const char *at;
    size_t n;
} fct_xml_piece;

typedef enum fct_xml_kind { FCT_XML_START, FCT_XML_STOP, FCT_XML_OVER } fct_xml_kind;

/* A tag that begins an element, or one that ends it; or the end of the text. */
typedef struct fct_xml_tag {
    fct_xml_kind kind;
    const char *from, *to; /* of the tag; for FCT_XML_STOP of an element without content, both its end */
    const char *element;   /* where the element begins */
    fct_xml_piece name;    /* without its prefix */
    fct_xml_piece uri;     /* of its namespace, as written; empty = none */
    fct_xml_piece attributes;
    int depth; /* 1 = the outermost element */
} fct_xml_tag;

typedef struct fct_xml_space {
    fct_xml_piece prefix, uri;
    int depth;
} fct_xml_space;

typedef struct fct_xml_scan {
    const char *start, *at, *end, *file;
    int depth, elements, n_spaces;
    int siblings[FCT_XML_MAX_DEPTH + 2];              /* of the element that is open at each depth */
    fct_xml_tag open[FCT_XML_MAX_DEPTH + 1];          /* the tags that began them */
    fct_xml_space spaces[FCT_XML_MAX_NAMESPACES];     /* declared now, inner ones last */
    fct_xml_piece whole_names[FCT_XML_MAX_DEPTH + 1]; /* with their prefixes */
    bool closing;                                     /* the last tag was of an element without content */
} fct_xml_scan;

/* Begins at text [n], which is borrowed. file is for error texts. FCT_ERR_LIMIT where it is too long. */
fct_status fct_xml_begin(fct_xml_scan *x, const char *text, size_t n, const char *file, fct_error *err);

/* The next tag. An element without content gives two. Errors: FCT_ERR_FORMAT, FCT_ERR_LIMIT. */
fct_status fct_xml_next(fct_xml_scan *x, fct_xml_tag *out, fct_error *err);

/* Takes the next attribute off a tag's: its name with its prefix, and its value as written. False at the end. */
bool fct_xml_attribute(fct_xml_piece *attributes, fct_xml_piece *name, fct_xml_piece *value);

bool fct_xml_is(fct_xml_piece p, const char *text);

/* Appends XML in UTF-8, UTF-8 with stray Latin-1 bytes, or UTF-16 with a byte order
 * mark as UTF-8: without the mark, without NUL bytes and spaces at the end, and with
 * spaces for control characters, which XML does not allow (xml_clean.c). */
void fct_xml_clean(const uint8_t *data, size_t n, fct_buf *out);

#endif
