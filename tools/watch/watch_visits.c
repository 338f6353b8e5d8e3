/* Who was there when: collected from tracks, shown as lines and as a page. */
#include "photos/annotate.h"
#include "watch/watch.h"

#include "base/buffer.h"
#include "text/base64.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool cli_face_jpeg(fct_view frame, const float box[4], uint8_t **data, size_t *len) {
    float cx = (box[0] + box[2]) / 2, cy = (box[1] + box[3]) / 2, side = fmaxf(box[2] - box[0], box[3] - box[1]) * 1.5f;
    fct_view v = fct_view_crop(frame, (int)(cx - side / 2), (int)(cy - side / 2), (int)side, (int)side);
    fct_image *im;
    *data = NULL;
    if (!v.data || v.height < 2 || v.width < 2) return false;
    int w = (int)(160.0 * v.width / v.height + 0.5);
    if (fct_image_resize(v, w < 8 ? 8 : w > 640 ? 640 : w, 160, &im, NULL)) return false;
    fct_status s = fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, 82, data, len, NULL);
    fct_image_free(im);
    return !s;
}

static cli_visit *visit_of(cli_visits *v, int64_t track, double first) {
    for (size_t i = v->n; i-- > 0;)
        if (v->at[i].track == track) return &v->at[i];
    v->at = cli_grow(v->at, &v->cap, v->n + 1, sizeof *v->at);
    v->at[v->n] = (cli_visit){.track = track, .first = first, .last = first, .best_quality = -1};
    return &v->at[v->n++];
}

void cli_visits_event(cli_visits *v, const fct_event *ev) {
    cli_visit *at = visit_of(v, ev->track, ev->time);
    if (ev->kind == FCT_EVENT_APPEARED) return;
    at->last = ev->time;
    at->score = ev->score;
    at->decided = true;
    memcpy(at->name, ev->name, sizeof at->name);
}

void cli_visits_update(cli_visits *v, const fct_tracker *t, fct_view frame) {
    for (int i = 0; i < fct_tracker_track_count(t); i++) {
        const fct_track *k = fct_tracker_track(t, i);
        if (!k->id) continue;
        cli_visit *at = visit_of(v, k->id, k->first_time);
        at->last = k->last_time;
        if (k->decided) { /* in doubt it stays what it was, until it has left */
            at->decided = true;
            at->score = k->similarity;
            memcpy(at->name, k->name, sizeof at->name);
        }
        if (at->jpeg && (!k->best_shot || k->quality <= at->best_quality * 1.05f)) continue;
        uint8_t *data;
        size_t len;
        if (!cli_face_jpeg(frame, k->box, &data, &len)) continue;
        fct_buffer_free(at->jpeg);
        at->jpeg = data, at->jpeg_len = len, at->best_quality = k->quality;
    }
}

void cli_visits_free(cli_visits *v) {
    for (size_t i = 0; i < v->n; i++) fct_buffer_free(v->at[i].jpeg);
    free(v->at);
    *v = (cli_visits){0};
}

/* ---- Groups: all visits of one name; strangers one by one ----------------------------- */

static bool same_group(const cli_visit *a, const cli_visit *b) { return a->name[0] && strcmp(a->name, b->name) == 0; }

/* Whether i is the first visit of its group. */
static bool leads(const cli_visits *v, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (same_group(&v->at[k], &v->at[i])) return false;
    return true;
}

static bool in_group(const cli_visits *v, size_t lead, size_t i) {
    return i == lead || same_group(&v->at[lead], &v->at[i]);
}

static void format_time(char *out, size_t cap, double t) {
    int s = (int)t;
    if (s >= 3600) snprintf(out, cap, "%d:%02d:%04.1f", s / 3600, s / 60 % 60, fmod(t, 60));
    else snprintf(out, cap, "%d:%04.1f", s / 60, fmod(t, 60));
}

static void label_of(const cli_visit *v, char *out, size_t cap) {
    if (v->name[0]) snprintf(out, cap, "%s", v->name);
    else snprintf(out, cap, "unknown #%lld", (long long)v->track);
}

void cli_visits_print(const cli_visits *v, FILE *out) {
    for (size_t i = 0; i < v->n; i++) {
        char label[220], a[32], b[32];
        double sum = 0;
        if (!leads(v, i)) continue;
        label_of(&v->at[i], label, sizeof label);
        for (size_t k = i; k < v->n; k++)
            if (in_group(v, i, k)) sum += v->at[k].last - v->at[k].first;
        fprintf(out, "%-20s %6.1f s ", label, sum);
        for (size_t k = i; k < v->n; k++) {
            if (!in_group(v, i, k)) continue;
            format_time(a, sizeof a, v->at[k].first);
            format_time(b, sizeof b, v->at[k].last);
            fprintf(out, " %s-%s", a, b);
        }
        fputc('\n', out);
    }
}

/* ---- The page --------------------------------------------------------------------------- */

static void add_escaped(fct_buf *t, const char *s) {
    for (; *s; s++) {
        if (*s == '<') fct_buf_add(t, "&lt;", 4);
        else if (*s == '&') fct_buf_add(t, "&amp;", 5);
        else if (*s == '"') fct_buf_add(t, "&quot;", 6);
        else fct_buf_add(t, s, 1);
    }
}

static void add_base64(fct_buf *t, const uint8_t *p, size_t n) {
    char *digits = fct_buf_extend(t, fct_base64_size(n));
    if (digits) fct_base64_encode(p, n, digits);
}

static const char page_head[] =
    "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 "
    "1em;color:#1c2228;background:#fff}\n"
    "h1{font-size:1.3em}section{border-top:1px solid #d8dde2;padding:1em 0}h2{font-size:1.05em;margin:0 0 .5em}\n"
    "small{color:#5d6873;font-weight:normal}figure{display:inline-block;margin:0 .7em .5em 0}\n"
    "img{height:120px;border-radius:6px;display:block}figcaption{font-size:.85em;color:#5d6873}\n"
    ".bar{position:relative;height:12px;background:#eef1f4;border-radius:6px;overflow:hidden}\n"
    ".bar i{position:absolute;top:0;height:100%;background:#2f7ed8;min-width:2px}\n"
    "@media(prefers-color-scheme:dark){body{background:#14181c;color:#e4e8ec}section{border-color:#2c343c}"
    ".bar{background:#262d34}}\n</style>\n";

/* Whether a visit's picture may not be shown. */
static bool hides(const cli_blur *b, const cli_visit *v) {
    if (b->all) return true;
    if (b->unknown) return !v->name[0];
    return b->name && (!v->decided || strcmp(v->name, b->name) == 0);
}

/* Writes one person's section of the page: name, time line, and a picture for each visit. */
static void add_group(fct_buf *t, const cli_visits *v, const cli_blur *blur, size_t lead, double duration) {
    char label[220], a[32], b[32];
    double sum = 0;
    int n = 0;
    label_of(&v->at[lead], label, sizeof label);
    for (size_t k = lead; k < v->n; k++)
        if (in_group(v, lead, k)) sum += v->at[k].last - v->at[k].first, n++;
    fct_buf_printf(t, "<section><h2>");
    add_escaped(t, label);
    fct_buf_printf(t, " <small>%.1f s in %d %s</small></h2>\n<div class=bar role=img aria-label=\"times of presence\">",
                   sum, n, n == 1 ? "visit" : "visits");
    for (size_t k = lead; k < v->n; k++)
        if (in_group(v, lead, k) && duration > 0)
            fct_buf_printf(t, "<i style=\"left:%.2f%%;width:%.2f%%\"></i>", 100 * v->at[k].first / duration,
                           100 * (v->at[k].last - v->at[k].first) / duration);
    fct_buf_printf(t, "</div><p>\n");
    for (size_t k = lead; k < v->n; k++) {
        const cli_visit *at = &v->at[k];
        if (!in_group(v, lead, k)) continue;
        format_time(a, sizeof a, at->first);
        format_time(b, sizeof b, at->last);
        fct_buf_printf(t, "<figure>");
        if (at->jpeg && !hides(blur, at)) {
            fct_buf_printf(t, "<img alt=\"");
            add_escaped(t, label);
            fct_buf_printf(t, "\" src=\"data:image/jpeg;base64,");
            add_base64(t, at->jpeg, at->jpeg_len);
            fct_buf_printf(t, "\">");
        }
        fct_buf_printf(t, "<figcaption>%s &ndash; %s</figcaption></figure>\n", a, b);
    }
    fct_buf_printf(t, "</section>\n");
}

char *cli_visits_html(const cli_visits *v, const cli_blur *blur, const char *title, double duration, size_t *size) {
    fct_buf t = {0};
    fct_buf_add(&t, page_head, sizeof page_head - 1);
    fct_buf_printf(&t, "<title>");
    add_escaped(&t, title);
    fct_buf_printf(&t, "</title>\n<h1>");
    add_escaped(&t, title);
    fct_buf_printf(&t, " <small>%.1f s</small></h1>\n", duration);
    for (int named = 1; named >= 0; named--)
        for (size_t i = 0; i < v->n; i++)
            if (leads(v, i) && (v->at[i].name[0] != 0) == named) add_group(&t, v, blur, i, duration);
    if (!v->n) fct_buf_printf(&t, "<p>No face was seen.\n");
    return fct_buf_take(&t, size);
}
