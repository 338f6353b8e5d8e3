/* Tracking on simulated detections: motion, assignment, votes, identities kept
 * through crossings, events to the frame. */
#include "test.h"
#include "base/assign.h"
#include "video/kalman.h"
#include "video/votes.h"
#include "facet/video.h"
#include "base/alloc.h"
#include <math.h>

#define DIM 32

static uint32_t random_state = 99;
static float random_unit(void) { /* -1..1 */
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / 8388608.f - 1;
}

/* ---- Parts -------------------------------------------------------------------------- */

/* Cheapest pairing by trying all; single rows cost FCT_ASSIGN_NEVER. */
static float brute(const float *cost, int rows, int cols, int row, unsigned used) {
    if (row == rows) return 0;
    float best = FCT_ASSIGN_NEVER + brute(cost, rows, cols, row + 1, used);
    for (int c = 0; c < cols; c++)
        if (!(used >> c & 1) && cost[row * cols + c] < FCT_ASSIGN_NEVER)
            best = fminf(best, cost[row * cols + c] + brute(cost, rows, cols, row + 1, used | 1u << c));
    return best;
}

TEST(assignment_is_cheapest) {
    for (int round = 0; round < 500; round++) {
        int rows = 1 + round % 6, cols = 1 + round / 7 % 6, match[6];
        float cost[36], sum = 0;
        unsigned used = 0;
        for (int i = 0; i < rows * cols; i++) cost[i] = fminf(FCT_ASSIGN_NEVER, 0.7f * (1 + random_unit()));
        REQUIRE(!fct_assign(cost, rows, cols, match, NULL));
        for (int r = 0; r < rows; r++) {
            sum += match[r] < 0 ? FCT_ASSIGN_NEVER : cost[r * cols + match[r]];
            CHECK(match[r] < 0 || !(used >> match[r] & 1));
            if (match[r] >= 0) used |= 1u << match[r];
        }
        float want = brute(cost, rows, cols, 0, 0);
        CHECK_MSG(fabsf(sum - want) < 1e-4f, "%dx%d: %g instead of %g", rows, cols, sum, want);
    }
}

TEST(motion_is_learned) {
    fct_motion m;
    float box[4], noisy[4];
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < 4; k++) noisy[k] = (float)(100 + 6 * i + 80 * (k / 2)) + 2 * random_unit();
        if (i == 0) fct_motion_start(&m, noisy, 0);
        else {
            fct_motion_predict(&m, i / 30.0);
            fct_motion_correct(&m, noisy, 0.9f);
        }
    }
    fct_motion_predict(&m, 69 / 30.0); /* ten frames unseen */
    fct_motion_box(&m, box);
    for (int k = 0; k < 4; k++)
        CHECK_MSG(fabsf(box[k] - (float)(100 + 6 * 69 + 80 * (k / 2))) < 9, "%d: %g", k, box[k]);
}

static fct_match match_of(int64_t person, float score) {
    fct_match m = {.person_id = person, .score = score};
    snprintf(m.name, sizeof m.name, "person %d", (int)person);
    return m;
}

TEST(names_do_not_flicker) {
    fct_votes v = {.chosen = 0};
    fct_match a = match_of(1, 0.5f), b = match_of(2, 0.45f);
    CHECK(!fct_votes_add(&v, &a, 0.7f, 0.4f) && !v.decided); /* one vote is not enough */
    CHECK(fct_votes_add(&v, &a, 0.7f, 0.4f) && v.chosen == 1);
    int changes = 0;
    for (int i = 0; i < 40; i++) /* every third view is mistaken, poor views say nobody */
        changes += fct_votes_add(&v, i % 3 == 2 ? &b : i % 3 == 1 ? NULL : &a, i % 3 == 1 ? 0.2f : 0.6f, 0.4f);
    CHECK(changes == 0 && v.chosen == 1);
    for (int i = 0; i < 60 && v.chosen != 2; i++) fct_votes_add(&v, &b, 0.9f, 0.4f); /* it was 2 after all */
    CHECK(v.chosen == 2);
    for (int64_t p = 10; p < 30; p++) { /* more candidates than there is room for */
        fct_match m = match_of(p, 0.41f);
        fct_votes_add(&v, &m, 0.1f, 0.4f);
    }
    CHECK(v.chosen == 2 && fct_votes_chosen(&v) && !strcmp(fct_votes_chosen(&v)->name, "person 2"));
}

TEST(a_view_beyond_doubt_decides_alone) {
    fct_votes v = {.chosen = 0};
    fct_match a = match_of(7, 0.8f);
    CHECK(fct_votes_add(&v, &a, 0.8f, 0.4f) && v.chosen == 7 && v.decided);
    fct_votes w = {.chosen = 0};
    CHECK(!fct_votes_add(&w, NULL, 0.8f, 0.4f) && !fct_votes_add(&w, NULL, 0.8f, 0.4f) && w.decided && !w.chosen);
}

/* ---- Simulated people ------------------------------------------------------------------ */

typedef struct person {
    float mean[DIM];
} person;

static person make_person(int i) {
    person p;
    random_state = 1000u + (uint32_t)i * 77;
    for (int k = 0; k < DIM; k++) p.mean[k] = random_unit();
    fct_normalize(p.mean, DIM);
    return p;
}

/* A detection of a person with a noisy embedding (cosine about 0.75). */
static fct_face see(const person *p, float cx, float cy, float size, float score, float *embedding) {
    fct_face f = {.score = score, .has_kps = true, .embedding = embedding, .embedding_dim = DIM};
    f.box[0] = cx - size / 2, f.box[1] = cy - size * 0.6f, f.box[2] = cx + size / 2, f.box[3] = cy + size * 0.6f;
    for (int k = 0; k < DIM; k++) embedding[k] = p->mean[k] + 0.27f * random_unit();
    for (int i = 0; i < 5; i++) f.kps[i][0] = cx + (float)(i - 2) * size / 8, f.kps[i][1] = cy;
    return f;
}

static fct_tracker *tracker(void) {
    fct_tracker *t;
    REQUIRE(!fct_tracker_create(NULL, NULL, NULL, &t, NULL));
    return t;
}

/* Id of the visible track nearest to a place; 0 = none within reach. */
static int64_t id_at(const fct_tracker *t, float cx, float cy, float reach) {
    int64_t id = 0;
    for (int i = 0; i < fct_tracker_track_count(t); i++) {
        const fct_track *k = fct_tracker_track(t, i);
        float d = hypotf((k->box[0] + k->box[2]) / 2 - cx, (k->box[1] + k->box[3]) / 2 - cy);
        if (d < reach) reach = d, id = k->id;
    }
    return id;
}

/* Two people cross; for `hidden` frames around the middle only the nearer one is
 * found. How many wrong ids are seen after the crossing. */
static int cross(float speed, int hidden, float dy) {
    fct_tracker *t = tracker();
    person a = make_person(1), b = make_person(2);
    float ea[DIM], eb[DIM];
    int64_t ida = 0, idb = 0;
    int wrong = 0, n = (int)(500 / speed);
    random_state = 5;
    for (int i = 0; i < n; i++) {
        float xa = 100 + speed * (float)i, xb = 600 - speed * (float)i;
        fct_face f[2] = {see(&a, xa, 300, 100, 0.9f, ea), see(&b, xb, 300 + dy, 100, 0.9f, eb)};
        int seen = abs(i - n / 2) <= hidden / 2 ? 1 : 2;
        REQUIRE(!fct_tracker_update_faces(t, f, seen, i, i / 25.0, NULL));
        if (i == 10) ida = id_at(t, xa, 300, 30), idb = id_at(t, xb, 300 + dy, 30);
        if (i > n / 2 + hidden / 2 + 3) wrong += id_at(t, xa, 300, 40) != ida || id_at(t, xb, 300 + dy, 40) != idb;
    }
    CHECK(ida > 0 && idb > 0 && ida != idb);
    fct_tracker_stats s;
    fct_tracker_get_stats(t, &s);
    CHECK_MSG(s.tracks == 2, "speed %g hidden %d: %d tracks", speed, hidden, (int)s.tracks);
    fct_tracker_free(t);
    return wrong;
}

TEST(crossing_keeps_identities) {
    static const float speeds[] = {1.5f, 4, 8, 14};
    for (int i = 0; i < 4; i++)
        for (int hidden = 0; hidden <= 20; hidden += 5)
            for (float dy = 0; dy < 60; dy += 25) {
                int wrong = cross(speeds[i], hidden, dy);
                CHECK_MSG(!wrong, "speed %g, hidden %d, %g apart: %d wrong", speeds[i], hidden, dy, wrong);
            }
}

/* Turning back at the meeting point looks like crossing to boxes alone. */
TEST(turning_back_is_not_crossing) {
    fct_tracker *t = tracker();
    person a = make_person(1), b = make_person(2);
    float ea[DIM], eb[DIM];
    int64_t ida = 0, idb = 0;
    for (int i = 0; i < 100; i++) {
        float off = fabsf((float)(50 - i)) * 5;
        fct_face f[2] = {see(&a, 350 - off, 300, 100, 0.9f, ea), see(&b, 350 + off, 300, 100, 0.9f, eb)};
        REQUIRE(!fct_tracker_update_faces(t, f, abs(i - 50) < 8 ? 1 : 2, i, i / 25.0, NULL));
        if (i == 10) ida = id_at(t, 350 - off, 300, 30), idb = id_at(t, 350 + off, 300, 30);
        if (i > 65) CHECK(id_at(t, 350 - off, 300, 30) == ida && id_at(t, 350 + off, 300, 30) == idb);
    }
    fct_tracker_free(t);
}

typedef struct log_entry {
    fct_event_kind kind;
    int64_t track, frame;
} log_entry;

static void take_events(const fct_tracker *t, log_entry *log, int *n) {
    for (int i = 0; i < fct_tracker_event_count(t); i++) {
        const fct_event *e = fct_tracker_event(t, i);
        REQUIRE(*n < 50);
        log[(*n)++] = (log_entry){e->kind, e->track, e->frame};
    }
}

/* There from frame 20 to 59, away for gap frames, there again elsewhere for 40. */
static int come_and_go(int gap, log_entry *log) {
    fct_tracker *t = tracker();
    person a = make_person(3);
    float e[DIM];
    int n = 0;
    for (int i = 0; i < 200 + gap; i++) {
        bool first = i >= 20 && i < 60, second = i >= 60 + gap && i < 100 + gap;
        fct_face f = see(&a, second ? 900 : 200 + (float)i, 300, 100, 0.8f, e);
        REQUIRE(!fct_tracker_update_faces(t, &f, first || second, i, i / 25.0, NULL));
        take_events(t, log, &n);
    }
    REQUIRE(!fct_tracker_finish(t, NULL));
    take_events(t, log, &n);
    fct_tracker_free(t);
    return n;
}

TEST(events_are_right_to_the_frame) {
    log_entry log[50];
    int n = come_and_go(40, log); /* away for longer than lost_seconds: two visits */
    CHECK(n == 4);
    CHECK(log[0].kind == FCT_EVENT_APPEARED && log[0].track == 1 && log[0].frame == 20);
    CHECK(log[1].kind == FCT_EVENT_LEFT && log[1].track == 1 && log[1].frame == 59);
    CHECK(log[2].kind == FCT_EVENT_APPEARED && log[2].track == 2 && log[2].frame == 100);
    CHECK(log[3].kind == FCT_EVENT_LEFT && log[3].track == 2 && log[3].frame == 139);
    n = come_and_go(15, log); /* back soon, at another place: the same face */
    CHECK_MSG(n == 2 && log[1].frame == 114, "%d events", n);
}

/* A face comes out from behind somebody: its first embeddings are half its own. */
TEST(half_hidden_faces_are_rejoined) {
    fct_tracker *t = tracker();
    person a = make_person(3), other = make_person(8);
    float e[DIM];
    log_entry log[50];
    int n = 0;
    for (int i = 0; i < 80; i++) {
        fct_face f = see(&a, i < 30 ? 200 : 500, 300, 100, 0.8f, e);
        float hidden = i < 45 ? 0 : i < 51 ? 0.9f - 0.15f * (float)(i - 45) : 0;
        for (int k = 0; k < DIM; k++) e[k] = (1 - hidden) * e[k] + hidden * other.mean[k];
        REQUIRE(!fct_tracker_update_faces(t, &f, i < 30 || i >= 45, i, i / 25.0, NULL));
        take_events(t, log, &n);
    }
    CHECK_MSG(n == 1 && log[0].kind == FCT_EVENT_APPEARED, "%d events", n);
    CHECK(id_at(t, 500, 300, 30) == 1);
    fct_tracker_free(t);
}

/* A stranger who comes while another is away is announced, at his own first frame. */
TEST(strangers_are_not_rejoined) {
    fct_tracker *t = tracker();
    person a = make_person(3), b = make_person(8);
    float e[DIM];
    log_entry log[50];
    int n = 0;
    for (int i = 0; i < 80; i++) {
        fct_face f = see(i < 30 ? &a : &b, i < 30 ? 200 : 500, 300, 100, 0.8f, e);
        REQUIRE(!fct_tracker_update_faces(t, &f, i < 30 || i >= 40, i, i / 25.0, NULL));
        take_events(t, log, &n);
    }
    CHECK(n == 3 && log[1].kind == FCT_EVENT_APPEARED && log[1].track == 2 && log[1].frame == 40);
    CHECK(n == 3 && log[2].kind == FCT_EVENT_LEFT && log[2].track == 1 && log[2].frame == 29);
    fct_tracker_free(t);
}

TEST(noise_makes_no_tracks) {
    fct_tracker *t = tracker();
    person a = make_person(4);
    float e[DIM];
    for (int i = 0; i < 300; i++) {
        fct_face f = see(&a, 400 + 390 * random_unit(), 300 + 290 * random_unit(), 60, i % 3 ? 0.4f : 0.7f, e);
        REQUIRE(!fct_tracker_update_faces(t, &f, 1, i, i / 25.0, NULL));
        CHECK(fct_tracker_track_count(t) == 0 && fct_tracker_event_count(t) == 0);
    }
    fct_tracker_free(t);
}

/* Weak detections continue a track (ByteTrack's point) but start none. */
TEST(weak_detections_continue_tracks) {
    fct_tracker *t = tracker();
    person a = make_person(4);
    float e[DIM];
    for (int i = 0; i < 200; i++) {
        fct_face f = see(&a, 200 + (float)i, 300, 100, i < 20 ? 0.8f : 0.35f, e);
        REQUIRE(!fct_tracker_update_faces(t, &f, 1, i, i / 25.0, NULL));
        if (i >= 3) CHECK(fct_tracker_track_count(t) == 1 && fct_tracker_track(t, 0)->id == 1);
    }
    fct_tracker_free(t);
}

/* Thirty people in rows, one of whom is missed now and then. */
TEST(crowd) {
    fct_tracker *t = tracker();
    person p[30];
    float e[30][DIM];
    for (int k = 0; k < 30; k++) p[k] = make_person(k);
    random_state = 77;
    for (int i = 0; i < 80; i++) {
        fct_face f[30];
        int n = 0;
        for (int k = 0; k < 30; k++) {
            fct_face one = see(&p[k], (float)(100 + k % 6 * 130) + 3 * random_unit() + (float)i * 2,
                               (float)(100 + k / 6 * 130) + 3 * random_unit(), 90, 0.85f, e[k]);
            if ((i + k) % 11 || i < 5) f[n++] = one;
        }
        REQUIRE(!fct_tracker_update_faces(t, f, n, i, i / 25.0, NULL));
        if (i == 40)
            for (int k = 0; k < 30; k++)
                CHECK(id_at(t, (float)(100 + k % 6 * 130 + i * 2), (float)(100 + k / 6 * 130), 30) > 0);
    }
    fct_tracker_stats s;
    fct_tracker_get_stats(t, &s);
    CHECK_MSG(s.tracks == 30, "%d tracks", (int)s.tracks);
    CHECK_MSG(s.frames == 80, "%d frames", (int)s.frames);
    fct_tracker_free(t);
}

TEST(arguments) {
    fct_tracker *t;
    fct_tracker_opts o;
    fct_error e;
    fct_tracker_opts_init(&o);
    o.detect_every = 0;
    CHECK(fct_tracker_create(NULL, NULL, &o, &t, &e) == FCT_ERR_ARG && !t && strstr(e.text, "detect_every"));
    fct_tracker_opts_init(&o);
    o.low_thresh = 0.9f;
    CHECK(fct_tracker_create(NULL, NULL, &o, &t, &e) == FCT_ERR_ARG && !t);
    t = tracker();
    uint8_t pixel[3] = {0};
    CHECK(fct_tracker_update(t, (fct_view){pixel, 1, 1, 3, FCT_PIX_RGB}, 0, 0, &e) == FCT_ERR_ARG);
    CHECK(!fct_tracker_update_faces(t, NULL, 0, 5, 1.0, &e));
    CHECK(fct_tracker_update_faces(t, NULL, 0, 5, 2.0, &e) == FCT_ERR_ARG);
    CHECK(fct_tracker_update_faces(t, NULL, 0, 6, 1.0, &e) == FCT_ERR_ARG);
    CHECK(fct_tracker_update_faces(t, NULL, 0, 6, NAN, &e) == FCT_ERR_ARG);
    fct_face bad[3] = {{.box = {NAN, 0, 1, 1}, .score = 0.9f},
                       {.box = {5, 5, 1, 1}, .score = 0.9f},
                       {.box = {0, 0, 9, 9}, .score = NAN}};
    for (int i = 6; i < 20; i++) CHECK(!fct_tracker_update_faces(t, bad, 3, i, i, &e));
    CHECK(fct_tracker_track_count(t) == 0 && !fct_tracker_track(t, 0) && !fct_tracker_event(t, -1));
    fct_tracker_free(t);
    fct_tracker_free(NULL);
}

TEST(nothing_leaks) {
    long live = fct_alloc_live();
    log_entry log[50];
    come_and_go(40, log);
    CHECK(fct_alloc_live() == live);
    for (long n = 1; n < 60; n++) { /* every allocation fails once; the tracker stays usable */
        fct_tracker *t = tracker();
        person a = make_person(3);
        float e[DIM];
        for (int i = 0; i < 30; i++) {
            fct_face f = see(&a, 200, 300, 100, 0.8f, e);
            if (i == 2) fct_alloc_fail_at(n);
            fct_status s = fct_tracker_update_faces(t, &f, 1, i, i / 25.0, NULL);
            CHECK(s == FCT_OK || s == FCT_ERR_NOMEM);
        }
        fct_alloc_fail_at(0);
        fct_tracker_free(t);
        CHECK(fct_alloc_live() == live);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }
