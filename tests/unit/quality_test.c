/* The quality score: bounds, and that every fault lowers its own part. */
#include "test.h"
#include "facet/face.h"
#include "facet/image.h"
#include <math.h>
#include <string.h>

#define SIDE 256

/* A textured picture of brightness `mean` and contrast `amplitude`; waves of `period` pixels. */
static fct_image *picture(float mean, float amplitude, float period) {
    fct_image *im;
    REQUIRE(!fct_image_create(SIDE, SIDE, FCT_PIX_RGB, &im, NULL));
    fct_view v = fct_image_view(im);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float g = mean + amplitude * sinf(6.2831853f * (float)x / period) * cosf(6.2831853f * (float)y / period);
            for (int c = 0; c < 3; c++)
                fct_image_pixels(im)[y * v.stride + 3 * x + c] = (uint8_t)fminf(255, fmaxf(0, g));
        }
    return im;
}

/* The template's points around the middle; shift moves the nose aside, in eyes' distances. */
static fct_face face(float scale, float shift) {
    static const float at[5][2] = {
        {38.29f, 51.70f}, {73.53f, 51.50f}, {56.03f, 71.74f}, {41.55f, 92.37f}, {70.73f, 92.20f}};
    fct_face f = {.has_kps = true, .score = 0.9f};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++) f.kps[i][k] = SIDE / 2 + scale * (at[i][k] - 56);
    f.kps[2][0] += shift * 35.24f * scale;
    return f;
}

static fct_quality measure(float mean, float amplitude, float period, float scale, float shift) {
    fct_image *im = picture(mean, amplitude, period);
    fct_face f = face(scale, shift);
    fct_quality q;
    fct_status s = fct_face_quality(fct_image_view(im), &f, &q, NULL);
    fct_image_free(im);
    REQUIRE(!s);
    const float parts[] = {q.size_grade, q.sharpness_grade, q.pose_grade, q.exposure_grade, q.landmark_grade, q.score};
    for (int i = 0; i < 6; i++) CHECK_MSG(parts[i] >= 0 && parts[i] <= 1, "part %d is %g", i, (double)parts[i]);
    return q;
}

TEST(blur_lowers_sharpness) {
    float last = 2;
    for (float period = 6; period < 60; period *= 1.6f) {
        fct_quality q = measure(130, 70, period, 1.3f, 0);
        CHECK_MSG(q.sharpness_grade <= last, "period %g: %g after %g", (double)period, (double)q.sharpness_grade,
                  (double)last);
        last = q.sharpness_grade;
    }
    CHECK(measure(130, 70, 6, 1.3f, 0).sharpness_grade > 0.9f && last < 0.1f);
}

TEST(small_faces_score_lower) {
    float last = 2;
    for (float scale = 1.4f; scale > 0.2f; scale -= 0.2f) {
        float size = measure(130, 70, 8, scale, 0).size_grade;
        CHECK(size <= last);
        last = size;
    }
    CHECK(measure(130, 70, 8, 1.4f, 0).size_grade > 0.99f && last < 0.2f);
}

/* What was measured at a smaller size becomes what is measured at the larger one, but for sharpness. */
TEST(quality_of_a_reduced_picture) {
    fct_quality small = measure(130, 70, 8, 0.7f, 0), large = measure(130, 70, 8, 1.4f, 0);
    float side = small.side, detail = small.detail;
    fct_quality_scale(&small, 2);
    CHECK(fabsf(small.eyes - large.eyes) < 1e-3f && fabsf(small.size_grade - large.size_grade) < 1e-5f);
    CHECK(small.side == 2 * side && small.detail == detail);
    large.sharpness_grade = small.sharpness_grade;
    large.exposure_grade = small.exposure_grade;
    large.landmark_grade = small.landmark_grade;
    fct_quality_scale(&large, 1);
    CHECK_MSG(fabsf(small.score - large.score) < 1e-5f, "%g, %g", (double)small.score, (double)large.score);
}

TEST(turned_faces_score_lower) {
    float last = 2;
    for (float shift = 0; shift < 0.6f; shift += 0.1f) {
        float pose = measure(130, 70, 8, 1.3f, shift).pose_grade;
        CHECK(pose <= last);
        last = pose;
    }
    CHECK(measure(130, 70, 8, 1.3f, 0).pose_grade > 0.9f && last < 0.05f);
}

TEST(dark_bright_and_flat_faces_score_lower) {
    float good = measure(130, 70, 8, 1.3f, 0).exposure_grade;
    CHECK_MSG(good > 0.7f, "%g", (double)good);
    CHECK(measure(60, 55, 8, 1.3f, 0).exposure_grade < good && measure(30, 25, 8, 1.3f, 0).exposure_grade < 0.05f);
    CHECK(measure(235, 60, 8, 1.3f, 0).exposure_grade < 0.1f && measure(130, 4, 8, 1.3f, 0).exposure_grade < 0.05f);
}

TEST(landmarks_are_needed) {
    fct_image *im = picture(130, 70, 8);
    fct_face f = face(1.3f, 0);
    fct_quality q;
    f.has_kps = false;
    CHECK(fct_face_quality(fct_image_view(im), &f, &q, NULL) == FCT_ERR_ARG && q.score == 0);
    fct_image_free(im);
}

/* With the crop that somebody has already, of every format of picture; nothing but such a crop is taken. */
TEST(from_the_aligned_face) {
    static const fct_pixel formats[] = {FCT_PIX_RGB, FCT_PIX_BGR, FCT_PIX_GRAY, FCT_PIX_RGBA};
    fct_image *im = picture(130, 70, 8);
    fct_face f = face(1.3f, 0.1f);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        fct_image *same, *crop, *gray;
        fct_quality q, r;
        fct_error e;
        REQUIRE(!fct_image_convert(fct_image_view(im), formats[i], &same, NULL));
        const fct_view v = fct_image_view(same);
        REQUIRE(!fct_align(v, f.kps, 112, &crop, NULL));
        CHECK(!fct_face_quality(v, &f, &q, NULL));
        CHECK(!fct_face_quality_aligned(v, &f, fct_image_view(crop), &r, NULL));
        CHECK(memcmp(&q, &r, sizeof q) == 0 && q.score > 0);
        REQUIRE(!fct_image_convert(fct_image_view(crop), FCT_PIX_GRAY, &gray, NULL));
        CHECK(fct_face_quality_aligned(v, &f, fct_image_view(gray), &r, &e) == FCT_ERR_ARG && r.score == 0);
        CHECK(fct_face_quality_aligned(v, &f, v, &r, &e) == FCT_ERR_ARG && strstr(e.text, "112"));
        fct_image_free(gray);
        fct_image_free(crop);
        fct_image_free(same);
    }
    fct_image_free(im);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
