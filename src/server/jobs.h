/* Long work: begun by a request, watched, cancelled, begun again. A few threads carry jobs
 * out in the order in which they came.
 *
 * A job's input is the request that began it. Input, state and results are kept in the
 * folder jobs/ of the data folder (job_store.c), so that a job that was interrupted by the end
 * of the server can begin again; beside an encrypted gallery only the state is, since
 * input and results hold pictures and names. */
#ifndef FCT_SERVER_JOBS_H
#define FCT_SERVER_JOBS_H

#include "base/buffer.h"
#include "base/thread.h"
#include "server/request.h"
#include "text/json_writer.h"

#include <stdatomic.h>

struct srv_app;
typedef struct srv_job srv_job;

enum { SRV_JOBS_MOST = 100, SRV_JOBS_WAITING = 16, SRV_JOB_COUNTS = 6, SRV_JOB_THREADS = 2, SRV_JOB_ID = 14 };

/* What a kind of job does. */
typedef struct srv_job_kind {
    const char *name;
    bool has_input; /* the body of its request */
    /* Carries it out, in the job's collection; FCT_ERR_CANCELLED once srv_job_goes_on() was false. */
    fct_status (*run)(struct srv_app *app, srv_job *job, fct_error *err);
} srv_job_kind;
extern const srv_job_kind srv_job_kinds[]; /* ends with a NULL name; job_kinds.c */
const srv_job_kind *srv_job_kind_find(const char *name);

typedef enum srv_job_state {
    SRV_JOB_WAITING,
    SRV_JOB_RUNNING,
    SRV_JOB_DONE,
    SRV_JOB_FAILED,
    SRV_JOB_CANCELLED,
    SRV_JOB_INTERRUPTED
} srv_job_state;

typedef struct srv_job_count {
    char what[24];
    int64_t n;
} srv_job_count;

struct srv_job {
    char id[SRV_JOB_ID];
    const srv_job_kind *kind;
    char collection[201]; /* as requests call it; "" = none */
    char actor[100];      /* for the audit log */
    double threshold;     /* NAN = the collection's */
    srv_job_state state;
    int64_t created, started, ended; /* seconds since 1970; 0 = not yet */
    uint64_t began;                  /* ns */
    int64_t done, total;             /* total -1 = not known */
    srv_job_count counts[SRV_JOB_COUNTS];
    int n_counts;
    char error[500];
    char type[200];  /* Content-Type of the input */
    fct_buf input;   /* while it is not in a file */
    bool in_file;    /* input is in one */
    fct_buf results; /* one JSON object a line */
    size_t n_results;
    bool read; /* results are in memory, not in a file only */
    bool stop; /* cancelled, or the server ends */
};

/* What the threads call. */
typedef struct srv_jobs_calls {
    fct_status (*run)(struct srv_app *app, srv_job *job, fct_error *err); /* carries a job out */
    void (*idle)(struct srv_app *app);                                    /* now and then, while nothing waits */
    int idle_every, idle_first; /* seconds: how often, and how soon after the start */
    int threads;                /* at most SRV_JOB_THREADS; 0: nothing is carried out */
} srv_jobs_calls;

typedef struct srv_jobs {
    fct_mutex lock; /* guards all that follows, and what is in jobs */
    fct_cond work;
    srv_job *at[SRV_JOBS_MOST]; /* [n], owned, the oldest first */
    int n;
    char *folder; /* owned; NULL = nothing is kept */
    bool keeps;   /* input and results too */
    bool ending;
    fct_thread threads[SRV_JOB_THREADS];
    int n_threads;
    int64_t idled; /* when calls.idle was last called */
    srv_jobs_calls calls;
    struct srv_app *app;
} srv_jobs;

/* Reads what is kept in data_dir (NULL = nothing is) and begins to work. keeps: input and results are kept too. */
fct_status srv_jobs_start(srv_jobs *j, struct srv_app *app, const srv_jobs_calls *calls, const char *data_dir,
                          bool keeps, fct_error *err);
/* Interrupts what runs, and ends. Harmless where it was never started. */
void srv_jobs_stop(srv_jobs *j);

/* Adds a job; takes the body of r where its kind has an input. id: [SRV_JOB_ID]. FCT_ERR_BUSY: too many wait. */
fct_status srv_jobs_add(srv_jobs *j, srv_request *r, const srv_job_kind *kind, const char *collection, double threshold,
                        char *id, fct_error *err);
/* Cancels a job that waits or runs, and removes one that has ended. FCT_ERR_NOT_FOUND. only: jobs of this collection
 * alone; "" = any. */
fct_status srv_jobs_cancel(srv_jobs *j, const char *id, const char *only, fct_error *err);
/* Begins again what has ended, but is not done. FCT_ERR_NOT_FOUND; FCT_ERR_EXISTS: it is done, it runs, or its input
 * is not there any more. */
fct_status srv_jobs_restart(srv_jobs *j, const char *id, const char *only, fct_error *err);

/* Writes one; false where there is none. */
bool srv_jobs_write(srv_jobs *j, const char *id, const char *only, fct_json_writer *w, const char *key);
/* Writes a page of all, the newest first. after: how many to pass over; *next: that for the next page, 0 = none. */
void srv_jobs_write_page(srv_jobs *j, const char *only, int limit, int64_t after, int64_t *next, fct_json_writer *w);
/* Writes a page of a job's results. FCT_ERR_NOT_FOUND. */
fct_status srv_jobs_write_results(srv_jobs *j, const char *id, const char *only, int limit, int64_t after,
                                  int64_t *next, fct_json_writer *w, fct_error *err);

/* ---- For what carries jobs out: in its thread ---------------------------------------------------- */

/* How far it is; false: it shall end. */
bool srv_job_goes_on(srv_jobs *j, srv_job *job, int64_t done, int64_t total);
/* Adds to a count of the summary. */
void srv_job_add(srv_jobs *j, srv_job *job, const char *what, int64_t n);
/* Adds a result: a JSON object, which is emptied. FCT_ERR_LIMIT: too many bytes of them. */
fct_status srv_job_result(srv_jobs *j, srv_job *job, fct_buf *object, fct_error *err);
/* The request that began it, to read a form of. Free it with srv_request_free(). */
fct_status srv_job_request(srv_jobs *j, srv_job *job, srv_request *out, fct_error *err);
/* Writes the input into a file, or names the one in which it is; owned (fct_free). */
fct_status srv_job_input_path(srv_jobs *j, srv_job *job, char **out, fct_error *err);

/* ---- job_store.c ---------------------------------------------------------------------------------- */

/* Where the store does not work, jobs go on without it; the log says so. All under the lock, but for the first. */
fct_status srv_jobs_read(srv_jobs *j, fct_error *err);
void srv_job_keep(srv_jobs *j, const srv_job *job);   /* the state */
bool srv_job_keep_input(srv_jobs *j, srv_job *job);   /* moves it into a file */
void srv_job_keep_results(srv_jobs *j, srv_job *job); /* into a file */
void srv_job_read_results(srv_jobs *j, srv_job *job); /* from it */
void srv_job_drop(srv_jobs *j, const srv_job *job);   /* its files */
void srv_job_drop_input(srv_jobs *j, srv_job *job);
char *srv_job_path(const srv_jobs *j, const srv_job *job, const char *suffix); /* owned; NULL = out of memory */

/* Reads a state; false where it is none of ours. text [size] is changed, and text[size] writable. */
bool srv_job_state_parse(char *text, size_t size, srv_job *out);

const char *srv_job_state_name(srv_job_state s);

#endif
