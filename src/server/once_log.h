/* The log of requests with an Idempotency-Key, requests.jsonl in the data folder, for its owner
 * alone. A line is written, and on disk, before such a request is carried out, and another
 * one with its answer after that:
 *
 *   {"begin": SCOPE, "print": PRINT, "at": T}
 *   {"end": SCOPE, "status": 201, "location": "...", "body": "..."}
 *
 * SCOPE and PRINT as in idempotency.h, T in seconds since 1970. body is missing where it is
 * empty, too long, secret, or the gallery beside it is encrypted ("withheld": true). What lies
 * there is not trusted: lines that are not like these are passed over. */
#ifndef FCT_SERVER_ONCE_LOG_H
#define FCT_SERVER_ONCE_LOG_H

#include "facet/base.h"

#include <stdio.h>

enum { SRV_ONCE_BODY = 256 << 10 }; /* bytes of a body that is kept, at most */

/* One line, read. Texts are owned: srv_once_line_clear(). */
typedef struct srv_once_line {
    bool end;
    char scope[65], print[65]; /* print of a beginning */
    int64_t at;                /* of a beginning */
    int status;                /* the rest of an end */
    char location[160];
    char *body; /* NULL = none */
    bool withheld;
} srv_once_line;

/* Reads a line, which is changed; text[size] is writable. False where it is none of ours. */
bool srv_once_line_parse(char *text, size_t size, srv_once_line *out);
void srv_once_line_clear(srv_once_line *x);

/* Appends a line; flush: to the disk. f NULL: does nothing. */
bool srv_once_write(FILE *f, const srv_once_line *line, bool flush);

/* Gives each line of the file to fn, then opens it to append. A missing file is an empty one. */
fct_status srv_once_open(const char *path, void (*fn)(void *user, srv_once_line *line), void *user, FILE **out,
                         fct_error *err);

#endif
