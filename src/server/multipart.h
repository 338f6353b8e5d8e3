/* multipart/form-data (RFC 7578) of a whole body in memory:
 *
 *   *( any CRLF ) "--" boundary CRLF
 *   1*( header CRLF )  CRLF  data  CRLF "--" boundary  ( CRLF | "--" ) ...
 *
 * Content-Disposition gives a part's name, and a file name where it is a file. Lines
 * end with CRLF alone. Nested parts and encodings of transfer are refused. */
#ifndef FCT_SERVER_MULTIPART_H
#define FCT_SERVER_MULTIPART_H

#include "facet/base.h"

enum { SRV_PARTS_MOST = 600, SRV_PART_NAME = 128 };

typedef struct srv_multipart_part {
    char name[SRV_PART_NAME];
    char type[64];       /* its Content-Type without parameters, "" = none */
    char filename[256];  /* what the client calls the file; cut where longer */
    bool is_file;        /* it has a file name, be it empty */
    const uint8_t *data; /* borrowed from the body */
    size_t size;
} srv_multipart_part;

/* The boundary in a Content-Type of multipart/form-data; false for any other type or
 * a boundary that may not be one. */
bool srv_multipart_boundary(const char *content_type, char out[71]);

/* Splits a body. out: [SRV_PARTS_MOST], caller-owned; *n: how many were filled.
 * FCT_ERR_FORMAT and FCT_ERR_LIMIT say where and what. */
fct_status srv_multipart_split(const uint8_t *body, size_t size, const char *boundary, srv_multipart_part *out, int *n,
                               fct_error *err);

#endif
