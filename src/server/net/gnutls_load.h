/* GnuTLS, loaded when a certificate is given, or when signatures are checked. Code that includes this calls the
 * functions by their own names, after srv_gnutls_load(). What is not in the list
 * does not link. */
#ifndef FCT_SERVER_GNUTLS_LOAD_H
#define FCT_SERVER_GNUTLS_LOAD_H

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/compiler.h"

#include <stdbool.h>

/* clang-format off */
#define SRV_GNUTLS(X) \
    X(gnutls_alpn_set_protocols) X(gnutls_bye) X(gnutls_certificate_allocate_credentials) \
    X(gnutls_certificate_free_credentials) X(gnutls_certificate_set_x509_key_file) \
    X(gnutls_credentials_set) X(gnutls_deinit) X(gnutls_handshake) X(gnutls_hmac_fast) \
    X(gnutls_init) \
    X(gnutls_priority_set_direct) X(gnutls_record_get_direction) X(gnutls_record_recv) \
    X(gnutls_record_send) X(gnutls_strerror) X(gnutls_transport_set_int2)
/* clang-format on */

/* False where GnuTLS is not installed. Of one thread at a time. */
bool srv_gnutls_load(void);

#define SRV_POINTER(f) extern FCT_TYPE_OF(f) * srv_##f;
SRV_GNUTLS(SRV_POINTER)
#undef SRV_POINTER

#define gnutls_alpn_set_protocols               srv_gnutls_alpn_set_protocols
#define gnutls_bye                              srv_gnutls_bye
#define gnutls_certificate_allocate_credentials srv_gnutls_certificate_allocate_credentials
#define gnutls_certificate_free_credentials     srv_gnutls_certificate_free_credentials
#define gnutls_certificate_set_x509_key_file    srv_gnutls_certificate_set_x509_key_file
#define gnutls_credentials_set                  srv_gnutls_credentials_set
#define gnutls_deinit                           srv_gnutls_deinit
#define gnutls_handshake                        srv_gnutls_handshake
#define gnutls_hmac_fast                        srv_gnutls_hmac_fast
#define gnutls_init                             srv_gnutls_init
#define gnutls_priority_set_direct              srv_gnutls_priority_set_direct
#define gnutls_record_get_direction             srv_gnutls_record_get_direction
#define gnutls_record_recv                      srv_gnutls_record_recv
#define gnutls_record_send                      srv_gnutls_record_send
#define gnutls_strerror                         srv_gnutls_strerror
#define gnutls_transport_set_int2               srv_gnutls_transport_set_int2

#endif
