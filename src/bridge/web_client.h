/* Requests to Frigate and to a facet server, by libcurl, which is loaded at the first. */
#ifndef FCT_BRIDGE_WEB_CLIENT_H
#define FCT_BRIDGE_WEB_CLIENT_H

#include "base/buffer.h"
#include "facet/base.h"

typedef struct brg_web brg_web;

enum { BRG_ANSWER_MOST = 32 << 20, BRG_WEB_SECONDS = 15 };

/* *out is owned; of one thread at a time. insecure: certificates are not verified. FCT_ERR_UNSUPPORTED: libcurl is not
 * installed. */
fct_status brg_web_open(bool insecure, brg_web **out, fct_error *err);
void brg_web_close(brg_web *w);

/* A request: a GET, or a POST where there is a body. */
typedef struct brg_ask {
    const char *url;
    const char *token; /* Authorization: Bearer; NULL = none */
    const void *body;  /* NULL = GET */
    size_t body_size;
    const char *type; /* of the body */
} brg_ask;

/* Waits for the answer, at most BRG_WEB_SECONDS. *status: of HTTP. FCT_ERR_NETWORK: there was none. answer: emptied
 * first. */
fct_status brg_web_ask(brg_web *w, const brg_ask *ask, int *status, fct_buf *answer, fct_error *err);

/* FCT_ERR_ARG unless it is an address of http or https without a name and password in it. what: for the message. */
fct_status brg_web_check(const char *url, const char *what, fct_error *err);

#endif
