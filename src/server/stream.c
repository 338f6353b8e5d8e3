#include "server/stream.h"

#include "base/alloc.h"
#include "base/thread.h"

#include <string.h>

enum { STREAM_ROOM = 256 * 1024 };

struct srv_stream {
    fct_mutex lock;
    fct_cond room;
    char *data; /* [capacity] */
    size_t capacity, from, size;
    int users;
    bool ended, complete, abandoned;
    void (*resume)(void *user); /* of a reader that waits; NULL = none does */
    void *reader;
    void (*pump)(srv_stream *s, void *source);
    void (*free_source)(void *source);
    void *source;
};

srv_stream *srv_stream_create_fed(size_t room) {
    srv_stream *s = fct_calloc(1, sizeof *s);
    char *data = fct_alloc(room);
    if (!s || !data) {
        fct_free(s);
        fct_free(data);
        return NULL;
    }
    s->data = data;
    s->capacity = room;
    s->users = 1;
    fct_mutex_init(&s->lock);
    fct_cond_init(&s->room);
    return s;
}

srv_stream *srv_stream_create(void (*pump)(srv_stream *s, void *source), void (*free_source)(void *source),
                              void *source) {
    srv_stream *s = srv_stream_create_fed(STREAM_ROOM);
    if (!s) return NULL;
    s->pump = pump;
    s->free_source = free_source;
    s->source = source;
    return s;
}

void srv_stream_retain(srv_stream *s) {
    fct_mutex_lock(&s->lock);
    s->users++;
    fct_mutex_unlock(&s->lock);
}

void srv_stream_release(srv_stream *s) {
    if (!s) return;
    fct_mutex_lock(&s->lock);
    int left = --s->users;
    fct_mutex_unlock(&s->lock);
    if (left) return;
    if (s->free_source) s->free_source(s->source);
    fct_cond_destroy(&s->room);
    fct_mutex_destroy(&s->lock);
    fct_free(s->data);
    fct_free(s);
}

void srv_stream_pump(srv_stream *s) {
    if (s->pump) s->pump(s, s->source);
}

/* Under the lock: lets a reader that waits go on. */
static void wake_reader(srv_stream *s) {
    void (*resume)(void *) = s->resume;
    s->resume = NULL;
    if (resume) resume(s->reader);
}

bool srv_stream_write(srv_stream *s, const void *data, size_t n) {
    const char *p = data;
    fct_mutex_lock(&s->lock);
    while (n && !s->abandoned) {
        if (s->size == s->capacity) {
            fct_cond_wait(&s->room, &s->lock);
            continue;
        }
        size_t part = s->capacity - s->size < n ? s->capacity - s->size : n;
        memcpy(s->data + s->size, p, part);
        s->size += part;
        p += part;
        n -= part;
        wake_reader(s);
    }
    bool read = !s->abandoned;
    fct_mutex_unlock(&s->lock);
    return read;
}

bool srv_stream_offer(srv_stream *s, const void *data, size_t n) {
    fct_mutex_lock(&s->lock);
    bool fits = !s->ended && !s->abandoned && s->capacity - (s->size - s->from) >= n;
    if (fits && s->capacity - s->size < n) {
        memmove(s->data, s->data + s->from, s->size - s->from);
        s->size -= s->from;
        s->from = 0;
    }
    if (fits) {
        memcpy(s->data + s->size, data, n);
        s->size += n;
        wake_reader(s);
    }
    fct_mutex_unlock(&s->lock);
    return fits;
}

size_t srv_stream_unread(srv_stream *s) {
    fct_mutex_lock(&s->lock);
    size_t n = s->size - s->from;
    fct_mutex_unlock(&s->lock);
    return n;
}

bool srv_stream_is_open(srv_stream *s) {
    fct_mutex_lock(&s->lock);
    bool open = !s->ended && !s->abandoned;
    fct_mutex_unlock(&s->lock);
    return open;
}

void srv_stream_end(srv_stream *s, bool complete) {
    fct_mutex_lock(&s->lock);
    s->ended = true;
    s->complete = complete;
    wake_reader(s);
    fct_mutex_unlock(&s->lock);
}

ptrdiff_t srv_stream_read(srv_stream *s, char *data, size_t n, void (*suspend)(void *user), void (*resume)(void *user),
                          void *user) {
    fct_mutex_lock(&s->lock);
    ptrdiff_t result = SRV_STREAM_LATER;
    size_t part = s->size - s->from < n ? s->size - s->from : n;
    if (part) {
        memcpy(data, s->data + s->from, part);
        s->from += part;
        if (s->from == s->size) s->from = s->size = 0;
        fct_cond_signal(&s->room);
        result = (ptrdiff_t)part;
    } else if (s->ended) result = s->complete ? SRV_STREAM_END : SRV_STREAM_BROKEN;
    else {
        suspend(user);
        s->resume = resume;
        s->reader = user;
    }
    fct_mutex_unlock(&s->lock);
    return result;
}

void srv_stream_abandon(srv_stream *s) {
    fct_mutex_lock(&s->lock);
    s->abandoned = true;
    s->resume = NULL;
    fct_cond_signal(&s->room);
    fct_mutex_unlock(&s->lock);
}
