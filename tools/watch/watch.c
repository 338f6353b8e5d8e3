/* The run of 'facet video' and 'facet camera'. */
#include "watch/watch.h"

#include "photos/outputs.h"
#include "shell/json.h"
#include "shell/progress.h"

#include "base/alloc.h"
#include "base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Opening ------------------------------------------------------------------------ */

/* Opens the gallery that names come from; that there is none is no fault unless one was asked for. */
static int open_gallery(cli_watch *w, bool create) {
    char path[4096];
    fct_error e;
    fct_file_stat st;
    if (!(fct_pack_tasks(w->pack) & FCT_TASK_EMBED)) {
        cli_warn("%s has no embedder: nobody will be recognized", fct_pack_name(w->pack));
        return CLI_DONE;
    }
    if (create) return cli_gallery_open(w->set, GALLERY_CREATE, &w->gallery);
    if (w->set->gallery) return cli_gallery_open(w->set, GALLERY_READ, &w->gallery);
    if (fct_gallery_default_path(path, sizeof path, &e)) return CLI_DONE;
    fct_file_get_stat(path, &st);
    if (st.exists) return cli_gallery_open(w->set, GALLERY_READ, &w->gallery);
    cli_note("no gallery yet: faces are tracked, nobody is recognized ('facet enroll' makes one)");
    return CLI_DONE;
}

/* A misspelt name would hide nobody. */
static int check_blur(const cli_watch *w) {
    fct_person p;
    fct_error e;
    if (!w->blur.name || (w->gallery && !fct_gallery_find(w->gallery, w->blur.name, &p, &e))) return CLI_DONE;
    cli_error("--blur: there is no '%s' in the gallery; unknown, all or a person's name is needed", w->blur.name);
    return CLI_USE;
}

static int source_options(const cli_settings *s, fct_source_opts *o) {
    char rest;
    int w, h;
    fct_source_opts_init(o);
    if (s->frame_size) {
        if (sscanf(s->frame_size, "%dx%d%c", &w, &h, &rest) != 2 || w < 1 || h < 1 || w > 16384 || h > 16384) {
            cli_error("--frame-size '%s' is not WIDTHxHEIGHT", s->frame_size);
            return CLI_USE;
        }
        o->width = o->raw_width = w;
        o->height = o->raw_height = h;
    }
    o->fps = s->fps;
    if (s->max_pixels) o->max_pixels = s->max_pixels;
    o->hardware = s->hardware;
    o->insecure = s->insecure;
    o->keep_coded = s->record != NULL;
    return CLI_DONE;
}

/* Whether a file that is to be written is the video itself, or another output too; prints a line then. */
static bool clashes(const char *source, const char *const files[3], int which) {
    static const char *const names[] = {"record", "events", "sheet"};
    const char *path = files[which];
    if (!path) return false;
    if (cli_same_file(path, source)) {
        cli_error("--%s: '%s' is the video itself; name another file", names[which], path);
        return true;
    }
    for (int i = 0; i < which; i++)
        if (files[i] && (strcmp(files[i], path) == 0 || cli_same_file(files[i], path))) {
            cli_error("--%s and --%s are both to write '%s'", names[i], names[which], path);
            return true;
        }
    return false;
}

/* Finds outputs that would destroy something, and options that would have no effect. */
static int check_outputs(const cli_settings *s, const char *source) {
    const char *const files[] = {s->record, s->events, s->sheet};
    for (int i = 0; i < 3; i++)
        if (clashes(source, files, i)) return CLI_USE;
    if (s->keep_days && !s->snapshot_dir) {
        cli_error("--keep-days is about the snapshots of --snapshot-dir, which is not given");
        return CLI_USE;
    }
    return CLI_DONE;
}

static bool is_covering(const cli_watch *w) { return w->blur.all || w->blur.unknown || w->blur.name; }

/* Options that are given go over the tracker's own; covering faces is careful whatever they say. */
static int open_tracker(cli_watch *w) {
    const cli_settings *s = w->set;
    fct_tracker_opts o;
    fct_error e;
    fct_tracker_opts_init(&o);
    o.detect_every = s->every;
    o.repeats = s->repeats;
    if (s->det_size.n) o.det_size = s->det_size.at[0].width;
    if (s->det_size.n > 1 || (s->det_size.n && s->det_size.at[0].width != s->det_size.at[0].height)) {
        cli_error("--det-size: video takes one square size, for instance 640x640");
        return CLI_USE;
    }
    if (!isnan(s->threshold)) o.match_thresh = (float)fmax(0.01, s->threshold);
    if (is_covering(w)) { /* rather hide what is no face than show one */
        o.confirm = 1;
        o.high_thresh = 0.4f;
        o.low_thresh = 0.2f;
        o.careful = true;
        if (s->every > 1) cli_note("--blur searches every frame, whatever --every says");
        o.detect_every = 1; /* a face that comes between two searches would be shown */
    }
    if (w->gallery) {
        cli_engine engine = {.set = s, .pack = w->pack};
        int code = cli_gallery_check_model(w->gallery, &engine);
        if (code) return code;
        if (engine.threshold > 0) o.match_thresh = engine.threshold; /* the gallery's own */
    }
    return fct_tracker_create(w->pack, w->gallery, &o, &w->tracker, &e) ? cli_fail(&e) : CLI_DONE;
}

/* Makes the files and folders that are written while the video runs. */
static int open_outputs(cli_watch *w) {
    const cli_settings *s = w->set;
    fct_error e;
    if (s->events && !(w->events = fct_fopen(s->events, "wb"))) {
        cli_error("%s: cannot write", s->events);
        return CLI_INPUT;
    }
    if (s->snapshot_dir && fct_dir_make_private(s->snapshot_dir, &e)) return cli_fail(&e);
    cli_snapshots_expire(w);
    return CLI_DONE;
}

/* Opens the source last, since a camera starts to deliver at once. */
int cli_watch_open(cli_watch *w, const cli_settings *s, const char *source, bool create_gallery) {
    fct_source_opts o;
    fct_error e;
    *w = (cli_watch){.set = s, .blur = cli_blur_of(s->blur), .keep_visits = true};
    int code = source_options(s, &o);
    if (!code && source) code = check_outputs(s, source);
    if (!code) code = cli_pack_open(s, FCT_TASK_DETECT | FCT_TASK_EMBED, &w->pack);
    if (!code) code = open_gallery(w, create_gallery);
    if (!code) code = check_blur(w);
    if (!code) code = open_tracker(w);
    if (!code && fct_source_open(source, &o, &w->source, &e)) code = cli_fail(&e);
    if (!code && cli_stopper_start(&w->stopper, w->source, &e)) code = cli_fail(&e);
    if (code) return code;
    fct_source_get_info(w->source, &w->info);
    int depth = is_covering(w) && !w->info.live ? cli_cover_depth(w->info.fps, w->info.width, w->info.height) : 0;
    cli_cover_open(&w->cover, depth, w->info.fps);
    if (fct_source_keep(w->source, depth + 1, &e)) return cli_fail(&e);
    w->started = fct_time_ns();
    if (s->record && w->info.audio) cli_note("the sound of %s is not kept in %s", w->info.name, s->record);
    return open_outputs(w);
}

int cli_watch_close(cli_watch *w) {
    fct_error e;
    int code = CLI_DONE;
    fct_tracker_free(w->tracker);
    cli_stopper_end(&w->stopper);
    fct_source_free(w->source);
    if (w->writer && fct_writer_finish(w->writer, &e)) code = cli_fail(&e);
    fct_writer_free(w->writer);
    if (w->events && (ferror(w->events) | fclose(w->events))) {
        cli_error("%s: cannot write", w->set->events);
        code = CLI_INPUT;
    }
    fct_gallery_free(w->gallery);
    fct_pack_free(w->pack);
    cli_visits_free(&w->visits);
    cli_canvas_free(&w->canvas);
    cli_cover_free(&w->cover);
    return code;
}

/* ---- Events ------------------------------------------------------------------------------ */

static void json_event(const cli_watch *w, const fct_event *ev, FILE *out) {
    fct_json_writer j;
    cli_json_line(&j, out);
    fct_json_text(&j, "event", fct_event_name(ev->kind));
    fct_json_int(&j, "track", ev->track);
    fct_json_number(&j, "time", ev->time, 3);
    fct_json_int(&j, "frame", ev->frame);
    fct_json_text(&j, "name", ev->person_id ? ev->name : NULL);
    if (ev->person_id) fct_json_number(&j, "score", (double)ev->score, 4);
    else fct_json_null(&j, "score");
    fct_json_numbers(&j, "box", ev->box, 4, 1);
    if (w->info.live) fct_json_date(&j, "clock", fct_time_unix());
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void print_event(const fct_event *ev) {
    printf("%3d:%04.1f  %-10s #%lld", (int)ev->time / 60, fmod(ev->time, 60), fct_event_name(ev->kind),
           (long long)ev->track);
    if (ev->person_id) cli_print("  %s  %.2f", ev->name, ev->score);
    putchar('\n');
    fflush(stdout);
}

static void report_events(cli_watch *w) {
    if (fct_tracker_event_count(w->tracker)) cli_progress_hide();
    for (int i = 0; i < fct_tracker_event_count(w->tracker); i++) {
        const fct_event *ev = fct_tracker_event(w->tracker, i);
        if (w->events) json_event(w, ev, w->events);
        if (w->keep_visits) cli_visits_event(&w->visits, ev);
        if (w->set->json) json_event(w, ev, stdout);
        else print_event(ev);
    }
}

static int save_snapshots(cli_watch *w, fct_view frame) {
    int code = CLI_DONE;
    cli_snapshots_expire(w);
    for (int i = 0; i < fct_tracker_event_count(w->tracker) && w->set->snapshot_dir; i++) {
        const fct_event *ev = fct_tracker_event(w->tracker, i);
        for (int k = 0; k < fct_tracker_track_count(w->tracker); k++) {
            const fct_track *t = fct_tracker_track(w->tracker, k);
            if (t->id == ev->track && ev->kind != FCT_EVENT_LEFT && cli_snapshot_save(w, t, frame)) code = CLI_INPUT;
        }
    }
    return code;
}

/* ---- Frames -------------------------------------------------------------------------------- */

/* Opened with the first frame: of pictures nothing else says how large they are. */
static int record(cli_watch *w, const fct_frame *f) {
    fct_error e;
    fct_view v = f->view;
    if (!w->writer && fct_writer_open(w->set->record, v.width, v.height, fmin(1000, w->info.fps), &w->writer, &e))
        return cli_fail(&e);
    const cli_canvas *c = &w->canvas;
    return fct_writer_add_drawn(w->writer, f, fct_image_view(c->image), c->parts, (int)c->n, &e) ? cli_fail(&e)
                                                                                                 : CLI_DONE;
}

static int draw_and_record(cli_watch *w, const cli_pending *f, bool whole) {
    fct_error e;
    uint64_t start = fct_time_ns();
    w->drawing = f;
    if (cli_watch_draw(&w->canvas, f, whole, &w->blur, &e)) return cli_fail(&e);
    uint64_t drawn = fct_time_ns();
    int code = w->set->record ? record(w, &f->frame) : CLI_DONE;
    w->draw_ms += (double)(drawn - start) / 1e6;
    w->record_ms += (double)(fct_time_ns() - drawn) / 1e6;
    return code;
}

void cli_watch_redraw(cli_watch *w) {
    if (w->drawing) cli_watch_draw(&w->canvas, w->drawing, true, &w->blur, NULL);
}

/* Whether --blur hides this find. Somebody who is not known for sure may be a person to hide. */
static bool hides_find(const void *user, const fct_sighting *s) {
    const cli_blur *b = user;
    if (b->all) return true;
    if (b->unknown) return s->person_id == 0;
    return b->name && (!s->decided || strcmp(s->name, b->name) == 0);
}

/* Draws and records the frames that have waited long enough, all where the source has ended. */
static int draw_waiting(cli_watch *w, bool whole, bool ended, fct_image **drawn) {
    const cli_pending *p;
    int code = CLI_DONE;
    while (!code && (p = cli_cover_pop(&w->cover, ended))) {
        code = draw_and_record(w, p, whole);
        if (whole && drawn) *drawn = w->canvas.image;
    }
    return code;
}

static void note_reconnects(cli_watch *w) {
    int before = w->info.reconnects;
    fct_source_get_info(w->source, &w->info);
    if (w->info.reconnects > before)
        cli_note("%s was lost and is open again (%d so far)", w->info.name, w->info.reconnects);
}

/* Counts how long this frame took from its arrival, for the median. */
static void note_latency(cli_watch *w, const fct_frame *frame) {
    enum { classes = sizeof w->latencies / sizeof *w->latencies };
    w->latency_ms = (double)(fct_time_ns() - frame->arrived) / 1e6;
    w->latencies[w->latency_ms * 4 < classes ? (int)(w->latency_ms * 4) : classes - 1]++;
}

static double latency_median(const cli_watch *w) {
    int i = 0;
    for (int64_t n = w->latencies[0]; 2 * n < w->frames; n += w->latencies[i]) i++;
    return (i + 0.5) / 4;
}

void cli_watch_report_speed(const cli_watch *w) {
    fct_tracker_stats s;
    if (!w->set->verbose || w->frames < 1) return;
    fct_tracker_get_stats(w->tracker, &s);
    double seconds = (double)(fct_time_ns() - w->started) / 1e9, frames = (double)w->frames;
    cli_note(
        "%lld frames in %.1f s: %.1f frames/s; detection %.1f ms, tracking %.2f ms, drawing %.2f ms, recording %.2f ms "
        "a frame; %lld embeddings of %.1f ms",
        (long long)w->frames, seconds, frames / seconds, s.detect_ms / frames, s.track_ms / frames, w->draw_ms / frames,
        w->record_ms / frames, (long long)s.embeddings, s.embeddings ? s.embed_ms / (double)s.embeddings : 0.0);
    if (w->info.live) /* frames of a file wait for their turn */
        cli_note("%lld dropped, arrival to result median %.1f ms", (long long)w->dropped, latency_median(w));
}

int cli_watch_step(cli_watch *w, bool want_picture, fct_frame *frame, fct_image **drawn, bool *ended) {
    fct_error e;
    if (drawn) *drawn = NULL;
    *ended = false;
    fct_status s = fct_tracker_next(w->tracker, w->source, frame, &e);
    if (s == FCT_ERR_CANCELLED) return CLI_STOPPED;
    if (s) { /* what could be read was read: the rest is finished in order */
        *ended = true;
        return cli_fail(&e);
    }
    *ended = !frame->view.data;
    if (*ended) return CLI_DONE;
    note_reconnects(w);
    w->frames++;
    w->dropped = frame->dropped;
    w->duration = frame->time;
    report_events(w);
    int code = w->set->snapshot_dir ? save_snapshots(w, frame->view) : CLI_DONE;
    if (w->keep_visits) cli_visits_update(&w->visits, w->tracker, frame->view);
    if (!code && (want_picture || w->set->record)) {
        cli_cover_push(&w->cover, frame, w->tracker, is_covering(w), hides_find, &w->blur);
        code = draw_waiting(w, want_picture, false, drawn);
    }
    note_latency(w, frame);
    return code;
}

/* Ends all tracks, tells of the last events and writes the sheet. */
int cli_watch_finish(cli_watch *w) {
    fct_error e;
    int code = draw_waiting(w, false, true, NULL);
    if (fct_tracker_finish(w->tracker, &e)) return cli_fail(&e);
    report_events(w);
    if (!w->set->json && w->visits.n) {
        printf("\n");
        cli_visits_print(&w->visits, stdout);
    }
    if (!w->set->sheet) return code;
    size_t n;
    char *html = cli_visits_html(&w->visits, &w->blur, w->info.name, w->duration, &n);
    if (!html) cli_error("%s: out of memory", w->set->sheet);
    if (!html || fct_file_write_private(w->set->sheet, html, n, &e)) code = html ? cli_fail(&e) : CLI_INPUT;
    fct_free(html);
    return code;
}
