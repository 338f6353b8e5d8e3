#include "server/net/tls.h"

#include "base/alloc.h"
#include "base/error.h"
#include "server/net/gnutls_load.h"

#include <stdatomic.h>

struct srv_cert {
    gnutls_certificate_credentials_t credentials;
    atomic_int users;
};

struct srv_tls {
    gnutls_session_t session;
    srv_cert *cert;
    bool open;        /* the handshake is done */
    bool wants_write; /* what the last call waits for */
};

fct_status srv_cert_open(const char *cert, const char *key, srv_cert **out, fct_error *err) {
    *out = NULL;
    if (!srv_gnutls_load())
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: GnuTLS is not installed (libgnutls30), so there is no TLS",
                        cert);
    srv_cert *c = fct_calloc(1, sizeof *c);
    if (!c) return fct_fail_nomem(err, "certificate", 0);
    atomic_init(&c->users, 1);
    int e = gnutls_certificate_allocate_credentials(&c->credentials);
    if (!e) {
        e = gnutls_certificate_set_x509_key_file(c->credentials, cert, key, GNUTLS_X509_FMT_PEM);
        if (e >= 0) {
            *out = c;
            return FCT_OK;
        }
        gnutls_certificate_free_credentials(c->credentials);
    }
    fct_free(c);
    return fct_fail(err, FCT_ERR_FORMAT, "%s, %s: no certificate with its key: %s", cert, key, gnutls_strerror(e));
}

void srv_cert_release(srv_cert *c) {
    if (!c || atomic_fetch_sub(&c->users, 1) > 1) return;
    gnutls_certificate_free_credentials(c->credentials);
    fct_free(c);
}

/* Sets a new session up: versions, certificate, HTTP/1.1 alone, socket. */
static int prepare(gnutls_session_t s, srv_cert *c, int fd) {
    static const gnutls_datum_t http = {(unsigned char *)"http/1.1", 8};
    int e = gnutls_priority_set_direct(s, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL);
    if (!e) e = gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, c->credentials);
    if (!e) e = gnutls_alpn_set_protocols(s, &http, 1, 0);
    gnutls_transport_set_int2(s, fd, fd);
    return e;
}

fct_status srv_tls_create(srv_cert *c, int fd, srv_tls **out, fct_error *err) {
    *out = NULL;
    srv_tls *t = fct_calloc(1, sizeof *t);
    if (!t) return fct_fail_nomem(err, "TLS session", 0);
    int e = gnutls_init(&t->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (!e && (e = prepare(t->session, c, fd))) gnutls_deinit(t->session);
    if (e) {
        fct_free(t);
        return fct_fail(err, FCT_ERR_NETWORK, "TLS session: %s", gnutls_strerror(e));
    }
    t->cert = c;
    atomic_fetch_add(&c->users, 1);
    *out = t;
    return FCT_OK;
}

void srv_tls_free(srv_tls *t) {
    if (!t) return;
    gnutls_deinit(t->session);
    srv_cert_release(t->cert);
    fct_free(t);
}

/* What a GnuTLS call's result, bytes or an error, means to the caller. */
static ptrdiff_t outcome(srv_tls *t, ptrdiff_t n) {
    if (n >= 0) return n;
    if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED) return SRV_TLS_FAILED;
    t->wants_write = gnutls_record_get_direction(t->session) == 1;
    return SRV_TLS_LATER;
}

/* Goes on with the handshake. Returns 1 when it is done, else as outcome(). */
static ptrdiff_t shake(srv_tls *t) {
    if (t->open) return 1;
    int e = gnutls_handshake(t->session);
    if (e == GNUTLS_E_SUCCESS) t->open = true;
    if (e == GNUTLS_E_WARNING_ALERT_RECEIVED) e = GNUTLS_E_AGAIN;
    return t->open ? 1 : outcome(t, e);
}

ptrdiff_t srv_tls_read(srv_tls *t, void *data, size_t n) {
    t->wants_write = false;
    ptrdiff_t ready = shake(t);
    return ready == 1 ? outcome(t, gnutls_record_recv(t->session, data, n)) : ready;
}

ptrdiff_t srv_tls_write(srv_tls *t, const void *data, size_t n) {
    t->wants_write = false;
    ptrdiff_t ready = shake(t);
    return ready == 1 ? outcome(t, gnutls_record_send(t->session, data, n)) : ready;
}

bool srv_tls_wants_write(const srv_tls *t) { return t->wants_write; }

void srv_tls_end(srv_tls *t) {
    if (t->open) gnutls_bye(t->session, GNUTLS_SHUT_WR);
}
