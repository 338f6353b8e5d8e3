/* What is forgotten by itself: people whose time is over, removed people who can be
 * restored no more, unknown faces that were kept long enough. */
#ifndef FCT_SERVER_RETENTION_H
#define FCT_SERVER_RETENTION_H

#include "server/app.h"

/* Seconds: how often the server looks, and how soon after its start. */
enum { SRV_RETENTION_EVERY = 3600, SRV_RETENTION_FIRST = 60 };

typedef struct srv_retention {
    int people, faces; /* people and removed people; unknown faces */
} srv_retention;

/* Forgets what is due. out may be NULL. */
fct_status srv_retention_run(srv_app *app, srv_retention *out, fct_error *err);

#endif
