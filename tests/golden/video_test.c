/* Tracking with real networks on pictures that move: two people cross, one in
 * front of the other; names, ids and events. */
#include "test.h"
#include "facet/facet.h"
#include <stdlib.h>

#define W      640
#define H      360
#define FRAMES 90

static fct_image *person(const char *shared, const char *name, int x, int y, int w, int h) {
    char path[1000];
    fct_image *photo, *small;
    fct_error e;
    snprintf(path, sizeof path, "%s/photos/compreface/%s", shared, name);
    if (fct_image_read(path, NULL, &photo, &e)) SKIP("no photos");
    REQUIRE(!fct_image_resize(fct_view_crop(fct_image_view(photo), x, y, w, h), w * 2 / 3, h * 2 / 3, &small, &e));
    fct_image_free(photo);
    return small;
}

static void enroll(fct_gallery *g, const fct_pack *pack, fct_analyzer *a, const char *name, fct_image *im) {
    fct_faces *faces;
    REQUIRE(!fct_analyze(a, fct_image_view(im), &faces, NULL));
    REQUIRE(fct_faces_count(faces) == 1);
    const fct_face *f = fct_faces_at(faces, 0);
    fct_enrollment one = {.model_id = fct_pack_embedder_id(pack), .embedding = f->embedding, .dim = f->embedding_dim};
    fct_quality q;
    REQUIRE(!fct_face_quality(fct_image_view(im), f, &q, NULL));
    CHECK_MSG(q.score > 0.4f && q.pose_grade > 0.5f && q.landmark_grade > 0.5f,
              "%s: score %g pose %g landmarks %g sharp %g", name, (double)q.score, (double)q.pose_grade,
              (double)q.landmark_grade, (double)q.sharpness_grade);
    REQUIRE(!fct_gallery_enroll(g, name, &one, 1, NULL, NULL, NULL));
    fct_faces_free(faces);
}

/* Places of the two pictures' left edges at a frame. The first is in front; it is
 * there from frame 6 to 80, the second always. */
static int front_x(int i) { return 20 + (i - 6) * 6; }
static int back_x(int i) { return 470 - i * 5; }

typedef struct outcome {
    int wrong, events;
    fct_event log[20];
} outcome;

static void take_events(const fct_tracker *t, outcome *o) {
    for (int i = 0; i < fct_tracker_event_count(t); i++) {
        REQUIRE(o->events < 20);
        o->log[o->events++] = *fct_tracker_event(t, i);
    }
}

static const fct_event *find(const outcome *o, fct_event_kind kind, const char *name, int64_t track) {
    for (int i = 0; i < o->events; i++)
        if (o->log[i].kind == kind && (!name || !strcmp(o->log[i].name, name)) && (!track || o->log[i].track == track))
            return &o->log[i];
    return NULL;
}

static void run(fct_tracker *t, fct_image *front, fct_image *back, outcome *o) {
    fct_error e;
    for (int i = 0; i < FRAMES; i++) {
        fct_image *im;
        REQUIRE(!fct_image_create(W, H, FCT_PIX_RGB, &im, NULL));
        fct_draw_fill(im, -1, -1, W, H, 0x506070);
        fct_draw_image(im, fct_image_view(back), back_x(i), 60);
        if (i >= 6 && i <= 80) fct_draw_image(im, fct_image_view(front), front_x(i), 90);
        REQUIRE(!fct_tracker_update(t, fct_image_view(im), i, i / 25.0, &e));
        take_events(t, o);
        for (int k = 0; k < fct_tracker_track_count(t); k++) { /* named by the picture whose middle is nearest */
            const fct_track *tr = fct_tracker_track(t, k);
            float x = (tr->box[0] + tr->box[2]) / 2, df = abs((int)x - front_x(i) - 73),
                  db = abs((int)x - back_x(i) - 76);
            if (!tr->detected || abs(front_x(i) - back_x(i)) < 130 || i < 12) continue;
            o->wrong += strcmp(tr->name, df < db ? "Front" : "Back") != 0;
        }
        fct_image_free(im);
    }
    REQUIRE(!fct_tracker_finish(t, &e));
    take_events(t, o);
}

TEST(two_people_cross) {
    const char *shared = test_shared();
    char weights[1000];
    fct_error e;
    fct_pack *pack;
    fct_analyzer *a;
    fct_gallery *g;
    fct_tracker *t;
    fct_tracker_opts opts;
    outcome o = {0};
    snprintf(weights, sizeof weights, "%s/weights", shared);
    if (fct_pack_open(weights, NULL, &pack, &e)) SKIP("no weights");
    fct_image *front = person(shared, "007_B.jpg", 100, 140, 220, 300),
              *back = person(shared, "009_C.jpg", 55, 80, 230, 310);
    remove("video_test.db");
    fct_status s = fct_gallery_open("video_test.db", NULL, &g, &e);
    if (s == FCT_ERR_UNSUPPORTED) SKIP("built without a gallery");
    REQUIRE(!s && !fct_analyzer_create(pack, NULL, &a, &e));
    enroll(g, pack, a, "Front", front);
    enroll(g, pack, a, "Back", back);
    fct_tracker_opts_init(&opts);
    opts.det_size = 320;
    REQUIRE(!fct_tracker_create(pack, g, &opts, &t, &e));
    run(t, front, back, &o);
    CHECK_MSG(!o.wrong, "%d wrong names", o.wrong);
    fct_tracker_stats st;
    fct_tracker_get_stats(t, &st);
    CHECK_MSG(st.tracks == 2, "%d tracks", (int)st.tracks);
    CHECK_MSG(st.embeddings < FRAMES, "%d embeddings", (int)st.embeddings);
    const fct_event *ev = find(&o, FCT_EVENT_APPEARED, NULL, 1);
    CHECK(ev && ev->frame == 0);
    CHECK((ev = find(&o, FCT_EVENT_APPEARED, NULL, 2)) && ev->frame == 6);
    CHECK((ev = find(&o, FCT_EVENT_RECOGNIZED, "Back", 1)) && ev->frame <= 5);
    CHECK((ev = find(&o, FCT_EVENT_RECOGNIZED, "Front", 2)) && ev->frame <= 11);
    CHECK((ev = find(&o, FCT_EVENT_LEFT, "Front", 2)) && ev->frame == 80);
    CHECK((ev = find(&o, FCT_EVENT_LEFT, "Back", 1)) && ev->frame == FRAMES - 1);
    CHECK_MSG(o.events == 6, "%d events", o.events);
    fct_tracker_free(t), fct_gallery_free(g), fct_analyzer_free(a), fct_pack_free(pack);
    fct_image_free(front), fct_image_free(back);
    remove("video_test.db");
}

int main(int argc, char **argv) { return test_main(argc, argv); }
