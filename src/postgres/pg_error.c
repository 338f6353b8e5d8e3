/* What went wrong, in facet's terms. */
#include "base/error.h"
#include "postgres/pg_conn.h"
#include <string.h>

/* SQLSTATEs, or the class of them that their first two letters are, and what they
 * are to us. The first that fits counts. */
static const struct pg_state {
    const char *state;
    fct_status status;
    bool retry, lost;
    const char *text; /* instead of the server's; NULL = the server's */
} pg_states[] = {
    {"40001", FCT_ERR_BUSY, true, false, "other writers kept coming between"},
    {"40P01", FCT_ERR_BUSY, true, false, "other writers kept coming between"},
    {"55P03", FCT_ERR_BUSY, false, false, "somebody else is writing to it"},
    {"53100", FCT_ERR_IO, false, false, NULL},    /* disk full */
    {"53200", FCT_ERR_NOMEM, false, false, NULL}, /* the server's memory */
    {"53300", FCT_ERR_BUSY, false, false, NULL},  /* too many connections */
    {"57P01", FCT_ERR_NETWORK, true, true, NULL}, /* the server stops */
    {"57P02", FCT_ERR_NETWORK, true, true, NULL}, /* one of its processes crashed */
    {"57P03", FCT_ERR_NETWORK, true, true, NULL}, /* it starts */
    {"57P05", FCT_ERR_NETWORK, true, true, NULL}, /* idle for too long */
    {"25P03", FCT_ERR_NETWORK, true, true, NULL}, /* idle inside a transaction */
    {"08", FCT_ERR_NETWORK, true, true, NULL},
    {"25006", FCT_ERR_IO, false, false, "cannot be written: the server is a standby, or read-only"},
    {"42501", FCT_ERR_IO, false, false, NULL},        /* no permission */
    {"3D000", FCT_ERR_NOT_FOUND, false, false, NULL}, /* no such database */
    {"28", FCT_ERR_IO, false, false, NULL},           /* who are you? */
    {"XX001", FCT_ERR_FORMAT, false, false, NULL},    /* damaged */
    {"XX002", FCT_ERR_FORMAT, false, false, NULL},
    {"22", FCT_ERR_FORMAT, false, false, NULL},
    {"23", FCT_ERR_FORMAT, false, false, NULL},
    {"42", FCT_ERR_FORMAT, false, false, NULL}, /* tables that are not ours */
    {"53", FCT_ERR_IO, false, false, NULL},
    {"57", FCT_ERR_CANCELLED, false, false, NULL},
    {"58", FCT_ERR_IO, false, false, NULL},
};

static const struct pg_state *find_state(const char *state) {
    for (size_t i = 0; i < sizeof pg_states / sizeof *pg_states; i++)
        if (strncmp(state, pg_states[i].state, strlen(pg_states[i].state)) == 0) return &pg_states[i];
    return NULL;
}

/* The first line of a text, without what libpq puts before it. */
static void first_line(const char *text, char *out, size_t cap) {
    static const char *const heads[] = {"FATAL:  ", "ERROR:  ", "PANIC:  "};
    for (int i = 0; i < 3; i++)
        if (strncmp(text, heads[i], 8) == 0) text += 8;
    size_t n = strcspn(text, "\n");
    if (n >= cap) n = cap - 1;
    memcpy(out, text, n);
    out[n] = 0;
}

/* A connection that could not be made has no SQLSTATE. libpq's texts name host,
 * port, user and file, never the password. */
static fct_status fail_unconnected(fct_pg *c, fct_error *err) {
    char line[300];
    const char *text = PQerrorMessage(c->h), *reason = strstr(text, "FATAL:  ");
    first_line(reason ? reason : text, line, sizeof line);
    c->lost = c->retry = true;
    bool no_db = strstr(text, "does not exist") && strstr(text, "database");
    bool unproved = c->address->verified && (strstr(text, "certificate") || strstr(text, "SSL"));
    return fct_fail(err, no_db ? FCT_ERR_NOT_FOUND : FCT_ERR_NETWORK, "%s: %s%s", c->address->place, line,
                    unproved ? " (facet wants proof of who a server is: see sslmode in docs/postgresql.md)" : "");
}

fct_status fct_pg_fail(fct_pg *c, const PGresult *r, fct_error *err) {
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    char line[300];
    c->retry = c->lost = false;
    c->state[0] = 0;
    if (!r && PQstatus(c->h) != CONNECTION_OK && !c->ever) return fail_unconnected(c, err);
    if (PQstatus(c->h) != CONNECTION_OK || !state || strlen(state) > 5) {
        if (PQstatus(c->h) == CONNECTION_OK) return fct_fail_nomem(err, "answer of the server", 0);
        return fail_unconnected(c, err);
    }
    memcpy(c->state, state, strlen(state) + 1);
    const struct pg_state *known = find_state(state);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    first_line(text ? text : "?", line, sizeof line);
    c->retry = known && known->retry;
    c->lost = known && known->lost;
    return fct_fail(err, known ? known->status : FCT_ERR_INTERNAL, "%s: %s", c->address->place,
                    known && known->text ? known->text : line);
}
