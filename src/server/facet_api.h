/* What the files of facet's own dialect share: how things look in its JSON, shaped as
 * InsightFace Server's are, and the handlers that its table of routes names. */
#ifndef FCT_SERVER_FACET_API_H
#define FCT_SERVER_FACET_API_H

#include "server/app.h"
#include "server/collections.h"

enum { SRV_PAGE = 50, SRV_PAGE_MOST = 100, SRV_PEOPLE_MOST = 1000, SRV_MATCHES = 5 };

/* {"pixels":{...},"normalized":{...}}; width 0: the picture is unknown, and so is what is normalized. */
void srv_json_box(fct_json_writer *j, const char *key, const float box[4], int width, int height);
/* A face that was found in a picture; embedding: with it. */
void srv_json_face(fct_json_writer *j, const char *key, const srv_seen *seen, const fct_face *f, bool embedding);
void srv_json_person(fct_json_writer *j, srv_app *app, const char *key, const fct_person *p);
/* {"id":...} of a number. */
void srv_json_id(fct_json_writer *j, const char *key, int64_t id);
void srv_json_sample(fct_json_writer *j, const srv_core *c, const fct_stored_face *f);
/* request_id and processing_ms, with which answers end; closes their object. */
void srv_json_close(fct_json_writer *j, const srv_request *r, bool timed);

/* Reads the body and one picture of it, and finds its faces, or the largest one. False: *out says why not. Free both in
 * both cases. */
bool srv_read_form(const srv_request *r, srv_form *form, const char *members, srv_reply *out);
bool srv_read_picture(srv_app *app, const srv_request *r, srv_form *form, const char *name, uint32_t tasks,
                      bool largest, srv_seen *seen, srv_reply *out);
/* limit and cursor of the query. */
bool srv_read_page(const srv_request *r, srv_page *page, srv_reply *out);
/* The same for pages of up to `most` items. */
bool srv_read_page_of(const srv_request *r, int most, srv_page *page, srv_reply *out);
void srv_json_cursor(fct_json_writer *j, const srv_page *page);

/* Removes a collection with its people, those who were removed and wait, and its unknown faces. */
fct_status srv_collection_remove(srv_core *c, int64_t id, fct_error *err);
/* The path's first parameter is a collection that is there, in which the thread works from now on; else *out says
 * that it is not. */
bool srv_collection_of(srv_app *app, const srv_request *r, srv_reply *out);
/* The path's i-th parameter as an id; -1 where it is none. The second: of any text. */
int64_t srv_id_of(const srv_request *r, int i);
int64_t srv_id_parse(const char *text);
/* The ids of a JSON array of texts, under a name; out: [most], their number in *n. False: *reply says what is wrong. */
bool srv_read_ids(const srv_request *r, srv_form *form, const char *name, int most, int64_t *out, int *n,
                  srv_reply *reply);
/* The person that the path's second parameter names. */
bool srv_person_of(srv_app *app, const srv_request *r, fct_person *person, srv_reply *out);

srv_handler srv_do_detect, srv_do_embed, srv_do_compare;
srv_handler srv_do_collections, srv_do_collection, srv_do_collection_create, srv_do_collection_change,
    srv_do_collection_remove, srv_do_scores;
srv_handler srv_do_people, srv_do_person, srv_do_person_create, srv_do_person_change, srv_do_person_remove;
srv_handler srv_do_faces, srv_do_faces_add, srv_do_face_remove, srv_do_face_image;
/* 204 instead of an answer: what was to go is gone. */
void srv_gone(srv_reply *out);
/* Answers with somebody, or a group, of this id. */
typedef void srv_answer_fn(srv_app *app, const srv_request *r, int64_t id, srv_reply *out);
/* Carries out {"from":[...]} for a person of the collection that the path has named. */
void srv_merge(srv_app *app, srv_request *r, const fct_person *into, srv_answer_fn *answer, srv_reply *out);
/* Whether faces [n] are all this person's, or, in a request that comes again, another's already. */
bool srv_faces_of(srv_app *app, const srv_request *r, int64_t from, int64_t other, const int64_t *ids, int n,
                  srv_reply *out);
/* The person that "name" or "person_id" means; a new one is made where nobody has the name. may_exist: it may be
 * somebody's. */
bool srv_target_of(srv_app *app, const srv_request *r, srv_form *form, bool may_exist, fct_person *out,
                   srv_reply *reply);
/* A negative that was just made. */
void srv_json_negative(fct_json_writer *j, const char *key, int64_t id, int64_t person);
srv_handler srv_do_merge, srv_do_split, srv_do_move, srv_do_negatives, srv_do_negative_add, srv_do_negative_remove;
srv_handler srv_do_settings, srv_do_settings_change, srv_do_audit, srv_do_audit_check;
srv_handler srv_do_keys, srv_do_key_current, srv_do_key_create, srv_do_key_remove;
srv_handler srv_do_removed, srv_do_restore, srv_do_forget;
srv_handler srv_do_person_image;
/* 200 with the person; 200 with the picture of a face, or 404; the same for a person's best one. */
void srv_answer_person(srv_app *app, const srv_request *r, int64_t id, srv_reply *out);
/* 200 with a page of a person's faces. */
void srv_answer_faces(srv_app *app, const srv_request *r, int64_t person, srv_reply *out);
void srv_answer_crop(srv_app *app, const srv_request *r, int64_t face, srv_reply *out);
void srv_answer_best_crop(srv_app *app, const srv_request *r, int64_t person, srv_reply *out);
srv_handler srv_do_unknown, srv_do_group, srv_do_group_image, srv_do_group_faces, srv_do_group_face_image,
    srv_do_group_face_remove, srv_do_group_ignore, srv_do_group_remove, srv_do_group_merge, srv_do_group_split,
    srv_do_group_name, srv_do_group_not;
srv_handler srv_do_jobs, srv_do_job, srv_do_job_start, srv_do_job_cancel, srv_do_job_results, srv_do_job_restart,
    srv_do_batch_enroll, srv_do_batch_search, srv_do_import, srv_do_export;
srv_handler srv_do_search, srv_do_identify, srv_do_verify;
srv_handler srv_do_system, srv_do_metrics;
srv_handler srv_do_monitors, srv_do_monitor, srv_do_monitor_create, srv_do_monitor_change, srv_do_monitor_remove;
srv_handler srv_do_monitor_start, srv_do_monitor_stop, srv_do_monitor_state, srv_do_monitor_events;
srv_handler srv_do_follow, srv_do_preview, srv_do_ticket;

/* The OpenAPI file, from openapi.json; made by embed_text.py. */
extern const char srv_openapi[];
extern const unsigned long srv_openapi_size;

#endif
