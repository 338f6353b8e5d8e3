/* The server's own parts put together: the core, keys, limits, dialects, counters.
 * It is told of requests (http.h) and fills in their answers. */
#ifndef FCT_SERVER_APP_H
#define FCT_SERVER_APP_H

#include "server/core.h"
#include "server/form.h"
#include "server/idempotency.h"
#include "server/jobs.h"
#include "server/metrics.h"
#include "server/monitor.h"
#include "server/rate.h"
#include "server/signature_table.h"
#include "server/routes.h"
#include "server/ticket.h"
#include "text/json_writer.h"

enum { SRV_DIALECTS_MOST = 8, SRV_ALLOW_MOST = 32 };

/* A range of addresses: those whose first `bits` bits are these. */
typedef struct srv_range {
    int bytes; /* 4 or 16 */
    int bits;
    unsigned char address[16];
} srv_range;

typedef struct srv_app {
    srv_core core;
    const srv_dialect *dialects[SRV_DIALECTS_MOST + 1]; /* ends with NULL; facet's own first */
    bool auth;
    char *keys_path, *data_dir; /* owned */
    fct_mutex keys_lock;
    srv_keys keys;           /* under the lock */
    srv_rate rate, failures; /* of requests; of wrong keys, by address */
    srv_metrics metrics;
    srv_idempotency once;
    srv_jobs jobs;
    fct_mutex change_lock;  /* held by changes that look first and store then */
    int64_t max_body;       /* bytes of a request */
    srv_replay replay;      /* of dialects whose requests are signed */
    srv_monitors *monitors; /* owned */
    unsigned char ticket_secret[SRV_TICKET_SECRET];
    srv_range allow[SRV_ALLOW_MOST]; /* who may use dialects without keys, besides this machine */
    int n_allow;
    char *immich_upstream; /* owned; NULL = none */
    uint64_t started;      /* ns */
    /* What the transport knows, for the counters. */
    int (*connections)(void *user);
    int (*waiting)(void *user);
    void *user;
} srv_app;

/* The calls of http.h; user is the srv_app. */
bool srv_app_begin(void *user, srv_request *r, srv_reply *out);
void srv_app_handle(void *user, srv_request *r, srv_reply *out);
void srv_app_refuse(void *user, srv_request *r, srv_reply *out, int status, const char *code, const char *text);
void srv_app_done(void *user, const srv_request *r, const srv_reply *out);

/* Whether there is a key with this id; where no keys are needed, there is any. user is the srv_app. */
bool srv_app_is_key(void *user, const char *key_id);

/* Reads the keys anew; the old ones stay where that fails. */
fct_status srv_app_read_keys(srv_app *app, fct_error *err);

/* Reads a list of addresses, "192.168.0.0/16,::1". FCT_ERR_ARG names what is none. */
fct_status srv_ranges_parse(const char *text, srv_range *out, int cap, int *n, fct_error *err);
bool srv_ranges_hold(const srv_range *r, int n, const char *address);

/* ---- For dialects ------------------------------------------------------------------------------ */

extern const srv_dialect srv_facet_dialect, srv_immich_dialect, srv_deepstack_dialect, srv_compreface_dialect,
    srv_rekognition_dialect, srv_web_dialect;
/* GET / as Immich's service answers it. The page has the same address and leaves it to Immich's clients. */
extern srv_handler srv_do_immich_root;

/* Begins an answer in JSON; the caller writes one value with j. */
void srv_reply_json(srv_reply *out, int status, fct_json_writer *j);

/* Begins an answer in JSON with an object and, as its member `key`, the names of all *n people; the caller goes on with
 * the object and ends it. False: *out says why there is none. */
bool srv_reply_names(srv_app *app, const srv_request *r, const char *key, srv_reply *out, fct_json_writer *j, int *n);

/* Answers that something went wrong, in the request's own dialect. */
void srv_fail(const srv_request *r, srv_reply *out, int status, const char *code, const char *text);
/* The same for a failed call: what the status means is the same in all dialects. The
 * first is for reading a form, the second for pictures, the third for the rest. */
void srv_fail_form(const srv_request *r, srv_reply *out, const fct_error *e);
void srv_fail_picture(const srv_request *r, srv_reply *out, const fct_error *e);
void srv_fail_call(const srv_request *r, srv_reply *out, const fct_error *e);

/* Lets the request go on with a key that a dialect has in an unusual place. False: *out says that there is none. */
bool srv_app_take_key(srv_app *app, srv_request *r, const char *key, srv_reply *out);

/* The same for who signs with the key of this access key id; secret (may be NULL): its text. False also where the key
 * may not do what is asked. */
bool srv_app_take_signer(srv_app *app, srv_request *r, const char *access_id, char secret[SRV_KEY_TEXT],
                         srv_reply *out);
/* Refuses a wrong key or signature, and after many of them from one address asks it to wait. Returns false. */
bool srv_app_wrong(srv_app *app, srv_request *r, srv_reply *out, const char *code, const char *text);

/* Milliseconds since the request's head was there. */
double srv_elapsed_ms(const srv_request *r);

#endif
