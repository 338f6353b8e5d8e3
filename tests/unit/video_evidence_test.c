/* Identity never outlives its evidence: cuts of the picture, changes of a face's look, and tracks whose
 * embeddings change hands. */
#include "test.h"
#include "video/tracker_internal.h"
#include "base/alloc.h"
#include <math.h>

#define DIM 32

static uint32_t random_state = 7;
static float random_unit(void) { /* -1..1 */
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / 8388608.f - 1;
}

/* ---- Cuts ---------------------------------------------------------------------------- */

enum { WIDTH = 320, HEIGHT = 180 };
static uint8_t pixels[WIDTH * HEIGHT * 3];

/* A smooth picture that depends on `scene`, moved by dx, with noise of the sensor. */
static fct_view scene_at(int scene, double dx, int noise) {
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double v = 128 + 60 * sin((x + dx) / (20 + 7 * scene) + scene) * cos(y / (15 + 5.0 * scene) + 2 * scene);
            for (int c = 0; c < 3; c++) {
                double w = v + noise * (double)random_unit();
                pixels[(y * WIDTH + x) * 3 + c] = (uint8_t)fmin(255, fmax(0, w));
            }
        }
    return (fct_view){pixels, WIDTH, HEIGHT, 3 * WIDTH, FCT_PIX_RGB};
}

TEST(cuts_are_found_and_movement_is_none) {
    fct_shot shot = {.usual = 0};
    for (int i = 0; i < 200; i++) { /* a shot of 20 frames each; the camera starts moving in each second one */
        fct_shot_sign sign;
        int scene = i / 20, in_shot = i % 20;
        fct_shot_measure(scene_at(scene, scene % 2 ? 0.06 * in_shot * in_shot : 0, 12), &sign);
        bool cut = fct_shot_take(&shot, &sign);
        CHECK_MSG(cut == (i > 0 && in_shot == 0), "frame %d: %d", i, cut);
    }
}

TEST(a_frame_without_a_picture_is_no_cut) {
    fct_shot shot = {.usual = 0};
    fct_shot_sign sign, none = {.known = false};
    fct_shot_measure(scene_at(1, 0, 0), &sign);
    CHECK(!fct_shot_take(&shot, &sign) && !fct_shot_take(&shot, &none) && !fct_shot_take(&shot, &sign));
    fct_shot_measure((fct_view){0}, &sign);
    CHECK(!sign.known);
}

/* ---- Patches --------------------------------------------------------------------------- */

/* Landmarks of a face of the template's shape whose left eye is at (x, y). */
static void landmarks(float x, float y, float scale, float kps[5][2]) {
    static const float at[5][2] = {{0, 0}, {35.2f, 0}, {17.7f, 20}, {3.3f, 40.7f}, {32.4f, 40.5f}};
    for (int i = 0; i < 5; i++) kps[i][0] = x + scale * at[i][0], kps[i][1] = y + scale * at[i][1];
}

TEST(a_patch_moves_with_its_face) {
    fct_patch a, b, c;
    float kps[5][2], light;
    landmarks(120, 70, 1, kps);
    fct_patch_take(scene_at(2, 0, 0), kps, &a);
    landmarks(90, 70, 1, kps);
    fct_patch_take(scene_at(2, 30, 8), kps, &b); /* all has moved 30 pixels to the left */
    fct_patch_take(scene_at(5, 30, 8), kps, &c);
    REQUIRE(a.known && b.known && c.known);
    CHECK_MSG(fct_patch_correlation(&a, &b, &light) > 0.97f, "%g", (double)fct_patch_correlation(&a, &b, &light));
    CHECK_MSG(fct_patch_correlation(&a, &c, &light) < 0.6f, "%g", (double)fct_patch_correlation(&a, &c, &light));
    landmarks(-500, -500, 1, kps); /* outside: black, not a fault */
    fct_patch_take(scene_at(2, 0, 0), kps, &a);
    CHECK(a.known && a.cell[0] == 0);
    for (int i = 0; i < 5; i++) kps[i][0] = kps[i][1] = 3;
    fct_patch_take(scene_at(2, 0, 0), kps, &a);
    CHECK(!a.known);
}

/* ---- Tracks that change hands -------------------------------------------------------------- */

typedef struct swap_result {
    int tracks;
    int64_t first, second; /* ids shown just before the swap and at the end */
    int64_t left_at;       /* frame of the first track's end */
} swap_result;

/* Somebody is at one place for 40 frames; from the swap on it is somebody else, whose box has `grown`. gap frames
 * between have no face. Embeddings are the caller's. */
static swap_result swap(int who, int gap, float grown) {
    swap_result r = {.left_at = -1};
    fct_tracker *t;
    float mean[2][DIM], e[DIM];
    REQUIRE(!fct_tracker_create(NULL, NULL, NULL, &t, NULL));
    random_state = 3;
    for (int p = 0; p < 2; p++)
        for (int k = 0; k < DIM; k++) mean[p][k] = random_unit();
    for (int i = 0; i < 120; i++) {
        bool after = i >= 40;
        float side = after ? 100 * grown : 100;
        fct_face f = {.score = 0.9f, .has_kps = true, .embedding = e, .embedding_dim = DIM};
        f.box[0] = 300 - side / 2, f.box[1] = 300 - side / 2, f.box[2] = 300 + side / 2, f.box[3] = 300 + side / 2;
        for (int k = 0; k < DIM; k++) e[k] = mean[after ? who : 0][k] + 0.2f * random_unit();
        REQUIRE(!fct_tracker_update_faces(t, &f, i < 40 || i >= 40 + gap, i, i / 25.0, NULL));
        const fct_track *k = fct_tracker_track(t, 0);
        if (i == 39 && k) r.first = k->id;
        if (i == 119 && k) r.second = k->id;
        for (int n = 0; n < fct_tracker_event_count(t); n++)
            if (fct_tracker_event(t, n)->kind == FCT_EVENT_LEFT) r.left_at = fct_tracker_event(t, n)->frame;
    }
    fct_tracker_stats s;
    fct_tracker_get_stats(t, &s);
    r.tracks = (int)s.tracks;
    fct_tracker_free(t);
    return r;
}

TEST(a_jump_of_the_box_is_a_new_face_unless_the_embedding_agrees) {
    swap_result r = swap(1, 0, 1.8f);
    CHECK_MSG(r.tracks == 2 && r.first == 1 && r.second == 2 && r.left_at == 39, "%d tracks", r.tracks);
    r = swap(0, 0, 1.8f);
    CHECK_MSG(r.tracks == 1 && r.first == 1 && r.second == 1, "%d tracks", r.tracks);
}

TEST(who_comes_after_a_gap_is_verified) {
    swap_result r = swap(1, 8, 1); /* 0.32 s: long before the track is given up */
    CHECK_MSG(r.tracks == 2 && r.second == 2 && r.left_at == 39, "%d tracks, left at %d", r.tracks, (int)r.left_at);
    r = swap(0, 8, 1);
    CHECK_MSG(r.tracks == 1 && r.second == 1, "%d tracks", r.tracks);
}

TEST(an_unknown_person_who_was_away_for_two_seconds_is_two_presences) {
    swap_result r = swap(0, 50, 1);
    CHECK_MSG(r.tracks == 2 && r.second == 2 && r.left_at == 39, "%d tracks", r.tracks);
}

TEST(an_embedding_that_disagrees_ends_the_track) {
    swap_result r = swap(1, 0, 1); /* nothing else tells: the next regular embedding does, within 2 s */
    CHECK_MSG(r.tracks == 2 && r.second == 2, "%d tracks", r.tracks);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
