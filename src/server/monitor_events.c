#include "server/monitor_events.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "text/json_reader.h"
#include "text/json_writer.h"

#include <math.h>
#include <string.h>

enum { FILE_BYTES = 32 << 20, SPARE_LINES = 64 };

static const char *const type_names[SRV_EVENT_TYPES] = {"started", "lost",       "ended",  "failed",
                                                        "stopped", "recognized", "unknown"};

const char *srv_event_type_name(srv_event_type t) { return type_names[t]; }

/* ---- A line ------------------------------------------------------------------------------------------ */

static void write_line(const srv_monitor_event *e, fct_buf *out) {
    fct_json_writer j;
    fct_json_to_buf(&j, out);
    fct_json_object(&j, NULL);
    fct_json_int(&j, "seq", e->seq);
    fct_json_text(&j, "type", type_names[e->type]);
    fct_json_int(&j, "time", e->time);
    fct_json_int(&j, "epoch", e->epoch);
    if (e->track) fct_json_int(&j, "track", e->track);
    if (e->person) fct_json_int(&j, "person", e->person);
    if (e->face) fct_json_int(&j, "face", e->face);
    if (e->similarity != 0) fct_json_number(&j, "similarity", e->similarity, 6);
    if (e->threshold != 0) fct_json_number(&j, "threshold", e->threshold, 6);
    if (e->score > 0) {
        const float size[2] = {(float)e->width, (float)e->height};
        fct_json_number(&j, "score", e->score, 6);
        fct_json_numbers(&j, "box", e->box, 4, 2);
        fct_json_numbers(&j, "size", size, 2, 0);
    }
    if (*e->error) fct_json_text(&j, "error", e->error);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* Reads a number of a member that may be missing; false where it is there and out of range. */
static bool read_float(const fct_json *v, const char *key, double most, float *out) {
    double x = 0;
    const fct_json *m = fct_json_member(v, key);
    if (m && (!fct_json_get_number(m, &x) || fabs(x) > most)) return false;
    *out = (float)x;
    return true;
}

static bool read_id(const fct_json *v, const char *key, int64_t *out) {
    const fct_json *m = fct_json_member(v, key);
    *out = 0;
    return !m || (fct_json_get_int(m, out) && *out >= 0);
}

static bool read_numbers(const fct_json *list, int n, float *out) {
    int i = 0;
    if (!fct_json_is(list, FCT_JSON_ARRAY) || list->length != (uint32_t)n) return false;
    for (const fct_json *c = fct_json_first(list); c; c = fct_json_next(list, c)) {
        double x;
        if (!fct_json_get_number(c, &x) || fabs(x) > 1e6) return false;
        out[i++] = (float)x;
    }
    return true;
}

static bool read_type(const fct_json *v, srv_event_type *out) {
    const char *name = fct_json_get_text(fct_json_member(v, "type"));
    for (int i = 0; name && i < SRV_EVENT_TYPES; i++)
        if (strcmp(name, type_names[i]) == 0) {
            *out = (srv_event_type)i;
            return true;
        }
    return false;
}

static bool read_face(const fct_json *v, srv_monitor_event *e) {
    float size[2];
    if (!read_float(v, "score", 1, &e->score) || e->score < 0) return false;
    if (e->score == 0) return true;
    if (!read_numbers(fct_json_member(v, "box"), 4, e->box) || !read_numbers(fct_json_member(v, "size"), 2, size) ||
        size[0] < 0 || size[1] < 0)
        return false;
    e->width = (int)size[0];
    e->height = (int)size[1];
    return true;
}

static bool read_event(const fct_json *v, srv_monitor_event *e) {
    const char *error = fct_json_get_text(fct_json_member(v, "error"));
    if (!read_id(v, "seq", &e->seq) || !e->seq || !read_type(v, &e->type) || !read_id(v, "time", &e->time) ||
        !read_id(v, "epoch", &e->epoch) || !read_id(v, "track", &e->track) || !read_id(v, "person", &e->person) ||
        !read_id(v, "face", &e->face) || !read_float(v, "similarity", 2, &e->similarity) ||
        !read_float(v, "threshold", 2, &e->threshold) || !read_face(v, e))
        return false;
    if (error) snprintf(e->error, sizeof e->error, "%s", error);
    return true;
}

bool srv_event_parse(char *line, size_t n, srv_monitor_event *out) {
    fct_json_doc doc = {0};
    fct_json_fault fault;
    *out = (srv_monitor_event){0};
    bool fine = fct_json_read(&doc, line, n, &fault) == FCT_OK && read_event(doc.values, out);
    fct_json_free(&doc);
    return fine;
}

/* ---- The ring ------------------------------------------------------------------------------------------ */

const srv_monitor_event *srv_event_log_at(const srv_event_log *l, int i) {
    return &l->at[(l->first + i) % l->capacity];
}

static void drop_oldest(srv_event_log *l) {
    l->dropped = srv_event_log_at(l, 0)->seq;
    l->first = (l->first + 1) % l->capacity;
    l->n--;
}

static void keep(srv_event_log *l, const srv_monitor_event *e) {
    if (l->n == l->capacity) drop_oldest(l);
    l->at[(l->first + l->n++) % l->capacity] = *e;
}

int srv_event_log_after(const srv_event_log *l, int64_t seq) {
    int low = 0, high = l->n;
    while (low < high) {
        int mid = (low + high) / 2;
        if (srv_event_log_at(l, mid)->seq <= seq) low = mid + 1;
        else high = mid;
    }
    return low;
}

/* ---- The file -------------------------------------------------------------------------------------------- */

static void complain(const srv_event_log *l, const fct_error *e) {
    fct_log(FCT_LOG_WARN, "%s: events are kept in memory alone: %s", l->path, e->text);
}

static void close_file(srv_event_log *l) {
    if (l->file) fclose(l->file);
    l->file = NULL;
}

/* Writes the file anew with what the ring holds, and goes on behind that. */
static fct_status rewrite(srv_event_log *l, fct_error *err) {
    fct_draft *d;
    fct_buf text = {0};
    for (int i = 0; i < l->n; i++) write_line(srv_event_log_at(l, i), &text);
    if (text.failed) {
        fct_buf_free(&text);
        return fct_fail_nomem(err, l->path, 0);
    }
    fct_status s = fct_draft_open(l->path, FCT_DRAFT_PRIVATE, &d, err);
    if (!s) {
        if (text.size) fwrite(text.data, 1, text.size, fct_draft_file(d)); /* the commit tells of a failure */
        s = fct_draft_commit(d, err);
    }
    fct_buf_free(&text);
    if (s) return s;
    close_file(l);
    l->lines = l->n;
    l->file = fct_fopen(l->path, "ab");
    return l->file ? FCT_OK : fct_fail(err, FCT_ERR_IO, "%s: cannot be opened", l->path);
}

/* Takes the lines of the file into the ring. What comes behind a damaged line still counts; what does not ascend does
 * not. */
static void take_lines(srv_event_log *l, char *text, size_t size, int *bad) {
    int64_t last = 0;
    for (char *p = text, *end = text + size, *next; p < end; p = next) {
        srv_monitor_event e;
        char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) break; /* cut off */
        next = stop + 1;
        bool fine = srv_event_parse(p, (size_t)(stop - p), &e) && e.seq > last;
        if (!fine) {
            *bad += 1;
            continue;
        }
        last = e.seq;
        keep(l, &e);
    }
}

fct_status srv_event_log_open(srv_event_log *l, const char *path, int capacity, int *bad, fct_error *err) {
    uint8_t *text = NULL;
    size_t size = 0;
    fct_file_stat fs;
    int faulty = 0;
    *l = (srv_event_log){.capacity = capacity};
    l->path = fct_strdup(path);
    l->at = fct_calloc((size_t)capacity, sizeof *l->at);
    if (!l->path || !l->at) return fct_fail_nomem(err, "events", 0);
    fct_file_get_stat(path, &fs);
    fct_status s = fs.exists ? fct_file_read(path, FILE_BYTES, &text, &size, err) : FCT_OK;
    if (!s && text) take_lines(l, (char *)text, size, &faulty);
    fct_free(text);
    if (bad) *bad = faulty;
    return s ? s : rewrite(l, err);
}

void srv_event_log_free(srv_event_log *l) {
    close_file(l);
    fct_free(l->path);
    fct_free(l->at);
    *l = (srv_event_log){0};
}

void srv_event_log_add(srv_event_log *l, const srv_monitor_event *e) {
    fct_buf line = {0};
    fct_error why;
    keep(l, e);
    write_line(e, &line);
    bool written = l->file && !line.failed && fwrite(line.data, 1, line.size, l->file) == line.size && !fflush(l->file);
    fct_buf_free(&line);
    l->lines++;
    /* A file that is twice as long as need be, or in which a line may be cut, is made anew. */
    if (written && l->lines < 2 * l->capacity + SPARE_LINES) return;
    if (rewrite(l, &why)) {
        complain(l, &why);
        close_file(l);
        l->lines = 0;
    }
}

fct_status srv_event_log_resize(srv_event_log *l, int capacity, fct_error *err) {
    if (capacity == l->capacity) return FCT_OK;
    srv_monitor_event *at = fct_calloc((size_t)capacity, sizeof *at);
    if (!at) return fct_fail_nomem(err, "events", 0);
    while (l->n > capacity) drop_oldest(l);
    for (int i = 0; i < l->n; i++) at[i] = *srv_event_log_at(l, i);
    fct_free(l->at);
    l->at = at;
    l->first = 0;
    l->capacity = capacity;
    return FCT_OK;
}

void srv_event_log_expire(srv_event_log *l, int64_t before) {
    fct_error why;
    int n = l->n;
    while (l->n && srv_event_log_at(l, 0)->time < before) drop_oldest(l);
    if (l->n < n && rewrite(l, &why)) complain(l, &why);
}
