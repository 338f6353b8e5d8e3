/* The thread of one monitor: opens its stream, looks at some frames of it, tells what they show, and opens it again
 * when it is lost. One frame is held at a time, the newest; while the networks have too much to do frames are passed
 * over, so nothing grows. */
#include "server/monitor_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "facet/privacy.h"
#include "server/collections.h"
#include "server/monitor_file.h"
#include "server/monitor_notice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 8000, PREVIEW_MS = 200, LOOK_MS = 2000, FIRST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 60000 };
static const float least_quality = 0.2f,
                   det_thresh = 0.5f; /* of a view that may say who it is; of the pool's requests */
static const uint64_t ms_ns = 1000000;
static const uint64_t settled_ns = 30000000000u; /* a stream that lasted so long was fine: the next pause is short */

/* What the thread knows while it runs; its own, without the lock. */
typedef struct watching {
    srv_monitor *m;
    srv_monitors *all;
    srv_monitor_config config; /* a copy */
    unsigned version;          /* of the copy; when the monitor's is another, all begins anew */
    int pause_ms;              /* before the next attempt */
    bool told_lost, looped;
    srv_notice notice;
    int64_t collection;
    float threshold;
    fct_source *source;
    fct_source_info info;
    fct_tracker *tracker;
    fct_gallery_info gallery; /* as it was when the tracker was made or renewed */
    uint64_t opened, next_look, next_preview, next_check, last_look;
} watching;

static double seconds_now(void) { return (double)fct_time_ns() / 1e9; }
static bool is_stale(const watching *w) { return atomic_load(&w->m->version) != w->version; }
static bool give_up(void *user) { return is_stale(user); }

void srv_monitor_interrupt(srv_monitor *m) {
    atomic_fetch_add(&m->version, 1);
    if (m->source) fct_source_cancel(m->source);
    fct_cond_signal(&m->wake);
}

/* Takes the lock if what this thread does still counts; else leaves it free. */
static bool lock_if_current(const watching *w) {
    fct_mutex_lock(&w->all->lock);
    if (!is_stale(w)) return true;
    fct_mutex_unlock(&w->all->lock);
    return false;
}

static void unlock(const watching *w) { fct_mutex_unlock(&w->all->lock); }

/* ---- The gallery ----------------------------------------------------------------------------------- */

/* The threshold of this monitor at this moment. */
static float threshold_now(const watching *w) {
    float t = isnan(w->config.threshold) ? srv_core_threshold(w->all->opts.core) : w->config.threshold;
    return fminf(fmaxf(t, 0.001f), 0.999f); /* what a tracker takes */
}

/* Makes the tracker, with no gallery as long as nobody is enrolled. */
static fct_status make_tracker(watching *w, fct_error *err) {
    srv_core *core = w->all->opts.core;
    fct_tracker_opts o;
    fct_tracker_opts_init(&o);
    fct_tracker_free(w->tracker);
    w->tracker = NULL;
    fct_status s = fct_gallery_stat(core->gallery, &w->gallery, err);
    if (s) return s;
    w->threshold = threshold_now(w);
    o.high_thresh = o.low_thresh = det_thresh;
    o.match_thresh = w->threshold;
    o.lost_seconds = w->config.policy.absence;
    o.confirm = w->config.policy.confirm;
    srv_notice_restart(&w->notice, &w->config.policy, w->threshold);
    return fct_tracker_create(NULL, w->gallery.model_id[0] ? core->gallery : NULL, &o, &w->tracker, err);
}

/* Looks every two seconds whether people were added or removed, or the threshold was changed. */
static fct_status follow_gallery(watching *w, uint64_t now, fct_error *err) {
    fct_gallery_info info;
    if (now < w->next_check) return FCT_OK;
    w->next_check = now + LOOK_MS * ms_ns;
    fct_status s = fct_gallery_stat(w->all->opts.core->gallery, &info, err);
    if (s) return s;
    if (strcmp(info.model_id, w->gallery.model_id) != 0 || threshold_now(w) != w->threshold)
        return make_tracker(w, err);
    if (info.people != w->gallery.people || info.faces != w->gallery.faces) {
        fct_tracker_renew(w->tracker);
        srv_notice_renew(&w->notice);
    }
    w->gallery = info;
    return FCT_OK;
}

/* ---- What is told ---------------------------------------------------------------------------------- */

static srv_monitor_event face_event(const watching *w, srv_event_type type, int64_t track, const float box[4],
                                    float score) {
    srv_monitor_event e = {.type = type, .track = track, .threshold = w->threshold, .score = score};
    memcpy(e.box, box, sizeof e.box);
    e.width = w->info.width;
    e.height = w->info.height;
    return e;
}

static const fct_track *track_of(const watching *w, int64_t id) {
    for (int i = 0; i < fct_tracker_track_count(w->tracker); i++)
        if (fct_tracker_track(w->tracker, i)->id == id) return fct_tracker_track(w->tracker, i);
    return NULL;
}

/* The stored face that a track is most like, 0 where the search gives somebody else. */
static int64_t nearest_face(const watching *w, const fct_track *t, int64_t person) {
    fct_match m;
    int n = 0;
    srv_core *core = w->all->opts.core;
    if (!t || !t->embedding) return 0;
    if (fct_gallery_search(core->gallery, w->gallery.model_id, t->embedding, t->embedding_dim, -1, 1, &m, &n, NULL))
        return 0;
    return n && m.person_id == person ? m.face_id : 0;
}

static void tell(watching *w, srv_monitor_event *e) {
    if (!lock_if_current(w)) return;
    srv_monitor_emit(w->m, e);
    unlock(w);
}

/* Tells of who came, by the tracker's events and by tracks that turned out to be nobody's. */
static void tell_faces(watching *w) {
    double now = seconds_now();
    for (int i = 0; i < fct_tracker_event_count(w->tracker); i++) {
        const fct_event *e = fct_tracker_event(w->tracker, i);
        if (e->kind != FCT_EVENT_RECOGNIZED || !e->person_id || !srv_notice_person(&w->notice, e->person_id, now))
            continue;
        const fct_track *t = track_of(w, e->track);
        srv_monitor_event out = face_event(w, SRV_EVENT_RECOGNIZED, e->track, e->box, t ? t->score : det_thresh);
        out.person = e->person_id;
        out.similarity = e->score;
        out.face = nearest_face(w, t, e->person_id);
        tell(w, &out);
    }
    for (int i = 0; i < fct_tracker_track_count(w->tracker); i++) {
        const fct_track *t = fct_tracker_track(w->tracker, i);
        if (t->decided && !t->person_id && srv_notice_stranger(&w->notice, t, now)) {
            srv_monitor_event out = face_event(w, SRV_EVENT_UNKNOWN, t->id, t->box, t->score);
            tell(w, &out);
        }
        srv_notice_seen(&w->notice, t, now);
    }
}

/* The faces of this frame, for who asks for the state. */
static void show_faces(watching *w, double ms, uint64_t now) {
    if (!lock_if_current(w)) return;
    srv_monitor_state *s = &w->m->state;
    int n = fct_tracker_track_count(w->tracker);
    s->n_faces = n < SRV_MONITOR_FACES_MOST ? n : SRV_MONITOR_FACES_MOST;
    for (int i = 0; i < s->n_faces; i++) {
        const fct_track *t = fct_tracker_track(w->tracker, i);
        s->faces[i] = (srv_monitor_face){.track = t->id,
                                         .person = t->person_id,
                                         .decided = t->decided,
                                         .score = t->score,
                                         .similarity = t->similarity};
        memcpy(s->faces[i].box, t->box, sizeof t->box);
    }
    s->frames++;
    s->processing_ms = s->frames > 1 ? 0.8 * s->processing_ms + 0.2 * ms : ms;
    s->threshold = w->threshold;
    if (w->last_look) {
        double fps = 1e9 / (double)(now - w->last_look);
        s->actual_fps = s->actual_fps > 0 ? 0.8 * s->actual_fps + 0.2 * fps : fps;
    }
    w->last_look = now;
    unlock(w);
}

/* ---- A frame ------------------------------------------------------------------------------------------ */

/* Gives faces that turned out to be nobody's to those who keep unknown ones, one of each track. */
static void keep_unknown(watching *w, const fct_frame *f, const fct_face *faces, int n) {
    const srv_monitors_opts *o = &w->all->opts;
    for (int i = 0; i < fct_tracker_track_count(w->tracker); i++) {
        const fct_track *t = fct_tracker_track(w->tracker, i);
        if (!t->decided || t->person_id) continue;
        for (int k = 0; k < n; k++)
            if (srv_notice_keep(&w->notice, t, &faces[k]))
                o->keep(o->user, w->collection, f->view, &faces[k], w->config.name);
    }
}

/* Gives the pool's faces to the tracker. Views that say little of who somebody is go without their embedding. */
static fct_status track_faces(watching *w, const fct_frame *f, const fct_faces *found, fct_error *err) {
    int n = fct_faces_count(found);
    fct_face *faces = fct_calloc((size_t)n + 1, sizeof *faces);
    if (!faces) return fct_fail_nomem(err, "faces", 0);
    for (int i = 0; i < n; i++) {
        fct_quality q;
        faces[i] = *fct_faces_at(found, i);
        if (fct_face_quality(f->view, &faces[i], &q, NULL) || q.score < least_quality) {
            faces[i].embedding = NULL;
            faces[i].embedding_dim = 0;
        }
    }
    fct_status s = fct_tracker_update_faces(w->tracker, faces, n, f->index, f->time, err);
    if (!s) keep_unknown(w, f, faces, n);
    fct_free(faces);
    return s;
}

static void count(watching *w, bool skipped) {
    if (!lock_if_current(w)) return;
    if (skipped) w->m->state.skipped++;
    else w->m->state.inference_errors++;
    unlock(w);
}

/* Has the pool that all requests share look at the frame, behind them. A frame for which it has no time is skipped. */
static fct_status analyze(watching *w, const fct_frame *f, fct_error *err) {
    fct_faces *found = NULL;
    uint64_t began = fct_time_ns();
    srv_look look = {
        .tasks = FCT_TASK_EMBED, .det_thresh = det_thresh, .deadline = began + LOOK_MS * ms_ns, .background = true};
    fct_status s = srv_infer_run(w->all->opts.core->infer, f->view, &look, &found, err);
    if (s && s != FCT_ERR_NOMEM) {
        count(w, s == FCT_ERR_CANCELLED);
        return FCT_OK;
    }
    if (!s) s = track_faces(w, f, found, err);
    fct_faces_free(found);
    if (s) return s;
    tell_faces(w);
    show_faces(w, (double)(fct_time_ns() - began) / 1e6, began);
    return follow_gallery(w, began, err);
}

static bool has_viewers(watching *w) {
    bool has = lock_if_current(w);
    if (!has) return false;
    w->m->state.last_frame_at = fct_time_unix();
    has = w->m->n_viewers > 0;
    unlock(w);
    return has;
}

static void preview(watching *w, const fct_frame *f) {
    uint8_t *jpeg = NULL;
    size_t n = 0;
    fct_status s = srv_preview_make(f->view, w->tracker, &jpeg, &n, NULL);
    if (!s && lock_if_current(w)) {
        srv_preview_show(w->m, jpeg, n);
        unlock(w);
    }
    fct_buffer_free(jpeg);
}

static fct_status take_frame(watching *w, const fct_frame *f, fct_error *err) {
    fct_status s = FCT_OK;
    uint64_t now = fct_time_ns();
    bool wanted = has_viewers(w);
    if (now >= w->next_look) {
        uint64_t step = (uint64_t)(1e9 / w->config.fps);
        w->next_look = now > w->next_look + step ? now + step : w->next_look + step;
        s = analyze(w, f, err);
    }
    if (!s && wanted && now >= w->next_preview) {
        w->next_preview = now + PREVIEW_MS * ms_ns;
        preview(w, f);
    }
    return s;
}

/* Waits until a file's frame is due, as though it were being filmed. False: all begins anew. */
static bool wait_for_frame(watching *w, const fct_frame *f) {
    uint64_t due = w->opened + (uint64_t)(f->time * 1e9);
    fct_mutex_lock(&w->all->lock);
    for (uint64_t now; !is_stale(w) && (now = fct_time_ns()) < due;)
        fct_cond_wait_ms(&w->m->wake, &w->all->lock,
                         (int)((due - now) / ms_ns < 1000 ? (due - now) / ms_ns + 1 : 1000));
    fct_mutex_unlock(&w->all->lock);
    return !is_stale(w);
}

/* ---- A stream ------------------------------------------------------------------------------------------ */

static fct_status open_source(watching *w, fct_error *err) {
    char *name = NULL;
    fct_source_opts o;
    fct_source_opts_init(&o);
    o.reconnect = 0; /* that is done here, where it can be seen */
    o.timeout_ms = TIMEOUT_MS;
    o.max_pixels = w->all->opts.core->max_pixels;
    o.give_up = give_up;
    o.give_up_user = w;
    fct_status s = w->config.sealed ? srv_monitor_sealed_reason(&w->config, err) : fct_video_available(err);
    if (!s) s = srv_collection_find(w->all->opts.core, w->config.collection, &w->collection, err);
    if (s) return s == FCT_ERR_NOT_FOUND ? fct_fail(err, FCT_ERR_ARG, "there is no such collection any more") : s;
    fct_gallery_work_in(w->collection);
    s = srv_address_resolve(w->config.address, w->config.kind, w->all->files, &name, err);
    if (!s && (s = fct_source_open(name, &o, &w->source, err))) srv_address_scrub(w->config.address, err);
    fct_free(name);
    return s;
}

/* The stream is open. */
static bool announce(watching *w) {
    srv_monitor_event e = {.type = SRV_EVENT_STARTED};
    fct_source_get_info(w->source, &w->info);
    if (!lock_if_current(w)) return false;
    srv_monitor_state *s = &w->m->state;
    w->m->source = w->source;
    s->status = SRV_MONITOR_RUNNING;
    s->connected = true;
    s->reconnects += s->started_at != 0 && !w->looped;
    s->started_at = fct_time_unix();
    s->retry_at = 0;
    s->error[0] = 0;
    s->actual_fps = 0;
    s->width = w->info.width;
    s->height = w->info.height;
    s->source_fps = w->info.fps;
    snprintf(s->codec, sizeof s->codec, "%s", w->info.codec);
    s->epoch++;
    if (!w->looped) srv_monitor_emit(w->m, &e);
    unlock(w);
    w->told_lost = w->looped = false;
    w->opened = w->next_look = fct_time_ns();
    w->last_look = w->next_preview = w->next_check = 0;
    return true;
}

static void close_source(watching *w) {
    fct_mutex_lock(&w->all->lock);
    w->m->source = NULL;
    srv_preview_end(w->m);
    w->m->state.connected = false;
    w->m->state.n_faces = 0;
    fct_mutex_unlock(&w->all->lock);
    fct_source_free(w->source);
    fct_tracker_free(w->tracker);
    w->source = NULL;
    w->tracker = NULL;
}

/* Watches the stream until it ends (FCT_OK and *ended), fails, or all begins anew. */
static fct_status watch_stream(watching *w, bool *ended, fct_error *err) {
    fct_frame f;
    fct_status s = make_tracker(w, err);
    while (!s && !*ended && !is_stale(w)) {
        s = fct_source_next(w->source, &f, err);
        if (s == FCT_ERR_NETWORK || s == FCT_ERR_FORMAT || s == FCT_ERR_IO) srv_address_scrub(w->config.address, err);
        *ended = !s && !f.view.data;
        if (s || *ended || (!w->info.live && !wait_for_frame(w, &f))) break;
        s = take_frame(w, &f, err);
    }
    return s;
}

static fct_status watch_once(watching *w, bool *opened, bool *ended, fct_error *err) {
    *opened = *ended = false;
    fct_status s = open_source(w, err);
    if (s) return s;
    if (announce(w)) {
        *opened = true;
        s = watch_stream(w, ended, err);
    }
    close_source(w);
    return s;
}

/* ---- What follows ---------------------------------------------------------------------------------------- */

/* Whether to try again makes no sense. */
static bool is_final(const watching *w, fct_status s, bool opened) {
    if (s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_ARG || s == FCT_ERR_LIMIT || s == FCT_ERR_MISMATCH) return true;
    return w->config.kind == SRV_SOURCE_FILE && !opened && (s == FCT_ERR_NOT_FOUND || s == FCT_ERR_FORMAT);
}

static void emit_reason(watching *w, srv_event_type type) {
    srv_monitor_event e = {.type = type};
    snprintf(e.error, sizeof e.error, "%.*s", SRV_EVENT_ERROR - 1, w->m->state.error);
    srv_monitor_emit(w->m, &e);
}

/* Under the lock: waits, unless all begins anew meanwhile. */
static void pause_for(watching *w, int ms) {
    uint64_t until = fct_time_ns() + (uint64_t)ms * ms_ns;
    for (uint64_t now; !is_stale(w) && (now = fct_time_ns()) < until;)
        fct_cond_wait_ms(&w->m->wake, &w->all->lock, (int)((until - now) / ms_ns) + 1);
}

/* Under the lock: a file has come to its end. It begins anew, a very short one not at once, or turns itself off. */
static void end_file(watching *w) {
    if (w->config.loop) {
        w->looped = true;
        if (fct_time_ns() - w->opened < FIRST_PAUSE_MS * ms_ns) pause_for(w, FIRST_PAUSE_MS);
        return;
    }
    w->m->state.status = SRV_MONITOR_STOPPED;
    w->m->config.enabled = false;
    w->all->dirty = true;
    emit_reason(w, SRV_EVENT_ENDED);
}

/* Under the lock: the connection is lost; it is tried again after a pause that grows, and is a little different for
 * each monitor, so that not all come at once when a network is back. */
static void plan_retry(watching *w) {
    uint64_t lasted = w->opened ? fct_time_ns() - w->opened : 0;
    w->opened = 0;
    if (lasted > settled_ns || !w->pause_ms) w->pause_ms = FIRST_PAUSE_MS;
    int pause = w->pause_ms + (int)((uint64_t)w->pause_ms * (uint64_t)(w->m->config.number % 8) / 40);
    w->pause_ms = w->pause_ms < LONGEST_PAUSE_MS / 2 ? 2 * w->pause_ms : LONGEST_PAUSE_MS;
    w->m->state.status = SRV_MONITOR_RETRYING;
    w->m->state.retry_at = fct_time_unix() + (pause + 999) / 1000;
    if (!w->told_lost) emit_reason(w, SRV_EVENT_LOST);
    w->told_lost = true;
    pause_for(w, pause);
    if (is_stale(w)) return;
    w->m->state.retry_at = 0;
    w->m->state.status = SRV_MONITOR_CONNECTING;
}

/* Under the lock: what becomes of the monitor after its stream is over. */
static void conclude(watching *w, fct_status s, bool opened, bool ended, const fct_error *e) {
    srv_monitor_state *state = &w->m->state;
    bool file = opened && !w->info.live;
    snprintf(state->error, sizeof state->error, "%.*s", SRV_MONITOR_REASON - 1,
             s       ? e->text
             : ended ? "the stream ended"
                     : "");
    if (file && (ended || s == FCT_ERR_FORMAT)) {
        if (!s) state->error[0] = 0;
        end_file(w);
    } else if (s && is_final(w, s, opened)) {
        state->status = SRV_MONITOR_FAILED;
        emit_reason(w, SRV_EVENT_FAILED);
    } else plan_retry(w);
    if (s) fct_log(FCT_LOG_WARN, "monitor %s: %s", w->config.id, state->error);
}

/* Under the lock: takes the settings as they are now. */
static void take_settings(watching *w) {
    srv_monitor_config_free(&w->config);
    w->version = atomic_load(&w->m->version);
    w->config = w->m->config;
    if (w->config.sealed) w->config.sealed = fct_strdup(w->config.sealed);
    w->pause_ms = 0;
    w->opened = 0;
    w->told_lost = w->looped = false;
    w->m->state.status = w->config.enabled ? SRV_MONITOR_CONNECTING : SRV_MONITOR_STOPPED;
}

void srv_monitor_watch(void *arg) {
    srv_monitor *m = arg;
    watching w = {.m = m, .all = m->all};
    fct_error e;
    bool opened, ended;
    fct_gallery_act_for("monitor");
    fct_mutex_lock(&m->all->lock);
    take_settings(&w);
    srv_notice_init(&w.notice, &w.config.policy, 0.4f);
    while (!m->gone) {
        bool waits = m->state.status == SRV_MONITOR_STOPPED || m->state.status == SRV_MONITOR_FAILED;
        if (is_stale(&w)) take_settings(&w);
        else if (waits) fct_cond_wait(&m->wake, &m->all->lock);
        else {
            fct_mutex_unlock(&m->all->lock);
            fct_error_clear(&e);
            fct_status s = watch_once(&w, &opened, &ended, &e);
            fct_mutex_lock(&m->all->lock);
            if (!is_stale(&w)) conclude(&w, s, opened, ended, &e);
        }
    }
    m->ended = true;
    srv_monitors_wake(m->all);
    fct_mutex_unlock(&m->all->lock);
    srv_notice_free(&w.notice);
    srv_monitor_config_free(&w.config);
}
