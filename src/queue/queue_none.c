/* Queues in a build without libpq: none. */
#include "base/error.h"
#include "facet/queue.h"
#include <string.h>

void fct_queue_opts_init(fct_queue_opts *o) { *o = (fct_queue_opts){.size = sizeof *o, .lease_s = 120, .attempts = 3}; }

static fct_status none(fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build of facet has no PostgreSQL: it was made without libpq");
}

fct_status fct_queue_open(const char *address, const fct_queue_opts *opts, fct_queue **out, fct_error *err) {
    *out = NULL;
    return none(err);
}
void fct_queue_free(fct_queue *q) {}
fct_status fct_queue_add(fct_queue *q, const char *model_id, const fct_queue_photo *photos, size_t n, size_t *added,
                         fct_error *err) {
    return none(err);
}
fct_status fct_queue_claim(fct_queue *q, const char *model_id, int max, fct_job **jobs, int *n, bool *later,
                           fct_error *err) {
    *jobs = NULL;
    *n = 0;
    return none(err);
}
void fct_jobs_free(fct_job *jobs, int n) {}
fct_status fct_queue_extend(fct_queue *q, fct_error *err) { return none(err); }
fct_status fct_queue_note_faces(fct_queue *q, int64_t job_id, const fct_faces *faces, fct_error *err) {
    return none(err);
}
fct_status fct_queue_note_failure(fct_queue *q, int64_t job_id, const char *reason, bool for_good, fct_error *err) {
    return none(err);
}
fct_status fct_queue_commit(fct_queue *q, int *n, fct_error *err) { return none(err); }
void fct_queue_join(fct_queue *q, fct_gallery *g, int64_t job_id) {}
bool fct_queue_part(fct_queue *q, fct_gallery *g) { return false; }
fct_status fct_queue_release(fct_queue *q, fct_error *err) { return none(err); }
fct_status fct_queue_stat(fct_queue *q, fct_queue_info *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    return none(err);
}
fct_status fct_queue_failures(fct_queue *q, fct_queue_failure_fn *fn, void *user, fct_error *err) { return none(err); }
fct_status fct_queue_faces(fct_queue *q, int64_t after_job, fct_queue_face_fn *fn, void *user, fct_error *err) {
    return none(err);
}
fct_status fct_queue_retry(fct_queue *q, int64_t *n, fct_error *err) { return none(err); }
fct_status fct_queue_clear(fct_queue *q, fct_queue_what what, int64_t *n, fct_error *err) { return none(err); }
