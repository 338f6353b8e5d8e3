/* For administrators: settings, keys, the audit log. */
#include "server/facet_api.h"

#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "text/decimal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Settings ------------------------------------------------------------------------------------------- */

/* A setting of the whole gallery as a number; NAN = not set. */
static fct_status read_number(srv_core *c, const char *key, double *out, fct_error *err) {
    char *text;
    *out = NAN;
    fct_status s = fct_gallery_get_setting(c->gallery, 0, key, &text, err);
    if (!s && fct_decimal_length(text, strlen(text)) == strlen(text)) fct_decimal(text, strlen(text), out);
    fct_buffer_free(text);
    return s == FCT_ERR_NOT_FOUND ? FCT_OK : s;
}

static fct_status write_settings(fct_json_writer *j, srv_app *app, fct_error *err) {
    double threshold = NAN;
    char *audit = NULL;
    int days = 0;
    fct_status s = read_number(&app->core, "threshold", &threshold, err);
    if (!s) s = srv_setting_int(&app->core, 0, SRV_SETTING_REMOVED_DAYS, SRV_REMOVED_DAYS, &days, err);
    if (!s) s = fct_gallery_get_setting(app->core.gallery, 0, "audit", &audit, err);
    if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
    fct_json_object(j, "settings");
    fct_json_number(j, "threshold", threshold, 6);
    fct_json_number(j, "default_threshold", isnan(threshold) ? app->core.threshold : threshold, 6);
    fct_json_text(j, "audit", audit ? audit : "off");
    fct_json_int(j, "removed_days", days);
    fct_json_number(j, "rate", srv_rate_get(&app->rate), 3);
    fct_json_close_object(j);
    fct_json_object(j, "limits");
    fct_json_int(j, "max_body", app->max_body);
    fct_json_int(j, "max_pixels", app->core.max_pixels);
    fct_json_close_object(j);
    fct_buffer_free(audit);
    return s;
}

void srv_do_settings(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_status s = write_settings(&j, app, &e);
    srv_json_close(&j, r, false);
    if (s) srv_fail_call(r, out, &e);
}

/* What a request says of the settings. */
typedef struct settings_terms {
    bool has_threshold;
    double threshold, rate; /* NAN: none; not said */
    const char *audit;
    int days; /* -1: not said */
} settings_terms;

static fct_status read_settings(srv_form *form, settings_terms *t, fct_error *err) {
    const fct_json *threshold = srv_form_json(form, "threshold");
    *t = (settings_terms){.threshold = NAN, .rate = NAN, .days = -1, .has_threshold = threshold != NULL};
    t->audit = srv_form_text(form, "audit");
    fct_status s = FCT_OK;
    if (threshold && !fct_json_is(threshold, FCT_JSON_NULL))
        s = srv_form_number(form, "threshold", -1, 1, &t->threshold, err);
    if (!s) s = srv_form_number(form, "rate", 0, 1000000, &t->rate, err);
    if (!s) s = srv_form_int(form, "removed_days", 0, 365, &t->days, err);
    bool known = !t->audit || strcmp(t->audit, "off") == 0 || strcmp(t->audit, "changes") == 0 ||
                 strcmp(t->audit, "searches") == 0;
    if (!s && (!known || (srv_form_json(form, "audit") && !t->audit)))
        s = fct_fail(err, FCT_ERR_ARG, "audit: is none of off, changes, searches");
    return s;
}

static fct_status store_settings(srv_app *app, const settings_terms *t, fct_error *err) {
    char number[32] = "";
    fct_gallery *g = app->core.gallery;
    fct_status s = FCT_OK;
    if (!isnan(t->threshold)) srv_decimal(t->threshold, number);
    if (t->has_threshold) s = fct_gallery_set_setting(g, 0, "threshold", *number ? number : NULL, err);
    if (!s && t->days >= 0) s = srv_setting_set_int(&app->core, 0, SRV_SETTING_REMOVED_DAYS, t->days, err);
    if (!s && t->audit) s = fct_gallery_set_setting(g, 0, "audit", t->audit, err);
    if (!s && !isnan(t->rate)) {
        srv_rate_set(&app->rate, t->rate);
        snprintf(number, sizeof number, "%.0f", t->rate * 1000);
        s = fct_gallery_set_setting(g, 0, SRV_SETTING_RATE, number, err);
    }
    return s;
}

void srv_do_settings_change(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    settings_terms t;
    fct_error e;
    if (srv_read_form(r, &form, "threshold?|audit|removed_days|rate", out)) {
        if (form.kind != SRV_FORM_JSON) srv_fail(r, out, 415, "invalid_request", "settings come as JSON");
        else if (read_settings(&form, &t, &e)) srv_fail_form(r, out, &e);
        else if (store_settings(app, &t, &e)) srv_fail_call(r, out, &e);
        else srv_do_settings(app, r, out);
    }
    srv_form_free(&form);
}

/* ---- The audit log ------------------------------------------------------------------------------------------ */

typedef struct entry_list {
    fct_buf at[SRV_PAGE_MOST]; /* entries as JSON */
    int64_t seq[SRV_PAGE_MOST];
    int n, most;
} entry_list;

static fct_status note_entry(const fct_audit_entry *x, void *user, fct_error *err) {
    entry_list *l = user;
    fct_json_writer j;
    if (l->n == l->most) return FCT_ERR_CANCELLED; /* enough */
    fct_json_to_buf(&j, &l->at[l->n]);
    fct_json_object(&j, NULL);
    fct_json_int(&j, "seq", x->seq);
    fct_json_date(&j, "time", x->time);
    fct_json_text(&j, "actor", x->actor);
    fct_json_text(&j, "what", x->what);
    fct_json_raw(&j, "detail", *x->detail == '{' ? x->detail : "{}");
    fct_json_text(&j, "hash", x->hash);
    fct_json_close_object(&j);
    if (l->at[l->n].failed) return fct_fail_nomem(err, "audit log", 0);
    l->seq[l->n++] = x->seq;
    return FCT_OK;
}

/* Reads a page: the oldest entries after a number, or the newest before it (0 = of all). */
static fct_status read_page(srv_app *app, srv_page *page, bool newest, entry_list *l, fct_error *err) {
    int64_t last, after = page->after;
    fct_status s = fct_gallery_last_audit(app->core.gallery, &last, NULL, err);
    if (s) return s;
    if (newest) {
        int64_t before = page->after && page->after <= last ? page->after : last + 1;
        after = before - 1 > page->limit ? before - 1 - page->limit : 0;
        l->most = (int)(before - 1 - after);
    } else l->most = page->limit;
    s = l->most ? fct_gallery_audit(app->core.gallery, after, note_entry, l, err) : FCT_OK;
    if (s == FCT_ERR_CANCELLED) s = FCT_OK;
    if (!s && l->n && newest && l->seq[0] > 1) page->next = l->seq[0];
    if (!s && l->n && !newest && l->seq[l->n - 1] < last) page->next = l->seq[l->n - 1];
    return s;
}

void srv_do_audit(srv_app *app, srv_request *r, srv_reply *out) {
    const char *order = srv_request_query(r, "order");
    bool newest = !order || strcmp(order, "newest") == 0;
    fct_json_writer j;
    srv_page page;
    fct_error e;
    if (!newest && strcmp(order, "oldest") != 0) {
        srv_fail(r, out, 400, "invalid_request", "order: is neither newest nor oldest");
        return;
    }
    if (!srv_read_page(r, &page, out)) return;
    entry_list *l = fct_calloc(1, sizeof *l);
    fct_status s = l ? read_page(app, &page, newest, l, &e) : fct_fail_nomem(&e, "audit log", 0);
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "entries");
    for (int i = 0; l && i < l->n; i++) fct_json_raw(&j, NULL, l->at[newest ? l->n - 1 - i : i].data);
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    for (int i = 0; l && i < SRV_PAGE_MOST; i++) fct_buf_free(&l->at[i]);
    fct_free(l);
    if (s) srv_fail_call(r, out, &e);
}

void srv_do_audit_check(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    int64_t entries;
    char hash[65];
    fct_status s = fct_gallery_verify_audit(app->core.gallery, &entries, hash, &e);
    if (s && s != FCT_ERR_FORMAT) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_bool(&j, "intact", !s);
    fct_json_int(&j, "entries", entries);
    fct_json_text(&j, "hash", hash);
    fct_json_text(&j, "fault", s ? e.text : NULL);
    srv_json_close(&j, r, false);
}
