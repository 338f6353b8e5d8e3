/* What the files of facet's own dialect share: how things look in its JSON, shaped as
 * InsightFace Server's are, and the handlers that its table of routes names. */
#ifndef FCT_SERVER_FACET_API_H
#define FCT_SERVER_FACET_API_H

#include "server/app.h"

enum { SRV_PAGE = 50, SRV_PAGE_MOST = 100, SRV_MATCHES = 5 };
#define SRV_COLLECTION "_default"

/* {"pixels":{...},"normalized":{...}}; width 0: the picture is unknown, and so is what is normalized. */
void srv_json_box(fct_json_writer *j, const char *key, const float box[4], int width, int height);
/* A face that was found in a picture; embedding: with it. */
void srv_json_face(fct_json_writer *j, const char *key, const srv_seen *seen, const fct_face *f, bool embedding);
void srv_json_person(fct_json_writer *j, const char *key, const fct_person *p);
void srv_json_sample(fct_json_writer *j, const srv_core *c, const fct_stored_face *f);
/* request_id and processing_ms, with which answers end; closes their object. */
void srv_json_close(fct_json_writer *j, const srv_request *r, bool timed);

/* Reads the body and one picture of it, and finds its faces. False: *out says why not. Free both in both cases. */
bool srv_read_form(const srv_request *r, srv_form *form, const char *members, srv_reply *out);
bool srv_read_picture(srv_app *app, const srv_request *r, srv_form *form, const char *name, int i, uint32_t tasks,
                      srv_seen *seen, srv_reply *out);
/* limit and cursor of the query. */
bool srv_read_page(const srv_request *r, srv_page *page, srv_reply *out);
void srv_json_cursor(fct_json_writer *j, const srv_page *page);

/* The path's first parameter is a collection that is there; else *out says that it is not. */
bool srv_collection_of(const srv_request *r, srv_reply *out);
/* The path's i-th parameter as an id; -1 where it is none. */
int64_t srv_id_of(const srv_request *r, int i);
/* The person that the path's second parameter names. */
bool srv_person_of(srv_app *app, const srv_request *r, fct_person *person, srv_reply *out);

srv_handler srv_do_detect, srv_do_embed, srv_do_compare;
srv_handler srv_do_people, srv_do_person, srv_do_person_create, srv_do_person_change, srv_do_person_remove;
srv_handler srv_do_faces, srv_do_faces_add, srv_do_face_remove, srv_do_face_image;
srv_handler srv_do_search, srv_do_identify, srv_do_verify;
srv_handler srv_do_system, srv_do_metrics;

/* The OpenAPI file, from openapi.json; made by embed_text.py. */
extern const char srv_openapi[];
extern const unsigned long srv_openapi_size;

#endif
