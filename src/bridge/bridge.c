#include "bridge/bridge.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "text/json_writer.h"
#include "text/utf8.h"

#include <stdio.h>
#include <string.h>

enum { IDLE_MS = 200, BAD_EVERY_MS = 60000, NAME_CHARACTERS = 100 };

/* All of a bridge. What the connection's thread touches is under the lock. */
typedef struct bridge {
    const brg_opts *o;
    brg_web *web;
    brg_remote remote;
    fct_mutex lock;
    fct_cond news;
    brg_visits visits;
    char state[200]; /* of the connection, to be told; "" = nothing new */
    bool state_bad;
    char bad[200]; /* the last message that could not be read; "" = none since it was told */
    uint64_t bad_at;
} bridge;

static uint64_t now_ms(void) { return fct_time_ns() / 1000000; }

static void warn(const bridge *b, const char *text) { b->o->note(b->o->user, true, text); }

/* ---- Of the connection's thread ---------------------------------------------------------------- */

static void on_message(void *user, const void *data, size_t size) {
    bridge *b = user;
    brg_event event;
    fct_error e;
    fct_status s = brg_event_read(data, size, &event, &e);
    fct_mutex_lock(&b->lock);
    if (s) snprintf(b->bad, sizeof b->bad, "a message that is no event of Frigate's: %.140s", e.text);
    else brg_visits_hear(&b->visits, &event, now_ms());
    fct_cond_signal(&b->news);
    fct_mutex_unlock(&b->lock);
}

static void on_state(void *user, bool connected, const char *text) {
    bridge *b = user;
    fct_mutex_lock(&b->lock);
    snprintf(b->state, sizeof b->state, "%s: %.100s", connected ? "MQTT" : "MQTT, tried again", text);
    b->state_bad = !connected;
    fct_cond_signal(&b->news);
    fct_mutex_unlock(&b->lock);
}

/* ---- Looking ------------------------------------------------------------------------------------------ */

/* Fetches the snapshot of an event. False: there is none now; where that is a fault, it is noted. */
static bool fetch(bridge *b, const char *id, fct_buf *picture) {
    fct_error e;
    int status;
    char *url = fct_asprintf("%s/api/events/%s/snapshot.jpg?crop=1&bbox=0&timestamp=0&quality=95", b->o->frigate, id);
    if (!url) return false;
    brg_ask ask = {.url = url, .token = b->o->secrets->frigate_token};
    fct_status s = brg_web_ask(b->web, &ask, &status, picture, &e);
    if (!s && status != 200 && status != 404)
        s = fct_fail(&e, FCT_ERR_NETWORK, "%s: answered %d to the snapshot of %s", b->o->frigate, status, id);
    if (s) warn(b, e.text);
    fct_free(url);
    return !s && status == 200 && picture->size > 0;
}

/* Looks at the snapshot of a visit, which may be gone when that is done. */
static void look(bridge *b, const char *id) {
    fct_buf picture = {0};
    brg_face face = {0};
    fct_error e;
    bool there = fetch(b, id, &picture);
    if (there) {
        fct_status s = b->o->local ? brg_ask_local(b->o->local, picture.data, picture.size, &face, &e)
                                   : brg_ask_remote(&b->remote, picture.data, picture.size, &face, &e);
        if (s) warn(b, e.text);
        there = !s;
    }
    fct_buf_free(&picture);
    fct_mutex_lock(&b->lock);
    brg_visit *x = brg_visits_find(&b->visits, id);
    if (x && there) brg_visit_saw(x, face.found, *face.name ? face.name : NULL, face.score, now_ms());
    else if (x) brg_visit_missed(x, now_ms());
    fct_mutex_unlock(&b->lock);
}

/* ---- Answering ------------------------------------------------------------------------------------------ */

/* Appends a name of as many characters as Frigate takes. */
static void add_name(fct_buf *out, const char *name) {
    const char *p = name, *end = name + strlen(name);
    for (int i = 0; i < NAME_CHARACTERS && p < end; i++) fct_utf8_next(&p, end);
    fct_buf_add(out, name, (size_t)(p - name));
}

static void make_answer(fct_buf *out, const brg_candidate *who) {
    fct_json_writer j;
    fct_buf name = {0};
    add_name(&name, who->name);
    fct_json_to_buf(&j, out);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "subLabel", name.data ? name.data : "");
    fct_json_number(&j, "subLabelScore", who->score, 4);
    fct_json_close_object(&j);
    out->failed |= name.failed;
    fct_buf_free(&name);
}

/* Tells Frigate who it is. *again: it may work later. */
static fct_status tell(bridge *b, const char *id, const brg_candidate *who, bool *again, fct_error *err) {
    fct_buf body = {0}, answer = {0};
    int status = 0;
    *again = true;
    char *url = fct_asprintf("%s/api/events/%s/sub_label", b->o->frigate, id);
    make_answer(&body, who);
    fct_status s = url && !body.failed ? FCT_OK : fct_fail_nomem(err, "answer", 0);
    brg_ask ask = {url, b->o->secrets->frigate_token, body.data, body.size, "application/json"};
    if (!s) s = brg_web_ask(b->web, &ask, &status, &answer, err);
    if (!s && (status < 200 || status > 299)) {
        s = fct_fail(err, FCT_ERR_NETWORK, "%s: answered %d to the sub label of %s", b->o->frigate, status, id);
        *again = status >= 500 || status == 429;
    }
    fct_buf_free(&answer);
    fct_buf_free(&body);
    fct_free(url);
    return s;
}

/* Says who a visit is, or that it is over and nobody knows; x: a copy. */
static void answer(bridge *b, const brg_visit *x, const brg_candidate *who) {
    fct_error e;
    bool again = false;
    brg_report r = {x->id, x->camera, who ? who->name : NULL, who ? who->score : 0, x->looks, x->faces, false};
    fct_status s = who && !b->o->dry_run ? tell(b, x->id, who, &again, &e) : FCT_OK;
    if (s) warn(b, e.text);
    r.sent = who && !b->o->dry_run && !s;
    fct_mutex_lock(&b->lock);
    brg_visit *now = brg_visits_find(&b->visits, x->id);
    bool over = !now || !s || !again || !brg_visit_failed(now, now_ms());
    if (now && over) now->closed = true;
    fct_mutex_unlock(&b->lock);
    if (over) b->o->report(b->o->user, &r);
}

/* ---- The loop -------------------------------------------------------------------------------------------- */

/* Tells what the connection's thread has left to be told. */
static void tell_news(bridge *b) {
    char state[sizeof b->state], bad[sizeof b->bad] = "";
    uint64_t now = now_ms();
    fct_mutex_lock(&b->lock);
    memcpy(state, b->state, sizeof state);
    bool state_bad = b->state_bad;
    b->state[0] = 0;
    if (*b->bad && (!b->bad_at || now - b->bad_at > BAD_EVERY_MS)) {
        memcpy(bad, b->bad, sizeof bad);
        b->bad[0] = 0;
        b->bad_at = now;
    }
    fct_mutex_unlock(&b->lock);
    if (*state) b->o->note(b->o->user, state_bad, state);
    if (*bad) warn(b, bad);
}

/* Does one thing; waits a little where there is nothing to do. */
static void step(bridge *b) {
    brg_visit decided, *x;
    const brg_candidate *who = NULL;
    char id[BRG_ID] = "";
    fct_mutex_lock(&b->lock);
    brg_visits_sweep(&b->visits, now_ms());
    if ((x = brg_visits_decided(&b->visits, now_ms()))) decided = *x;
    else if ((x = brg_visits_due(&b->visits, now_ms()))) {
        memcpy(id, x->id, sizeof id);
        brg_visit_begin(x);
    } else fct_cond_wait_ms(&b->news, &b->lock, IDLE_MS);
    fct_mutex_unlock(&b->lock);
    if (*id) look(b, id);
    else if (x) {
        brg_visit_decide(&b->visits, &decided, &who);
        answer(b, &decided, who);
    }
}

/* Says who those are that were seen and not yet named: they may be there still, but this program will not. */
static void finish(bridge *b) {
    for (int i = 0; i < BRG_VISITS_MOST; i++) {
        brg_visit x = b->visits.at[i];
        const brg_candidate *who;
        if (!*x.id || x.closed || !x.n_names) continue;
        x.ended = x.looked_end = true;
        if (brg_visit_decide(&b->visits, &x, &who) == BRG_NAMED) answer(b, &x, who);
    }
}

static fct_status check(const brg_opts *o, fct_error *err) {
    char host[256];
    int port;
    bool tls;
    fct_status s = brg_mqtt_parse(o->mqtt, host, &port, &tls, err);
    if (!s) s = brg_web_check(o->frigate, "--frigate", err);
    if (!s && o->server) s = brg_web_check(o->server, "--server", err);
    bool plain = *o->topic && strlen(o->topic) < 200 && !strpbrk(o->topic, "+#");
    return s || plain ? s : fct_fail(err, FCT_ERR_ARG, "--topic: Frigate's topic is needed, without wildcards");
}

fct_status brg_run(const brg_opts *o, fct_error *err) {
    char topic[256];
    brg_mqtt *mqtt = NULL;
    fct_status s = check(o, err);
    if (s) return s;
    bridge *b = fct_calloc(1, sizeof *b);
    if (!b) return fct_fail_nomem(err, "bridge", sizeof *b);
    b->o = o;
    b->visits.needed = o->needed;
    fct_mutex_init(&b->lock);
    fct_cond_init(&b->news);
    snprintf(topic, sizeof topic, "%s/events", o->topic);
    s = brg_web_open(o->insecure, &b->web, err);
    b->remote = (brg_remote){b->web, o->server, o->secrets->server_key, o->collection};
    brg_mqtt_opts m = {
        o->mqtt, topic, o->secrets->mqtt_user, o->secrets->mqtt_password, o->ca, o->insecure, on_message, on_state, b};
    if (!s) s = brg_mqtt_start(&m, &mqtt, err);
    while (!s && !o->stopped()) {
        step(b);
        tell_news(b);
    }
    brg_mqtt_stop(mqtt);
    if (!s) finish(b);
    brg_web_close(b->web);
    fct_cond_destroy(&b->news);
    fct_mutex_destroy(&b->lock);
    fct_free(b);
    return s;
}
