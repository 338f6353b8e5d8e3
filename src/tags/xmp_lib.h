/* Regions in XMP by exempi, made safe for what strangers wrote.
 *
 * exempi (Adobe's XMP toolkit, C++ inside) is loaded when the first regions are read
 * and stays for the process. It sees neither files nor whole packets but the regions
 * alone, and only after fct_xmp_text_read() has bounded them. Its tables of namespaces
 * belong to the process, so all calls go through one lock; an object belongs to one
 * thread at a time. Where exempi refuses RDF it says so on standard error itself. */
#ifndef FCT_TAGS_XMP_LIB_H
#define FCT_TAGS_XMP_LIB_H

#include "base/buffer.h"
#include "facet/base.h"

typedef struct fct_xmp fct_xmp;

/* The namespaces that facet reads and writes. */
typedef enum fct_xmp_ns {
    FCT_XMP_REGIONS, /* mwg-rs */
    FCT_XMP_AREA,    /* stArea */
    FCT_XMP_DIM,     /* stDim */
    FCT_XMP_MP,      /* MP */
    FCT_XMP_MPRI,    /* MPRI */
    FCT_XMP_MPREG,   /* MPReg */
    FCT_XMP_FACET,   /* ours */
    FCT_XMP_NAMESPACES
} fct_xmp_ns;

/* Form of a property, for fct_xmp_append() and fct_xmp_set(). */
typedef enum fct_xmp_form { FCT_XMP_TEXT, FCT_XMP_STRUCT, FCT_XMP_BAG } fct_xmp_form;

/* A namespace's name. Static. */
const char *fct_xmp_uri(fct_xmp_ns ns);

/* Reads text [n] that fct_xmp_text_read() has made; no bytes give an empty object. file is for error texts. *out is
 * owned. Errors: FCT_ERR_UNSUPPORTED (no exempi), FCT_ERR_FORMAT, FCT_ERR_NOMEM. */
fct_status fct_xmp_parse(const char *text, size_t n, const char *file, fct_xmp **out, fct_error *err);
void fct_xmp_free(fct_xmp *x);

/* Paths are written with "~" and a digit, the number of a namespace, for its prefix: "~0Regions/~0RegionList[1]". */

/* The value of a property; NULL where there is none, "" where it is no text. Borrowed until the next call with x. */
const char *fct_xmp_get(fct_xmp *x, fct_xmp_ns ns, const char *path);
/* Whether there is a property of this form. To be asked before one goes below it: exempi refuses what does not fit, and
 * does so aloud. */
bool fct_xmp_is(fct_xmp *x, fct_xmp_ns ns, const char *path, fct_xmp_form form);
/* Each returns false where exempi refuses. */
bool fct_xmp_set(fct_xmp *x, fct_xmp_ns ns, const char *path, const char *value, fct_xmp_form form);
bool fct_xmp_append(fct_xmp *x, fct_xmp_ns ns, const char *path, fct_xmp_form form); /* an empty item to a list */
bool fct_xmp_delete(fct_xmp *x, fct_xmp_ns ns, const char *path);

/* Appends the object as RDF in an envelope to out. */
fct_status fct_xmp_write(fct_xmp *x, const char *file, fct_buf *out, fct_error *err);

#endif
