/* AWS Signature Version 4, as a server checks it: the Authorization field of a request
 * says who signed which header fields, and the signature is an HMAC-SHA256 over them,
 * the method, the path and the body.
 *
 *   Authorization: AWS4-HMAC-SHA256 Credential=ID/20150830/REGION/SERVICE/aws4_request,
 *     SignedHeaders=host;x-amz-date, Signature=HEX
 *
 * What is signed is rebuilt from the request as it came, so a request that was changed
 * on its way, or that was signed with another secret, does not fit. A signature is
 * good for SRV_SIGV4_SKEW seconds before and after its own time; signature_table.h keeps
 * anybody from sending it again meanwhile. */
#ifndef FCT_SERVER_SIGV4_H
#define FCT_SERVER_SIGV4_H

#include "server/request.h"

enum {
    SRV_SIGV4_SKEW = 300,  /* seconds between the signature's time and ours, at most */
    SRV_SIGV4_HEADERS = 32 /* header fields that may be signed */
};

/* The parts of an Authorization field. */
typedef struct srv_sigv4 {
    char access_id[129];
    char date[9]; /* of the scope, "20150830" */
    char region[65], service[65];
    char headers[1025]; /* names of the signed fields, divided by ';' */
    char signature[65]; /* hexadecimal */
} srv_sigv4;

/* Reads an Authorization field. False: *why (static) says what is wrong with it. */
bool srv_sigv4_parse(const char *field, srv_sigv4 *out, const char **why);

/* Checks what the head alone tells, at the time `now` (seconds since 1970): the date, that
 * what must be signed is, that the service is the one expected. *signed_at: when. */
bool srv_sigv4_check_head(const srv_sigv4 *sig, const srv_request *r, const char *service, int64_t now,
                          int64_t *signed_at, const char **why);

typedef enum srv_sigv4_result {
    SRV_SIGV4_GOOD,
    SRV_SIGV4_WRONG, /* another secret or another request was signed */
    SRV_SIGV4_NO_MEMORY
} srv_sigv4_result;

/* Compares the signature of a whole request with that which the secret gives. Takes the
 * same time for all wrong ones. */
srv_sigv4_result srv_sigv4_verify(const srv_sigv4 *sig, const srv_request *r, const char *secret);

/* "20150830T123600Z" as seconds since 1970; -1 for anything else. */
int64_t srv_sigv4_time(const char *text);

#endif
