/* What the files of CompreFace's dialect share. */
#ifndef FCT_SERVER_COMPREFACE_H
#define FCT_SERVER_COMPREFACE_H

#include "server/app.h"
#include "server/uuid.h"

/* What a request asks of a picture: its query, which all operations share. */
typedef struct srv_plugins {
    double least; /* det_prob_threshold */
    int limit;    /* faces, the largest first; 0 = all */
    int count;    /* prediction_count */
    bool landmarks, landmarks2d106, gender, age, pose, calculator;
    bool status; /* with execution times and versions */
    bool stored; /* the face is stored: the picture is decoded whole */
    uint32_t tasks;
} srv_plugins;

bool srv_cf_plugins(const srv_request *r, srv_form *form, srv_plugins *p, srv_reply *out);
bool srv_cf_form(const srv_request *r, srv_form *form, srv_reply *out);
/* Finds the faces of the picture under a name. No face is a failure there (code 28). */
bool srv_cf_look(srv_app *app, const srv_request *r, srv_form *form, const char *name, const srv_plugins *p,
                 uint32_t tasks, srv_seen *seen, srv_reply *out);

/* CompreFace's similarity of two faces whose cosine this is: 0.5 at the pack's threshold. */
double srv_cf_similarity(const srv_app *app, double cosine);

/* Begins the object of a face with its box and what the plugins add; the caller closes it. */
void srv_cf_face(fct_json_writer *j, const srv_app *app, const srv_request *r, const char *key, const fct_face *f,
                 const srv_plugins *p);
void srv_cf_versions(fct_json_writer *j, const srv_app *app, const srv_plugins *p);

/* The face that the path's i-th parameter names; else *out says that there is none. */
bool srv_cf_face_of(srv_app *app, const srv_request *r, int i, fct_stored_face *f, srv_reply *out);

srv_handler srv_cf_face_add, srv_cf_faces, srv_cf_faces_remove, srv_cf_face_remove, srv_cf_faces_delete, srv_cf_image,
    srv_cf_static_image;
srv_handler srv_cf_recognize, srv_cf_detect, srv_cf_verify_face, srv_cf_verify, srv_cf_embeddings_recognize,
    srv_cf_embeddings_face, srv_cf_embeddings_verify;

#endif
