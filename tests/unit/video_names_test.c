/* Names of tracks with a gallery: nobody is in a frame twice. */
#include "test.h"
#include "base/alloc.h"
#include "facet/video.h"
#include "gallery_util.h"
#include "index/index.h"
#include <math.h>
#include <string.h>

static fct_error e;

static fct_gallery *make_gallery(void) {
    fct_gallery *g;
    util_remove(util_path("names.db"));
    REQUIRE(!fct_gallery_open(util_path("names.db"), NULL, &g, &e));
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(g, "Bob", 2, NULL, &e));
    return g;
}

/* An embedding whose cosines to Ada's and Bob's are about a and b, with a direction of its own for the rest. */
static void like(float a, float b, int own, float *out) {
    float ada[UTIL_DIM], bob[UTIL_DIM], rest[UTIL_DIM], v[UTIL_DIM];
    double ab = 0, ra = 0, rb = 0;
    util_embedding(1, UTIL_DIM, v);
    fct_index_normalize(v, UTIL_DIM, ada, 1);
    util_embedding(2, UTIL_DIM, v);
    fct_index_normalize(v, UTIL_DIM, v, 1);
    for (int i = 0; i < UTIL_DIM; i++) ab += (double)v[i] * ada[i];
    for (int i = 0; i < UTIL_DIM; i++) v[i] -= (float)ab * ada[i];
    fct_index_normalize(v, UTIL_DIM, bob, 1); /* what Bob has beside Ada */
    util_embedding(100 + (uint64_t)own, UTIL_DIM, v);
    fct_index_normalize(v, UTIL_DIM, v, 1);
    for (int i = 0; i < UTIL_DIM; i++) ra += (double)v[i] * ada[i], rb += (double)v[i] * bob[i];
    for (int i = 0; i < UTIL_DIM; i++) v[i] -= (float)ra * ada[i] + (float)rb * bob[i];
    fct_index_normalize(v, UTIL_DIM, rest, 1);
    float y = (b - a * (float)ab) / (float)sqrt(1 - ab * ab);
    float z = sqrtf(fmaxf(0, 1 - a * a - y * y));
    for (int i = 0; i < UTIL_DIM; i++) out[i] = a * ada[i] + y * bob[i] + z * rest[i];
}

/* A face that is there from one frame to before another. */
typedef struct actor {
    float x;
    int from, to;
    float ada, bob; /* cosines */
} actor;

/* What was seen of a film. */
typedef struct film {
    int both;            /* frames in which two faces had one name */
    char last[3][201];   /* names in the last frame in which each actor was there, at its place */
    int recognized, one; /* events with a name; and of those that leave, with one */
    int changes;         /* of the name at an actor's place from one frame to the next, its first name not counted */
} film;

static const fct_track *at(const fct_tracker *t, float x) {
    for (int i = 0; i < fct_tracker_track_count(t); i++) {
        const fct_track *k = fct_tracker_track(t, i);
        if (k->detected && fabsf((k->box[0] + k->box[2]) / 2 - x) < 30) return k;
    }
    return NULL;
}

static void count_events(const fct_tracker *t, film *f) {
    for (int i = 0; i < fct_tracker_event_count(t); i++) {
        const fct_event *x = fct_tracker_event(t, i);
        f->recognized += x->kind == FCT_EVENT_RECOGNIZED;
        f->one += x->kind == FCT_EVENT_LEFT && x->person_id != 0;
    }
}

static int count_both(const fct_tracker *t) {
    for (int i = 0; i < fct_tracker_track_count(t); i++)
        for (int j = 0; j < i; j++) {
            int64_t a = fct_tracker_track(t, i)->person_id, b = fct_tracker_track(t, j)->person_id;
            if (a && a == b) return 1;
        }
    return 0;
}

static film play(const actor *actors, int n, int frames, bool repeats) {
    film f = {.both = 0};
    fct_gallery *g = make_gallery();
    fct_tracker *t;
    fct_tracker_opts o;
    uint64_t rnd = 11;
    fct_tracker_opts_init(&o);
    o.repeats = repeats;
    REQUIRE(!fct_tracker_create(NULL, g, &o, &t, &e));
    for (int i = 0; i < frames; i++) {
        fct_face faces[3];
        float v[3][UTIL_DIM];
        int there = 0;
        for (int a = 0; a < n; a++) {
            const actor *x = &actors[a];
            if (i < x->from || i >= x->to) continue;
            like(x->ada, x->bob, a, v[there]);
            for (int k = 0; k < UTIL_DIM; k++) v[there][k] += 0.02f * util_uniform(&rnd);
            fct_face *d = &faces[there];
            *d = (fct_face){.score = 0.9f, .has_kps = true, .embedding = v[there++], .embedding_dim = UTIL_DIM};
            d->box[0] = x->x - 50, d->box[1] = 200, d->box[2] = x->x + 50, d->box[3] = 320;
        }
        if (fct_tracker_update_faces(t, faces, there, i, i / 25.0, &e)) CHECK_MSG(0, "%s", e.text);
        f.both += count_both(t);
        count_events(t, &f);
        for (int a = 0; a < n; a++) {
            const fct_track *k = i >= actors[a].from && i < actors[a].to ? at(t, actors[a].x) : NULL;
            if (!k || !strcmp(k->name, f.last[a])) continue;
            f.changes += *f.last[a] != 0;
            memcpy(f.last[a], k->name, sizeof f.last[a]);
        }
    }
    REQUIRE(!fct_tracker_finish(t, &e));
    count_events(t, &f);
    fct_tracker_free(t);
    fct_gallery_free(g);
    return f;
}

/* Somebody is like Ada, who is there as well. */
TEST(the_one_who_is_more_like_her_is_ada) {
    actor a[] = {{200, 0, 60, 0.75f, 0}, {600, 0, 60, 0.95f, 0}};
    film f = play(a, 2, 60, false);
    CHECK_MSG(!f.both, "%d frames", f.both);
    CHECK_MSG(!strcmp(f.last[0], "") && !strcmp(f.last[1], "Ada"), "%s, %s", f.last[0], f.last[1]);
    CHECK_MSG(f.recognized == 1 && f.one == 1, "%d recognized, %d left", f.recognized, f.one);
    f = play(a, 2, 60, true);
    CHECK_MSG(f.both > 50 && !strcmp(f.last[0], "Ada") && !strcmp(f.last[1], "Ada"), "%d", f.both);
}

/* Two who are equally like her do not exchange the name all the time. */
TEST(equals_do_not_exchange_a_name) {
    actor a[] = {{200, 0, 200, 0.8f, 0}, {600, 0, 200, 0.8f, 0}};
    film f = play(a, 2, 200, false);
    CHECK_MSG(!f.both && f.changes == 0, "%d, %d changes", f.both, f.changes);
    CHECK((*f.last[0] != 0) != (*f.last[1] != 0));
}

/* He is a little more like Ada than like himself, but she is there. */
TEST(the_other_one_gets_the_next_likely_name) {
    actor a[] = {{200, 0, 60, 0.66f, 0.6f}, {600, 0, 60, 0.95f, 0}};
    film f = play(a, 2, 60, false);
    CHECK_MSG(!f.both && !strcmp(f.last[0], "Bob") && !strcmp(f.last[1], "Ada"), "%s, %s", f.last[0], f.last[1]);
    f = play(a, 1, 60, false);
    CHECK_MSG(!strcmp(f.last[0], "Ada"), "%s", f.last[0]); /* alone he is taken for her */
}

/* A stranger was taken for Ada before she came. */
TEST(a_name_goes_to_who_has_more_right_to_it) {
    actor a[] = {{200, 0, 120, 0.6f, 0}, {600, 40, 120, 0.95f, 0}};
    film f = play(a, 2, 120, false);
    CHECK_MSG(!f.both, "%d frames", f.both);
    CHECK_MSG(!strcmp(f.last[0], "") && !strcmp(f.last[1], "Ada"), "%s, %s", f.last[0], f.last[1]);
    CHECK_MSG(f.recognized == 2 && f.changes == 1, "%d recognized, %d changes", f.recognized, f.changes);
}

/* Names are free again when their face has left. */
TEST(one_after_the_other_may_be_the_same) {
    actor a[] = {{200, 0, 40, 0.95f, 0}, {600, 80, 120, 0.75f, 0}};
    film f = play(a, 2, 120, false);
    CHECK(!f.both && !strcmp(f.last[0], "Ada") && !strcmp(f.last[1], "Ada"));
    actor b[] = {{200, 0, 40, 0.95f, 0}, {600, 0, 120, 0.75f, 0}}; /* he stays when she goes */
    f = play(b, 2, 120, false);
    CHECK_MSG(!f.both && !strcmp(f.last[1], "") && f.recognized == 1, "%s, %d", f.last[1], f.recognized);
}

/* Photos that are shown as a film are shots of one frame. */
TEST(in_a_film_of_one_frame) {
    actor a[] = {{200, 0, 1, 0.5f, 0}, {600, 0, 1, 0.53f, 0}};
    film f = play(a, 2, 1, false);
    CHECK_MSG(!f.both && f.recognized == 1 && f.one == 1, "%d recognized, %d left", f.recognized, f.one);
}

/* A face that is found twice is named twice. */
TEST(two_boxes_of_one_face_are_one) {
    actor a[] = {{200, 0, 60, 0.9f, 0}, {215, 0, 60, 0.9f, 0}};
    film f = play(a, 2, 60, false);
    CHECK_MSG(!strcmp(f.last[0], "Ada") && !strcmp(f.last[1], "Ada"), "%s, %s", f.last[0], f.last[1]);
}

/* A frame of two faces that want one name, while the n-th allocation fails; how many failed. */
static int starve(fct_gallery *g, long n) {
    fct_tracker *t;
    float v[2][UTIL_DIM];
    fct_face f[2];
    int failed = 0;
    REQUIRE(!fct_tracker_create(NULL, g, NULL, &t, &e));
    for (int i = 0; i < 2; i++) {
        like(i ? 0.7f : 0.9f, 0, i, v[i]);
        f[i] = (fct_face){.score = 0.9f, .has_kps = true, .embedding = v[i], .embedding_dim = UTIL_DIM};
        f[i].box[0] = (float)(100 + 300 * i), f[i].box[1] = 100, f[i].box[2] = f[i].box[0] + 100, f[i].box[3] = 220;
    }
    for (int i = 0; i < 6; i++) {
        if (i == 2) fct_alloc_fail_at(n);
        fct_status s = fct_tracker_update_faces(t, f, 2, i, i / 25.0, &e);
        fct_alloc_fail_at(0);
        CHECK_MSG(s == FCT_OK || s == FCT_ERR_NOMEM, "%d", (int)s);
        failed += s == FCT_ERR_NOMEM;
        CHECK(!count_both(t));
    }
    fct_tracker_free(t);
    return failed;
}

TEST(memory_may_run_out) {
    fct_gallery *g = make_gallery();
    starve(g, 0); /* the gallery has what it keeps */
    long live = fct_alloc_live();
    int failed = 0;
    for (long n = 1; n < 60; n++) {
        failed += starve(g, n);
        CHECK_MSG(fct_alloc_live() == live, "allocation %ld", n);
    }
    CHECK_MSG(failed > 5, "%d", failed);
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
