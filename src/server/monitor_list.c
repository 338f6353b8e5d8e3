/* The monitors as a whole: their list, its file, starting and stopping, and what is asked of them. */
#include "server/monitor_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "facet/privacy.h"
#include "server/monitor_file.h"
#include "server/problem.h"

#include <stdio.h>
#include <string.h>

srv_monitor *srv_monitor_find(srv_monitors *all, const char *id) {
    for (srv_monitor *m = all->first; m; m = m->next)
        if (strcmp(m->config.id, id) == 0) return m;
    return NULL;
}

void srv_monitors_wake(srv_monitors *all) {
    all->news = true;
    fct_cond_signal(&all->changed);
}

const char *srv_monitor_status_name(srv_monitor_status s) {
    static const char *const names[] = {"stopped", "connecting", "running", "retrying", "failed"};
    return names[s];
}

/* Numbers are at least the time in milliseconds, so that they ascend even where the events that had the highest ones
 * were removed before the server was started again. */
void srv_monitor_emit(srv_monitor *m, srv_monitor_event *e) {
    srv_monitors *all = m->all;
    e->time = fct_time_unix();
    int64_t now = e->time * 1000;
    e->seq = all->last_seq = all->last_seq + 1 > now ? all->last_seq + 1 : now;
    e->epoch = m->state.epoch;
    srv_event_log_add(&m->log, e);
    srv_monitors_wake(all);
}

static void emit_plain(srv_monitor *m, srv_event_type type) {
    srv_monitor_event e = {.type = type};
    srv_monitor_emit(m, &e);
}

/* ---- The file ------------------------------------------------------------------------------------------ */

/* A copy whose `sealed` is its own. */
static fct_status copy_config(const srv_monitor_config *from, srv_monitor_config *to, fct_error *err) {
    *to = *from;
    if (!from->sealed) return FCT_OK;
    to->sealed = fct_strdup(from->sealed);
    return to->sealed ? FCT_OK : fct_fail_nomem(err, "monitors", 0);
}

/* Copies the list. *out is to be freed in every case. */
static fct_status copy_list(srv_monitors *all, srv_monitor_list *out, fct_error *err) {
    fct_status s = FCT_OK;
    *out = (srv_monitor_list){0};
    fct_mutex_lock(&all->lock);
    out->last_number = all->last_number;
    for (srv_monitor *m = all->first; m && !s; m = m->next) {
        srv_monitor_config c;
        s = copy_config(&m->config, &c, err);
        if (!s && (s = srv_monitor_list_add(out, &c, err))) srv_monitor_config_free(&c);
    }
    fct_mutex_unlock(&all->lock);
    return s;
}

fct_status srv_monitors_save(srv_monitors *all, fct_error *err) {
    srv_monitor_list l;
    fct_status s = copy_list(all, &l, err);
    if (!s) s = srv_monitor_file_write(all->path, &l, err);
    srv_monitor_list_free(&l);
    return s;
}

static void note(srv_monitors *all, const char *what, const char *id) {
    char detail[SRV_MONITOR_ID + 32];
    snprintf(detail, sizeof detail, "{\"monitor\":\"%s\"}", id);
    fct_gallery_note(all->opts.core->gallery, what, detail, NULL);
}

/* ---- One monitor ---------------------------------------------------------------------------------------- */

static char *events_path(const srv_monitors *all, const char *id) {
    return fct_asprintf("%s/%s.events", all->folder, id);
}

/* Makes a monitor of its settings, whose `sealed` goes over to it, with the events that are stored. */
static fct_status create(srv_monitors *all, const srv_monitor_config *c, srv_monitor **out, fct_error *err) {
    int bad = 0;
    *out = NULL;
    char *path = events_path(all, c->id);
    srv_monitor *m = path ? fct_calloc(1, sizeof *m) : NULL;
    fct_status s = m ? srv_event_log_open(&m->log, path, c->buffer, &bad, err) : fct_fail_nomem(err, "monitor", 0);
    fct_free(path);
    if (s) {
        if (m) srv_event_log_free(&m->log);
        fct_free(m);
        return s;
    }
    if (bad) fct_log(FCT_LOG_WARN, "%s: %d lines are no events and were left out", m->log.path, bad);
    m->all = all;
    m->config = *c;
    fct_cond_init(&m->wake);
    if (m->log.n) m->state.epoch = srv_event_log_at(&m->log, m->log.n - 1)->epoch;
    *out = m;
    return FCT_OK;
}

void srv_monitor_free(srv_monitor *m) {
    srv_monitor_config_free(&m->config);
    srv_event_log_free(&m->log);
    fct_cond_destroy(&m->wake);
    fct_free(m);
}

/* Under the lock: puts it into the list, behind all others, and starts its thread. */
static fct_status enlist(srv_monitors *all, srv_monitor *m, fct_error *err) {
    srv_monitor **at = &all->first;
    while (*at) at = &(*at)->next;
    int64_t seen = m->log.n ? srv_event_log_at(&m->log, m->log.n - 1)->seq : 0;
    if (seen > all->last_seq) all->last_seq = seen;
    fct_status s = fct_thread_start(&m->thread, srv_monitor_watch, m, err);
    if (s) return s;
    *at = m;
    all->n++;
    return FCT_OK;
}

/* ---- Starting and stopping -------------------------------------------------------------------------------- */

static fct_status load(srv_monitors *all, fct_error *err) {
    srv_monitor_list l;
    fct_status s = srv_monitor_file_read(all->path, &l, err);
    for (size_t i = 0; i < l.n && !s; i++) {
        srv_monitor *m;
        s = create(all, &l.at[i], &m, err);
        if (s) break;
        l.at[i].sealed = NULL;
        fct_mutex_lock(&all->lock);
        s = enlist(all, m, err);
        fct_mutex_unlock(&all->lock);
        if (s) srv_monitor_free(m);
    }
    all->last_number = l.last_number;
    bool rewrite = !s && l.plain && l.n;
    srv_monitor_list_free(&l);
    return rewrite ? srv_monitors_save(all, err) : s; /* a key may have come since, and then seals */
}

fct_status srv_monitors_start(const srv_monitors_opts *o, srv_monitors **out, fct_error *err) {
    *out = NULL;
    srv_monitors *all = fct_calloc(1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "monitors", 0);
    all->opts = *o;
    fct_mutex_init(&all->lock);
    fct_mutex_init(&all->change);
    fct_cond_init(&all->changed);
    all->path = fct_path_join(o->data, "monitors.json");
    all->folder = fct_path_join(o->data, "monitors");
    all->files = o->files ? fct_strdup(o->files) : NULL;
    fct_status s = FCT_OK;
    if (!all->path || !all->folder || (o->files && !all->files)) s = fct_fail_nomem(err, "monitors", 0);
    if (!s) s = fct_dir_make_private(all->folder, err);
    if (!s) s = fct_thread_start(&all->feeder, srv_monitors_feed, all, err);
    all->fed = !s;
    if (!s) s = load(all, err);
    if (s) srv_monitors_stop(all);
    else *out = all;
    return s;
}

void srv_monitors_hush(srv_monitors *all) {
    if (!all) return;
    fct_mutex_lock(&all->lock);
    all->hushed = true;
    for (srv_monitor *m = all->first; m; m = m->next) srv_preview_end(m);
    srv_followers_end(all);
    fct_mutex_unlock(&all->lock);
}

/* Joins and frees every monitor of a list. */
static void end_list(srv_monitor *m) {
    while (m) {
        srv_monitor *next = m->next;
        fct_thread_join(&m->thread);
        srv_monitor_free(m);
        m = next;
    }
}

void srv_monitors_stop(srv_monitors *all) {
    if (!all) return;
    srv_monitors_hush(all);
    fct_mutex_lock(&all->lock);
    all->stopping = true;
    for (srv_monitor *m = all->first; m; m = m->next) {
        m->gone = true;
        srv_monitor_interrupt(m);
    }
    srv_monitors_wake(all);
    fct_mutex_unlock(&all->lock);
    if (all->fed) fct_thread_join(&all->feeder);
    end_list(all->first);
    end_list(all->leaving);
    fct_cond_destroy(&all->changed);
    fct_mutex_destroy(&all->lock);
    fct_mutex_destroy(&all->change);
    fct_free(all->path);
    fct_free(all->folder);
    fct_free(all->files);
    fct_free(all);
}

/* ---- Changing ------------------------------------------------------------------------------------------------ */

/* Whether such a source can be watched here at all; the text says why not. */
static fct_status check_source(srv_monitors *all, const srv_monitor_config *c, fct_error *err) {
    char *name = NULL;
    if (c->sealed) return FCT_OK; /* its thread says what is wrong */
    fct_status s = srv_address_resolve(c->address, c->kind, all->files, &name, err);
    fct_free(name);
    return s;
}

/* Fills in what the server gives: an id where there is none, number and dates. */
static fct_status name_it(srv_monitors *all, srv_monitor_config *c, fct_error *err) {
    char id[37];
    if (!*c->id) {
        srv_new_id(id);
        snprintf(c->id, sizeof c->id, "m%.8s%.4s", id, id + 9);
    }
    c->created = c->updated = fct_time_unix();
    fct_mutex_lock(&all->lock);
    bool taken = srv_monitor_find(all, c->id) != NULL, full = all->n >= SRV_MONITORS_MOST;
    c->number = ++all->last_number;
    fct_mutex_unlock(&all->lock);
    if (taken) return fct_fail(err, FCT_ERR_EXISTS, "id: there is a monitor with this id");
    if (full) return fct_fail(err, FCT_ERR_LIMIT, "there are %d monitors, and no room for more", SRV_MONITORS_MOST);
    return FCT_OK;
}

/* With `change` held: writes the file with one monitor more, and only then takes it into the list. */
static fct_status add(srv_monitors *all, const srv_monitor_config *c, fct_error *err) {
    srv_monitor_list l;
    srv_monitor *m = NULL;
    fct_status s = copy_list(all, &l, err);
    if (!s) s = srv_monitor_list_add(&l, c, err);
    if (!s) s = create(all, c, &m, err);
    if (!s) s = srv_monitor_file_write(all->path, &l, err);
    srv_monitor_list_free(&l);
    if (!s) {
        fct_mutex_lock(&all->lock);
        if (c->enabled) m->state.status = SRV_MONITOR_CONNECTING;
        s = enlist(all, m, err);
        fct_mutex_unlock(&all->lock);
        if (s) srv_monitors_save(all, NULL); /* the thread could not be started */
    }
    if (s && m) srv_monitor_free(m);
    return s;
}

fct_status srv_monitors_add(srv_monitors *all, srv_monitor_config *c, fct_error *err) {
    fct_status s = check_source(all, c, err);
    if (s) return s;
    fct_mutex_lock(&all->change);
    s = name_it(all, c, err);
    if (!s) s = add(all, c, err);
    fct_mutex_unlock(&all->change);
    if (!s) note(all, "monitor-add", c->id);
    return s;
}

static fct_status no_monitor(fct_error *err) { return fct_fail(err, FCT_ERR_NOT_FOUND, "there is no such monitor"); }

/* Copies one monitor's settings; to be freed. */
static fct_status get_config(srv_monitors *all, const char *id, srv_monitor_config *out, fct_error *err) {
    fct_mutex_lock(&all->lock);
    const srv_monitor *m = srv_monitor_find(all, id);
    fct_status s = m ? copy_config(&m->config, out, err) : no_monitor(err);
    fct_mutex_unlock(&all->lock);
    return s;
}

/* Under the lock: puts settings in place of a monitor's own and has its thread begin anew. */
static void replace(srv_monitor *m, srv_monitor_config *c) {
    bool was = m->config.enabled;
    srv_monitor_config old = m->config;
    m->config = *c;
    *c = old;
    srv_event_log_resize(&m->log, m->config.buffer, NULL);
    m->state.status = m->config.enabled ? SRV_MONITOR_CONNECTING : SRV_MONITOR_STOPPED;
    m->state.connected = false;
    m->state.error[0] = 0;
    m->state.retry_at = 0;
    m->state.n_faces = 0;
    srv_preview_end(m);
    srv_monitor_interrupt(m);
    if (was && !m->config.enabled) emit_plain(m, SRV_EVENT_STOPPED);
}

/* With `change` held: writes the file with other settings of one monitor, then gives them to it. c is freed. */
static fct_status store(srv_monitors *all, srv_monitor_config *c, fct_error *err) {
    srv_monitor_list l;
    fct_status s = copy_list(all, &l, err);
    for (size_t i = 0; i < l.n && !s; i++) {
        if (strcmp(l.at[i].id, c->id) != 0) continue;
        srv_monitor_config_free(&l.at[i]);
        s = copy_config(c, &l.at[i], err);
    }
    if (!s) s = srv_monitor_file_write(all->path, &l, err);
    srv_monitor_list_free(&l);
    if (!s) {
        fct_mutex_lock(&all->lock);
        srv_monitor *m = srv_monitor_find(all, c->id);
        if (m) replace(m, c);
        fct_mutex_unlock(&all->lock);
    }
    srv_monitor_config_free(c);
    return s;
}

fct_status srv_monitors_change(srv_monitors *all, const char *id, const fct_json *settings, fct_error *err) {
    srv_monitor_config c = {0};
    fct_mutex_lock(&all->change);
    fct_status s = get_config(all, id, &c, err);
    if (!s) s = srv_monitor_config_read(&c, settings, false, err);
    if (!s && fct_json_member(settings, "source")) s = check_source(all, &c, err);
    c.updated = fct_time_unix();
    if (!s) s = store(all, &c, err);
    else srv_monitor_config_free(&c);
    fct_mutex_unlock(&all->change);
    if (!s) note(all, "monitor-change", id);
    return s;
}

fct_status srv_monitors_switch(srv_monitors *all, const char *id, bool on, fct_error *err) {
    srv_monitor_config c = {0};
    fct_mutex_lock(&all->change);
    fct_status s = get_config(all, id, &c, err);
    if (!s) {
        c.enabled = on;
        c.updated = fct_time_unix();
        s = store(all, &c, err);
    }
    fct_mutex_unlock(&all->change);
    if (!s) note(all, on ? "monitor-start" : "monitor-stop", id);
    return s;
}

/* Under the lock: takes a monitor out of the list; its thread is joined by the feeder. */
static void expel(srv_monitors *all, srv_monitor *m) {
    srv_monitor **at = &all->first;
    while (*at != m) at = &(*at)->next;
    *at = m->next;
    all->n--;
    m->next = all->leaving;
    all->leaving = m;
    m->gone = true;
    srv_preview_end(m);
    srv_monitor_interrupt(m);
}

fct_status srv_monitors_remove(srv_monitors *all, const char *id, fct_error *err) {
    srv_monitor_list l;
    fct_mutex_lock(&all->change);
    fct_status s = copy_list(all, &l, err);
    size_t at = 0;
    while (at < l.n && strcmp(l.at[at].id, id)) at++;
    if (!s && at == l.n) s = no_monitor(err);
    if (!s) {
        srv_monitor_config_free(&l.at[at]);
        memmove(&l.at[at], &l.at[at + 1], (--l.n - at) * sizeof *l.at);
        s = srv_monitor_file_write(all->path, &l, err);
    }
    srv_monitor_list_free(&l);
    if (!s) {
        char *path = events_path(all, id);
        fct_mutex_lock(&all->lock);
        srv_monitor *m = srv_monitor_find(all, id);
        if (m) expel(all, m);
        if (path) fct_file_remove(path, NULL); /* under the lock: its thread adds no more events */
        fct_mutex_unlock(&all->lock);
        fct_free(path);
    }
    fct_mutex_unlock(&all->change);
    if (!s) note(all, "monitor-remove", id);
    return s;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

static void fill_view(const srv_monitor *m, srv_monitor_view *out) {
    out->config = m->config;
    out->config.sealed = NULL;
    out->state = m->state;
    out->state.viewers = m->n_viewers;
}

bool srv_monitors_get(srv_monitors *all, const char *id, srv_monitor_view *out) {
    fct_mutex_lock(&all->lock);
    const srv_monitor *m = srv_monitor_find(all, id);
    if (m) fill_view(m, out);
    fct_mutex_unlock(&all->lock);
    return m != NULL;
}

bool srv_monitors_next(srv_monitors *all, int64_t after, srv_monitor_view *out) {
    fct_mutex_lock(&all->lock);
    const srv_monitor *m = all->first;
    while (m && m->config.number <= after) m = m->next;
    if (m) fill_view(m, out);
    fct_mutex_unlock(&all->lock);
    return m != NULL;
}

void srv_monitors_count(srv_monitors *all, int *n, int *running) {
    fct_mutex_lock(&all->lock);
    *n = all->n;
    *running = 0;
    for (const srv_monitor *m = all->first; m; m = m->next) *running += m->state.status == SRV_MONITOR_RUNNING;
    fct_mutex_unlock(&all->lock);
}

/* Under the lock: copies a page of a log. */
static void fill_page(const srv_monitor *m, srv_event_page *page, srv_monitor_event *out, int *n) {
    const srv_event_log *l = &m->log;
    page->oldest = l->n ? srv_event_log_at(l, 0)->seq : 0;
    page->latest = l->n ? srv_event_log_at(l, l->n - 1)->seq : 0;
    page->epoch = m->state.epoch;
    page->truncated = !page->newest && page->after && page->after < l->dropped;
    /* from .. to: the events that are left in this direction. */
    int from = page->newest ? 0 : srv_event_log_after(l, page->after);
    int to = page->newest && page->after ? srv_event_log_after(l, page->after - 1) : l->n;
    *n = to - from < page->limit ? to - from : page->limit;
    for (int i = 0; i < *n; i++) out[i] = *srv_event_log_at(l, page->newest ? to - 1 - i : from + i);
    page->more = to - from > *n;
}

bool srv_monitors_events(srv_monitors *all, const char *id, srv_event_page *page, srv_monitor_event *out, int *n) {
    *n = 0;
    fct_mutex_lock(&all->lock);
    const srv_monitor *m = srv_monitor_find(all, id);
    if (m) fill_page(m, page, out, n);
    fct_mutex_unlock(&all->lock);
    return m != NULL;
}
