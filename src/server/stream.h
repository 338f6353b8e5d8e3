/* An answer that is made while it is sent: one thread writes, the connection reads. Two kinds: a pumped stream binds
 * the worker that made it until it ends; a fed one binds nobody, takes what it is offered where there is room, and is
 * for answers that last as long as the client likes. */
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
/* A stream that is fed by srv_stream_offer() with room for so many bytes. NULL = out of memory. */
srv_stream *srv_stream_create_fed(size_t room);
void srv_stream_retain(srv_stream *s);
void srv_stream_release(srv_stream *s); /* NULL is harmless */
void srv_stream_pump(srv_stream *s);    /* does nothing for a fed one */

/* Waits for room and adds n bytes. False when nobody reads any more. */
bool srv_stream_write(srv_stream *s, const void *data, size_t n);
/* Adds all of n bytes, or nothing where there is no room for them. Never waits. False: nothing was added. */
bool srv_stream_offer(srv_stream *s, const void *data, size_t n);
size_t srv_stream_unread(srv_stream *s); /* bytes that were added and not taken */
bool srv_stream_is_open(srv_stream *s);  /* false once it has ended or the reader is gone */
/* The answer is complete, or cannot be completed. */
void srv_stream_end(srv_stream *s, bool complete);

/* Takes up to n bytes. SRV_STREAM_LATER: there are none yet; suspend(user) was called, and
 * resume(user) will be, once, when there are. */
enum { SRV_STREAM_LATER = 0, SRV_STREAM_END = -1, SRV_STREAM_BROKEN = -2 };
ptrdiff_t srv_stream_read(srv_stream *s, char *data, size_t n, void (*suspend)(void *user), void (*resume)(void *user),
                          void *user);
void srv_stream_abandon(srv_stream *s); /* the reader is gone */

#endif
