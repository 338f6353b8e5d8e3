/* A packet as text. facet changes the regions in it and not one byte of the rest:
 * exempi "repairs" what it reads (it makes all languages of a title the same, for one),
 * so it is given the regions alone, and what it makes of them takes their place. */
#ifndef FCT_TAGS_XMP_TEXT_H
#define FCT_TAGS_XMP_TEXT_H

#include "tags/xmp_lib.h"

enum { FCT_XMP_MAX_SPANS = 16 }; /* elements of regions in one packet; there should be two */

/* Parts of the text, as offsets. */
typedef struct fct_xmp_span {
    size_t from, to;
} fct_xmp_span;

typedef struct fct_xmp_text {
    fct_buf text; /* the packet in UTF-8 */
    bool found;   /* there is an rdf:RDF */
    bool sealed;  /* and it is empty, in one tag, whose span is `rdf` */
    fct_xmp_span rdf;
    size_t insert;                           /* where a description can be put: before the end of rdf:RDF */
    fct_xmp_span regions[FCT_XMP_MAX_SPANS]; /* elements mwg-rs:Regions and MP:RegionInfo, in order */
    int n_regions;
    fct_buf about;  /* the value of the first rdf:about, as written */
    fct_buf packet; /* the regions alone, in an envelope of their own; empty where there are none */
} fct_xmp_text;

/* Reads a packet or a sidecar into *out, which is the caller's to free in every case. NULL data or no bytes: an empty
 * one. Errors: FCT_ERR_FORMAT, FCT_ERR_LIMIT, FCT_ERR_NOMEM. */
fct_status fct_xmp_text_read(const uint8_t *data, size_t n, const char *file, fct_xmp_text *out, fct_error *err);
void fct_xmp_text_free(fct_xmp_text *t);

/* Appends the packet with other regions to out: what exempi has written of them. A packet that was empty gets an
 * envelope; embedded: with the wrapper and the space at its end that packets in photos have. Errors: FCT_ERR_FORMAT
 * (the text is no XMP), FCT_ERR_NOMEM. */
fct_status fct_xmp_text_put(const fct_xmp_text *t, const fct_buf *regions, bool embedded, const char *file,
                            fct_buf *out, fct_error *err);

#endif
