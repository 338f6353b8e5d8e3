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

static void write_collection(fct_json_writer *j, const char *key, const srv_app *app, const fct_gallery_info *info) {
    fct_json_object(j, key);
    fct_json_text(j, "id", SRV_COLLECTION);
    fct_json_text(j, "name", SRV_COLLECTION);
    fct_json_number(j, "default_threshold", app->core.threshold, 6);
    fct_json_text(j, "model_id", fct_pack_name(app->core.pack));
    fct_json_text(j, "model_digest", fct_pack_embedder_id(app->core.pack));
    fct_json_int(j, "embedding_dimension", fct_pack_embedding_dim(app->core.pack));
    fct_json_bool(j, "save_face_crops", true);
    fct_json_int(j, "person_count", info->people);
    fct_json_int(j, "face_count", info->faces);
    fct_json_close_object(j);
}

static void do_collections(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_gallery_info info;
    fct_error e;
    srv_page page;
    if (!srv_read_page(r, &page, out)) return;
    if (fct_gallery_stat(app->core.gallery, &info, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "collections");
    if (page.after < 1) write_collection(&j, NULL, app, &info);
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
}

static void do_collection(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_gallery_info info;
    fct_error e;
    if (!srv_collection_of(r, out)) return;
    if (fct_gallery_stat(app->core.gallery, &info, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    write_collection(&j, "collection", app, &info);
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

#define PEOPLE "/v1/collections/{}/persons"
static const srv_route routes[] = {
    {SRV_GET, "/v1/health", SRV_ROLE_NONE, "health", do_health},
    {SRV_GET, "/v1/openapi.json", SRV_ROLE_NONE, "openapi", do_openapi},
    {SRV_GET, "/v1/system", SRV_ROLE_READER, "system", srv_do_system},
    {SRV_GET, "/v1/models", SRV_ROLE_READER, "models", do_models},
    {SRV_GET, "/metrics", SRV_ROLE_READER, "metrics", srv_do_metrics},
    {SRV_POST, "/v1/detect", SRV_ROLE_READER, "detect", srv_do_detect},
    {SRV_POST, "/v1/embeddings", SRV_ROLE_READER, "embeddings", srv_do_embed},
    {SRV_POST, "/v1/compare", SRV_ROLE_READER, "compare", srv_do_compare},
    {SRV_GET, "/v1/collections", SRV_ROLE_READER, "collections", do_collections},
    {SRV_GET, "/v1/collections/{}", SRV_ROLE_READER, "collection", do_collection},
    {SRV_GET, PEOPLE, SRV_ROLE_READER, "persons", srv_do_people},
    {SRV_POST, PEOPLE, SRV_ROLE_ENROLLER, "person_create", srv_do_person_create},
    {SRV_GET, PEOPLE "/{}", SRV_ROLE_READER, "person", srv_do_person},
    {SRV_PATCH, PEOPLE "/{}", SRV_ROLE_ENROLLER, "person_change", srv_do_person_change},
    {SRV_DELETE, PEOPLE "/{}", SRV_ROLE_ENROLLER, "person_remove", srv_do_person_remove},
    {SRV_GET, PEOPLE "/{}/faces", SRV_ROLE_READER, "faces", srv_do_faces},
    {SRV_POST, PEOPLE "/{}/faces", SRV_ROLE_ENROLLER, "faces_add", srv_do_faces_add},
    {SRV_DELETE, PEOPLE "/{}/faces/{}", SRV_ROLE_ENROLLER, "face_remove", srv_do_face_remove},
    {SRV_GET, PEOPLE "/{}/faces/{}/image", SRV_ROLE_READER, "face_image", srv_do_face_image},
    {SRV_POST, PEOPLE "/{}/verify", SRV_ROLE_READER, "verify", srv_do_verify},
    {SRV_POST, "/v1/collections/{}/search", SRV_ROLE_READER, "search", srv_do_search},
    {SRV_POST, "/v1/collections/{}/identify", SRV_ROLE_READER, "identify", srv_do_identify},
    {0},
};

const srv_dialect srv_facet_dialect = {.name = "facet", .routes = routes, .fail = fail, .key = bearer};
