/* facet/queue.h: photos that many machines analyze, in a PostgreSQL database.
 *
 * A job is a photo and the network that shall embed its faces. Whoever adds jobs and
 * all workers name photos by the same paths. The photo's content and the network are
 * the job's key: the same photo is not added twice, whatever it is called.
 *
 * A worker claims some jobs at a time and holds them for a lease, which it extends as
 * it goes. What it found and that the jobs are done is written in one transaction. A
 * worker that dies says nothing: its lease ends, and others take its jobs. A job that
 * has been begun often enough without an end has failed. See docs/queue.md.
 *
 * A queue belongs to one thread at a time. */
#ifndef FACET_QUEUE_H
#define FACET_QUEUE_H

#include "face.h"
#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_queue fct_queue;

typedef struct fct_queue_opts {
    size_t size;  /* sizeof this struct; set by fct_queue_opts_init() */
    int lease_s;  /* seconds for which claimed jobs are held (default 120) */
    int attempts; /* how often a job is begun before it has failed (default 3) */
} fct_queue_opts;
FCT_API void fct_queue_opts_init(fct_queue_opts *o);

/* Opens the queue in the database that address names (fct_gallery_is_address()), and
 * makes its tables where there are none. They lie beside those of a gallery. *out is
 * owned. Errors: FCT_ERR_ARG (no address of a server), FCT_ERR_NETWORK, FCT_ERR_IO,
 * FCT_ERR_UNSUPPORTED (a newer queue, or a build without libpq). */
FCT_API fct_status fct_queue_open(const char *address, const fct_queue_opts *opts, fct_queue **out, fct_error *err);
FCT_API void fct_queue_free(fct_queue *q);

/* ---- Adding ------------------------------------------------------------------------- */

typedef struct fct_queue_photo {
    const char *path;   /* as workers will find it */
    uint8_t sha256[32]; /* of its content */
    const char *person; /* whose face shall be enrolled; NULL = its faces are stored as they are found */
} fct_queue_photo;

/* Reads a photo, at most 1 GiB, and tells its content's hash. *data (may be NULL) is owned:
 * fct_buffer_free(). Errors: FCT_ERR_NOT_FOUND, FCT_ERR_IO, FCT_ERR_LIMIT. */
FCT_API fct_status fct_queue_read(const char *path, uint8_t sha256[32], void **data, size_t *size, fct_error *err);

/* Adds jobs, in one transaction. Those of the same content, network and person are
 * there already, whatever became of them. *added (may be NULL): how many are new. */
FCT_API fct_status fct_queue_add(fct_queue *q, const char *model_id, const fct_queue_photo *photos, size_t n,
                                 size_t *added, fct_error *err);

/* ---- Working ------------------------------------------------------------------------ */

typedef struct fct_job {
    int64_t id;
    int attempt; /* from 1 */
    char *path;
    char *person; /* NULL = none */
    uint8_t sha256[32];
} fct_job;

/* Takes up to max jobs of this network, oldest first, and those whose worker has let
 * its lease end. *jobs [*n] is owned: fct_jobs_free(). *n 0: there is nothing to do;
 * *later (may be NULL) says whether others hold jobs that may come back. */
FCT_API fct_status fct_queue_claim(fct_queue *q, const char *model_id, int max, fct_job **jobs, int *n, bool *later,
                                   fct_error *err);
FCT_API void fct_jobs_free(fct_job *jobs, int n);

/* Extends the lease of all jobs that are held. */
FCT_API fct_status fct_queue_extend(fct_queue *q, fct_error *err);

/* Notes what became of a job, for the next fct_queue_commit(): the faces that were
 * found (copied), or a reason. for_good: another attempt would not help. */
FCT_API fct_status fct_queue_note_faces(fct_queue *q, int64_t job_id, const fct_faces *faces, fct_error *err);
FCT_API fct_status fct_queue_note_failure(fct_queue *q, int64_t job_id, const char *reason, bool for_good,
                                          fct_error *err);
/* Writes what was noted, in one transaction. Jobs that are held by others meanwhile
 * are left to them. *n (may be NULL): jobs that were completed. */
FCT_API fct_status fct_queue_commit(fct_queue *q, int *n, fct_error *err);

/* The next change of the gallery, which must be on the same server and schema, also
 * completes the job, in the same transaction: fct_enroll_photo() between the two calls.
 * Where the job is no longer held, the change fails with FCT_ERR_CANCELLED.
 * fct_queue_part() ends it and says whether the job was completed. */
FCT_API void fct_queue_join(fct_queue *q, fct_gallery *g, int64_t job_id);
FCT_API bool fct_queue_part(fct_queue *q, fct_gallery *g);

/* Gives back what is held; no attempt is counted for it. */
FCT_API fct_status fct_queue_release(fct_queue *q, fct_error *err);

/* ---- Looking ------------------------------------------------------------------------ */

typedef struct fct_queue_info {
    char place[1024];
    int64_t waiting, running, done, failed; /* jobs */
    int64_t faces;                          /* that were found */
    int workers;                            /* that hold jobs */
    double rate;                            /* jobs a second over the last five minutes; 0 = none were completed */
    double left_s;                          /* until all are done at this rate; NAN = unknown */
} fct_queue_info;
FCT_API fct_status fct_queue_stat(fct_queue *q, fct_queue_info *out, fct_error *err);

/* Failed jobs by their number; what comes back other than FCT_OK ends it. All texts
 * are borrowed for the call. */
typedef fct_status fct_queue_failure_fn(int64_t id, int attempts, const char *path, const char *reason, void *user,
                                        fct_error *err);
FCT_API fct_status fct_queue_failures(fct_queue *q, fct_queue_failure_fn *fn, void *user, fct_error *err);

/* A face that was found, in the order of jobs. */
typedef struct fct_queue_face {
    int64_t job_id;
    const char *path, *model_id;
    float box[4], kps[5][2], score;
    const float *embedding; /* [dim], as the network gave it */
    int dim;
} fct_queue_face;
typedef fct_status fct_queue_face_fn(const fct_queue_face *face, void *user, fct_error *err);
/* Faces after the job with this number (0 = all), of jobs that are done. */
FCT_API fct_status fct_queue_faces(fct_queue *q, int64_t after_job, fct_queue_face_fn *fn, void *user, fct_error *err);

/* Lets failed jobs be done again. *n (may be NULL): how many. */
FCT_API fct_status fct_queue_retry(fct_queue *q, int64_t *n, fct_error *err);

typedef enum fct_queue_what { FCT_QUEUE_DONE, FCT_QUEUE_FAILED, FCT_QUEUE_WAITING, FCT_QUEUE_ALL } fct_queue_what;
/* Removes jobs, with the faces that were found. Running ones are removed with all the
 * others alone. */
FCT_API fct_status fct_queue_clear(fct_queue *q, fct_queue_what what, int64_t *n, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
