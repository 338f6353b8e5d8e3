/* TLS of a client's connection, by GnuTLS: versions 1.2 and 1.3, the library's own
 * choice of ciphers. A certificate may be replaced while connections that were made
 * with the old one go on. */
#ifndef FCT_SERVER_TLS_H
#define FCT_SERVER_TLS_H

#include "facet/base.h"

typedef struct srv_cert srv_cert; /* a certificate with its key; counted */
typedef struct srv_tls srv_tls;   /* one connection's session */

/* Reads a certificate chain and its key (PEM). *out is owned: srv_cert_release(). */
fct_status srv_cert_open(const char *cert, const char *key, srv_cert **out, fct_error *err);
void srv_cert_release(srv_cert *c); /* NULL is harmless; the last session frees it */

/* Begins a session of a connected socket that does not block. The handshake is made
 * by the calls below. *out is owned and holds on to the certificate. */
fct_status srv_tls_create(srv_cert *c, int fd, srv_tls **out, fct_error *err);
void srv_tls_free(srv_tls *t);

/* Like recv() and send() on a socket that does not block, for up to n bytes. */
enum { SRV_TLS_END = 0, SRV_TLS_LATER = -1, SRV_TLS_FAILED = -2 };
ptrdiff_t srv_tls_read(srv_tls *t, void *data, size_t n);
ptrdiff_t srv_tls_write(srv_tls *t, const void *data, size_t n);

/* After SRV_TLS_LATER: the session waits for room to write, not for bytes to read. */
bool srv_tls_wants_write(const srv_tls *t);
/* Tells the client that no more will come, without waiting for its answer. */
void srv_tls_end(srv_tls *t);

#endif
