#include "server/monitor_json.h"

#include "server/facet_api.h"

#include <stdio.h>

static void write_date(fct_json_writer *j, const char *key, int64_t time) {
    if (time) fct_json_date(j, key, time);
    else fct_json_null(j, key);
}

static void write_number(fct_json_writer *j, const char *key, double x, bool known) {
    if (known) fct_json_number(j, key, x, 6);
    else fct_json_null(j, key);
}

/* {"id":"7","name":"Ada"}; null: nobody. Of who was removed the number is left. */
static void write_person(fct_json_writer *j, const char *key, const srv_core *c, int64_t id) {
    char text[24];
    fct_person p;
    if (!id) {
        fct_json_null(j, key);
        return;
    }
    snprintf(text, sizeof text, "%lld", (long long)id);
    fct_json_object(j, key);
    fct_json_text(j, "id", text);
    fct_json_text(j, "name", fct_gallery_person(c->gallery, id, &p, NULL) ? NULL : p.name);
    fct_json_close_object(j);
}

void srv_json_event(fct_json_writer *j, const char *key, const srv_core *c, const char *monitor,
                    const srv_monitor_event *e) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)e->seq);
    fct_json_object(j, key);
    fct_json_text(j, "id", text);
    fct_json_int(j, "sequence", e->seq);
    fct_json_text(j, "type", srv_event_type_name(e->type));
    fct_json_text(j, "monitor_id", monitor);
    fct_json_int(j, "stream_epoch", e->epoch);
    fct_json_date(j, "occurred_at", e->time);
    if (e->track) fct_json_int(j, "track_id", e->track);
    else fct_json_null(j, "track_id");
    write_person(j, "person", c, e->person);
    write_number(j, "similarity", e->similarity, e->person != 0);
    write_number(j, "threshold", e->threshold, e->score > 0);
    snprintf(text, sizeof text, "%lld", (long long)e->face);
    fct_json_text(j, "matched_face_id", e->face ? text : NULL);
    if (e->score > 0) {
        fct_json_object(j, "face");
        srv_json_box(j, "bbox", e->box, e->width, e->height);
        fct_json_number(j, "detection_score", e->score, 6);
        fct_json_close_object(j);
    } else fct_json_null(j, "face");
    fct_json_text(j, "error", *e->error ? e->error : NULL);
    fct_json_close_object(j);
}

static void write_runtime(fct_json_writer *j, const srv_monitor_state *s) {
    fct_json_object(j, "runtime");
    fct_json_text(j, "status", srv_monitor_status_name(s->status));
    fct_json_bool(j, "connected", s->connected);
    fct_json_int(j, "stream_epoch", s->epoch);
    write_date(j, "last_frame_at", s->last_frame_at);
    fct_json_text(j, "last_error", *s->error ? s->error : NULL);
    write_date(j, "retry_at", s->retry_at);
    fct_json_bool(j, "preview_active", s->viewers > 0);
    fct_json_int(j, "preview_viewers", s->viewers);
    fct_json_close_object(j);
}

void srv_json_monitor(fct_json_writer *j, const char *key, const srv_monitor_view *v) {
    const srv_monitor_config *c = &v->config;
    char shown[SRV_ADDRESS_SHOWN] = "";
    if (*c->address) srv_address_show(c->address, shown);
    fct_json_object(j, key);
    fct_json_text(j, "id", c->id);
    srv_monitor_config_write(c, j);
    fct_json_object(j, "source");
    fct_json_text(j, "type", srv_source_kind_name(c->kind));
    fct_json_text(j, "url", shown);
    fct_json_bool(j, "loop", c->loop);
    fct_json_bool(j, "has_credentials", *c->address && srv_address_has_credentials(c->address));
    fct_json_close_object(j);
    fct_json_date(j, "created_at", c->created);
    fct_json_date(j, "updated_at", c->updated);
    write_runtime(j, &v->state);
    fct_json_close_object(j);
}

static void write_source(fct_json_writer *j, const srv_monitor_state *s) {
    if (!s->width) {
        fct_json_null(j, "source");
        return;
    }
    fct_json_object(j, "source");
    fct_json_int(j, "width", s->width);
    fct_json_int(j, "height", s->height);
    fct_json_number(j, "source_fps", s->source_fps, 3);
    fct_json_text(j, "codec", s->codec);
    fct_json_close_object(j);
}

static void write_inference(fct_json_writer *j, const srv_monitor_view *v) {
    const srv_monitor_state *s = &v->state;
    fct_json_object(j, "inference");
    fct_json_number(j, "configured_fps", v->config.fps, 3);
    fct_json_number(j, "actual_fps", s->actual_fps, 3);
    fct_json_number(j, "processing_ms", s->processing_ms, 3);
    fct_json_int(j, "frames", s->frames);
    fct_json_int(j, "skipped", s->skipped);
    fct_json_close_object(j);
}

static void write_faces(fct_json_writer *j, const srv_core *c, const srv_monitor_state *s) {
    int matched = 0, unknown = 0;
    fct_json_array(j, "faces");
    for (int i = 0; i < s->n_faces; i++) {
        const srv_monitor_face *f = &s->faces[i];
        matched += f->person != 0;
        unknown += f->decided && !f->person;
        fct_json_object(j, NULL);
        fct_json_int(j, "track_id", f->track);
        srv_json_box(j, "bbox", f->box, s->width, s->height);
        fct_json_number(j, "detection_score", f->score, 6);
        fct_json_bool(j, "decided", f->decided);
        write_person(j, "person", c, f->person);
        write_number(j, "similarity", f->similarity, f->person != 0);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
    fct_json_int(j, "matched_faces", matched);
    fct_json_int(j, "unknown_faces", unknown);
}

void srv_json_state(fct_json_writer *j, const char *key, const srv_core *c, const srv_monitor_view *v) {
    const srv_monitor_state *s = &v->state;
    fct_json_object(j, key);
    fct_json_text(j, "monitor_id", v->config.id);
    fct_json_text(j, "status", srv_monitor_status_name(s->status));
    fct_json_bool(j, "connected", s->connected);
    fct_json_int(j, "stream_epoch", s->epoch);
    write_source(j, s);
    write_inference(j, v);
    write_number(j, "threshold", s->threshold, s->threshold != 0);
    write_faces(j, c, s);
    fct_json_object(j, "preview");
    fct_json_bool(j, "enabled", v->config.preview);
    fct_json_bool(j, "active", s->viewers > 0);
    fct_json_int(j, "viewers", s->viewers);
    fct_json_close_object(j);
    fct_json_int(j, "reconnects", s->reconnects);
    fct_json_int(j, "inference_errors", s->inference_errors);
    fct_json_text(j, "last_error", *s->error ? s->error : NULL);
    write_date(j, "retry_at", s->retry_at);
    write_date(j, "last_frame_at", s->last_frame_at);
    write_date(j, "started_at", s->started_at);
    fct_json_close_object(j);
}
