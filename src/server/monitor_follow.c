/* Server-sent events (WHATWG HTML, 9.2). One thread feeds all who follow: it takes events out of the logs in their
 * order and offers them to each stream. Who is slow finds them in the logs later, and is told when some were dropped
 * meanwhile, so that nothing is held for anybody. */
#include "server/monitor_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "server/monitor_json.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 128 * 1024, AT_ONCE = 16, TICK_MS = 1000, DAY = 86400 };
static const uint64_t second_ns = 1000000000;
static const uint64_t heartbeat_ns = 15000000000u, keys_ns = 5000000000u, expire_ns = 60000000000u;

/* What one follower is to be sent next. */
typedef struct portion {
    struct {
        char monitor[SRV_MONITOR_ID];
        srv_monitor_event event;
    } at[AT_ONCE];
    int n;
    int64_t dropped; /* events up to this one are gone that it has not had; 0 = none */
} portion;

/* ---- What is sent ---------------------------------------------------------------------------------- */

static bool is_for(const srv_follower *f, const srv_monitor *m) {
    return !*f->monitor || strcmp(f->monitor, m->config.id) == 0;
}

/* Under the lock: the next events for a follower, by their numbers over all its monitors. */
static void collect(const srv_monitors *all, const srv_follower *f, portion *out) {
    int64_t after = f->sent;
    out->n = 0;
    out->dropped = 0;
    for (const srv_monitor *m = all->first; m; m = m->next)
        if (is_for(f, m) && m->log.dropped > after && m->log.dropped > f->dropped && m->log.dropped > out->dropped)
            out->dropped = m->log.dropped;
    while (out->n < AT_ONCE) {
        const srv_monitor *from = NULL;
        const srv_monitor_event *next = NULL;
        for (const srv_monitor *m = all->first; m; m = m->next) {
            int i = is_for(f, m) ? srv_event_log_after(&m->log, after) : m->log.n;
            const srv_monitor_event *e = i < m->log.n ? srv_event_log_at(&m->log, i) : NULL;
            if (!e || (next && e->seq > next->seq)) continue;
            next = e;
            from = m;
        }
        if (!next) return;
        strcpy(out->at[out->n].monitor, from->config.id);
        out->at[out->n++].event = *next;
        after = next->seq;
    }
}

static void write_event(const srv_core *c, const char *monitor, const srv_monitor_event *e, fct_buf *out) {
    fct_json_writer j;
    fct_buf_printf(out, "id: %lld\nevent: %s\ndata: ", (long long)e->seq, srv_event_type_name(e->type));
    fct_json_to_buf(&j, out);
    srv_json_event(&j, NULL, c, monitor, e);
    fct_buf_text(out, "\n\n");
}

/* Offers a portion; *sent and *dropped grow with what was taken. True where all was. */
static bool offer(const srv_core *c, srv_stream *stream, const portion *p, int64_t *sent, int64_t *dropped) {
    fct_buf text = {0};
    bool taken = true;
    if (p->dropped) {
        fct_buf_printf(&text, "event: truncated\ndata: {\"latest_dropped_sequence\":%lld}\n\n", (long long)p->dropped);
        taken = !text.failed && srv_stream_offer(stream, text.data, text.size);
        if (taken) *dropped = p->dropped;
    }
    for (int i = 0; i < p->n && taken; i++) {
        fct_buf_clear(&text);
        write_event(c, p->at[i].monitor, &p->at[i].event, &text);
        taken = !text.failed && srv_stream_offer(stream, text.data, text.size);
        if (taken) *sent = p->at[i].event.seq;
    }
    fct_buf_free(&text);
    return taken;
}

/* Under the lock, which is given up meanwhile: feeds one follower. True where there may be more for it. */
static bool feed_one(srv_monitors *all, srv_follower *f, portion *p) {
    collect(all, f, p);
    uint64_t now = fct_time_ns();
    if (!p->n && !p->dropped) {
        if (now - f->spoke > heartbeat_ns && srv_stream_offer(f->stream, ":\n\n", 3)) f->spoke = now;
        return false;
    }
    int64_t sent = f->sent, dropped = f->dropped;
    fct_mutex_unlock(&all->lock);
    bool taken = offer(all->opts.core, f->stream, p, &sent, &dropped); /* names are looked up in the gallery */
    fct_mutex_lock(&all->lock);
    if (sent > f->sent) f->spoke = now;
    f->sent = sent;
    f->dropped = dropped;
    return taken && p->n == AT_ONCE;
}

/* ---- Followers --------------------------------------------------------------------------------------- */

static void free_follower(srv_monitors *all, srv_follower *f) {
    srv_stream_release(f->stream);
    fct_free(f);
    all->n_followers--;
}

/* Under the lock: takes out those who are gone or whose key is. */
static void drop_closed(srv_monitors *all, bool check_keys) {
    for (srv_follower **at = &all->followers; *at;) {
        srv_follower *f = *at;
        if (check_keys && !all->opts.is_key(all->opts.user, f->key_id)) srv_stream_end(f->stream, true);
        if (srv_stream_is_open(f->stream)) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        free_follower(all, f);
    }
}

void srv_followers_end(srv_monitors *all) {
    for (srv_follower *f = all->followers; f; f = f->next) srv_stream_end(f->stream, true);
    srv_monitors_wake(all);
}

fct_status srv_monitors_follow(srv_monitors *all, const char *id, int64_t after, const char *key_id, srv_stream **out,
                               fct_error *err) {
    static const char hello[] = ": events of facet\nretry: 3000\n\n";
    *out = NULL;
    srv_follower *f = fct_calloc(1, sizeof *f);
    srv_stream *stream = f ? srv_stream_create_fed(ROOM) : NULL;
    if (!stream) {
        fct_free(f);
        return fct_fail_nomem(err, "events", 0);
    }
    srv_stream_offer(stream, hello, sizeof hello - 1);
    snprintf(f->monitor, sizeof f->monitor, "%s", id);
    snprintf(f->key_id, sizeof f->key_id, "%s", key_id);
    f->stream = stream;
    f->spoke = fct_time_ns();
    fct_status s = FCT_OK;
    fct_mutex_lock(&all->lock);
    if (*id && !srv_monitor_find(all, id)) s = fct_fail(err, FCT_ERR_NOT_FOUND, "there is no such monitor");
    else if (all->hushed || all->n_followers == SRV_FOLLOWERS_MOST)
        s = fct_fail(err, FCT_ERR_BUSY, "too many clients follow events already");
    else {
        f->sent = after < 0 ? all->last_seq : after;
        f->next = all->followers;
        all->followers = f;
        all->n_followers++;
        srv_stream_retain(stream);
        srv_monitors_wake(all);
    }
    fct_mutex_unlock(&all->lock);
    if (!s) *out = stream;
    else {
        srv_stream_release(stream);
        fct_free(f);
    }
    return s;
}

/* ---- The thread ----------------------------------------------------------------------------------------- */

/* Under the lock, which is given up meanwhile: joins the threads of removed monitors that have ended. */
static void join_ended(srv_monitors *all) {
    for (srv_monitor **at = &all->leaving; *at;) {
        srv_monitor *m = *at;
        if (!m->ended) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        fct_mutex_unlock(&all->lock);
        fct_thread_join(&m->thread);
        srv_monitor_free(m);
        fct_mutex_lock(&all->lock);
        at = &all->leaving; /* others may have come */
    }
}

/* Under the lock: removes what is older than it may be. */
static void expire(srv_monitors *all) {
    int64_t now = fct_time_unix();
    for (srv_monitor *m = all->first; m; m = m->next)
        if (m->config.days) srv_event_log_expire(&m->log, now - (int64_t)m->config.days * DAY);
}

/* Without the lock: writes down that monitors have turned themselves off. */
static void save(srv_monitors *all) {
    fct_error e;
    fct_mutex_lock(&all->change);
    if (srv_monitors_save(all, &e)) fct_log(FCT_LOG_WARN, "%s", e.text);
    fct_mutex_unlock(&all->change);
}

/* Under the lock, which is given up meanwhile: what is to be done now and then. */
static void keep_house(srv_monitors *all, uint64_t *next_keys, uint64_t *next_expire) {
    uint64_t now = fct_time_ns();
    bool keys = now >= *next_keys;
    drop_closed(all, keys);
    if (keys) {
        *next_keys = now + keys_ns;
        for (srv_monitor *m = all->first; m; m = m->next) srv_preview_check(m);
    }
    if (now >= *next_expire) {
        *next_expire = now + expire_ns;
        expire(all);
    }
    join_ended(all);
    if (!all->dirty) return;
    all->dirty = false;
    fct_mutex_unlock(&all->lock);
    save(all);
    fct_mutex_lock(&all->lock);
}

void srv_monitors_feed(void *arg) {
    srv_monitors *all = arg;
    portion p;
    uint64_t next_keys = 0, next_expire = fct_time_ns() + second_ns;
    fct_mutex_lock(&all->lock);
    while (!all->stopping) {
        bool more = false;
        all->news = false;
        for (srv_follower *f = all->followers; f; f = f->next) more |= feed_one(all, f, &p);
        keep_house(all, &next_keys, &next_expire);
        if (!more && !all->news && !all->stopping) fct_cond_wait_ms(&all->changed, &all->lock, TICK_MS);
    }
    while (all->followers) {
        srv_follower *f = all->followers;
        all->followers = f->next;
        srv_stream_end(f->stream, true);
        free_follower(all, f);
    }
    fct_mutex_unlock(&all->lock);
}
