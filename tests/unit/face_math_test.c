/* Geometry and decoding of the face pipeline, on numbers whose results are known. */
#include "test.h"
#include "base/alloc.h"
#include "face/align.h"
#include "face/detect.h"
#include "face/faces.h"
#include "tasks/landmark.h"
#include "face/pose.h"
#include "image/image_internal.h"
#include <math.h>

#include "face/meanshape.inc"

static double rel(double a, double b) { return fabs(a - b) / (1 + fabs(b)); }

/* ---- Alignment ---------------------------------------------------------------------- */

/* Matrices by scikit-image 0.26 (SimilarityTransform.estimate, an SVD with
 * Umeyama's sign matrix), which takes means in float32: hence the tolerance. */
static const struct {
    const char *what;
    int size;
    float kps[5][2];
    double m[6];
} similarity[] = {
    {"turned and scaled",
     112,
     {{138.904236f, 178.703217f},
      {210.481064f, 213.826752f},
      {153.528976f, 241.71817f},
      {101.251457f, 272.421082f},
      {165.522903f, 305.324982f}},
     {0.370378476693, 0.175033432403, -43.4169629713, -0.175033432403, 0.370378476693, 9.06571216145}},
    {"upside down",
     112,
     {{373.419556f, 263.459961f},
      {348.24646f, 263.280975f},
      {359.727203f, 249.39357f},
      {371.39743f, 235.105591f},
      {351.446838f, 235.257324f}},
     {-1.43350539849, -0.0271130021399, 580.062263175, 0.0271130021399, -1.43350539849, 419.489277103}},
    {"profile",
     112,
     {{307.671051f, 252.469208f},
      {314.978912f, 251.248779f},
      {311.113617f, 272.006866f},
      {309.277405f, 292.230682f},
      {314.0242f, 292.705261f}},
     {1.09611332876, -0.0104294986629, -282.47960403, 0.0104294986629, 1.09611332876, -229.634802511}},
    {"mirrored",
     112,
     {{441.671631f, 97.2527313f},
      {390.584839f, 97.8324509f},
      {416.053711f, 128.275009f},
      {434.8479f, 159.569565f},
      {392.945496f, 156.637527f}},
     {0.162453984912, 0.0108767930983, -12.8193848003, -0.0108767930983, 0.162453984912, 55.6369993768}},
    {"mirrored the other way",
     112,
     {{107.718346f, 343.156097f},
      {159.852936f, 341.671509f},
      {134.063919f, 312.342346f},
      {113.729553f, 282.199158f},
      {156.288666f, 282.805481f}},
     {-0.15326756557, -0.0123258397318, 80.465721376, 0.0123258397318, -0.15326756557, 118.131178629}},
    {"128",
     128,
     {{51.9185371f, 75.940033f},
      {91.4690399f, 77.2340775f},
      {71.4128876f, 98.1274567f},
      {55.9333839f, 119.108154f},
      {88.4930115f, 121.915878f}},
     {0.911250555548, 0.0181613209614, -3.23123350153, -0.0181613209614, 0.911250555548, -16.5208141636}},
    {"224",
     224,
     {{127.074409f, 140.319885f},
      {236.984482f, 140.41156f},
      {181.643951f, 201.468979f},
      {139.512421f, 267.489441f},
      {227.104675f, 265.334686f}},
     {0.647495562967, -0.00277165242446, -5.52965187784, 0.00277165242446, 0.647495562967, 11.851052006}},
    {"five unrelated points",
     112,
     {{394.95874f, 27.0468788f},
      {184.643158f, 42.4473877f},
      {96.7637939f, 106.933495f},
      {429.320953f, 63.377491f},
      {148.378891f, 246.423492f}},
     {-0.0239195048015, 0.0239105480702, 59.700287401, -0.0239105480702, -0.0239195048015, 80.2239288501}},
};

TEST(similarity_equals_the_svd_solution) {
    for (size_t i = 0; i < sizeof similarity / sizeof *similarity; i++) {
        double m[6];
        CHECK(fct_align_matrix(similarity[i].kps, similarity[i].size, m, NULL) == FCT_OK);
        for (int k = 0; k < 6; k++)
            CHECK_MSG(rel(m[k], similarity[i].m[k]) < 1e-5, "%s: m[%d] = %.9g, not %.9g", similarity[i].what, k, m[k],
                      similarity[i].m[k]);
        CHECK_MSG(m[0] * m[4] - m[1] * m[3] > 0, "%s: mirrors", similarity[i].what);
    }
}

/* A point of the picture lies in the wide crop where it lies in that of 112 pixels, moved by 8 and scaled. */
TEST(a_wide_crop_is_the_aligned_one_with_surroundings) {
    for (size_t i = 0; i < sizeof similarity / sizeof *similarity; i++) {
        const double *m = similarity[i].m;
        double wide[6];
        if (similarity[i].size != 112) continue;
        CHECK(fct_align_wide_matrix(similarity[i].kps, 96, wide));
        for (int k = 0; k < 6; k++) {
            const double want = (m[k] + (k % 3 == 2 ? 8 : 0)) * 96 / 128;
            CHECK_MSG(rel(wide[k], want) < 1e-5, "%s: m[%d] = %.9g, not %.9g", similarity[i].what, k, wide[k], want);
        }
    }
}

/* The profile's eyes are 7 pixels apart, a fifth of a crop's, and its crop is hardly larger than it is. */
TEST(a_picture_need_not_be_larger_than_its_crops) {
    fct_det d[3] = {{.score = 1}, {.score = 1}, {.score = 1}};
    fct_faces *faces;
    memcpy(d[0].kps, similarity[0].kps, sizeof d[0].kps); /* 0.41 times */
    memcpy(d[1].kps, similarity[2].kps, sizeof d[1].kps);
    for (int n = 0; n <= 3; n++) {
        REQUIRE(fct_faces_create(d, n, true, 0, 0, &faces, NULL) == FCT_OK);
        CHECK(rel((double)fct_faces_enlargement(faces), n < 2 ? 1 : similarity[2].m[0]) < 1e-4);
        fct_faces_free(faces);
    }
    for (int k = 0; k < 10; k++) d[0].kps[k / 2][k % 2] *= 1e-5f;
    REQUIRE(fct_faces_create(d, 1, true, 0, 0, &faces, NULL) == FCT_OK);
    CHECK(fct_faces_enlargement(faces) == 64);
    fct_faces_free(faces);
}

TEST(alignment_refuses_what_cannot_be_fitted) {
    float same[5][2] = {{5, 5}, {5, 5}, {5, 5}, {5, 5}, {5, 5}};
    float nan[5][2] = {{1, 2}, {3, 4}, {NAN, 1}, {2, 2}, {0, 9}};
    double m[6];
    fct_error e;
    CHECK(fct_align_matrix((const float(*)[2])same, 112, m, &e) == FCT_ERR_ARG);
    CHECK(fct_align_matrix((const float(*)[2])nan, 112, m, &e) == FCT_ERR_ARG);
    CHECK(fct_align_matrix(similarity[0].kps, 100, m, &e) == FCT_ERR_ARG);
    CHECK(fct_align_matrix(similarity[0].kps, 0, m, &e) == FCT_ERR_ARG);
    CHECK(fct_align_matrix(similarity[0].kps, -112, m, &e) == FCT_ERR_ARG);
    CHECK(strstr(e.text, "-112"));
    CHECK(!fct_align_wide_matrix((const float(*)[2])same, 96, m) &&
          !fct_align_wide_matrix((const float(*)[2])nan, 96, m));
    CHECK(!fct_align_wide_matrix(similarity[0].kps, 0, m));
}

TEST(box_matrix_centers_the_box) {
    float box[4] = {10, 20, 50, 100}, flat[4] = {10, 20, 10, 20};
    double m[6], inv[6];
    CHECK(fct_align_box_matrix(box, 192, m));
    CHECK(rel(m[0], 192 / 120.0) < 1e-7 && m[1] == 0 && m[3] == 0 && m[4] == m[0]);
    CHECK(rel(m[0] * 30 + m[2], 96) < 1e-6 && rel(m[4] * 60 + m[5], 96) < 1e-6);
    CHECK(fct_affine_invert(m, inv));
    CHECK(rel(inv[0] * 96 + inv[1] * 96 + inv[2], 30) < 1e-6 && rel(inv[3] * 96 + inv[4] * 96 + inv[5], 60) < 1e-6);
    CHECK(!fct_align_box_matrix(flat, 192, m));
    flat[2] = INFINITY;
    CHECK(!fct_align_box_matrix(flat, 192, m));
    double singular[6] = {1, 2, 3, 2, 4, 5};
    CHECK(!fct_affine_invert(singular, inv));
}

/* ---- Detection ------------------------------------------------------------------------ */

/* Synthetic outputs: every score 0 but chosen ones. */
typedef struct outputs {
    fct_scrfd_form form;
    fct_tensor t[15];
    int n, width, height, batch;
} outputs;

static void make_outputs(outputs *o, int n, int width, int height, int batch, bool rank3) {
    static const int cols[3] = {1, 4, 10};
    REQUIRE(fct_scrfd_get_form(n, &o->form, NULL) == FCT_OK);
    o->n = n, o->width = width, o->height = height, o->batch = batch;
    for (int i = 0; i < n; i++) {
        int stride = 8 << i % o->form.levels, c = cols[i / o->form.levels];
        int64_t rows = (int64_t)(width / stride) * (height / stride) * o->form.anchors;
        o->t[i].data = fct_calloc((size_t)(rows * c * batch), sizeof(float));
        o->t[i].rank = rank3 ? 3 : 2;
        int64_t d3[3] = {batch, rows, c}, d2[2] = {batch * rows, c};
        memcpy(o->t[i].dims, rank3 ? d3 : d2, rank3 ? sizeof d3 : sizeof d2);
    }
}

static void free_outputs(outputs *o) {
    for (int i = 0; i < o->n; i++) fct_free(o->t[i].data);
}

static void set_anchor(outputs *o, int level, int b, int row, int column, int anchor, float score) {
    int gw = o->width / (8 << level), gh = o->height / (8 << level), a = o->form.anchors, l = o->form.levels;
    int64_t i = ((int64_t)b * gw * gh + row * gw + column) * a + anchor;
    o->t[level].data[i] = score;
    for (int k = 0; k < 4; k++) o->t[l + level].data[i * 4 + k] = (float)(k + 1);
    for (int k = 0; o->form.has_kps && k < 10; k++) o->t[2 * l + level].data[i * 10 + k] = (float)k - 4.5f;
}

static void check_decoded(int n, bool rank3) {
    outputs o;
    int width = 256, height = 384, levels;
    make_outputs(&o, n, width, height, 2, rank3);
    levels = o.form.levels;
    int level = levels - 1, stride = 8 << level;
    set_anchor(&o, 0, 0, 7, 9, 0, 0.49f); /* below the threshold */
    set_anchor(&o, 0, 0, 5, 3, o.form.anchors - 1, 0.5f);
    set_anchor(&o, level, 1, 1, 1, 0, 0.9f); /* the other picture's */
    fct_scrfd_frame frame = {width, height, 0.5f, 100, 1000};
    fct_det_list list = {0};
    REQUIRE(fct_scrfd_decode(&o.form, o.t, 2, 0, &frame, 0.5f, &list, NULL) == FCT_OK);
    REQUIRE(list.n == 1);
    const fct_det *d = &list.items[0];
    CHECK(d->score == 0.5f);
    CHECK(d->box[0] == (24 - 8) / 0.5f + 100 && d->box[1] == (40 - 16) / 0.5f + 1000);
    CHECK(d->box[2] == (24 + 24) / 0.5f + 100 && d->box[3] == (40 + 32) / 0.5f + 1000);
    if (o.form.has_kps)
        CHECK(d->kps[1][0] == (24 + -2.5f * 8) / 0.5f + 100 && d->kps[4][1] == (40 + 4.5f * 8) / 0.5f + 1000);
    list.n = 0;
    REQUIRE(fct_scrfd_decode(&o.form, o.t, 2, 1, &frame, 0.5f, &list, NULL) == FCT_OK);
    REQUIRE(list.n == 1);
    CHECK(list.items[0].box[2] == (float)(stride + 3 * stride) / 0.5f + 100);
    fct_free(list.items);
    free_outputs(&o);
}

TEST(all_forms_of_detectors_decode) {
    static const int counts[4] = {6, 9, 10, 15};
    for (int i = 0; i < 4; i++) {
        check_decoded(counts[i], false);
        check_decoded(counts[i], true);
    }
    fct_scrfd_form f;
    for (int n = 0; n < 20; n++)
        CHECK((fct_scrfd_get_form(n, &f, NULL) == FCT_OK) == (n == 6 || n == 9 || n == 10 || n == 15));
}

TEST(outputs_of_a_wrong_shape_are_refused) {
    outputs o;
    fct_det_list list = {0};
    fct_error e;
    make_outputs(&o, 9, 64, 64, 1, false);
    fct_scrfd_frame frame = {64, 64, 1, 0, 0};
    CHECK(fct_scrfd_decode(&o.form, o.t, 1, 0, &frame, 0.5f, &list, &e) == FCT_OK);
    o.t[4].dims[0]--;
    CHECK(fct_scrfd_decode(&o.form, o.t, 1, 0, &frame, 0.5f, &list, &e) == FCT_ERR_FORMAT);
    CHECK(strstr(e.text, "output 4") && strstr(e.text, "31 x 4") && strstr(e.text, "32 x 4"));
    o.t[4].dims[0]++;
    o.t[8].rank = 4;
    o.t[8].dims[2] = o.t[8].dims[3] = 1;
    CHECK(fct_scrfd_decode(&o.form, o.t, 1, 0, &frame, 0.5f, &list, &e) == FCT_ERR_FORMAT);
    fct_free(list.items);
    free_outputs(&o);
}

TEST(values_that_are_not_finite_are_dropped) {
    outputs o;
    fct_det_list list = {0};
    make_outputs(&o, 9, 64, 64, 1, false);
    set_anchor(&o, 0, 0, 1, 1, 0, 0.9f);
    set_anchor(&o, 0, 0, 2, 2, 0, NAN);
    set_anchor(&o, 1, 0, 1, 1, 1, 0.8f);
    o.t[3].data[18 * 4] = INFINITY;
    fct_scrfd_frame frame = {64, 64, 1, 0, 0};
    CHECK(fct_scrfd_decode(&o.form, o.t, 1, 0, &frame, 0.5f, &list, NULL) == FCT_OK);
    CHECK(list.n == 1 && list.items[0].score == 0.8f);
    fct_free(list.items);
    free_outputs(&o);
}

static void add(fct_det_list *l, float x1, float y1, float x2, float y2, float score) {
    fct_det d = {.box = {x1, y1, x2, y2}, .score = score};
    REQUIRE(fct_det_append(l, &d, NULL) == FCT_OK);
}

TEST(suppression_is_greedy_and_counts_pixels) {
    fct_det_list l = {0};
    /* B overlaps A and C overlaps B but not A: B goes, C stays. */
    add(&l, 100, 0, 199, 99, 0.7f);
    add(&l, 0, 0, 99, 99, 0.9f);
    add(&l, 50, 0, 149, 99, 0.8f);
    fct_det_nms(&l, 0.3f);
    REQUIRE(l.n == 2);
    CHECK(l.items[0].score == 0.9f && l.items[1].score == 0.7f);
    /* 10 x 10 pixels each, four shared: 40 / 160 = 0.25 with + 1, more without. */
    l.n = 0;
    add(&l, 0, 0, 9, 9, 0.9f);
    add(&l, 6, 0, 15, 9, 0.6f);
    fct_det_nms(&l, 0.25f);
    CHECK(l.n == 2);
    fct_det_nms(&l, 0.2499f);
    CHECK(l.n == 1);
    fct_free(l.items);
}

TEST(candidates_agree_on_boxes_and_landmarks) {
    fct_det_list l = {0};
    const struct { float x, score, at; } c[] = {{0, 0.8f, 10}, {2, 0.4f, 20}, {30, 0.7f, 90}, {50000, 0.6f, 5}};
    for (int agree = 0; agree < 2; agree++) {
        l.n = 0;
        for (int i = 0; i < 4; i++) {
            fct_det d = {.box = {c[i].x, 0, c[i].x + 99, 99}, .score = c[i].score};
            for (int k = 0; k < 10; k++) d.kps[k / 2][k % 2] = c[i].at + (float)k;
            REQUIRE(fct_det_append(&l, &d, NULL) == FCT_OK);
        }
        /* The third overlaps the first by 0.54: removed, and it counts, but it is too far to tell of the place. */
        if (agree) fct_det_agree(&l, 0.4f, 0.5f, 1);
        else fct_det_nms(&l, 0.4f);
        REQUIRE(l.n == 2);
        float want = agree ? (0.64f * 10 + 0.16f * 20) / 0.8f : 10;
        for (int k = 0; k < 10; k++) CHECK(fabsf(l.items[0].kps[k / 2][k % 2] - want - (float)k) < 1e-4f);
        CHECK(fabsf(l.items[0].box[0] - (agree ? 0.4f : 0)) < 1e-5f && l.items[1].kps[0][0] == 5);
        CHECK(fabsf(l.items[0].score - 0.8f) < 1e-6f); /* three candidates: no more and no less */
        CHECK(fabsf(l.items[1].score - (agree ? 0.546302f : 0.6f)) < 1e-5f);
    }
    fct_free(l.items);
}

TEST(a_box_that_overlaps_a_better_one_is_less_sure) {
    fct_det_list l = {0};
    for (int i = 0; i < 2; i++) {
        l.n = 0;
        add(&l, 6, 0, 15, 9, 0.8f);
        add(&l, 0, 0, 9, 9, 0.9f);
        add(&l, 6, 1, 15, 10, 0.2f); /* too weak to be counted */
        fct_det_agree(&l, 0.4f, i ? 0.7f : 0.5f, 1);
        REQUIRE(l.n == 2 - i);
        CHECK(fabsf(l.items[0].score - 0.886000f) < 1e-4f);
    }
    l.n = 0;
    add(&l, 6, 0, 15, 9, 0.8f);
    add(&l, 0, 0, 9, 9, 0.9f);
    fct_det_agree(&l, 0.4f, 0.5f, 1);
    REQUIRE(l.n == 2);
    CHECK(fabsf(l.items[1].score - 0.680880f) < 1e-5f); /* they share a quarter: half a unit of the logit less */
    fct_det_list none = {0};
    fct_det_agree(&none, 0.4f, 0.5f, 1);
    CHECK(none.n == 0);
    fct_free(l.items);
}

/* The values follow from the definition in detect.h. */
TEST(faces_near_others_of_their_width_are_surer) {
    fct_det_list l = {0};
    for (int beside = 0; beside < 3; beside++) {
        l.n = 0;
        add(&l, 100, 100, 120, 120, 0.6f);
        add(&l, 70, 100, 90, 120, 0.2f); /* too weak to be company */
        if (beside == 1) add(&l, 140, 100, 160, 120, 0.9f);
        if (beside == 2) add(&l, 140, 60, 240, 180, 0.9f);
        fct_det_agree(&l, 0.4f, 0.3f, 1);
        REQUIRE(l.n == 1 + (beside > 0));
        const float want[] = {0.546303f, 0.564592f, 0.546439f};
        CHECK(fabsf(l.items[beside > 0].score - want[beside]) < 1e-4f);
    }
    fct_free(l.items);
}

/* The values follow from the definition in detect.h: a face of 0.8 in the first look, of 0.6 in the third, in both. */
TEST(all_looks_count_alike) {
    fct_det_list l = {0};
    for (int seen = 0; seen < 3; seen++) {
        l.n = 0;
        if (seen != 1) add(&l, 0, 0, 9, 9, 0.8f);
        int from = l.n;
        if (seen != 0) add(&l, 0, 0, 9, 9, 0.6f);
        add(&l, 500, 0, 509, 9, 0.3f); /* has 0.22 left */
        fct_det_from_look(&l, from, 2, FCT_DET_AGREE_FROM);
        REQUIRE(l.n == (seen == 2 ? 2 : 1) && l.items[l.n - 1].look == (seen ? 2 : 0));
        if (seen) CHECK(fabsf(l.items[l.n - 1].score - 0.501366f) < 1e-5f);
        fct_det_agree(&l, 0.4f, 0, FCT_DET_LOOKS);
        const float want[] = {0.209833f, 0.143538f, 0.336117f};
        REQUIRE(l.n == 1);
        CHECK_MSG(fabsf(l.items[0].score - want[seen]) < 1e-4f, "%d: %g", seen, (double)l.items[0].score);
    }
    fct_free(l.items);
}

TEST(equal_scores_keep_their_order) {
    fct_det_list l = {0};
    for (int i = 0; i < 100; i++) add(&l, (float)i * 20, 0, (float)i * 20 + 9, 9, 0.5f);
    fct_det_nms(&l, 0.4f);
    REQUIRE(l.n == 100);
    for (int i = 0; i < 100; i++) CHECK(l.items[i].box[0] == (float)i * 20);
    fct_free(l.items);
}

TEST(the_limit_keeps_central_or_large_faces) {
    fct_det_list l = {0};
    add(&l, 0, 0, 60, 60, 0.9f);       /* large, in the corner of 401 x 301 */
    add(&l, 180, 130, 220, 170, 0.8f); /* small, at the center (200, 150) */
    add(&l, 300, 200, 320, 220, 0.7f);
    fct_det_select(&l, 401, 301, 3, FCT_METRIC_DEFAULT); /* no more than the limit: untouched */
    CHECK(l.n == 3 && l.items[0].score == 0.9f);
    fct_det_select(&l, 401, 301, 0, FCT_METRIC_DEFAULT);
    CHECK(l.n == 3);
    fct_det_select(&l, 401, 301, 2, FCT_METRIC_DEFAULT);
    REQUIRE(l.n == 2);
    CHECK(l.items[0].score == 0.8f && l.items[0].value == 1600);
    CHECK(l.items[1].score == 0.7f && l.items[1].value == 400 - 2 * (110 * 110 + 60 * 60));
    l.n = 0;
    add(&l, 180, 130, 220, 170, 0.8f);
    add(&l, 0, 0, 60, 60, 0.9f);
    fct_det_select(&l, 401, 301, 1, FCT_METRIC_MAX);
    CHECK(l.n == 1 && l.items[0].score == 0.9f);
    fct_free(l.items);
}

/* ---- Pose, landmarks, attributes -------------------------------------------------------- */

static void rotate(const double a[3], double r[3][3]) { /* Rz(roll) Ry(yaw) Rx(pitch) */
    double cx = cos(a[0]), sx = sin(a[0]), cy = cos(a[1]), sy = sin(a[1]), cz = cos(a[2]), sz = sin(a[2]);
    double m[3][3] = {{cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx},
                      {sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx},
                      {-sy, cy * sx, cy * cx}};
    memcpy(r, m, sizeof m);
}

TEST(pose_of_a_known_rotation) {
    const double deg = 180 / acos(-1.0);
    for (int i = 0; i < 200; i++) {
        double angles[3] = {sin(i * 1.7) * 1.2, sin(i * 2.3 + 1) * 1.4, sin(i * 0.9 + 2) * 3}, r[3][3];
        float points[68][3], pose[3];
        rotate(angles, r);
        for (int p = 0; p < 68; p++)
            for (int k = 0; k < 3; k++)
                points[p][k] = (float)(100 + 50 * k +
                                       80 * (r[k][0] * (double)mean_shape[p][0] + r[k][1] * (double)mean_shape[p][1] +
                                             r[k][2] * (double)mean_shape[p][2]));
        REQUIRE(fct_pose_estimate((const float(*)[3])points, pose));
        for (int k = 0; k < 3; k++)
            CHECK_MSG(fabs((double)pose[k] - angles[k] * deg) < 1e-3, "angle %d: %g, not %g", k, (double)pose[k],
                      angles[k] * deg);
    }
}

/* Angles by insightface 1.0.1 (utils/transform.py, numpy's lstsq) on the same points. */
TEST(pose_of_noisy_skewed_points) {
    static const double a[3][3] = {{62, -15, 20}, {18, 70, -9}, {-25, 14, 66}}, offset[3] = {210, 180, 0};
    float points[68][3], pose[3];
    for (int i = 0; i < 68; i++)
        for (int j = 0; j < 3; j++) {
            double v = offset[j] + 3 * sin(12.9898 * i + 78.233 * j);
            for (int k = 0; k < 3; k++) v += a[j][k] * (double)mean_shape[i][k];
            points[i][j] = (float)v;
        }
    REQUIRE(fct_pose_estimate((const float(*)[3])points, pose));
    CHECK(fabs((double)pose[0] - (12.7987125)) < 1e-3);
    CHECK(fabs((double)pose[1] - (15.3363064)) < 1e-3);
    CHECK(fabs((double)pose[2] - (17.3184666)) < 1e-3);
}

TEST(points_without_a_direction_have_no_pose) {
    float points[68][3] = {{0}}, pose[3];
    CHECK(!fct_pose_estimate((const float(*)[3])points, pose));
    points[3][1] = NAN;
    CHECK(!fct_pose_estimate((const float(*)[3])points, pose));
}

TEST(landmarks_go_back_to_the_picture) {
    const double inv[6] = {0.5, 0, 10, 0, 0.5, -20};
    const float values[6] = {-1, 1, 0.5f, 0, 0, -1};
    float out[6];
    fct_decode_landmarks(values, 2, 3, 192, inv, out);
    CHECK(out[0] == 10 && out[1] == 192 * 0.5f - 20 && out[2] == 24);
    CHECK(out[3] == 58 && out[4] == 28 && out[5] == -48);
    fct_decode_landmarks(values, 3, 2, 192, inv, out);
    CHECK(out[2] == (1.5f * 96) * 0.5f + 10 && out[5] == -20);
}

TEST(ages_round_half_to_even) {
    static const struct {
        float values[3];
        int gender, age;
    } cases[] = {{{0, 1, 0.25f}, 1, 25},  {{1, 0, 0.125f}, 0, 12}, {{1, 1, 0.375f}, 0, 38},
                 {{0, 1, -0.02f}, 1, -2}, {{0, 1, NAN}, 1, -1},    {{0, 1, 1e30f}, 1, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int gender, age;
        fct_decode_attributes(cases[i].values, &gender, &age);
        CHECK_MSG(gender == cases[i].gender && age == cases[i].age, "case %zu: %d, %d", i, gender, age);
    }
}

TEST(cosine_and_length) {
    float a[4] = {3, 0, 4, 0}, b[4] = {0, 0, 2, 0}, zero[4] = {0}, big[2] = {1e30f, 1e30f};
    CHECK(fct_cosine(a, b, 4) == 0.8f);
    CHECK(fct_cosine(a, zero, 4) == 0);
    CHECK(fabsf(fct_cosine(big, big, 2) - 1) < 1e-6f);
    CHECK(fct_normalize(a, 4) == 5 && a[0] == 0.6f && a[2] == 0.8f);
    CHECK(fct_normalize(zero, 4) == 0 && zero[0] == 0);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
