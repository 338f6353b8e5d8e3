/* The guard looks at every byte that a client sends before libmicrohttpd does, and
 * lets through only requests whose end all readers of HTTP agree about.
 *
 * A request that two programs split differently can smuggle a second one past a
 * proxy (CWE-444). Debian's libmicrohttpd 0.9.75 takes a lone LF for the end of a
 * line, joins folded lines and reads a request that has both a length and chunks.
 * The guard refuses all of that, so what reaches the library is a strict subset of
 * RFC 9112:
 *
 *   head   = METHOD SP target SP "HTTP/1.1" CRLF *( name ":" value CRLF ) CRLF
 *   target = "/" and visible ASCII, or "*"
 *   body   = none, or exactly Content-Length bytes (one field, digits alone), or
 *            chunks (one field that says "chunked" and nothing else) without
 *            extensions and trailers
 *
 * HTTP/1.0 is let through without chunks. The guard keeps no bytes: it says how
 * many of those that its caller holds may be handed on. */
#ifndef FCT_SERVER_GUARD_H
#define FCT_SERVER_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SRV_HEAD_MOST = 32768,  /* bytes of a head */
    SRV_TARGET_MOST = 8192, /* bytes of a target */
    SRV_FIELDS_MOST = 100   /* header fields */
};

typedef enum srv_guard_state {
    SRV_GUARD_HEAD,       /* before a request or inside its head: nothing is handed on until it is complete */
    SRV_GUARD_BODY,       /* `left` bytes of a body of known length follow */
    SRV_GUARD_CHUNK_SIZE, /* hexadecimal digits of a chunk's size */
    SRV_GUARD_CHUNK_LF,   /* the LF behind them */
    SRV_GUARD_CHUNK_DATA, /* `left` bytes of the chunk */
    SRV_GUARD_DATA_CR,    /* the CR, then the LF, behind the chunk */
    SRV_GUARD_DATA_LF,
    SRV_GUARD_END_CR, /* the CR, then the LF, behind the last chunk: no trailers */
    SRV_GUARD_END_LF
} srv_guard_state;

typedef struct srv_guard {
    srv_guard_state state;
    uint64_t left;      /* bytes of the body or of the chunk that are still to come */
    uint64_t body;      /* bytes of this request's body: its length, or the chunks so far */
    uint64_t most_body; /* the most that a body may have; set once */
    int digits;         /* of the chunk's size so far */
    size_t seen;        /* bytes of the head in which no end was found */
} srv_guard;

/* What is wrong with a request: an HTTP status and a clause for people. Static. */
typedef struct srv_guard_fault {
    int status; /* 0 = nothing */
    const char *why;
} srv_guard_fault;

void srv_guard_init(srv_guard *g, uint64_t most_body);

/* Looks at the n bytes at data, of which all that was allowed before has been taken
 * away. Returns how many of them may be handed on now; 0 with no fault means that
 * more bytes are needed. After a fault the connection must end. */
size_t srv_guard_feed(srv_guard *g, const char *data, size_t n, srv_guard_fault *fault);

#endif
