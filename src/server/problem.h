/* Errors as they are answered: RFC 9457 problems, and HTTP's names of statuses. */
#ifndef FCT_SERVER_PROBLEM_H
#define FCT_SERVER_PROBLEM_H

#include "base/buffer.h"

#define SRV_PROBLEM_TYPE "application/problem+json"

const char *srv_status_title(int status); /* "Not Found"; static */

/* A new id of 36 characters for a request: a random UUID. */
void srv_new_id(char out[37]);

/* Appends a whole HTTP response, after which the connection ends, for what never
 * became a request. */
void srv_problem_response(fct_buf *out, int status, const char *detail);

/* Appends the body of a problem: type, title, status, detail, code and request_id,
 * and the same once more as InsightFace Server's clients expect it ("error"). */
void srv_problem_body(fct_buf *out, int status, const char *code, const char *detail, const char *request_id);

/* Appends the header fields that every answer has, each with its CRLF, but for those
 * of its content. policy and cache: Content-Security-Policy and Cache-Control; NULL =
 * nothing may be loaded, nothing may be kept. */
typedef void srv_field_fn(void *user, const char *name, const char *value);
void srv_security_fields(srv_field_fn *add, void *user, const char *policy, const char *cache);

#endif
