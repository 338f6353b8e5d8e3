/* An answer that is made while it is sent: one thread writes, the connection reads. */
#ifndef FCT_SERVER_STREAM_H
#define FCT_SERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct srv_stream srv_stream;

/* pump(stream, source) writes the answer and ends it; it runs in a worker after the
 * head of the answer was sent. free_source is called at the end. NULL = out of
 * memory, and then source is still the caller's. */
srv_stream *srv_stream_create(void (*pump)(srv_stream *s, void *source), void (*free_source)(void *source),
                              void *source);
void srv_stream_retain(srv_stream *s);
void srv_stream_release(srv_stream *s); /* NULL is harmless */
void srv_stream_pump(srv_stream *s);

/* Waits for room and adds n bytes. False when nobody reads any more. */
bool srv_stream_write(srv_stream *s, const void *data, size_t n);
/* The answer is complete, or cannot be completed. */
void srv_stream_end(srv_stream *s, bool complete);

/* Takes up to n bytes. SRV_STREAM_LATER: there are none yet; suspend(user) was called, and
 * resume(user) will be, once, when there are. */
enum { SRV_STREAM_LATER = 0, SRV_STREAM_END = -1, SRV_STREAM_BROKEN = -2 };
ptrdiff_t srv_stream_read(srv_stream *s, char *data, size_t n, void (*suspend)(void *user), void (*resume)(void *user),
                          void *user);
void srv_stream_abandon(srv_stream *s); /* the reader is gone */

#endif
