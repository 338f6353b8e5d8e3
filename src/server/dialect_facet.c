/* facet's own interface: health, system, models, and the table of all its operations. */
#include "server/facet_api.h"

#include "base/file.h"
#include "server/problem.h"

#include <string.h>

static void do_health(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "status", "ready");
    fct_json_text(&j, "version", fct_version());
    fct_json_bool(&j, "auth_enabled", app->auth);
    srv_json_close(&j, r, false);
}

static void do_openapi(srv_app *app, srv_request *r, srv_reply *out) {
    out->status = 200;
    out->type = "application/json";
    fct_buf_add(&out->body, srv_openapi, srv_openapi_size);
}

static void do_models(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_pack_file f;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "models");
    for (int i = 0; i < fct_pack_file_count(app->core.pack); i++) {
        if (fct_pack_file_info(app->core.pack, i, &f, NULL) || !f.task) continue;
        fct_json_object(&j, NULL);
        fct_json_text(&j, "model_id", fct_pack_name(app->core.pack));
        fct_json_text(&j, "task", fct_task_name((fct_task)f.task));
        fct_json_text(&j, "sha256", f.id);
        fct_json_text(&j, "file", fct_path_base(f.path));
        if (f.embedding_dim) fct_json_int(&j, "embedding_dimension", f.embedding_dim);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_text(&j, "execution_provider", "cpu");
    srv_json_close(&j, r, false);
}

static const char *bearer(const srv_request *r) {
    const char *v = srv_request_field(r, "Authorization");
    if (v && (strncmp(v, "Bearer ", 7) == 0 || strncmp(v, "bearer ", 7) == 0)) return v + 7 + strspn(v + 7, " ");
    return srv_request_field(r, "X-Api-Key");
}

static void fail(srv_reply *out, int status, const char *code, const char *text, const char *request_id) {
    out->status = status;
    out->type = SRV_PROBLEM_TYPE;
    if (strcmp(code, "key_needed") == 0) code = "unauthorized"; /* other dialects tell them apart */
    srv_problem_body(&out->body, status, code, text, request_id);
}

#define COLLECTION "/v1/collections/{}"
#define PEOPLE     COLLECTION "/persons"
#define UNKNOWN    COLLECTION "/unknown"
#define REMOVED    COLLECTION "/removed"
/* Streams, which elements of a page read without a header of their own. */
static bool takes_ticket(const srv_route *r) { return r->handle == srv_do_follow || r->handle == srv_do_preview; }

#define MONITOR "/v1/monitors/{}"
static const srv_route routes[] = {
    {SRV_GET, "/v1/health", SRV_ROLE_NONE, "health", do_health},
    {SRV_GET, "/v1/openapi.json", SRV_ROLE_NONE, "openapi", do_openapi},
    {SRV_GET, "/v1/system", SRV_ROLE_READER, "system", srv_do_system},
    {SRV_GET, "/v1/models", SRV_ROLE_READER, "models", do_models},
    {SRV_GET, "/metrics", SRV_ROLE_READER, "metrics", srv_do_metrics},
    {SRV_POST, "/v1/detect", SRV_ROLE_READER, "detect", srv_do_detect},
    {SRV_POST, "/v1/embeddings", SRV_ROLE_READER, "embeddings", srv_do_embed},
    {SRV_POST, "/v1/compare", SRV_ROLE_READER, "compare", srv_do_compare},
    {SRV_GET, "/v1/collections", SRV_ROLE_READER, "collections", srv_do_collections},
    {SRV_GET, "/v1/collections/{}", SRV_ROLE_READER, "collection", srv_do_collection},
    {SRV_POST, "/v1/collections", SRV_ROLE_ADMIN, "collection_create", srv_do_collection_create},
    {SRV_PATCH, COLLECTION, SRV_ROLE_ADMIN, "collection_change", srv_do_collection_change},
    {SRV_DELETE, COLLECTION, SRV_ROLE_ADMIN, "collection_remove", srv_do_collection_remove},
    {SRV_GET, COLLECTION "/scores", SRV_ROLE_READER, "scores", srv_do_scores},
    {SRV_GET, COLLECTION "/export", SRV_ROLE_ADMIN, "export", srv_do_export},
    {SRV_POST, COLLECTION "/import", SRV_ROLE_ENROLLER, "import", srv_do_import},
    {SRV_POST, COLLECTION "/batch/enroll", SRV_ROLE_ENROLLER, "batch_enroll", srv_do_batch_enroll},
    {SRV_POST, COLLECTION "/batch/search", SRV_ROLE_READER, "batch_search", srv_do_batch_search},
    {SRV_GET, PEOPLE, SRV_ROLE_READER, "persons", srv_do_people},
    {SRV_POST, PEOPLE, SRV_ROLE_ENROLLER, "person_create", srv_do_person_create},
    {SRV_GET, PEOPLE "/{}", SRV_ROLE_READER, "person", srv_do_person},
    {SRV_PATCH, PEOPLE "/{}", SRV_ROLE_ENROLLER, "person_change", srv_do_person_change},
    {SRV_DELETE, PEOPLE "/{}", SRV_ROLE_ENROLLER, "person_remove", srv_do_person_remove},
    {SRV_GET, PEOPLE "/{}/faces", SRV_ROLE_READER, "faces", srv_do_faces},
    {SRV_POST, PEOPLE "/{}/faces", SRV_ROLE_ENROLLER, "faces_add", srv_do_faces_add},
    {SRV_DELETE, PEOPLE "/{}/faces/{}", SRV_ROLE_ENROLLER, "face_remove", srv_do_face_remove},
    {SRV_GET, PEOPLE "/{}/faces/{}/image", SRV_ROLE_READER, "face_image", srv_do_face_image},
    {SRV_GET, PEOPLE "/{}/image", SRV_ROLE_READER, "person_image", srv_do_person_image},
    {SRV_POST, PEOPLE "/{}/merge", SRV_ROLE_ENROLLER, "person_merge", srv_do_merge},
    {SRV_POST, PEOPLE "/{}/split", SRV_ROLE_ENROLLER, "person_split", srv_do_split},
    {SRV_POST, PEOPLE "/{}/move", SRV_ROLE_ENROLLER, "person_move", srv_do_move},
    {SRV_GET, PEOPLE "/{}/negatives", SRV_ROLE_READER, "negatives", srv_do_negatives},
    {SRV_POST, PEOPLE "/{}/negatives", SRV_ROLE_ENROLLER, "negative_add", srv_do_negative_add},
    {SRV_DELETE, PEOPLE "/{}/negatives/{}", SRV_ROLE_ENROLLER, "negative_remove", srv_do_negative_remove},
    {SRV_GET, REMOVED, SRV_ROLE_READER, "removed", srv_do_removed},
    {SRV_POST, REMOVED "/{}/restore", SRV_ROLE_ENROLLER, "restore", srv_do_restore},
    {SRV_DELETE, REMOVED "/{}", SRV_ROLE_ENROLLER, "forget", srv_do_forget},
    {SRV_POST, PEOPLE "/{}/verify", SRV_ROLE_READER, "verify", srv_do_verify},
    {SRV_POST, "/v1/collections/{}/search", SRV_ROLE_READER, "search", srv_do_search},
    {SRV_POST, "/v1/collections/{}/identify", SRV_ROLE_READER, "identify", srv_do_identify},
    {SRV_GET, UNKNOWN, SRV_ROLE_READER, "unknown", srv_do_unknown},
    {SRV_GET, UNKNOWN "/{}", SRV_ROLE_READER, "group", srv_do_group},
    {SRV_PATCH, UNKNOWN "/{}", SRV_ROLE_ENROLLER, "group_ignore", srv_do_group_ignore},
    {SRV_DELETE, UNKNOWN "/{}", SRV_ROLE_ENROLLER, "group_remove", srv_do_group_remove},
    {SRV_GET, UNKNOWN "/{}/image", SRV_ROLE_READER, "group_image", srv_do_group_image},
    {SRV_GET, UNKNOWN "/{}/faces", SRV_ROLE_READER, "group_faces", srv_do_group_faces},
    {SRV_GET, UNKNOWN "/{}/faces/{}/image", SRV_ROLE_READER, "group_face_image", srv_do_group_face_image},
    {SRV_DELETE, UNKNOWN "/{}/faces/{}", SRV_ROLE_ENROLLER, "group_face_remove", srv_do_group_face_remove},
    {SRV_POST, UNKNOWN "/{}/name", SRV_ROLE_ENROLLER, "group_name", srv_do_group_name},
    {SRV_POST, UNKNOWN "/{}/merge", SRV_ROLE_ENROLLER, "group_merge", srv_do_group_merge},
    {SRV_POST, UNKNOWN "/{}/split", SRV_ROLE_ENROLLER, "group_split", srv_do_group_split},
    {SRV_POST, UNKNOWN "/{}/not", SRV_ROLE_ENROLLER, "group_not", srv_do_group_not},
    {SRV_GET, "/v1/jobs", SRV_ROLE_READER, "jobs", srv_do_jobs},
    {SRV_POST, "/v1/jobs", SRV_ROLE_ENROLLER, "job_start", srv_do_job_start},
    {SRV_GET, "/v1/jobs/{}", SRV_ROLE_READER, "job", srv_do_job},
    {SRV_DELETE, "/v1/jobs/{}", SRV_ROLE_ENROLLER, "job_cancel", srv_do_job_cancel},
    {SRV_GET, "/v1/jobs/{}/results", SRV_ROLE_READER, "job_results", srv_do_job_results},
    {SRV_POST, "/v1/jobs/{}/restart", SRV_ROLE_ENROLLER, "job_restart", srv_do_job_restart},
    {SRV_GET, "/v1/settings", SRV_ROLE_ADMIN, "settings", srv_do_settings},
    {SRV_PATCH, "/v1/settings", SRV_ROLE_ADMIN, "settings_change", srv_do_settings_change},
    {SRV_GET, "/v1/keys", SRV_ROLE_ADMIN, "keys", srv_do_keys},
    {SRV_POST, "/v1/keys", SRV_ROLE_ADMIN, "key_create", srv_do_key_create},
    {SRV_GET, "/v1/keys/current", SRV_ROLE_READER, "key_current", srv_do_key_current},
    {SRV_DELETE, "/v1/keys/{}", SRV_ROLE_ADMIN, "key_remove", srv_do_key_remove},
    {SRV_GET, "/v1/audit", SRV_ROLE_ADMIN, "audit", srv_do_audit},
    {SRV_GET, "/v1/audit/check", SRV_ROLE_ADMIN, "audit_check", srv_do_audit_check},
    {SRV_GET, "/v1/monitors", SRV_ROLE_READER, "monitors", srv_do_monitors},
    {SRV_POST, "/v1/monitors", SRV_ROLE_ADMIN, "monitor_create", srv_do_monitor_create},
    {SRV_GET, "/v1/monitors/events", SRV_ROLE_READER, "follow", srv_do_follow},
    {SRV_GET, MONITOR, SRV_ROLE_READER, "monitor", srv_do_monitor},
    {SRV_PATCH, MONITOR, SRV_ROLE_ADMIN, "monitor_change", srv_do_monitor_change},
    {SRV_DELETE, MONITOR, SRV_ROLE_ADMIN, "monitor_remove", srv_do_monitor_remove},
    {SRV_POST, MONITOR "/start", SRV_ROLE_ADMIN, "monitor_start", srv_do_monitor_start},
    {SRV_POST, MONITOR "/stop", SRV_ROLE_ADMIN, "monitor_stop", srv_do_monitor_stop},
    {SRV_GET, MONITOR "/state", SRV_ROLE_READER, "monitor_state", srv_do_monitor_state},
    {SRV_GET, MONITOR "/events", SRV_ROLE_READER, "monitor_events", srv_do_monitor_events},
    {SRV_GET, MONITOR "/preview", SRV_ROLE_READER, "preview", srv_do_preview},
    {SRV_GET, MONITOR "/preview.mjpeg", SRV_ROLE_READER, "preview", srv_do_preview},
    {SRV_POST, "/v1/tickets", SRV_ROLE_READER, "ticket", srv_do_ticket},
    {0},
};

const srv_dialect srv_facet_dialect = {
    .name = "facet", .routes = routes, .fail = fail, .key = bearer, .takes_ticket = takes_ticket};
