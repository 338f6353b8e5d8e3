/* The tracker: one frame's steps, the life of tracks, events. */
#include "video/tracker_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHOWN     0.35  /* seconds that an unseen face is still shown where it should be */
#define SURE_FACE 0.75f /* score from which a face at the start of a shot is no noise */

void fct_tracker_opts_init(fct_tracker_opts *o) {
    *o = (fct_tracker_opts){.size = sizeof *o,
                            .detect_every = 1,
                            .det_size = 640,
                            .high_thresh = 0.55f,
                            .low_thresh = 0.30f,
                            .lost_seconds = 1.0,
                            .confirm = 3,
                            .embed_per_frame = 4,
                            .min_face = 24};
}

static fct_status check_opts(const fct_tracker_opts *o, fct_error *err) {
    if (o->detect_every < 1 || o->detect_every > 1000)
        return fct_fail(err, FCT_ERR_ARG, "detect_every %d is not 1..1000", o->detect_every);
    if (!(o->low_thresh > 0 && o->low_thresh <= o->high_thresh && o->high_thresh < 1))
        return fct_fail(err, FCT_ERR_ARG, "thresholds %g and %g: 0 < low <= high < 1 is needed", (double)o->low_thresh,
                        (double)o->high_thresh);
    if (o->det_size && (o->det_size < 32 || o->det_size > 8192 || o->det_size % 32))
        return fct_fail(err, FCT_ERR_ARG, "det_size %d is not a multiple of 32 from 32 to 8192", o->det_size);
    if (!(o->lost_seconds > 0 && o->lost_seconds < 3600) || o->confirm < 1 || o->confirm > 1000 ||
        o->embed_per_frame < 0 || o->min_face < 0 || !(o->match_thresh >= 0 && o->match_thresh < 1))
        return fct_fail(err, FCT_ERR_ARG, "tracker options are out of range");
    return FCT_OK;
}

/* Opens the detector and, where the pack has one, the embedder. */
static fct_status create_analyzers(fct_tracker *t, fct_error *err) {
    fct_analyzer_opts o;
    fct_status s = fct_frame_detector_open(&t->search, t->pack, &t->opts, err);
    fct_analyzer_opts_init(&o);
    t->dim = fct_pack_embedding_dim(t->pack);
    o.tasks = FCT_TASK_EMBED;
    if (!s && t->dim) s = fct_analyzer_create(t->pack, &o, &t->embedder, err);
    snprintf(t->model_id, sizeof t->model_id, "%s", fct_pack_embedder_id(t->pack));
    return s;
}

fct_status fct_tracker_create(const fct_pack *pack, fct_gallery *gallery, const fct_tracker_opts *opts,
                              fct_tracker **out, fct_error *err) {
    fct_tracker_opts o;
    *out = NULL;
    fct_tracker_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    fct_status s = check_opts(&o, err);
    if (s) return s;
    fct_tracker *t = fct_calloc(1, sizeof *t);
    if (!t) return fct_fail_nomem(err, "tracker", sizeof *t);
    t->opts = o;
    t->pack = pack;
    t->gallery = gallery;
    t->match_thresh = o.match_thresh > 0 ? o.match_thresh : pack ? fct_pack_threshold(pack) : 0.4f;
    t->time = -INFINITY;
    t->frame = -1;
    if (pack) s = create_analyzers(t, err);
    if (!s && gallery && !pack) { /* embeddings come from the caller: of the gallery's model, he says */
        fct_gallery_info info;
        s = fct_gallery_stat(gallery, &info, err);
        if (!s) memcpy(t->model_id, info.model_id, sizeof t->model_id);
    }
    if (s) {
        fct_tracker_free(t);
        return s;
    }
    *out = t;
    return FCT_OK;
}

void fct_tracker_free(fct_tracker *t) {
    if (!t) return;
    fct_ahead_free(t->ahead);
    fct_frame_detector_close(&t->search);
    fct_analyzer_free(t->embedder);
    fct_faces_free(t->faces);
    for (int i = 0; i < t->n_tracks; i++) fct_free(t->tracks[i].mean);
    fct_free(t->tracks);
    fct_free(t->visible);
    fct_free(t->seen);
    fct_free(t->sightings);
    fct_free(t->scratch);
    fct_free(t->events);
    fct_free(t);
}

fct_status fct_tracker_report(fct_tracker *t, const fct_tracked *k, fct_event_kind kind, int64_t frame, double time,
                              const float box[4], fct_error *err) {
    fct_status s = fct_reserve((void **)&t->events, &t->cap_events, t->n_events + 1, sizeof *t->events, err);
    if (s) return s;
    fct_event *e = &t->events[t->n_events++];
    *e = (fct_event){.kind = kind, .track = k->pub.id, .frame = frame, .time = time};
    memcpy(e->box, box, sizeof e->box);
    if (kind == FCT_EVENT_APPEARED) return FCT_OK;
    const fct_candidate *c = fct_votes_chosen(&k->votes);
    if (!k->votes.decided && k->announced.person_id) c = &k->announced; /* not said anew in its last shot */
    if (k->outdone) c = k->announced.person_id ? &k->announced : NULL;
    if (!c) return FCT_OK;
    e->person_id = c->person_id;
    e->score = c->similarity / c->weight;
    memcpy(e->name, c->name, sizeof e->name);
    return FCT_OK;
}

/* ---- Life of a track ---------------------------------------------------------------- */

/* Keeps the landmarks relative to the box, so that they move with it between detections. */
static void take_landmarks(fct_tracked *k, const fct_face *f) {
    float w = fmaxf(1, f->box[2] - f->box[0]), h = fmaxf(1, f->box[3] - f->box[1]);
    k->pub.has_kps = f->has_kps;
    for (int i = 0; i < 5; i++) {
        k->kps[i][0] = (f->kps[i][0] - (f->box[0] + f->box[2]) / 2) / w;
        k->kps[i][1] = (f->kps[i][1] - (f->box[1] + f->box[3]) / 2) / h;
    }
}

/* The public box and landmarks from the filter's state. */
static void place(fct_tracked *k) {
    float *b = k->pub.box;
    fct_motion_box(&k->motion, b);
    for (int i = 0; i < 5; i++) {
        k->pub.kps[i][0] = (b[0] + b[2]) / 2 + k->kps[i][0] * (b[2] - b[0]);
        k->pub.kps[i][1] = (b[1] + b[3]) / 2 + k->kps[i][1] * (b[3] - b[1]);
    }
}

/* A track takes its detection of this frame. */
static void take_detection(fct_tracker *t, fct_tracked *k, fct_seen *s) {
    k->hits++;
    k->pub.detected = true;
    k->pub.score = s->face.score;
    k->pub.last_time = t->time;
    k->pub.last_frame = t->frame;
    if (fct_tracker_doubts(t, s, k) && k->pub.embedding) fct_track_clear_doubt(k);
    fct_track_note_view(t, k, s);
    k->pub.quality = fct_seen_quality(t, s);
    k->pub.best_shot = k->pub.quality > k->best_quality;
    k->best_quality = fmaxf(k->best_quality, k->pub.quality);
    take_landmarks(k, &s->face);
    place(k);
    memcpy(k->last_box, k->pub.box, sizeof k->last_box);
}

static fct_status confirm(fct_tracker *t, fct_tracked *k, fct_error *err) {
    k->confirmed = true;
    k->pub.id = ++t->next_id;
    t->stats.tracks++;
    return fct_tracker_report(t, k, FCT_EVENT_APPEARED, k->pub.first_frame, k->pub.first_time, k->candidate_box, err);
}

/* Was it found in every frame of this shot that was searched? */
static bool fills_shot(const fct_tracker *t, const fct_tracked *k) {
    return !k->confirmed && k->hits > 0 && k->hits == t->shot_searched;
}

/* The third detection (or so) confirms a track, and so does a good one at the start of
 * a shot, where nothing can have been there before; it is then announced, and so is its name. */
static fct_status announce(fct_tracker *t, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < t->n_tracks && !s; i++) {
        fct_tracked *k = &t->tracks[i];
        bool sure = k->hits >= t->opts.confirm || (fills_shot(t, k) && k->pub.score >= SURE_FACE);
        if (!k->confirmed && sure && k->pub.detected && !fct_track_is_unclear(t, k)) s = confirm(t, k, err);
        if (s || !k->confirmed || !k->pub.person_id || k->pub.person_id == k->announced.person_id) continue;
        k->announced = *fct_votes_chosen(&k->votes);
        s = fct_tracker_report(t, k, FCT_EVENT_RECOGNIZED, t->frame, t->time, k->pub.box, err);
    }
    return s;
}

/* A shot is over. What was there in all of its frames is not noise, however few they
 * were; and who it was is decided by what was seen. */
static fct_status end_shot(fct_tracker *t, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < t->n_tracks && !s; i++) {
        fct_tracked *k = &t->tracks[i];
        if (!k->confirmed && fills_shot(t, k)) s = confirm(t, k, err);
        if (k->confirmed && !k->new_shot) fct_votes_settle(&k->votes);
    }
    fct_tracker_settle_names(t, true);
    for (int i = 0; i < t->n_tracks && !s; i++) {
        fct_tracked *k = &t->tracks[i];
        const fct_candidate *c = k->new_shot || k->outdone ? NULL : fct_votes_chosen(&k->votes);
        if (!k->confirmed || !c || c->person_id == k->announced.person_id) continue;
        k->announced = *c;
        s = fct_tracker_report(t, k, FCT_EVENT_RECOGNIZED, k->pub.last_frame, k->pub.last_time, k->last_box, err);
    }
    return s;
}

/* Makes a track of a detection that belongs to none; it counts once it is confirmed. */
static fct_status start_track(fct_tracker *t, int seen, fct_error *err) {
    fct_status s = fct_reserve((void **)&t->tracks, &t->cap_tracks, t->n_tracks + 1, sizeof *t->tracks, err);
    if (s) return s;
    fct_seen *d = &t->seen[seen];
    fct_tracked *k = &t->tracks[t->n_tracks];
    *k = (fct_tracked){.embedded_time = -INFINITY};
    k->pub.first_time = t->time;
    k->pub.first_frame = t->frame;
    memcpy(k->candidate_box, d->face.box, sizeof k->candidate_box);
    fct_motion_start(&k->motion, d->face.box, t->time);
    d->track = t->n_tracks++;
    return FCT_OK;
}

/* Moves all tracks to where they should be in this frame. searched: it was searched for faces. */
static void predict_all(fct_tracker *t, bool searched) {
    for (int i = 0; i < t->n_tracks; i++) {
        fct_tracked *k = &t->tracks[i];
        fct_motion_predict(&k->motion, t->time);
        k->pub.detected = k->pub.best_shot = false;
        k->missed += searched;
        k->held = k->pub.person_id;
        place(k);
    }
}

/* Gives every detection to its track; a confident one without a track starts one. */
static fct_status update_tracks(fct_tracker *t, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < t->n_seen && !s; i++) {
        fct_seen *d = &t->seen[i];
        if (d->track >= 0) {
            fct_tracked *k = &t->tracks[d->track];
            if (t->time - k->pub.last_time > 0.5) /* long unseen: its speed means nothing any more */
                fct_motion_start(&k->motion, d->face.box, t->time);
            else fct_motion_correct(&k->motion, d->face.box, d->face.score);
        } else if (d->face.score >= t->opts.high_thresh) s = start_track(t, i, err);
        if (!s && d->track >= 0) take_detection(t, &t->tracks[d->track], d);
    }
    return s;
}

/* Drops tracks that were noise and those that have left. */
static fct_status bury(fct_tracker *t, bool all, fct_error *err) {
    int kept = 0;
    fct_status s = FCT_OK;
    for (int i = 0; i < t->n_tracks; i++) {
        fct_tracked *k = &t->tracks[i];
        bool noise = !k->confirmed && (all || (!k->pub.detected && t->n_seen >= 0));
        bool left = k->confirmed && (all || t->time - k->pub.last_time > t->opts.lost_seconds);
        if (left && !s)
            s = fct_tracker_report(t, k, FCT_EVENT_LEFT, k->pub.last_frame, k->pub.last_time, k->last_box, err);
        if (noise || left) fct_free(k->mean);
        else t->tracks[kept++] = *k;
    }
    t->n_tracks = kept;
    return s;
}

/* Lists the tracks to be shown in this frame, by id. */
static fct_status list_visible(fct_tracker *t, fct_error *err) {
    t->n_visible = 0;
    fct_status s = fct_reserve((void **)&t->visible, &t->cap_visible, t->n_tracks, sizeof *t->visible, err);
    for (int i = 0; i < t->n_tracks && !s; i++) {
        const fct_tracked *k = &t->tracks[i];
        const fct_track *p = &k->pub;
        if ((!k->confirmed && k->hits < t->opts.confirm) || t->time - p->last_time > SHOWN) continue;
        if (!p->detected && k->doubt) continue; /* nothing says that it is still there */
        int at = t->n_visible++;
        for (; at > 0 && t->tracks[t->visible[at - 1]].pub.id > p->id; at--) t->visible[at] = t->visible[at - 1];
        t->visible[at] = i;
    }
    return s;
}

/* The finds of this frame with the names of their tracks. */
static fct_status list_sightings(fct_tracker *t, fct_error *err) {
    fct_status s = fct_reserve((void **)&t->sightings, &t->cap_sightings, t->n_seen, sizeof *t->sightings, err);
    for (int i = 0; i < t->n_seen && !s; i++) {
        const fct_seen *d = &t->seen[i];
        fct_sighting *to = &t->sightings[t->n_sightings++];
        *to = (fct_sighting){.score = d->face.score};
        memcpy(to->box, d->face.box, sizeof to->box);
        if (d->track < 0) continue;
        const fct_track *k = &t->tracks[d->track].pub;
        to->track = k->id;
        to->person_id = k->person_id;
        to->decided = k->decided;
        memcpy(to->name, k->name, sizeof to->name);
    }
    return s;
}

/* ---- A frame ---------------------------------------------------------------------------- */

/* Takes the detector's faces of this frame, and makes room for their embeddings. Boxes that are none are left out. */
static fct_status take_faces(fct_tracker *t, const fct_face *const *faces, int n, fct_error *err) {
    size_t room;
    fct_status s = fct_reserve((void **)&t->seen, &t->cap_seen, n, sizeof *t->seen, err);
    if (s) return s;
    t->n_seen = 0;
    for (int i = 0; i < n; i++) {
        const float *b = faces[i]->box;
        if (!isfinite(b[0] + b[1] + b[2] + b[3]) || !(b[2] > b[0]) || !(b[3] > b[1])) continue;
        if (!(faces[i]->score >= t->opts.low_thresh)) continue;
        t->seen[t->n_seen++] = (fct_seen){.face = *faces[i], .quality = -1, .track = -1};
    }
    t->stats.detections += t->n_seen;
    if (!fct_mul_size((size_t)n, (size_t)t->dim, &room)) return fct_fail_nomem(err, "tracker", 0);
    if (room <= t->cap_scratch) return FCT_OK;
    float *p = fct_realloc_array(t->scratch, room, sizeof *p);
    if (!p) return fct_fail_nomem(err, "tracker", room * sizeof *p);
    t->scratch = p;
    t->cap_scratch = room;
    return FCT_OK;
}

/* Does everything that follows detection. n < 0 when no detection was made on this frame. */
static fct_status follow(fct_tracker *t, const fct_face *const *faces, int n, fct_error *err) {
    uint64_t start = fct_time_ns();
    double embed_before = t->stats.embed_ms;
    fct_status s = t->cut ? end_shot(t, err) : FCT_OK;
    if (t->cut) fct_tracker_cut(t);
    t->shot_searched += n >= 0;
    predict_all(t, n >= 0);
    if (n >= 0) {
        if (!s) s = take_faces(t, faces, n, err);
        if (!s) s = fct_tracker_associate(t, err);
        if (!s) s = update_tracks(t, err);
        if (!s) s = fct_tracker_refresh(t, err);
        if (!s) s = fct_tracker_vote(t, err);
        if (!s) fct_tracker_reunite(t);
    } else t->n_seen = -1;
    fct_tracker_doubt_unseen(t);
    for (int i = 0; i < t->n_tracks; i++) fct_track_show_name(&t->tracks[i]);
    fct_tracker_settle_names(t, false);
    if (!s && n >= 0) s = announce(t, err);
    if (!s && n >= 0) s = list_sightings(t, err);
    if (!s) s = bury(t, false, err);
    if (!s) s = list_visible(t, err);
    t->n_seen = 0;
    t->stats.track_ms += (double)(fct_time_ns() - start) / 1e6 - (t->stats.embed_ms - embed_before);
    return s;
}

/* Starts a frame, which must come after the one before. */
static fct_status begin(fct_tracker *t, int64_t index, double time, fct_error *err) {
    if (index <= t->frame || !(time > t->time) || !isfinite(time))
        return fct_fail(err, FCT_ERR_ARG, "frame %lld at %g s does not come after frame %lld at %g s", (long long)index,
                        time, (long long)t->frame, t->time);
    t->frame = index;
    t->time = time;
    t->n_events = t->n_visible = t->n_sightings = 0;
    t->stats.frames++;
    return FCT_OK;
}

static fct_status follow_list(fct_tracker *t, const fct_faces *list, const fct_face *array, int n, fct_error *err) {
    const fct_face **faces = fct_calloc((size_t)n + 1, sizeof *faces);
    if (!faces) return fct_fail_nomem(err, "tracker", (size_t)n * sizeof *faces);
    for (int i = 0; i < n; i++) faces[i] = list ? fct_faces_at(list, i) : &array[i];
    fct_status s = follow(t, faces, n, err);
    fct_free(faces);
    return s;
}

/* Takes t->faces, the faces found in the picture, or none where it was not searched. */
static fct_status take_picture(fct_tracker *t, fct_view picture, bool searched, fct_error *err) {
    t->picture = picture;
    fct_status s = searched ? follow_list(t, t->faces, NULL, fct_faces_count(t->faces), err) : follow(t, NULL, -1, err);
    fct_faces_free(t->faces);
    t->faces = NULL;
    t->picture.data = NULL;
    return s;
}

fct_status fct_tracker_update(fct_tracker *t, fct_view picture, int64_t index, double time, fct_error *err) {
    if (!t->search.analyzer) return fct_fail(err, FCT_ERR_ARG, "the tracker was made without a pack");
    bool detect = t->stats.frames % t->opts.detect_every == 0;
    fct_status s = begin(t, index, time, err);
    uint64_t start = fct_time_ns();
    if (!s && detect) s = fct_frame_detector_run(&t->search, picture, &t->faces, err);
    t->stats.detect_ms += (double)(fct_time_ns() - start) / 1e6;
    fct_shot_sign sign = {.known = false};
    if (!s) fct_shot_measure(picture, &sign);
    t->cut = fct_shot_take(&t->shot, &sign);
    return s ? s : take_picture(t, picture, detect, err);
}

/* Takes the next frame of those that are searched ahead. */
static fct_status update_ahead(fct_tracker *t, fct_frame *frame, fct_error *err) {
    fct_ahead_item it;
    fct_status s = fct_ahead_next(t->ahead, &it, err);
    *frame = it.frame;
    t->faces = it.faces;
    t->stats.detect_ms += it.ms;
    t->cut = fct_shot_take(&t->shot, &it.sign);
    if (!s && frame->view.data) s = begin(t, frame->index, frame->time, err);
    if (!s && frame->view.data) return take_picture(t, frame->view, it.faces != NULL, err);
    fct_faces_free(t->faces);
    t->faces = NULL;
    return s;
}

fct_status fct_tracker_next(fct_tracker *t, fct_source *source, fct_frame *frame, fct_error *err) {
    fct_source_info info;
    fct_status s = FCT_OK;
    *frame = (fct_frame){.index = -1};
    if (!t->search.analyzer) return fct_fail(err, FCT_ERR_ARG, "the tracker was made without a pack");
    t->n_events = t->n_visible = t->n_sightings = 0;
    fct_source_get_info(source, &info);
    if (!t->ahead && !info.live && fct_threads() > 1) s = fct_ahead_create(source, t->pack, &t->opts, &t->ahead, err);
    if (s || t->ahead) return s ? s : update_ahead(t, frame, err);
    s = fct_source_next(source, frame, err);
    return s || !frame->view.data ? s : fct_tracker_update(t, frame->view, frame->index, frame->time, err);
}

fct_status fct_tracker_update_faces(fct_tracker *t, const fct_face *faces, int n, int64_t index, double time,
                                    fct_error *err) {
    if (n < 0 || (n && !faces)) return fct_fail(err, FCT_ERR_ARG, "%d faces", n);
    for (int i = 0; i < n; i++) {
        int dim = faces[i].embedding ? faces[i].embedding_dim : 0;
        if (dim < 0 || (dim && t->dim && dim != t->dim))
            return fct_fail(err, FCT_ERR_MISMATCH, "an embedding of %d dimensions, the others have %d", dim, t->dim);
        if (dim) t->dim = dim;
    }
    fct_status s = begin(t, index, time, err);
    if (s) return s;
    t->picture = (fct_view){0};
    t->cut = false;
    return follow_list(t, NULL, faces, n, err);
}

fct_status fct_tracker_finish(fct_tracker *t, fct_error *err) {
    fct_ahead_free(t->ahead);
    t->ahead = NULL;
    t->n_events = t->n_visible = t->n_sightings = 0;
    fct_status s = end_shot(t, err);
    return s ? s : bury(t, true, err);
}

bool fct_tracker_is_cut(const fct_tracker *t) { return t->cut; }
int fct_tracker_sighting_count(const fct_tracker *t) { return t->n_sightings; }
const fct_sighting *fct_tracker_sighting(const fct_tracker *t, int i) {
    return i >= 0 && i < t->n_sightings ? &t->sightings[i] : NULL;
}

/* ---- Results --------------------------------------------------------------------------------- */

int fct_tracker_track_count(const fct_tracker *t) { return t->n_visible; }
const fct_track *fct_tracker_track(const fct_tracker *t, int i) {
    return i >= 0 && i < t->n_visible ? &t->tracks[t->visible[i]].pub : NULL;
}
int fct_tracker_event_count(const fct_tracker *t) { return t->n_events; }
const fct_event *fct_tracker_event(const fct_tracker *t, int i) {
    return i >= 0 && i < t->n_events ? &t->events[i] : NULL;
}

const char *fct_event_name(fct_event_kind k) {
    return k == FCT_EVENT_APPEARED ? "appeared" : k == FCT_EVENT_RECOGNIZED ? "recognized" : "left";
}

void fct_tracker_renew(fct_tracker *t) {
    for (int i = 0; i < t->n_tracks; i++) {
        fct_tracked *k = &t->tracks[i];
        k->votes = (fct_votes){.chosen = 0};
        k->embeddings = k->embeddings > 0 ? 1 : 0; /* a new round of first views; the mean stays */
        k->pub.decided = false;
        k->pub.person_id = 0;
        k->pub.name[0] = 0;
    }
}

void fct_tracker_get_stats(const fct_tracker *t, fct_tracker_stats *out) { *out = t->stats; }
