#include "postgres/pg_address.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include <ctype.h>
#include "postgres/pg_load.h"
#include <stdlib.h>
#include <string.h>

void fct_pg_address_free(fct_pg_address *a) {
    for (int i = 0; i < a->n; i++) {
        fct_free(a->keys[i]);
        fct_free(a->values[i]);
    }
    fct_free(a->place);
    *a = (fct_pg_address){0};
}

static const char *get(const fct_pg_address *a, const char *key) {
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->keys[i], key) == 0) return a->values[i];
    return NULL;
}

static fct_status put(fct_pg_address *a, const char *key, const char *value, fct_error *err) {
    if (a->n == FCT_PG_KEYS) return fct_fail(err, FCT_ERR_LIMIT, "PostgreSQL address: too many parameters");
    a->keys[a->n] = fct_strdup(key);
    a->values[a->n] = fct_strdup(value);
    a->n++; /* so that what there is of the pair is freed */
    bool failed = !a->keys[a->n - 1] || !a->values[a->n - 1];
    return failed ? fct_fail_nomem(err, "PostgreSQL address", 0) : FCT_OK;
}

static fct_status put_default(fct_pg_address *a, const char *key, const char *value, fct_error *err) {
    return get(a, key) ? FCT_OK : put(a, key, value, err);
}

/* ---- The schema, which libpq must not see ---------------------------------------------- */

/* A plain name needs no quotes in SQL. */
static bool is_plain_name(const char *s, size_t n) {
    bool good = n > 0 && n < 64 && (islower((unsigned char)s[0]) || s[0] == '_');
    for (size_t i = 0; i < n; i++) good &= islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]) || s[i] == '_';
    return good;
}

/* Takes "schema=NAME" out of text, which changes, and puts NAME into a->schema. */
static fct_status take_schema(char *text, fct_pg_address *a, fct_error *err) {
    bool uri = strstr(text, "://") != NULL;
    memcpy(a->schema, "facet", 6);
    for (char *p = strstr(text, "schema="); p; p = strstr(p + 1, "schema=")) {
        if (p == text || !strchr(uri ? "?&" : " ", p[-1])) continue;
        char *name = p + 7;
        size_t n = strcspn(name, uri ? "&" : " ");
        if (!is_plain_name(name, n))
            return fct_fail(err, FCT_ERR_ARG,
                            "PostgreSQL address: schema is not a name of small letters, digits and _");
        memcpy(a->schema, name, n);
        a->schema[n] = 0;
        char *rest = name + n;
        if (uri && *rest) rest++; /* the next parameter takes its place */
        else if (uri) p--;        /* it was the last: so goes the mark before it */
        memmove(p, rest, strlen(rest) + 1);
        break;
    }
    return FCT_OK;
}

/* ---- Whether the server is this machine ------------------------------------------------- */

/* One entry of a list of hosts. An empty one, a folder or an abstract name is a local socket. */
static bool is_local_host(const char *s, size_t n) {
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    if (n == 0 || s[0] == '/' || s[0] == '@') return true;
    for (size_t i = 0; i < 3; i++)
        if (strlen(names[i]) == n && memcmp(s, names[i], n) == 0) return true;
    return false;
}

static bool is_local_list(const char *list) {
    for (;; list++) {
        size_t n = strcspn(list, ",");
        if (!is_local_host(list, n)) return false;
        list += n;
        if (!*list) return true;
    }
}

static bool is_local(const fct_pg_address *a) {
    const char *host = get(a, "hostaddr");
    if (!host) host = get(a, "host");
    if (!host && (get(a, "service") || getenv("PGSERVICE"))) return false; /* only libpq knows: be careful */
    if (!host) host = getenv("PGHOSTADDR");
    if (!host) host = getenv("PGHOST");
    return !host || is_local_list(host);
}

/* Another machine must prove that it is the one that was named: otherwise whoever
 * sits between gets the password and all faces. libpq's own default is to take
 * anything. Where the user has no root certificates of his own, the system's are
 * used. */
static fct_status choose_tls(fct_pg_address *a, fct_error *err) {
    static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                          "/etc/ssl/cert.pem"};
    const char *env = getenv("PGSSLMODE"), *root = getenv("PGSSLROOTCERT");
    if (get(a, "sslmode") || (env && *env) || is_local(a)) return FCT_OK;
    a->verified = true;
    fct_status s = put(a, "sslmode", "verify-full", err);
    if (s || get(a, "sslrootcert") || (root && *root)) return s;
    fct_file_stat st = {0};
    char *home = fct_home_dir(), *own = home ? fct_path_join(home, ".postgresql/root.crt") : NULL;
    if (own) fct_file_get_stat(own, &st);
    fct_free(own);
    fct_free(home);
    for (int i = 0; i < 3 && !st.exists; i++) {
        fct_file_get_stat(bundles[i], &st);
        if (st.exists) return put(a, "sslrootcert", bundles[i], err);
    }
    return FCT_OK;
}

/* A password with an @ or a / that is not written as %40 or %2F ends early, and what
 * follows is taken for the host or the database: it would be shown, and looked up. */
static fct_status check_marks(const fct_pg_address *a, fct_error *err) {
    static const char *const keys[] = {"host", "port", "dbname"};
    for (int i = 0; i < 3; i++) {
        const char *value = get(a, keys[i]);
        if (value && strchr(value, '@'))
            return fct_fail(err, FCT_ERR_ARG,
                            "PostgreSQL address: an @ too many; in a password @ is written %%40, / %%2F and : %%3A");
    }
    return FCT_OK;
}

/* ---- All of it --------------------------------------------------------------------------- */

static fct_status make_place(fct_pg_address *a, fct_error *err) {
    const char *host = get(a, "host"), *port = get(a, "port"), *db = get(a, "dbname"), *service = get(a, "service");
    fct_buf b = {0};
    if (!host) host = get(a, "hostaddr");
    if (!host && service) fct_buf_printf(&b, "postgresql service %s", service);
    else fct_buf_printf(&b, "postgresql://%s", host && host[0] != '/' ? host : "");
    if (port && strcmp(port, "5432") != 0) fct_buf_printf(&b, ":%s", port);
    if (db) fct_buf_printf(&b, "/%s", db);
    if (strcmp(a->schema, "facet") != 0) fct_buf_printf(&b, " (schema %s)", a->schema);
    a->place = fct_buf_take(&b, NULL);
    return a->place ? FCT_OK : fct_fail_nomem(err, "PostgreSQL address", 0);
}

/* What a connection needs beside what the user has said. A cut cable shows within a minute. */
static fct_status put_defaults(fct_pg_address *a, fct_error *err) {
    static const char *const more[][2] = {{"connect_timeout", "10"},     {"application_name", "facet"},
                                          {"client_encoding", "UTF8"},   {"keepalives_idle", "20"},
                                          {"keepalives_interval", "10"}, {"keepalives_count", "3"},
                                          {"tcp_user_timeout", "50000"}};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < sizeof more / sizeof *more && !s; i++)
        if (strcmp(more[i][0], "connect_timeout") != 0 || !getenv("PGCONNECT_TIMEOUT"))
            s = put_default(a, more[i][0], more[i][1], err);
    return s;
}

fct_status fct_pg_address_parse(const char *text, fct_pg_address *a, fct_error *err) {
    *a = (fct_pg_address){0};
    fct_status s = fct_pq_load(err);
    if (s) return s;
    char *copy = fct_strdup(text), *why = NULL;
    if (!copy) return fct_fail_nomem(err, "PostgreSQL address", 0);
    s = take_schema(copy, a, err);
    PQconninfoOption *all = s ? NULL : PQconninfoParse(copy, &why);
    /* libpq's text repeats what it did not understand, which may be a password. */
    if (!s && !all)
        s = fct_fail(err, FCT_ERR_ARG,
                     "PostgreSQL address: not understood; it is postgresql://user@host:port/database?key=value, "
                     "with %%40 for an @ in a password, or key=value pairs of libpq");
    if (why) PQfreemem(why);
    for (const PQconninfoOption *o = all; o && o->keyword && !s; o++)
        if (o->val) s = put(a, o->keyword, o->val, err);
    if (all) PQconninfoFree(all);
    if (!s && strstr(copy, "://")) s = check_marks(a, err);
    fct_free(copy);
    if (!s) s = choose_tls(a, err);
    if (!s) s = put_defaults(a, err);
    return s ? s : make_place(a, err);
}
