#include "server/job_kinds.h"

#include "base/log.h"
#include "facet/privacy.h"
#include "server/collections.h"
#include "server/job_batch.h"
#include "server/job_gallery.h"
#include "server/retention.h"

const srv_job_kind srv_job_kinds[] = {
    {"enroll", true, srv_job_enroll},
    {"search", true, srv_job_search},
    {"import", true, srv_job_import},
    {"duplicates", false, srv_job_duplicates},
    {"clusters", false, srv_job_clusters},
    {"retention", false, srv_job_retention},
    {0},
};

/* Runs a job in its collection, for whom it began. */
static fct_status run(srv_app *app, srv_job *job, fct_error *err) {
    int64_t id = 0;
    fct_status s = *job->collection ? srv_collection_find(&app->core, job->collection, &id, err) : FCT_OK;
    if (s) return s;
    fct_gallery_act_for(job->actor);
    srv_work_in(id);
    s = job->kind->run(app, job, err);
    srv_work_in(0);
    fct_gallery_act_for(NULL);
    return s;
}

static void idle(srv_app *app) {
    fct_error e;
    if (srv_retention_run(app, NULL, &e)) fct_log(FCT_LOG_WARN, "retention: %s", e.text);
}

fct_status srv_app_start_jobs(srv_app *app, fct_error *err) {
    static const srv_jobs_calls calls = {run, idle, SRV_RETENTION_EVERY, SRV_RETENTION_FIRST, SRV_JOB_THREADS};
    fct_gallery_info info;
    fct_status s = fct_gallery_stat(app->core.gallery, &info, err);
    return s ? s : srv_jobs_start(&app->jobs, app, &calls, app->data_dir, !info.encrypted, err);
}
