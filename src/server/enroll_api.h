#ifndef FCT_SERVER_ENROLL_API_H
#define FCT_SERVER_ENROLL_API_H

#include "server/facet_api.h"

/* Enrolls the pictures under "images" as name's and answers 201 with the faces, and with
 * the person where with_person is set, or 422 where none could be stored. */
void srv_enroll_form(srv_app *app, srv_request *r, srv_form *form, const char *name, bool with_person, srv_reply *out);

#endif
