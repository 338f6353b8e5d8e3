/* Jobs over what is stored. */
#ifndef FCT_SERVER_JOB_GALLERY_H
#define FCT_SERVER_JOB_GALLERY_H

#include "server/app.h"

fct_status srv_job_import(srv_app *app, srv_job *job, fct_error *err);
fct_status srv_job_duplicates(srv_app *app, srv_job *job, fct_error *err);
fct_status srv_job_clusters(srv_app *app, srv_job *job, fct_error *err);
fct_status srv_job_retention(srv_app *app, srv_job *job, fct_error *err);

#endif
