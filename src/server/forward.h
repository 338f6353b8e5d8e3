/* Hands a request on to another server and its answer back while it comes (libcurl). */
#ifndef FCT_SERVER_FORWARD_H
#define FCT_SERVER_FORWARD_H

#include "server/request.h"

/* Once per process, before any thread forwards: FCT_ERR_UNSUPPORTED without libcurl,
 * FCT_ERR_ARG where url is not an address of http or https. */
fct_status srv_forward_setup(const char *url, fct_error *err);

/* Posts the request's body, which is taken away from it, to url and waits for the
 * beginning of the answer. Fills in out: status, content type and the stream of the
 * rest. FCT_ERR_NETWORK: there is no answer. */
fct_status srv_forward(const char *url, srv_request *r, srv_reply *out, fct_error *err);

#endif
