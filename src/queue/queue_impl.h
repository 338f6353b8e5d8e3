/* Inside of fct_queue. */
#ifndef FCT_QUEUE_IMPL_H
#define FCT_QUEUE_IMPL_H

#include "facet/queue.h"
#include "postgres/pg_conn.h"

#define FCT_QUEUE_SCHEMA 1

/* Numbers in the table. */
typedef enum fct_job_state { FCT_JOB_WAITING, FCT_JOB_RUNNING, FCT_JOB_DONE, FCT_JOB_FAILED } fct_job_state;

/* A face that waits to be written. */
typedef struct fct_noted_face {
    int64_t job_id;
    float box[4], kps[5][2], score;
    uint8_t *embedding; /* [size] little-endian singles, owned */
    size_t size;
} fct_noted_face;

typedef struct fct_noted_job {
    int64_t id, faces;
    char *reason; /* owned; NULL = done */
    bool for_good;
} fct_noted_job;

struct fct_queue {
    fct_pg_address address;
    fct_pg pg;
    fct_queue_opts o;
    char worker[40];       /* who we are for the other workers */
    int64_t joined;        /* the job that the gallery's next change completes, 0 = none */
    bool completed;        /* and it did */
    fct_noted_job *jobs;   /* [n_jobs] */
    fct_noted_face *faces; /* [n_faces] */
    size_t n_jobs, n_faces, cap_jobs, cap_faces;
};

/* Runs a statement that may be run again, until the connection holds: at once where
 * it broke, and again after conflicts. fill puts its parameters. */
typedef void fct_queue_fill(fct_queue *q, fct_pg_params *p, const void *ctx);
fct_status fct_queue_ask(fct_queue *q, fct_queue_fill *fill, const void *ctx, PGresult **out, fct_error *err,
                         const char *columns, const char *sql);
/* The same for a scan; fn must bear to see rows again. */
fct_status fct_queue_ask_int(fct_queue *q, fct_queue_fill *fill, const void *ctx, int64_t *out, fct_error *err,
                             const char *sql);

#endif
