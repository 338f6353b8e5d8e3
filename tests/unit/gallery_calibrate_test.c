/* The threshold of a gallery's own, against pairs counted one by one; stored for a
 * collection, refused where there are too few, gone with the model. */
#include "base/alloc.h"
#include "facet/face.h"
#include "facet/gallery.h"
#include "gallery_util.h"
#include "test.h"
#include <math.h>

enum { PEOPLE = 60, FACES = 2, DIM = 8 };

static fct_error e;
static float rows[PEOPLE * FACES][DIM];

/* Everybody's two faces are near each other. */
static fct_gallery *open_filled(const char *name, const char *collection) {
    fct_gallery *g = NULL;
    fct_gallery_opts o;
    uint64_t state = 5;
    fct_gallery_opts_init(&o);
    o.collection = collection;
    util_remove(util_path(name));
    REQUIRE(!fct_gallery_open(util_path(name), &o, &g, &e));
    for (int p = 0; p < PEOPLE; p++) {
        char person[20];
        fct_enrollment f[FACES];
        snprintf(person, sizeof person, "person %d", p);
        for (int k = 0; k < FACES; k++) {
            float *row = rows[p * FACES + k];
            for (int d = 0; d < DIM; d++)
                row[d] = k ? rows[p * FACES][d] + 0.3f * util_uniform(&state) : util_uniform(&state);
            f[k] = (fct_enrollment){.model_id = "model", .embedding = row, .dim = DIM};
        }
        CHECK_MSG(!fct_gallery_enroll(g, person, f, FACES, NULL, NULL, &e), "%s", e.text);
    }
    return g;
}

/* Pairs of different people (or of one) that score at least so much. */
static int count_pairs(bool same, float threshold) {
    int n = 0;
    for (int i = 0; i < PEOPLE * FACES; i++)
        for (int j = 0; j < i; j++)
            if ((i / FACES == j / FACES) == same) n += fct_cosine(rows[i], rows[j], DIM) >= threshold;
    return n;
}

TEST(the_threshold_is_that_of_all_pairs) {
    fct_gallery *g = open_filled("calibrate.db", NULL);
    fct_calibrate_opts o;
    fct_calibration c;
    float stored;
    int pairs = count_pairs(false, -2);
    fct_calibrate_opts_init(&o);
    o.false_accept = 0.01;
    CHECK_MSG(!fct_gallery_calibrate(g, &o, &c, &e), "%s", e.text);
    CHECK(c.people == PEOPLE && c.faces == PEOPLE * FACES && c.compared == c.faces);
    CHECK((int)c.impostor == pairs && (int)c.genuine == count_pairs(true, -2));
    float t = c.threshold + 2e-6f; /* sums are rounded in another order here */
    CHECK(count_pairs(false, t) <= 0.01 * pairs && count_pairs(false, t) + 3 > 0.01 * pairs);
    CHECK(fabs(c.false_accept.value - (double)count_pairs(false, t) / pairs) < 1e-12);
    CHECK(fabs(c.tar.value - (double)count_pairs(true, t) / (PEOPLE * FACES / 2)) < 1e-12);
    CHECK(c.false_accept.low < c.false_accept.value && c.false_accept.value < c.false_accept.high);
    REQUIRE(c.n_nearest == FCT_CALIBRATION_NEAREST);
    CHECK(count_pairs(false, c.nearest[0].score - 2e-6f) >= 1 && count_pairs(false, c.nearest[0].score + 2e-6f) == 0);
    CHECK(!fct_gallery_threshold(g, 0, &stored, &e) && isnan(stored)); /* it was not to be stored */
    o.store = true;
    CHECK(!fct_gallery_calibrate(g, &o, &c, &e));
    CHECK(!fct_gallery_threshold(g, 0, &stored, &e) && stored == c.threshold);
    fct_gallery_free(g);
}

TEST(a_draw_is_repeatable) {
    fct_gallery *g = open_filled("draw.db", NULL);
    fct_calibrate_opts o;
    fct_calibration a, b;
    fct_calibrate_opts_init(&o);
    o.false_accept = 0.05;
    o.most_faces = 70;
    CHECK(!fct_gallery_calibrate(g, &o, &a, &e) && !fct_gallery_calibrate(g, &o, &b, &e));
    CHECK(a.compared > 45 && a.compared < 95 && a.compared < a.faces);
    CHECK(a.threshold == b.threshold && a.false_accept.low == b.false_accept.low && a.compared == b.compared);
    o.seed = 2;
    CHECK(!fct_gallery_calibrate(g, &o, &b, &e));
    CHECK(a.threshold != b.threshold);
    fct_gallery_free(g);
}

TEST(too_few_pairs_are_refused) {
    fct_gallery *g = open_filled("few.db", NULL);
    fct_calibration c;
    fct_calibrate_opts o;
    fct_calibrate_opts_init(&o);
    o.store = true;
    CHECK(fct_gallery_calibrate(g, &o, &c, &e) == FCT_ERR_NOT_FOUND); /* 7080 pairs, 300,000 wanted */
    CHECK(strstr(e.text, "7080 pairs") && strstr(e.text, "300000") && strstr(e.text, "0.0042"));
    CHECK(isnan(c.threshold));
    float stored;
    CHECK(!fct_gallery_threshold(g, 0, &stored, &e) && isnan(stored));
    o.false_accept = 0;
    CHECK(fct_gallery_calibrate(g, &o, &c, &e) == FCT_ERR_ARG);
    fct_gallery_free(g);
    util_remove(util_path("none.db"));
    REQUIRE(!fct_gallery_open(util_path("none.db"), NULL, &g, &e));
    CHECK(fct_gallery_calibrate(g, NULL, &c, &e) == FCT_ERR_NOT_FOUND);
    fct_gallery_free(g);
}

static fct_status reembed(const fct_stored_face *face, const void *crop, size_t n, float *embedding, int dim,
                          void *user, fct_error *err) {
    (void)crop, (void)n, (void)user, (void)err;
    for (int i = 0; i < dim; i++) embedding[i] = (float)(face->id + i);
    return FCT_OK;
}

TEST(a_collection_has_its_own_until_the_model_changes) {
    fct_gallery *staff = open_filled("staff.db", "staff"), *all = NULL;
    fct_calibrate_opts o;
    fct_calibration c;
    float stored;
    char *false_accept;
    fct_calibrate_opts_init(&o);
    o.false_accept = 0.01;
    o.store = true;
    REQUIRE(!fct_gallery_open(util_path("staff.db"), NULL, &all, &e));
    REQUIRE(!util_enroll(all, "somebody else", 1, NULL, &e) || true);
    CHECK_MSG(!fct_gallery_calibrate(staff, &o, &c, &e), "%s", e.text);
    CHECK(c.people == PEOPLE);
    CHECK(!fct_gallery_threshold(staff, 0, &stored, &e) && stored == c.threshold);
    CHECK(!fct_gallery_threshold(all, 0, &stored, &e) && isnan(stored));
    CHECK(!fct_gallery_get_setting(staff, 2, "threshold.far", &false_accept, &e) && strcmp(false_accept, "0.01") == 0);
    fct_free(false_accept);
    CHECK_MSG(!fct_gallery_migrate(all, "other", 4, reembed, NULL, false, NULL, &e), "%s", e.text);
    CHECK(!fct_gallery_threshold(staff, 0, &stored, &e) && isnan(stored));
    CHECK(fct_gallery_get_setting(staff, 2, "threshold.far", &false_accept, &e) == FCT_ERR_NOT_FOUND);
    fct_gallery_free(staff);
    fct_gallery_free(all);
}

/* Every allocation fails once. */
TEST(memory_may_run_out) {
    fct_gallery *g = open_filled("oom.db", NULL);
    fct_calibrate_opts o;
    fct_calibration c;
    fct_calibrate_opts_init(&o);
    o.false_accept = 0.01;
    o.store = true;
    REQUIRE(!fct_gallery_calibrate(g, &o, &c, &e));
    for (long n = 1;; n++) {
        long live = fct_alloc_live();
        fct_alloc_fail_at(n);
        fct_status s = fct_gallery_calibrate(g, &o, &c, &e);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == FCT_OK || s == FCT_ERR_NOMEM, "allocation %ld: %s", n, e.text);
        CHECK_MSG(fct_alloc_live() == live || s == FCT_OK, "allocation %ld leaks", n);
        if (!reached) break;
        REQUIRE(n < 20000);
    }
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
