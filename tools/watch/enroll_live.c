#include "watch/enroll_live.h"

#include "photos/report.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_NS     500000000u   /* between shots */
#define POSE_WAIT_NS 12000000000u /* for a pose that nobody shows */
#define FACE_WAIT_NS 45000000000u /* for the first good picture */
#define OUTCOME_NS   5000000000u  /* how long the outcome is shown */

static void forget_shots(cli_enroll *e) {
    for (int i = 0; i < POSE_STEPS; i++) {
        fct_image_free(e->shots[i].frame);
        free((void *)(uintptr_t)e->shots[i].face.embedding);
    }
    memset(e->shots, 0, sizeof e->shots);
    memset(e->missed, 0, sizeof e->missed);
    e->n = e->step = 0;
    e->fault[0] = 0;
}

void cli_enroll_start(cli_enroll *e) {
    if (e->state != ENROLL_OFF) return;
    e->state = ENROLL_NAME;
    e->name[0] = e->outcome[0] = 0;
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
            e->since = fct_time_ns();
            e->last = 0;
        }
    }
}

const char *cli_enroll_prompt(cli_enroll *e) {
    switch (e->state) {
    case ENROLL_NAME:
        snprintf(e->prompt, sizeof e->prompt, "Name: %.150s_   (Enter, Esc)", e->name);
        return e->prompt;
    case ENROLL_GATHER:
        snprintf(e->prompt, sizeof e->prompt, "%d of %d: %s", e->step + 1, POSE_STEPS,
                 e->fault[0] ? e->fault : cli_pose_request(e->step));
        return e->prompt;
    default:
        return e->outcome[0] && fct_time_ns() - e->last < OUTCOME_NS ? e->outcome : NULL;
    }
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

/* The embedding of a face of which landmarks are known; owned (free). */
static int embed(cli_enroll *e, cli_watch *w, fct_view frame, fct_face *face) {
    fct_error err;
    fct_faces *faces;
    face->embedding = NULL;
    if (!e->embedder) {
        fct_analyzer_opts o;
        fct_analyzer_opts_init(&o);
        o.tasks = FCT_TASK_EMBED;
        if (fct_analyzer_create(w->pack, &o, &e->embedder, &err)) return cli_fail(&err);
    }
    if (fct_analyze_known(e->embedder, frame, 1, face->box, &face->kps[0][0], &faces, &err)) return cli_fail(&err);
    const fct_face *f = fct_faces_at(faces, 0);
    if (f && f->embedding) {
        float *copy = cli_alloc((size_t)f->embedding_dim, sizeof *copy);
        memcpy(copy, f->embedding, (size_t)f->embedding_dim * sizeof *copy);
        face->embedding = copy;
        face->embedding_dim = f->embedding_dim;
    }
    fct_faces_free(faces);
    return CLI_DONE;
}

/* ---- The end ---------------------------------------------------------------------------- */

/* Ends with what there is to say. */
static void finish(cli_enroll *e) {
    cli_note("%s", e->outcome);
    forget_shots(e);
    e->state = ENROLL_OFF;
    e->last = fct_time_ns();
}

/* Appends the poses that were waited for in vain. */
static void name_missed(cli_enroll *e) {
    const char *before = "; not seen: ";
    for (int i = 0; i < POSE_STEPS; i++) {
        if (!e->missed[i]) continue;
        size_t n = strlen(e->outcome);
        snprintf(e->outcome + n, sizeof e->outcome - n, "%s%s", before, cli_pose_missed(i));
        before = ", ";
    }
}

/* Enrolls all shots in one call, then lets the tracker look at everybody anew, since the gallery has changed. */
static int store(cli_enroll *e, cli_watch *w) {
    fct_error err;
    fct_enroll_item items[POSE_STEPS];
    fct_enroll_result results[POSE_STEPS];
    fct_enroll_opts o;
    int added = 0;
    fct_enroll_opts_init(&o);
    o.source = "camera";
    for (int i = 0; i < e->n; i++)
        items[i] = (fct_enroll_item){.picture = fct_image_view(e->shots[i].frame), .face = &e->shots[i].face};
    fct_status s = fct_enroll_batch(w->gallery, w->pack, e->name, items, e->n, &o, results, &err);
    for (int i = 0; i < e->n && !s; i++) added += results[i].outcome == FCT_ENROLL_STORED;
    if (s) snprintf(e->outcome, sizeof e->outcome, "not enrolled: %.150s", err.text);
    else {
        snprintf(e->outcome, sizeof e->outcome, "%.100s is enrolled with %s", e->name,
                 cli_count(added, "picture", "pictures"));
        name_missed(e);
    }
    finish(e);
    fct_tracker_renew(w->tracker);
    return CLI_DONE;
}

/* ---- Frames ------------------------------------------------------------------------------- */

/* Goes on to the next pose; after the last one the shots are stored. */
static int next_pose(cli_enroll *e, cli_watch *w) {
    e->fault[0] = 0;
    e->since = fct_time_ns();
    return ++e->step == POSE_STEPS ? store(e, w) : CLI_DONE;
}

/* Makes sure that nobody waits forever: without a first picture the enrollment ends, without a pose it goes on with
 * the next one. */
static int give_up_waiting(cli_enroll *e, cli_watch *w) {
    if (e->n) {
        e->missed[e->step] = true;
        cli_note("%s was not seen for %d seconds; going on without it", cli_pose_missed(e->step),
                 (int)(POSE_WAIT_NS / 1000000000u));
        return next_pose(e, w);
    }
    snprintf(e->outcome, sizeof e->outcome, "not enrolled: no good picture could be taken in %d seconds%s%s",
             (int)(FACE_WAIT_NS / 1000000000u), e->fault[0] ? ": " : "", e->fault);
    finish(e);
    return CLI_DONE;
}

/* Whether this face is good enough and in the pose that is asked for. Says what is wrong when it is not. */
static bool is_wanted(cli_enroll *e, cli_watch *w, fct_view frame, const fct_face *face, fct_quality *q) {
    fct_enroll_result r;
    if (fct_enroll_check(NULL, w->pack, NULL, frame, face, NULL, &r, NULL)) return false;
    *q = r.quality;
    e->fault[0] = 0;
    /* Who is asked to turn may turn too far; that is told by the request. */
    if (r.n_warnings && r.warnings[0].flaw != FCT_FLAW_TURNED)
        snprintf(e->fault, sizeof e->fault, "the face is %s", r.warnings[0].text);
    return r.n_warnings == 0 && cli_pose_matches(e->step, q, &e->first);
}

/* Keeps the frame as the shot of this pose, unless its face is somebody else's. */
static int take_shot(cli_enroll *e, cli_watch *w, fct_view frame, fct_face *face, int64_t track) {
    fct_error err;
    int code = embed(e, w, frame, face);
    if (code) return code;
    const fct_face *first = &e->shots[0].face;
    bool same = face->embedding && (!e->n || fct_cosine(first->embedding, face->embedding, face->embedding_dim) >=
                                                 fct_pack_threshold(w->pack));
    fct_image *copy = NULL;
    if (same && fct_image_convert(frame, FCT_PIX_RGB, &copy, &err)) code = cli_fail(&err);
    if (!copy) {
        free((void *)(uintptr_t)face->embedding);
        return code;
    }
    e->shots[e->n++] = (cli_shot){.frame = copy, .face = *face};
    e->track = track;
    e->last = fct_time_ns();
    return next_pose(e, w);
}

int cli_enroll_frame(cli_enroll *e, cli_watch *w, fct_view frame) {
    uint64_t now = fct_time_ns();
    if (e->state != ENROLL_GATHER) return CLI_DONE;
    if (now - e->since > (e->n ? POSE_WAIT_NS : FACE_WAIT_NS)) return give_up_waiting(e, w);
    const fct_track *t = subject(e, w->tracker);
    if (!t || now - e->last < PAUSE_NS) return CLI_DONE;
    fct_quality q;
    fct_face face = {.has_kps = true, .score = t->score, .gender = -1, .age = -1};
    memcpy(face.kps, t->kps, sizeof face.kps);
    memcpy(face.box, t->box, sizeof face.box);
    if (!is_wanted(e, w, frame, &face, &q)) return CLI_DONE;
    if (e->step == 0) e->first = q;
    return take_shot(e, w, frame, &face, t->id);
}

void cli_enroll_free(cli_enroll *e) {
    forget_shots(e);
    fct_analyzer_free(e->embedder);
}
