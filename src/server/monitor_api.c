/* Requests about monitors, and tickets. */
#include "server/facet_api.h"

#include "base/alloc.h"
#include "base/file.h"
#include "facet/video.h"
#include "server/collections.h"
#include "server/monitor_json.h"
#include "server/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_PAGE = 100, EVENTS_PAGE_MOST = 1000, SEQUENCE_DIGITS = 16 };

/* ---- Answers ------------------------------------------------------------------------------------- */

/* Says why a call failed, with the words that these calls have for it. */
static void fail(const srv_request *r, srv_reply *out, const fct_error *e) {
    switch (e->code) {
    case FCT_ERR_NOT_FOUND:
        srv_fail(r, out, 404, "monitor_not_found", e->text);
        break;
    case FCT_ERR_EXISTS:
        srv_fail(r, out, 409, "monitor_exists", e->text);
        break;
    case FCT_ERR_LIMIT:
        srv_fail(r, out, 429, "monitor_limit_exceeded", e->text);
        break;
    case FCT_ERR_UNSUPPORTED:
        srv_fail(r, out, 422, "invalid_source", e->text);
        break;
    default:
        srv_fail_call(r, out, e);
    }
}

static void no_monitor(const srv_request *r, srv_reply *out) {
    srv_fail(r, out, 404, "monitor_not_found", "there is no such monitor");
}

static void answer_monitor(srv_app *app, const srv_request *r, const char *id, int status, srv_reply *out) {
    fct_json_writer j;
    srv_monitor_view v;
    if (!srv_monitors_get(app->monitors, id, &v)) { /* removed meanwhile */
        no_monitor(r, out);
        return;
    }
    srv_reply_json(out, status, &j);
    fct_json_object(&j, NULL);
    srv_json_monitor(&j, "monitor", &v);
    srv_json_close(&j, r, false);
}

/* Whether videos can be read here at all. */
static bool has_video(const srv_request *r, srv_reply *out) {
    fct_error e;
    if (!fct_video_available(&e)) return true;
    srv_fail(r, out, 501, "not_supported", e.text);
    return false;
}

/* ---- Settings -------------------------------------------------------------------------------------- */

/* The JSON object of the body. */
static bool read_settings(const srv_request *r, srv_form *form, srv_reply *out) {
    fct_error e;
    if (srv_form_read(r, form, &e)) {
        srv_fail_form(r, out, &e);
        return false;
    }
    if (form->kind == SRV_FORM_JSON) return true;
    srv_fail(r, out, form->kind == SRV_FORM_EMPTY ? 400 : 415, "invalid_request", "the body must be JSON");
    return false;
}

/* Whether there is the collection in which a monitor is to look for people. */
static bool has_collection(srv_app *app, const srv_request *r, const char *name, srv_reply *out) {
    int64_t id;
    fct_error e;
    if (!srv_collection_find(&app->core, name, &id, &e)) return true;
    if (e.code == FCT_ERR_NOT_FOUND || e.code == FCT_ERR_ARG)
        srv_fail(r, out, 404, "resource_not_found", "there is no such collection");
    else srv_fail_call(r, out, &e);
    return false;
}

void srv_do_monitor_create(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    srv_monitor_config c;
    fct_error e;
    srv_monitor_config_init(&c);
    if (read_settings(r, &form, out) && has_video(r, out)) {
        if (srv_monitor_config_read(&c, form.json.values, true, &e)) fail(r, out, &e);
        else if (!has_collection(app, r, c.collection, out)) {
        } else if (srv_monitors_add(app->monitors, &c, &e)) {
            if (e.code == FCT_ERR_NOT_FOUND) srv_fail(r, out, 422, "invalid_source", e.text);
            else fail(r, out, &e);
        } else {
            answer_monitor(app, r, c.id, 201, out);
            snprintf(out->location, sizeof out->location, "/v1/monitors/%s", c.id);
        }
    }
    srv_form_free(&form);
}

/* A change is tried on a copy first, so that what is wrong with it can be told apart from a monitor that is missing. */
static void change(srv_app *app, const srv_request *r, const fct_json *settings, srv_reply *out) {
    srv_monitor_view v;
    fct_error e;
    const char *id = r->params[0];
    if (!srv_monitors_get(app->monitors, id, &v)) {
        no_monitor(r, out);
        return;
    }
    if (!*v.config.address) v.config.address[0] = '-'; /* it is there, sealed */
    if (srv_monitor_config_read(&v.config, settings, false, &e)) fail(r, out, &e);
    else if (!has_collection(app, r, v.config.collection, out)) {
    } else if (!srv_monitors_change(app->monitors, id, settings, &e)) answer_monitor(app, r, id, 200, out);
    else if (e.code == FCT_ERR_NOT_FOUND && fct_json_member(settings, "source"))
        srv_fail(r, out, 422, "invalid_source", e.text);
    else fail(r, out, &e);
}

void srv_do_monitor_change(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (read_settings(r, &form, out) && has_video(r, out)) change(app, r, form.json.values, out);
    srv_form_free(&form);
}

static void turn(srv_app *app, const srv_request *r, bool on, srv_reply *out) {
    fct_error e;
    if (on && !has_video(r, out)) return;
    if (srv_monitors_switch(app->monitors, r->params[0], on, &e)) fail(r, out, &e);
    else answer_monitor(app, r, r->params[0], 200, out);
}

void srv_do_monitor_start(srv_app *app, srv_request *r, srv_reply *out) { turn(app, r, true, out); }
void srv_do_monitor_stop(srv_app *app, srv_request *r, srv_reply *out) { turn(app, r, false, out); }

void srv_do_monitor_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_error e;
    if (srv_monitors_remove(app->monitors, r->params[0], &e)) fail(r, out, &e);
    else out->status = 204;
}

/* ---- Looking ------------------------------------------------------------------------------------------ */

void srv_do_monitors(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_page page;
    srv_monitor_view v;
    int n = 0;
    if (!srv_read_page(r, &page, out)) return;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "monitors");
    for (int64_t after = page.after; srv_monitors_next(app->monitors, after, &v); n++) {
        if (n == page.limit) {
            page.next = after;
            break;
        }
        after = v.config.number;
        srv_json_monitor(&j, NULL, &v);
    }
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
}

void srv_do_monitor(srv_app *app, srv_request *r, srv_reply *out) { answer_monitor(app, r, r->params[0], 200, out); }

void srv_do_monitor_state(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_monitor_view v;
    if (!srv_monitors_get(app->monitors, r->params[0], &v)) {
        no_monitor(r, out);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    srv_json_state(&j, "state", &app->core, &v);
    srv_json_close(&j, r, false);
}

/* ---- Events --------------------------------------------------------------------------------------------- */

/* A number of an event, at most 16 digits; -1 where the text is none. */
static int64_t read_sequence(const char *text) {
    size_t n = strlen(text);
    return n > 0 && n <= SEQUENCE_DIGITS && strspn(text, "0123456789") == n ? strtoll(text, NULL, 10) : -1;
}

static bool read_event_page(const srv_request *r, srv_event_page *page, srv_reply *out) {
    srv_form query = {.request = r};
    fct_error e;
    const char *cursor = srv_request_query(r, "cursor"), *order = srv_request_query(r, "order");
    *page = (srv_event_page){.limit = EVENTS_PAGE};
    if (srv_form_int(&query, "limit", 1, EVENTS_PAGE_MOST, &page->limit, &e)) {
        srv_fail_form(r, out, &e);
        return false;
    }
    if (order && strcmp(order, "oldest") && strcmp(order, "newest")) {
        srv_fail(r, out, 400, "invalid_request", "order: is neither oldest nor newest");
        return false;
    }
    page->newest = order && strcmp(order, "newest") == 0;
    if (cursor) page->after = *cursor == 'c' ? read_sequence(cursor + 1) : -1;
    if (page->after >= 0) return true;
    srv_fail(r, out, 400, "invalid_cursor", "cursor: is not one that this server gave");
    return false;
}

static void write_sequence(fct_json_writer *j, const char *key, int64_t seq) {
    if (seq) fct_json_int(j, key, seq);
    else fct_json_null(j, key);
}

static void answer_events(srv_app *app, const srv_request *r, const srv_event_page *page,
                          const srv_monitor_event *events, int n, srv_reply *out) {
    fct_json_writer j;
    char cursor[24] = "";
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "monitor_id", r->params[0]);
    fct_json_int(&j, "stream_epoch", page->epoch);
    fct_json_array(&j, "events");
    for (int i = 0; i < n; i++) srv_json_event(&j, NULL, &app->core, r->params[0], &events[i]);
    fct_json_close_array(&j);
    write_sequence(&j, "oldest_sequence", page->oldest);
    write_sequence(&j, "latest_sequence", page->latest);
    fct_json_bool(&j, "has_more", page->more);
    fct_json_bool(&j, "truncated", page->truncated);
    /* Who reads on from the newest event on finds those that come later behind the same cursor. */
    int64_t last = n ? events[n - 1].seq : page->after;
    if (last && (page->more || !page->newest)) snprintf(cursor, sizeof cursor, "c%lld", (long long)last);
    fct_json_text(&j, "next_cursor", *cursor ? cursor : NULL);
    srv_json_close(&j, r, false);
}

void srv_do_monitor_events(srv_app *app, srv_request *r, srv_reply *out) {
    srv_event_page page;
    int n;
    if (!read_event_page(r, &page, out)) return;
    srv_monitor_event *events = fct_calloc((size_t)page.limit, sizeof *events);
    if (!events) srv_fail(r, out, 503, "not_ready", "out of memory");
    else if (!srv_monitors_events(app->monitors, r->params[0], &page, events, &n)) no_monitor(r, out);
    else answer_events(app, r, &page, events, n, out);
    fct_free(events);
}

/* ---- Streams ---------------------------------------------------------------------------------------------- */

/* Answers with a stream, or with why there is none. */
static void answer_stream(const srv_request *r, fct_status s, const fct_error *e, const char *type, srv_stream *stream,
                          srv_reply *out) {
    if (!s) {
        out->status = 200;
        out->stream = stream;
        snprintf(out->stream_type, sizeof out->stream_type, "%s", type);
    } else if (s == FCT_ERR_ARG) srv_fail(r, out, 409, "preview_disabled", e->text);
    else if (s == FCT_ERR_BUSY) {
        out->retry_after = 5;
        srv_fail(r, out, 503, "stream_unavailable", e->text);
    } else fail(r, out, e);
}

void srv_do_follow(srv_app *app, srv_request *r, srv_reply *out) {
    const char *id = srv_request_query(r, "monitor"), *last = srv_request_field(r, "Last-Event-ID");
    srv_stream *stream;
    fct_error e;
    if (!last) last = srv_request_query(r, "last_event_id");
    int64_t after = last ? read_sequence(last) : -1;
    if (last && after < 0) {
        srv_fail(r, out, 400, "invalid_cursor", "Last-Event-ID: is no id of an event");
        return;
    }
    fct_status s = srv_monitors_follow(app->monitors, id ? id : "", after, r->key_id, &stream, &e);
    answer_stream(r, s, &e, "text/event-stream", stream, out);
}

void srv_do_preview(srv_app *app, srv_request *r, srv_reply *out) {
    srv_stream *stream;
    fct_error e;
    fct_status s = srv_monitors_look(app->monitors, r->params[0], r->key_id, &stream, &e);
    answer_stream(r, s, &e, SRV_PREVIEW_TYPE, stream, out);
}

void srv_do_ticket(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    char text[SRV_TICKET_TEXT];
    srv_ticket_make(app->ticket_secret, r->key_id, fct_time_unix() + SRV_TICKET_SECONDS, text);
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "ticket", text);
    fct_json_int(&j, "expires_in", SRV_TICKET_SECONDS);
    srv_json_close(&j, r, false);
}
