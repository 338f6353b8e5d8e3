/* Connecting, and connecting again. */
#include "postgres/pg_conn.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

static void forget_statements(fct_pg *c) {
    for (int i = 0; i < c->n_prepared; i++) fct_free(c->prepared[i]);
    c->n_prepared = 0;
}

void fct_pg_close(fct_pg *c) {
    forget_statements(c);
    PQfinish(c->h);
    c->h = NULL;
}

/* Notices ("table exists, skipping") are nobody's business. */
static void drop_notice(void *arg, const PGresult *r) {}

static const char *const *const_list(char *const *list) { return (const char *const *)list; }

/* Connects once. Whoever answers must be new enough and speak UTF-8. */
static fct_status connect_once(fct_pg *c, fct_error *err) {
    forget_statements(c);
    PQfinish(c->h);
    c->h = PQconnectdbParams(const_list(c->address->keys), const_list(c->address->values), 0);
    if (!c->h) return fct_fail_nomem(err, "connection", 0);
    PQsetNoticeReceiver(c->h, drop_notice, NULL);
    if (PQstatus(c->h) != CONNECTION_OK) return fct_pg_fail(c, NULL, err);
    c->lost = false;
    const char *encoding = PQparameterStatus(c->h, "server_encoding");
    if (PQserverVersion(c->h) < 130000)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: PostgreSQL %d is too old: 13 or newer is needed",
                        c->address->place, PQserverVersion(c->h) / 10000);
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "%s: the database is in encoding %s; facet needs one in UTF8 (createdb -E UTF8 -T template0)",
                        c->address->place, encoding ? encoding : "?");
    return c->setup ? c->setup(c, c->setup_ctx, err) : FCT_OK;
}

/* Whether it is worth waiting: the server is there and about to take connections,
 * or it was there before and may come back. A wrong password gets no better. */
static bool may_come(fct_pg *c) {
    if (c->h && PQstatus(c->h) == CONNECTION_OK) return c->lost; /* it broke again while it was set up */
    PGPing p = PQpingParams(const_list(c->address->keys), const_list(c->address->values), 0);
    return p == PQPING_REJECT || (c->ever && p == PQPING_NO_RESPONSE) || (c->ever && c->lost && p == PQPING_OK);
}

fct_status fct_pg_connect(fct_pg *c, fct_error *err) {
    if (c->h && !c->lost && PQstatus(c->h) == CONNECTION_OK) return FCT_OK;
    uint64_t end = fct_time_ns() + (uint64_t)c->reconnect_ms * 1000000;
    for (int wait = 20;; wait = wait < 500 ? wait * 2 : 500) {
        fct_status s = connect_once(c, err);
        if (!s) {
            c->ever = true;
            c->retry = false;
            return s;
        }
        if (!may_come(c) || fct_time_ns() > end) {
            c->lost = true; /* what was not set up is not used */
            c->retry = false;
            return s;
        }
        fct_sleep_ms(wait);
    }
}
