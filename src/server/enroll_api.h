#ifndef FCT_SERVER_ENROLL_API_H
#define FCT_SERVER_ENROLL_API_H

#include "server/facet_person.h"
#include "server/register.h"

/* Enrolls the pictures under "images" as name's, or embeddings from elsewhere, and answers 201
 * with the faces, and with the person, of whom terms are stored, where they are not NULL; or
 * 422 where nothing could be stored. terms NULL: for the person of the path, whose name it is; 409
 * where it is not any more. */
void srv_enroll_form(srv_app *app, srv_request *r, srv_form *form, const char *name, const srv_person_terms *terms,
                     srv_reply *out);

/* Answers that somebody has the name already. */
void srv_fail_exists(const srv_request *r, srv_reply *out);

/* Reads review_mode; false, with an answer, for a word that is none. */
bool srv_read_review(const srv_request *r, srv_form *form, srv_review *out, srv_reply *reply);

/* Embeddings from elsewhere, as a request has them. A zeroed one is empty. */
typedef struct srv_vectors {
    float *at; /* [n][dim], owned */
    int n, dim;
} srv_vectors;
/* Reads embedding_mode, external_embeddings and embedding_contract_id: n is 0 where embeddings are made here. False:
 * *out says what is wrong. Free them with fct_free(v->at) in both cases. */
bool srv_vectors_read(srv_app *app, const srv_request *r, srv_form *form, srv_vectors *v, srv_reply *out);

#endif
