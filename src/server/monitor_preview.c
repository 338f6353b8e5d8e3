/* Previews: motion JPEG, parts of a multipart answer that replace each other. A picture is offered to a client only
 * when it has taken the one before, so that a slow client sees fewer pictures and holds nobody up. */
#include "server/monitor_internal.h"

#include "base/error.h"
#include "facet/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH_MOST = 960, QUALITY = 75, LOW_QUALITY = 40, ROOM = 256 * 1024 };

/* ---- A picture ---------------------------------------------------------------------------------- */

/* A box and, where the face has one, a name beside it. */
static void draw_track(fct_image *im, const fct_track *t, float scale) {
    float box[4], height = 18;
    uint32_t color = t->person_id ? 0x2e9e5b : t->decided ? 0xd9822b : 0x8a94a6;
    for (int i = 0; i < 4; i++) box[i] = t->box[i] * scale;
    fct_draw_box(im, box[0], box[1], box[2], box[3], 2, color);
    if (!t->person_id && !t->decided) return;
    const char *name = t->person_id ? t->name : "unknown";
    float width = fct_draw_text(NULL, 0, 0, height, name, 0), top = box[1] - height - 6;
    if (top < 0) top = box[3] + 2;
    fct_draw_fill(im, box[0] - 1, top, box[0] + width + 7, top + height + 4, color);
    fct_draw_text(im, box[0] + 3, top + 2, height, name, 0xffffff);
}

fct_status srv_preview_make(fct_view v, const fct_tracker *t, uint8_t **jpeg, size_t *n, fct_error *err) {
    fct_image *im;
    float scale = v.width > WIDTH_MOST ? (float)WIDTH_MOST / (float)v.width : 1;
    int height = (int)fmaxf(1, (float)v.height * scale), width = scale < 1 ? WIDTH_MOST : v.width;
    *jpeg = NULL;
    fct_status s = fct_image_resize(v, width, height, &im, err);
    if (s) return s;
    for (int i = 0; i < fct_tracker_track_count(t); i++) draw_track(im, fct_tracker_track(t, i), scale);
    s = fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, QUALITY, jpeg, n, err);
    if (!s && *n > SRV_PREVIEW_BYTES) {
        fct_buffer_free(*jpeg);
        *jpeg = NULL;
        s = fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, LOW_QUALITY, jpeg, n, err);
    }
    fct_image_free(im);
    if (s || *n <= SRV_PREVIEW_BYTES) return s;
    fct_buffer_free(*jpeg);
    *jpeg = NULL;
    return fct_fail(err, FCT_ERR_LIMIT, "the picture is too large for a preview");
}

/* ---- Clients ---------------------------------------------------------------------------------------- */

static void remove_viewer(srv_monitor *m, int i) {
    srv_stream_release(m->viewers[i].stream);
    m->viewers[i] = m->viewers[--m->n_viewers];
    m->all->n_viewers--;
}

void srv_preview_show(srv_monitor *m, const uint8_t *jpeg, size_t n) {
    static const char tail[] = "\r\n--facet\r\n";
    char part[128];
    int head = snprintf(part, sizeof part, "Content-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n", n);
    for (int i = m->n_viewers - 1; i >= 0; i--) {
        srv_stream *s = m->viewers[i].stream;
        if (!srv_stream_is_open(s)) remove_viewer(m, i);
        else if (srv_stream_unread(s) == 0) { /* so that there is room for all three */
            srv_stream_offer(s, part, (size_t)head);
            srv_stream_offer(s, jpeg, n);
            srv_stream_offer(s, tail, sizeof tail - 1);
        }
    }
}

void srv_preview_end(srv_monitor *m) {
    while (m->n_viewers) {
        srv_stream_end(m->viewers[0].stream, true);
        remove_viewer(m, 0);
    }
}

void srv_preview_check(srv_monitor *m) {
    const srv_monitors_opts *o = &m->all->opts;
    for (int i = m->n_viewers - 1; i >= 0; i--) {
        if (o->is_key(o->user, m->viewers[i].key_id)) continue;
        srv_stream_end(m->viewers[i].stream, true);
        remove_viewer(m, i);
    }
}

/* Under the lock: whether there may be one client more. */
static fct_status check_look(const srv_monitor *m, fct_error *err) {
    if (!m) return fct_fail(err, FCT_ERR_NOT_FOUND, "there is no such monitor");
    if (!m->config.preview) return fct_fail(err, FCT_ERR_ARG, "the preview of this monitor is turned off");
    if (m->state.status != SRV_MONITOR_RUNNING || m->all->hushed)
        return fct_fail(err, FCT_ERR_ARG, "there are no pictures: the monitor is %s",
                        srv_monitor_status_name(m->state.status));
    if (m->n_viewers == SRV_MONITOR_VIEWERS_MOST || m->all->n_viewers == SRV_VIEWERS_MOST)
        return fct_fail(err, FCT_ERR_BUSY, "too many clients look already");
    return FCT_OK;
}

fct_status srv_monitors_look(srv_monitors *all, const char *id, const char *key_id, srv_stream **out, fct_error *err) {
    *out = NULL;
    srv_stream *stream = srv_stream_create_fed(ROOM);
    if (!stream) return fct_fail_nomem(err, "preview", 0);
    srv_stream_offer(stream, "--facet\r\n", 9);
    fct_mutex_lock(&all->lock);
    srv_monitor *m = srv_monitor_find(all, id);
    fct_status s = check_look(m, err);
    if (!s) {
        srv_viewer *v = &m->viewers[m->n_viewers++];
        all->n_viewers++;
        v->stream = stream;
        snprintf(v->key_id, sizeof v->key_id, "%s", key_id);
        srv_stream_retain(stream);
    }
    fct_mutex_unlock(&all->lock);
    if (s) srv_stream_release(stream);
    else *out = stream;
    return s;
}
