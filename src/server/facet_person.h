/* What is known of a person besides name and faces, as requests say it and answers show
 * it. An external_id is a member of the metadata that is shown apart from the others. */
#ifndef FCT_SERVER_FACET_PERSON_H
#define FCT_SERVER_FACET_PERSON_H

#include "server/facet_api.h"

#define SRV_EXTERNAL_ID "external_id"

/* What a request says of a person. Texts are borrowed from its form, but for metadata
 * and a consent that a form has as text. */
typedef struct srv_person_terms {
    bool has_name, has_external, has_metadata, has_expires, has_consent;
    const char *name, *external;      /* external NULL: it goes */
    char *metadata;                   /* a JSON object without external_id; owned */
    int64_t expires;                  /* 0 = never */
    const char *consent, *consent_by; /* consent NULL: it goes */
    int64_t consent_time;
    char *consent_copy;       /* where a form has them as text: what they are in; owned */
    fct_json_doc consent_doc; /* of that text */
    bool is_new;              /* they are of somebody who is made by this request */
} srv_person_terms;

/* Reads name, external_id, metadata, expires_at and consent, where they are there. False: *out says what is wrong.
 * Free it in both cases. */
bool srv_person_terms_read(const srv_request *r, srv_form *form, srv_person_terms *t, srv_reply *out);
void srv_person_terms_free(srv_person_terms *t);

/* False, with an answer, where somebody else of the collection has the external id. Others may take it until it is
 * stored. */
bool srv_external_is_free(srv_app *app, const srv_request *r, const char *external, int64_t but, srv_reply *out);
/* The same for somebody who is about to come into a collection with the external id that he has. */
bool srv_external_fits(srv_app *app, const srv_request *r, int64_t person, int64_t collection, srv_reply *out);
/* Answers that somebody else has the external id. */
void srv_fail_external(const srv_request *r, srv_reply *out);
/* Stores all but the name. FCT_ERR_EXISTS: somebody else of the collection has the external id, on whatever server that
 * was given, or somebody new has one already; nothing is stored then. */
fct_status srv_person_terms_store(srv_core *c, int64_t person_id, const srv_person_terms *t, fct_error *err);

#endif
