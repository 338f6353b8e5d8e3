/* Addresses of PostgreSQL databases, as users write them. */
#ifndef FCT_POSTGRES_PG_ADDRESS_H
#define FCT_POSTGRES_PG_ADDRESS_H

#include "facet/base.h"

#define FCT_PG_KEYS 48 /* parameters of a connection that fit; libpq knows some forty */

/* Where a database is and how to connect to it. */
typedef struct fct_pg_address {
    char *keys[FCT_PG_KEYS + 1], *values[FCT_PG_KEYS + 1]; /* for PQconnectdbParams(); owned, NULL at the end */
    int n;
    char *place;     /* "postgresql://host:port/database", for messages: never with a password; owned */
    char schema[64]; /* the schema with our tables */
    bool verified;   /* we chose sslmode=verify-full, since the server is another machine */
} fct_pg_address;

/* Whether text is an address: "postgresql://...", "postgres://...", or libpq's
 * "key=value ..." that begins with a key of libpq. Works without libpq too. */
bool fct_pg_is_address(const char *text);

/* The address of text for messages, whatever it is: everything that could be a
 * password is left out. At most cap - 1 bytes. */
void fct_pg_address_show(const char *text, char *out, size_t cap);

/* Parses text. "schema" (default "facet") is a parameter of ours beside libpq's. A
 * server that is not this machine must prove who it is (sslmode=verify-full)
 * unless text or PGSSLMODE says otherwise. FCT_ERR_ARG: libpq does not understand
 * it; the message does not repeat it. Free also after a failure. */
fct_status fct_pg_address_parse(const char *text, fct_pg_address *a, fct_error *err);
void fct_pg_address_free(fct_pg_address *a);

#endif
