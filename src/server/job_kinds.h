/* The kinds of jobs, and what starts the threads that carry them out. */
#ifndef FCT_SERVER_JOB_KINDS_H
#define FCT_SERVER_JOB_KINDS_H

#include "server/app.h"

/* The app's gallery is open. srv_jobs_stop() ends it. */
fct_status srv_app_start_jobs(srv_app *app, fct_error *err);

#endif
