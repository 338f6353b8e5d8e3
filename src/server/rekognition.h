/* What the files of Rekognition's dialect share.
 *
 * A collection there is a collection of the gallery. A face there belongs to a collection and, at
 * will, to a user; in the gallery every face belongs to a person. So a user is the person of
 * that name, marked in its metadata, and a face without a user belongs to a person that stands for
 * its label: the one called as its ExternalImageId says where the picture had one face, else
 * one without a name of its own (rekognition_labels.c). People who were enrolled by other
 * interfaces have their name for an ExternalImageId. */
#ifndef FCT_SERVER_REKOGNITION_H
#define FCT_SERVER_REKOGNITION_H

#include "server/app.h"
#include "server/uuid.h"

enum { SRV_RK_NAME = 200, SRV_RK_EXTERNAL = 256, SRV_RK_MODEL = 80, SRV_RK_MATCHES = 4096, SRV_RK_DIM = 4096 };

/* One operation: reads the JSON body, fills in the answer. */
typedef void srv_rk_operation(srv_app *app, srv_request *r, srv_form *form, srv_reply *out);

/* ---- rekognition_json.c: arguments and how things look ---------------------------------------- */

/* Says that something went wrong, with the type that the service's clients know. */
void srv_rk_fail(const srv_request *r, srv_reply *out, const char *type, const char *text);

/* The collection that "CollectionId" names, in which the calling thread works from then on.
 * False: *out says that there is none. */
bool srv_rk_collection(srv_app *app, srv_request *r, srv_form *form, int64_t *id, srv_reply *out);
/* A name of 1 to `most` of the characters that ids have; "" where it is missing and need not be there. NULL: *out says
 * what is wrong. */
const char *srv_rk_name(srv_request *r, srv_form *form, const char *member, size_t most, bool needed, srv_reply *out);
/* A whole number of low..high; *value stays where there is none. */
bool srv_rk_int(srv_request *r, srv_form *form, const char *member, int low, int high, int *value, srv_reply *out);
/* A percentage; *value stays where there is none. */
bool srv_rk_percent(srv_request *r, srv_form *form, const char *member, double *value, srv_reply *out);
/* "FaceIds": up to `most` texts. NULL: *out says what is wrong. */
const fct_json *srv_rk_face_ids(srv_request *r, srv_form *form, uint32_t most, srv_reply *out);

/* Finds the faces of the picture of a member. False: *out says why not. */
bool srv_rk_look(srv_app *app, srv_request *r, srv_form *form, const char *member, uint32_t tasks, bool stored,
                 srv_seen *seen, srv_reply *out);

/* Similarity in percent, 80 at the collection's threshold, and back. */
double srv_rk_similarity(const srv_app *app, double cosine);
double srv_rk_cosine(const srv_app *app, double percent);

/* The networks that "Attributes" or "DetectionAttributes" ask for. */
uint32_t srv_rk_tasks(const srv_form *form, const char *member);
/* {"BoundingBox":...,"Confidence":...} and what else the pack found; closed by the caller. whole: with pose,
 * landmarks, quality, and with age and gender where they were found. */
void srv_rk_face(fct_json_writer *j, const char *key, const srv_seen *seen, const fct_face *f, bool whole);
void srv_rk_box(fct_json_writer *j, const char *key, const float box[4], int width, int height);
/* "FaceModelVersion": the pack's name and the beginning of its embedder's id. Returns out. */
const char *srv_rk_model(const srv_app *app, char out[SRV_RK_MODEL]);
/* The header fields of all answers. */
void srv_rk_head(srv_reply *out);
/* Begins an answer: an object, which the caller closes. */
void srv_rk_begin(srv_reply *out, fct_json_writer *j);

/* A place in a list, "NextToken": the last one's two numbers. False: it is not one of this list's. */
bool srv_rk_token(srv_request *r, srv_form *form, const char *list, int64_t scope, int64_t after[2], srv_reply *out);
void srv_rk_write_token(fct_json_writer *j, const char *list, int64_t scope, const int64_t after[2]);

/* ---- rekognition_labels.c: faces and the people they belong to ---------------------------------- */

/* Where a face came from, as its source says. */
typedef struct srv_rk_origin {
    char image_id[SRV_UUID];
    int width, height;              /* of the picture; 0 = unknown */
    char external[SRV_RK_EXTERNAL]; /* ExternalImageId, "" = none */
} srv_rk_origin;

void srv_rk_write_origin(const srv_rk_origin *o, char *source, size_t size);
/* Of a face that another interface stored, the person's name is the ExternalImageId. */
void srv_rk_read_origin(const fct_stored_face *f, const fct_person *p, srv_rk_origin *out);

/* The name of the person that a face without a user belongs to; alone: its picture had no other; number: tells faces
 * of one picture apart. */
void srv_rk_label(const srv_rk_origin *o, bool alone, int64_t number, char out[201]);
bool srv_rk_is_label(const char *name); /* of a person without a name of its own */

/* Whether the person is a user, and makes it one or none. */
fct_status srv_rk_is_user(srv_app *app, int64_t person_id, bool *out, fct_error *err);
fct_status srv_rk_set_user(srv_app *app, int64_t person_id, bool user, fct_error *err);

/* The face with this id and its person, if they are in the collection. FCT_ERR_NOT_FOUND. */
fct_status srv_rk_find_face(srv_app *app, int64_t collection, const char *uuid, fct_stored_face *f, fct_person *p,
                            fct_error *err);
/* The user of this name. FCT_ERR_NOT_FOUND: there is none. */
fct_status srv_rk_find_user(srv_app *app, const char *name, fct_person *p, fct_error *err);
/* Removes a person without faces of whom nothing else is known and who is no user. */
fct_status srv_rk_tidy(srv_app *app, int64_t person_id, fct_error *err);
/* Gives a user's face to the person that stands for its label. */
fct_status srv_rk_release(srv_app *app, const fct_stored_face *f, const fct_person *user, fct_error *err);

/* {"FaceId":...}; closed. */
void srv_rk_record(fct_json_writer *j, const char *key, const fct_stored_face *f, const fct_person *p, bool user);
/* {"UserId":...,"UserStatus":...}; closed. */
void srv_rk_user(fct_json_writer *j, const char *key, const fct_person *p);
/* What was not done with a face, and why; user "": none; confidence -1: none. */
void srv_rk_refusal(fct_json_writer *j, const char *uuid, const char *user, double confidence, const char *reason);

/* ---- The operations ----------------------------------------------------------------------------------- */

srv_rk_operation srv_rk_create_collection, srv_rk_list_collections, srv_rk_describe_collection,
    srv_rk_delete_collection;
srv_rk_operation srv_rk_index_faces, srv_rk_list_faces, srv_rk_delete_faces;
srv_rk_operation srv_rk_search_faces, srv_rk_search_faces_by_image, srv_rk_search_users, srv_rk_search_users_by_image;
srv_rk_operation srv_rk_detect_faces, srv_rk_compare_faces;
srv_rk_operation srv_rk_create_user, srv_rk_delete_user, srv_rk_list_users, srv_rk_associate_faces,
    srv_rk_disassociate_faces;

#endif
