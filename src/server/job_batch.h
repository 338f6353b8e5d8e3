/* Requests with many pictures, as their handlers check them and jobs read them again. */
#ifndef FCT_SERVER_JOB_BATCH_H
#define FCT_SERVER_JOB_BATCH_H

#include "server/facet_api.h"

enum { SRV_ITEMS_MOST = 500, SRV_BATCH_NAME = 201 };
#define SRV_BATCH_ENROLL "items|images|names|review_mode"
#define SRV_BATCH_SEARCH "items|images|limit|threshold|all_faces"

/* One picture. Texts and data are the form's. */
typedef struct srv_batch_item {
    const char *id;       /* the client's; NULL = none */
    const char *external; /* NULL = none */
    char name[SRV_BATCH_NAME];
    const uint8_t *data; /* or, in base 64: */
    size_t size;
    const fct_json *text;
} srv_batch_item;

typedef struct srv_batch {
    srv_form form;
    srv_batch_item *items; /* [n], owned */
    int n;
} srv_batch;

/* Reads the pictures of a request; named: each must have a name. Free it in both cases. FCT_ERR_ARG names the item. */
fct_status srv_batch_read(const srv_request *r, const char *members, bool named, srv_batch *b, fct_error *err);
void srv_batch_free(srv_batch *b);

/* What a search of many pictures is asked besides them. */
typedef struct srv_batch_search {
    int limit;
    double threshold; /* NAN = the collection's */
    bool all;
} srv_batch_search;
bool srv_search_terms_read(srv_app *app, srv_form *form, srv_batch_search *t, fct_error *err);

fct_status srv_job_enroll(srv_app *app, srv_job *job, fct_error *err);
fct_status srv_job_search(srv_app *app, srv_job *job, fct_error *err);

#endif
