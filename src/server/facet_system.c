/* What the server tells about itself: /v1/system and /metrics. */
#include "server/facet_api.h"

#include "base/file.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static double uptime(const srv_app *app) { return (double)(fct_time_ns() - app->started) / 1e9; }

static void write_machine(fct_json_writer *j) {
    fct_cpu_info cpu;
    fct_cpu(&cpu);
    fct_json_text(j, "architecture", cpu.arch);
    fct_json_object(j, "cpu");
    fct_json_text(j, "brand", cpu.brand);
    fct_json_text(j, "level", cpu.level);
    fct_json_int(j, "threads", fct_threads());
    fct_json_close_object(j);
}

static void write_load(fct_json_writer *j, srv_app *app) {
    srv_infer_stats stats;
    srv_infer_stat(app->core.infer, &stats);
    fct_json_object(j, "stats");
    fct_json_number(j, "uptime_seconds", uptime(app), 3);
    fct_json_int(j, "pictures", (int64_t)stats.pictures);
    fct_json_int(j, "faces", (int64_t)stats.faces);
    fct_json_int(j, "connections", app->connections(app->user));
    fct_json_close_object(j);
}

/* How many people there are: not those who were removed and not groups of unknown faces, which are set apart. */
static fct_status count_people(const srv_core *c, int *people, fct_error *err) {
    fct_collection *list;
    int n;
    *people = 0;
    fct_status s = fct_gallery_collections(c->gallery, &list, &n, err);
    for (int i = 0; i < n && !s; i++)
        if (list[i].name[0] != '.') *people += list[i].people;
    fct_gallery_collections_free(list);
    return s;
}

void srv_do_system(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_gallery_info info;
    fct_error e;
    int people;
    if (fct_gallery_stat(app->core.gallery, &info, &e) || count_people(&app->core, &people, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "server_version", fct_version());
    write_machine(&j);
    fct_json_text(&j, "execution_provider", "cpu");
    fct_json_object(&j, "model");
    fct_json_text(&j, "model_id", fct_pack_name(app->core.pack));
    fct_json_text(&j, "model_digest", fct_pack_embedder_id(app->core.pack));
    fct_json_int(&j, "embedding_dimension", fct_pack_embedding_dim(app->core.pack));
    fct_json_number(&j, "threshold", app->core.threshold, 6);
    fct_json_close_object(&j);
    fct_json_object(&j, "database");
    fct_json_int(&j, "schema", info.schema);
    fct_json_int(&j, "persons", people);
    fct_json_int(&j, "faces", info.faces);
    fct_json_bool(&j, "encrypted", info.encrypted);
    fct_json_text(&j, "kind", fct_gallery_is_address(app->core.gallery_path) ? "postgresql" : "sqlite");
    fct_json_close_object(&j);
    fct_json_array(&j, "interfaces");
    for (int i = 0; app->dialects[i]; i++) fct_json_text(&j, NULL, app->dialects[i]->name);
    fct_json_close_array(&j);
    fct_json_object(&j, "limits");
    fct_json_int(&j, "max_body", app->max_body);
    fct_json_int(&j, "max_pixels", app->core.max_pixels);
    fct_json_close_object(&j);
    write_load(&j, app);
    srv_json_close(&j, r, false);
}

static void write_batches(fct_buf *b, const srv_infer_stats *s) {
    fct_buf_text(b, "# HELP facet_batches_total Runs of the networks by the number of pictures in them.\n"
                    "# TYPE facet_batches_total counter\n");
    for (int i = 1; i <= SRV_BATCH_MOST; i++)
        if (s->batches[i])
            fct_buf_printf(b, "facet_batches_total{pictures=\"%d\"} %llu\n", i, (unsigned long long)s->batches[i]);
}

/* What is counted of each monitor, and how it stands in its state. */
typedef struct monitor_metric {
    const char *name, *type, *help;
    size_t offset; /* of an int64_t in srv_monitor_state */
} monitor_metric;
static const monitor_metric monitor_metrics[] = {
    {"facet_monitor_frames_total", "counter", "Frames that were analyzed.", offsetof(srv_monitor_state, frames)},
    {"facet_monitor_skipped_total", "counter", "Frames for which there was no time.",
     offsetof(srv_monitor_state, skipped)},
    {"facet_monitor_errors_total", "counter", "Frames on which the networks failed.",
     offsetof(srv_monitor_state, inference_errors)},
    {"facet_monitor_reconnects_total", "counter", "Times that the stream was opened again.",
     offsetof(srv_monitor_state, reconnects)},
    {"facet_monitor_last_frame_timestamp_seconds", "gauge",
     "When the last frame came, in seconds since 1970; 0: never.", offsetof(srv_monitor_state, last_frame_at)},
};

/* Writes one line for each monitor. up: whether it is connected, instead of a number of its state. */
static void write_monitor_metric(fct_buf *b, srv_monitors *all, const monitor_metric *m, bool up) {
    srv_monitor_view v;
    fct_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
    for (int64_t after = 0; srv_monitors_next(all, after, &v); after = v.config.number) {
        int64_t value = v.state.connected;
        if (!up) memcpy(&value, (const char *)&v.state + m->offset, sizeof value);
        fct_buf_printf(b, "%s{monitor=\"%s\"} %lld\n", m->name, v.config.id, (long long)value);
    }
}

static void write_monitors(fct_buf *b, srv_monitors *all) {
    static const monitor_metric up = {"facet_monitor_up", "gauge", "1: its stream is open and read.", 0};
    int n = 0, running;
    if (all) srv_monitors_count(all, &n, &running); /* NULL: in a test of requests alone */
    if (!n) return;
    write_monitor_metric(b, all, &up, true);
    for (size_t i = 0; i < sizeof monitor_metrics / sizeof *monitor_metrics; i++)
        write_monitor_metric(b, all, &monitor_metrics[i], false);
}

void srv_do_metrics(srv_app *app, srv_request *r, srv_reply *out) {
    fct_gallery_info info = {0};
    srv_infer_stats s;
    fct_buf *b = &out->body;
    int people;
    fct_gallery_stat(app->core.gallery, &info, NULL);
    count_people(&app->core, &people, NULL);
    srv_infer_stat(app->core.infer, &s);
    out->status = 200;
    out->type = "text/plain; version=0.0.4; charset=utf-8";
    srv_metrics_write(&app->metrics, b);
    srv_metrics_number(b, "facet_uptime_seconds", "gauge", "Since the server was ready.", uptime(app));
    srv_metrics_number(b, "facet_connections", "gauge", "Open connections.", app->connections(app->user));
    srv_metrics_number(b, "facet_queue_length", "gauge", "Requests that wait for a worker.", app->waiting(app->user));
    srv_metrics_number(b, "facet_inference_waiting", "gauge", "Pictures that wait for the networks.", s.waiting);
    srv_metrics_number(b, "facet_pictures_total", "counter", "Pictures in which faces were searched.",
                       (double)s.pictures);
    srv_metrics_number(b, "facet_faces_total", "counter", "Faces that were found.", (double)s.faces);
    write_batches(b, &s);
    srv_metrics_number(b, "facet_persons", "gauge", "People in the gallery.", people);
    srv_metrics_number(b, "facet_stored_faces", "gauge", "Faces in the gallery.", info.faces);
    write_monitors(b, app->monitors);
}
