#include "watch/enroll_live.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_QUALITY 0.45f
#define PAUSE_NS      500000000u /* between shots */
#define GIVE_UP_NS    45000000000u

static void forget_shots(cli_enroll *e) {
    for (int i = 0; i < e->n; i++) fct_buffer_free((void *)(uintptr_t)e->shots[i].crop);
    memset(e->shots, 0, sizeof e->shots);
    e->n = 0;
}

void cli_enroll_start(cli_enroll *e) {
    if (e->state != ENROLL_OFF) return;
    e->state = ENROLL_NAME;
    e->name[0] = e->hint[0] = 0;
}

/* Takes the last character of a UTF-8 text away. */
static void shorten(char *s) {
    size_t n = strlen(s);
    while (n > 0 && ((unsigned char)s[--n] & 0xC0) == 0x80) {}
    s[n] = 0;
}

/* Bytes of the UTF-8 character that begins with c. */
static size_t bytes_of(unsigned char c) { return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4; }

/* Appends the character at *text, where the name has room for it; returns its last byte. */
static const char *type(cli_enroll *e, const char *text) {
    size_t n = strlen(e->name), len = bytes_of((unsigned char)*text);
    for (size_t i = 1; i < len; i++)
        if (!text[i]) len = i;
    if ((unsigned char)*text >= ' ' && n + len < sizeof e->name) {
        memcpy(e->name + n, text, len);
        e->name[n + len] = 0;
    }
    return text + len - 1;
}

void cli_enroll_keys(cli_enroll *e, const char *text) {
    for (; *text; text++) {
        if (*text == '\033') {
            forget_shots(e);
            e->state = ENROLL_OFF;
            return;
        }
        if (e->state != ENROLL_NAME) continue;
        if (*text == '\b') shorten(e->name);
        else if (*text != '\n') text = type(e, text);
        else if (e->name[0]) {
            e->state = ENROLL_GATHER;
            e->started = fct_time_ns();
            e->last = 0;
        }
    }
}

const char *cli_enroll_prompt(cli_enroll *e) {
    static const char *const guide[ENROLL_SHOTS] = {"look into the camera", "turn a little to the left",
                                                    "a little to the right", "chin up a little",
                                                    "look into the camera again"};
    if (e->state == ENROLL_OFF) return e->hint[0] && fct_time_ns() - e->last < 3000000000u ? e->hint : NULL;
    if (e->state == ENROLL_NAME) snprintf(e->hint, sizeof e->hint, "Name: %.150s_   (Enter, Esc)", e->name);
    else if (!strstr(e->hint, ": ") || e->hint[0] == 'N')
        snprintf(e->hint, sizeof e->hint, "%d of %d: %s", e->n + 1, ENROLL_SHOTS, guide[e->n]);
    return e->hint;
}

/* The largest face, or the one whose shots are being taken. */
static const fct_track *subject(const cli_enroll *e, const fct_tracker *t) {
    const fct_track *best = NULL;
    float most = 0;
    for (int i = 0; i < fct_tracker_track_count(t); i++) {
        const fct_track *k = fct_tracker_track(t, i);
        if (!k->id || (e->n && k->id != e->track)) continue;
        float area = (k->box[2] - k->box[0]) * (k->box[3] - k->box[1]);
        if (k->detected && k->has_kps && area > most) most = area, best = k;
    }
    return best;
}

static int embed(cli_enroll *e, cli_watch *w, fct_view frame, const fct_track *t, float *out) {
    fct_error err;
    fct_faces *faces;
    int dim = fct_pack_embedding_dim(w->pack);
    if (!e->embedder) {
        fct_analyzer_opts o;
        fct_analyzer_opts_init(&o);
        o.tasks = FCT_TASK_EMBED;
        if (fct_analyzer_create(w->pack, &o, &e->embedder, &err)) return cli_fail(&err);
    }
    if (fct_analyze_known(e->embedder, frame, 1, t->box, &t->kps[0][0], &faces, &err)) return cli_fail(&err);
    const fct_face *f = fct_faces_at(faces, 0);
    if (f && f->embedding) memcpy(out, f->embedding, (size_t)dim * sizeof *out);
    fct_faces_free(faces);
    return CLI_DONE;
}

static int store(cli_enroll *e, cli_watch *w) {
    fct_error err;
    int added = 0;
    fct_status s = fct_gallery_enroll(w->gallery, e->name, e->shots, e->n, NULL, &added, &err);
    if (s) snprintf(e->hint, sizeof e->hint, "not enrolled: %.150s", err.text);
    else snprintf(e->hint, sizeof e->hint, "%.100s is enrolled with %d pictures", e->name, added);
    cli_note("%s", e->hint);
    fct_tracker_renew(w->tracker);
    forget_shots(e);
    e->state = ENROLL_OFF;
    e->last = fct_time_ns();
    return CLI_DONE;
}

int cli_enroll_frame(cli_enroll *e, cli_watch *w, fct_view frame) {
    uint64_t now = fct_time_ns();
    if (e->state != ENROLL_GATHER) return CLI_DONE;
    if (now - e->started > GIVE_UP_NS) {
        forget_shots(e);
        e->state = ENROLL_OFF;
        snprintf(e->hint, sizeof e->hint, "no good picture could be taken");
        e->last = now;
        return CLI_DONE;
    }
    const fct_track *t = subject(e, w->tracker);
    fct_quality q;
    fct_face face = {.has_kps = true};
    if (!t || now - e->last < PAUSE_NS) return CLI_DONE;
    memcpy(face.kps, t->kps, sizeof face.kps);
    memcpy(face.box, t->box, sizeof face.box);
    if (fct_face_quality(frame, &face, &q, NULL) || q.score < LEAST_QUALITY) {
        snprintf(e->hint, sizeof e->hint, "%d of %d: %s", e->n + 1, ENROLL_SHOTS, *q.worst ? q.worst : "hold still");
        return CLI_DONE;
    }
    int dim = fct_pack_embedding_dim(w->pack);
    if (!e->embeddings) e->embeddings = cli_alloc((size_t)dim * ENROLL_SHOTS, sizeof *e->embeddings);
    float *at = e->embeddings + (size_t)e->n * (size_t)dim;
    int code = embed(e, w, frame, t, at);
    if (code) return code;
    fct_enrollment *s = &e->shots[e->n];
    *s = (fct_enrollment){.model_id = fct_pack_embedder_id(w->pack),
                          .embedding = at,
                          .dim = dim,
                          .source = "camera",
                          .score = t->score,
                          .quality = q.score};
    memcpy(s->box, t->box, sizeof s->box);
    uint8_t *crop;
    if (cli_face_jpeg(frame, t->box, &crop, &s->crop_len)) s->crop = crop;
    if (e->n && fct_cosine(e->embeddings, at, dim) < fct_pack_threshold(w->pack)) {
        fct_buffer_free(crop); /* not the same person, or a bad view */
        *s = (fct_enrollment){0};
        return CLI_DONE;
    }
    e->track = t->id;
    e->n++;
    e->last = now;
    e->hint[0] = 0;
    return e->n == ENROLL_SHOTS ? store(e, w) : CLI_DONE;
}

void cli_enroll_free(cli_enroll *e) {
    forget_shots(e);
    fct_analyzer_free(e->embedder);
    free(e->embeddings);
}
