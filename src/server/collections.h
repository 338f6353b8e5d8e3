/* Collections as the server knows them: an id that stays, and what is set for each. */
#ifndef FCT_SERVER_COLLECTIONS_H
#define FCT_SERVER_COLLECTIONS_H

#include "server/core.h"

#define SRV_DEFAULT_NAME "_default" /* what requests call SRV_COLLECTION_DEFAULT */

/* What is set for a collection. Texts are owned: srv_collection_clear(). */
typedef struct srv_collection {
    int64_t id;
    char *title, *description; /* NULL = none */
    char *metadata;            /* a JSON object; NULL = none */
    bool save_crops, keep_unknown;
    int unknown_days;
    float own; /* threshold; NAN = none */
} srv_collection;

/* The collection that requests call by this text; FCT_ERR_NOT_FOUND also for one that is set apart. */
fct_status srv_collection_find(srv_core *c, const char *text, int64_t *id, fct_error *err);
/* Lets the calling thread work in a collection: what it lists, searches and stores from now
 * on is of that one (fct_gallery_work_in()). 0: in all. */
void srv_work_in(int64_t id);
int64_t srv_place(void); /* where it works */
/* Reads what is set for it. */
fct_status srv_collection_read(srv_core *c, int64_t id, srv_collection *out, fct_error *err);
void srv_collection_clear(srv_collection *x);

/* Settings of the whole gallery. */
#define SRV_SETTING_REMOVED_DAYS "removed.days" /* how long removed people can be restored */
#define SRV_SETTING_RATE         "rate"         /* thousandths of requests per second */
enum { SRV_REMOVED_DAYS = 7 };

/* One setting as a truth or a number; what is not set, or is no such thing, is the fallback. */
fct_status srv_setting_bool(srv_core *c, int64_t id, const char *key, bool fallback, bool *out, fct_error *err);
fct_status srv_setting_int(srv_core *c, int64_t id, const char *key, int fallback, int *out, fct_error *err);
/* A number of -1 to 1 as a setting has it; out: [32]. */
void srv_decimal(double v, char *out);
/* Sets a number or a truth. */
fct_status srv_setting_set_int(srv_core *c, int64_t id, const char *key, int value, fct_error *err);

/* The collection, set apart, that keeps the unknown faces of this one; 0 where there is none and make is false. */
fct_status srv_unknown_place(srv_core *c, int64_t id, bool make, int64_t *out, fct_error *err);

#endif
