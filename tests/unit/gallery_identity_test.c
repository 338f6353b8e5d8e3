/* Collections, thresholds, negatives, mean templates and who is who on a picture, on the chosen store. */
#include "test.h"
#include "base/alloc.h"
#include "facet/image.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "store_choice.h"
#include <math.h>

static fct_error e;
/* Another handle to the gallery of the test, for a collection or for all. */
static fct_gallery *open_for(const char *collection) {
    fct_gallery *g = NULL;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.collection = collection;
    CHECK_MSG(!store_open("identity.db", &o, &g, &e), "%s", e.text);
    return g;
}

static void end(fct_gallery *g) {
    if (fct_gallery_check(g, &e)) CHECK_MSG(0, "%s", e.text);
    fct_gallery_free(g);
}

static int count_people(fct_gallery *g) {
    fct_person *p;
    int n = -1;
    CHECK_MSG(!fct_gallery_people(g, &p, &n, &e), "%s", e.text);
    fct_gallery_people_free(p);
    return n;
}

TEST(collections) {
    store_erase("identity.db");
    fct_gallery *all = open_for(NULL), *staff = open_for("staff"), *guests = open_for(" guests ");
    fct_person p;
    REQUIRE(!util_enroll(all, "Ada", 1, NULL, &e) && !util_enroll(staff, "Ada", 2, NULL, &e));
    REQUIRE(!util_enroll(guests, "Ada", 3, NULL, &e) && !util_enroll(guests, "Bob", 4, NULL, &e));
    CHECK(count_people(all) == 4 && count_people(staff) == 1 && count_people(guests) == 2);
    CHECK(!strcmp(util_who(staff, 2), "Ada") && !strcmp(util_who(staff, 1), "") && !strcmp(util_who(staff, 4), ""));
    CHECK(!strcmp(util_who(all, 1), "Ada") && !strcmp(util_who(all, 4), "Bob") && !strcmp(util_who(guests, 4), "Bob"));
    REQUIRE(!fct_gallery_find(all, "Ada", &p, &e)); /* the default collection's */
    CHECK(p.collection_id == 1 && p.faces == 1);
    REQUIRE(!fct_gallery_remove_person(all, p.id, &e));
    CHECK(fct_gallery_find(all, "Ada", &p, &e) == FCT_ERR_ARG && strstr(e.text, "which collection"));
    REQUIRE(!fct_gallery_find(staff, "Ada", &p, &e));
    int64_t staff_ada = p.id, staff_id = p.collection_id;
    REQUIRE(!fct_gallery_find(guests, "Ada", &p, &e));
    CHECK(fct_gallery_move_person(all, staff_ada, p.collection_id, NULL, &e) == FCT_ERR_EXISTS);
    CHECK(fct_gallery_move_person(all, staff_ada, 99, NULL, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_move_person(all, 99, 1, NULL, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!fct_gallery_rename(all, staff_ada, "Countess", &e));
    CHECK_MSG(!fct_gallery_move_person(all, staff_ada, p.collection_id, NULL, &e), "%s", e.text);
    CHECK_MSG(!strcmp(util_who(guests, 2), "Countess"), "%s", util_who(guests, 2));
    CHECK_MSG(!strcmp(util_who(staff, 2), ""), "%s", util_who(staff, 2));
    CHECK(fct_gallery_rename_collection(all, staff_id, "guests", &e) == FCT_ERR_EXISTS);
    CHECK(!fct_gallery_rename_collection(all, staff_id, "crew", &e));
    CHECK(fct_gallery_rename_collection(all, 77, "x", &e) == FCT_ERR_NOT_FOUND);
    fct_collection *c;
    int n, removed;
    REQUIRE(!fct_gallery_collections(all, &c, &n, &e) && n == 3);
    CHECK(!strcmp(c[0].name, "default") && !strcmp(c[1].name, "crew") && !strcmp(c[2].name, "guests"));
    CHECK(c[0].people == 0 && c[1].people == 0 && c[2].people == 3 && isnan(c[2].threshold));
    int64_t guests_id = c[2].id;
    fct_gallery_collections_free(c);
    CHECK(fct_gallery_remove_collection(all, 1, NULL, &e) == FCT_ERR_ARG);
    CHECK(!fct_gallery_remove_collection(all, guests_id, &removed, &e) && removed == 3 && count_people(all) == 0);
    CHECK(fct_gallery_remove_collection(all, guests_id, &removed, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!strcmp(util_who(guests, 4), ""));
    fct_gallery_free(staff);
    fct_gallery_free(guests);
    end(all);
}

/* What another handle sees that was opened for the collection, one that works in it sees too. */
TEST(one_handle_works_in_several_collections) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    int64_t staff, guests, id;
    fct_person p;
    float t;
    REQUIRE(!fct_gallery_add_collection(g, "staff", &staff, &e));
    REQUIRE(!fct_gallery_add_collection(g, "guests", &guests, &e));
    CHECK(!fct_gallery_find_collection(g, " staff ", &id, &e) && id == staff);
    CHECK(fct_gallery_find_collection(g, "Staff", &id, &e) == FCT_ERR_NOT_FOUND && id == 0);
    CHECK(fct_gallery_find_collection(g, "", &id, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_gallery_set_setting(g, staff, "threshold", "0.5", &e));
    fct_gallery_work_in(staff);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !fct_gallery_add_person(g, "Empty", &id, &e));
    CHECK(count_people(g) == 2 && !strcmp(util_who(g, 1), "Ada"));
    CHECK(!fct_gallery_threshold(g, 0, &t, &e) && t == 0.5f);
    fct_gallery_work_in(guests);
    CHECK(count_people(g) == 0 && !strcmp(util_who(g, 1), ""));
    CHECK(fct_gallery_find(g, "Ada", &p, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!fct_gallery_threshold(g, 0, &t, &e) && isnan(t));
    REQUIRE(!util_enroll(g, "Ada", 2, NULL, &e));
    fct_gallery_work_in(1);
    CHECK(count_people(g) == 0 && !strcmp(util_who(g, 2), ""));
    fct_gallery_work_in(99);
    CHECK(!strcmp(util_who(g, 2), ""));
    CHECK(store_is("memory") || util_enroll(g, "Bob", 3, NULL, &e));
    fct_gallery_work_in(0);
    CHECK(count_people(g) == 3 && !strcmp(util_who(g, 2), "Ada"));
    fct_gallery *other = open_for("guests");
    CHECK(count_people(other) == 1 && !strcmp(util_who(other, 2), "Ada") && !strcmp(util_who(other, 1), ""));
    fct_gallery_free(other);
    end(g);
}

TEST(a_face_becomes_anothers) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    int64_t first, second, same, kept;
    fct_person bob;
    fct_stored_face f;
    REQUIRE(!util_enroll(g, "Ada", 1, &first, &e) && !util_enroll(g, "Ada", 2, &second, &e));
    REQUIRE(!util_enroll(g, "Bob", 2, &same, &e) && !fct_gallery_find(g, "Bob", &bob, &e));
    CHECK_MSG(!fct_gallery_move_face(g, first, bob.id, &kept, &e), "%s", e.text);
    CHECK(kept == first && !strcmp(util_who(g, 1), "Bob"));
    CHECK(!fct_gallery_move_face(g, first, bob.id, &kept, &e) && kept == first);
    CHECK(!fct_gallery_move_face(g, second, bob.id, &kept, &e) && kept == same);
    CHECK(fct_gallery_face(g, second, &f, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!fct_gallery_find(g, "Ada", &bob, &e) && bob.faces == 0);
    CHECK(fct_gallery_move_face(g, second, bob.id, &kept, &e) == FCT_ERR_NOT_FOUND && kept == 0);
    CHECK(fct_gallery_move_face(g, first, 99, NULL, &e) == FCT_ERR_NOT_FOUND);
    end(g);
}

/* By another handle, as another server would: who is renamed, or gone, gets nothing, and nobody new is made. */
TEST(faces_are_for_whom_they_are_meant) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL), *other = open_for(NULL);
    float v[UTIL_DIM];
    fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM};
    fct_person ada;
    int64_t id;
    int added;
    util_embedding(2, UTIL_DIM, v);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !fct_gallery_find(g, "Ada", &ada, &e));
    CHECK(!fct_gallery_enroll_known(g, ada.id, "Ada", &f, 1, &id, &added, &e) && id && added == 1);
    REQUIRE(!fct_gallery_rename(other, ada.id, "Countess", &e));
    util_embedding(3, UTIL_DIM, v);
    CHECK(fct_gallery_enroll_known(g, ada.id, "Ada", &f, 1, &id, &added, &e) == FCT_ERR_NOT_FOUND && !id && !added);
    CHECK_MSG(strstr(e.text, "Ada"), "%s", e.text);
    CHECK(count_people(g) == 1 && !strcmp(util_who(g, 3), "") && !strcmp(util_who(g, 2), "Countess"));
    REQUIRE(!util_enroll(other, "Ada", 4, NULL, &e));
    CHECK(fct_gallery_enroll_known(g, ada.id, "Ada", &f, 1, NULL, NULL, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!strcmp(util_who(g, 3), "") && !strcmp(util_who(g, 4), "Ada"));
    CHECK(fct_gallery_enroll_known(g, FCT_PERSON_NEW, "Ada", &f, 1, NULL, NULL, &e) == FCT_ERR_EXISTS);
    CHECK(strstr(e.text, "Ada") && !strcmp(util_who(g, 3), ""));
    CHECK(!fct_gallery_enroll_known(g, FCT_PERSON_NEW, "Bob", &f, 1, &id, NULL, &e) && !strcmp(util_who(g, 3), "Bob"));
    fct_gallery_free(other);
    end(g);
}

TEST(a_collection_must_exist_for_reading) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.read_only = true;
    o.collection = "nobody's";
    fct_gallery *other;
    CHECK(store_open("identity.db", &o, &other, &e) == FCT_ERR_NOT_FOUND && !other);
    o.read_only = false, o.must_exist = true; /* a slip of the keyboard makes none */
    CHECK(store_open("identity.db", &o, &other, &e) == FCT_ERR_NOT_FOUND && !other);
    o.must_exist = false;
    o.collection = "\xff";
    CHECK(store_open("identity.db", &o, &other, &e) == FCT_ERR_ARG && !other);
    end(g);
}

/* ---- Settings and thresholds ---------------------------------------------------------- */

static float threshold_of(fct_gallery *g, int64_t id) {
    float t = -9;
    CHECK_MSG(!fct_gallery_threshold(g, id, &t, &e), "%s", e.text);
    return t;
}

static const char *who(fct_gallery *g, const float *v, const fct_search_opts *o) {
    static fct_match m;
    int n = 0;
    fct_status s = fct_gallery_search_with(g, UTIL_MODEL, v, 1, UTIL_DIM, o, &m, &n, &e);
    CHECK_MSG(!s, "%s", e.text);
    return n ? m.name : "";
}

TEST(settings) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL), *strict = open_for("strict");
    char *value;
    fct_search_opts o;
    fct_search_opts_init(&o);
    CHECK(fct_gallery_get_setting(g, 0, "x.color", &value, &e) == FCT_ERR_NOT_FOUND && !value);
    CHECK(!fct_gallery_set_setting(g, 0, "x.color", "r\xc3\xb6tlich", &e));
    REQUIRE(!fct_gallery_get_setting(strict, 0, "x.color", &value, &e));
    CHECK(!strcmp(value, "r\xc3\xb6tlich"));
    fct_buffer_free(value);
    CHECK(!fct_gallery_set_setting(g, 0, "x.color", NULL, &e));
    CHECK(fct_gallery_get_setting(g, 0, "x.color", &value, &e) == FCT_ERR_NOT_FOUND);
    static const char *const bad[] = {"", "1.01", "-1.5", "0,4", "1e-1", ".", "0.4 ", "nan", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(fct_gallery_set_setting(g, 0, "threshold", bad[i], &e) == FCT_ERR_ARG, "%s", bad[i]);
    CHECK(fct_gallery_set_setting(g, 0, "Key", "1", &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_set_setting(g, 0, "encryption", "1", &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_set_setting(g, 9, "x", "1", &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_set_setting(g, 0, "x", "a\nb", &e) == FCT_ERR_ARG);
    CHECK(isnan(threshold_of(g, 0)) && isnan(threshold_of(strict, 0)));
    REQUIRE(!fct_gallery_set_setting(g, 0, "threshold", "0.3", &e));
    REQUIRE(!fct_gallery_set_setting(g, 2, "threshold", "0.75", &e));
    CHECK(threshold_of(g, 0) == 0.3f && threshold_of(g, 1) == 0.3f && threshold_of(strict, 0) == 0.75f);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(strict, "Bob", 2, NULL, &e));
    float half[UTIL_DIM];
    util_near(1, 0.5, half);
    CHECK(!strcmp(who(g, half, &o), "Ada"));
    util_near(2, 0.5, half); /* too little for the strict collection, whichever way it is searched */
    CHECK(!strcmp(who(g, half, &o), "") && !strcmp(who(strict, half, &o), ""));
    o.threshold = 0.45f;
    CHECK(!strcmp(who(g, half, &o), "Bob") && !strcmp(who(strict, half, &o), "Bob"));
    o.threshold = NAN;
    util_near(2, 0.8, half);
    CHECK(!strcmp(who(strict, half, &o), "Bob"));
    REQUIRE(!fct_gallery_set_setting(strict, 2, "threshold", NULL, &e));
    util_near(2, 0.35, half);
    CHECK(!strcmp(who(strict, half, &o), "Bob")); /* the whole gallery's holds again */
    REQUIRE(!fct_gallery_set_setting(strict, 0, "threshold", NULL, &e));
    o.fallback = 0.34f;
    CHECK(!strcmp(who(strict, half, &o), "Bob"));
    o.fallback = 0.36f;
    CHECK(!strcmp(who(strict, half, &o), ""));
    fct_gallery_free(strict);
    end(g);
}

/* ---- Negatives -------------------------------------------------------------------------- */

TEST(negatives) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    fct_search_opts o;
    fct_person p;
    fct_negative *list;
    int n;
    int64_t id, face;
    float v[UTIL_DIM], w[UTIL_DIM];
    fct_search_opts_init(&o);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(g, "Bob", 2, &face, &e));
    REQUIRE(!fct_gallery_find(g, "Ada", &p, &e));
    util_near(1, 0.6, v);
    CHECK(!strcmp(who(g, v, &o), "Ada"));
    CHECK(fct_gallery_reject(g, p.id, "other", v, UTIL_DIM, &id, &e) == FCT_ERR_MISMATCH && !id);
    CHECK(fct_gallery_reject(g, 99, UTIL_MODEL, v, UTIL_DIM, &id, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_reject(g, p.id, UTIL_MODEL, v, UTIL_DIM, &id, &e) && id);
    CHECK(!strcmp(who(g, v, &o), ""));
    util_near(1, 0.9, w); /* nearer to Ada's own face than to the negative */
    CHECK(!strcmp(who(g, w, &o), "Ada"));
    o.ignore_negatives = true;
    CHECK(!strcmp(who(g, v, &o), "Ada"));
    o.ignore_negatives = false;
    REQUIRE(!fct_gallery_negatives(g, p.id, &list, &n, &e) && n == 1);
    CHECK(list[0].id == id && list[0].person_id == p.id);
    fct_gallery_negatives_free(list);
    CHECK(fct_gallery_negatives(g, 99, &list, &n, &e) == FCT_ERR_NOT_FOUND && !list);
    CHECK(!fct_gallery_remove_negative(g, id, &e) && !strcmp(who(g, v, &o), "Ada"));
    CHECK(fct_gallery_remove_negative(g, id, &e) == FCT_ERR_NOT_FOUND);
    /* A face of the person's that is not hers is taken away, and does not come back. */
    REQUIRE(!util_enroll(g, "Ada", 3, &face, &e));
    util_embedding(3, UTIL_DIM, w);
    CHECK(!strcmp(who(g, w, &o), "Ada"));
    REQUIRE(!fct_gallery_reject_face(g, p.id, face, &id, &e) && id);
    CHECK(fct_gallery_crop(g, face, &(void *){0}, &(size_t){0}, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!strcmp(who(g, w, &o), ""));
    REQUIRE(!util_enroll(g, "Carl", 4, NULL, &e) && !util_enroll(g, "Ada", 4, NULL, &e)); /* both have the face */
    util_embedding(4, UTIL_DIM, w);
    CHECK(!strcmp(who(g, w, &o), "Ada")); /* equal scores: the smaller id */
    REQUIRE(!fct_gallery_reject(g, p.id, UTIL_MODEL, w, UTIL_DIM, NULL, &e));
    CHECK_MSG(!strcmp(who(g, w, &o), "Carl"), "%s", who(g, w, &o)); /* k was 1: the search goes on */
    CHECK(!fct_gallery_negatives(g, 0, &list, &n, &e) && n == 2);
    fct_gallery_negatives_free(list);
    REQUIRE(!fct_gallery_remove_person(g, p.id, &e));
    CHECK(!fct_gallery_negatives(g, 0, &list, &n, &e) && n == 0);
    fct_gallery_negatives_free(list);
    end(g);
}

/* ---- Mean templates ---------------------------------------------------------------------- */

typedef struct own_face {
    int person;
    float v[UTIL_DIM], quality;
    int64_t id;
} own_face;

/* The score of a probe against a person's mean, written out. */
static double mean_score(const own_face *f, int n, int person, const float *probe) {
    double sum[UTIL_DIM] = {0}, dot = 0, len = 0, probe_len = 0;
    for (int i = 0; i < n; i++) {
        double norm = 0, w = f[i].quality > 0 ? (double)f[i].quality : 0.5;
        if (f[i].person != person || !f[i].id) continue;
        for (int d = 0; d < UTIL_DIM; d++) norm += (double)f[i].v[d] * f[i].v[d];
        for (int d = 0; d < UTIL_DIM; d++) sum[d] += w * f[i].v[d] / sqrt(norm);
    }
    for (int d = 0; d < UTIL_DIM; d++) {
        dot += sum[d] * probe[d];
        len += sum[d] * sum[d];
        probe_len += (double)probe[d] * probe[d];
    }
    return len > 0 ? dot / sqrt(len * probe_len) : -2;
}

TEST(means) {
    enum { PEOPLE = 6, FACES = 120 };
    static own_face f[FACES];
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL), *other = open_for(NULL);
    uint64_t rnd = 5;
    int64_t ids[PEOPLE] = {0};
    for (int n = 0; n < FACES && !test_failures; n++) {
        char name[8];
        fct_search_opts o;
        f[n].person = (int)(util_random(&rnd) % PEOPLE);
        f[n].quality = n % 3 ? 0.1f + 0.8f * (float)(n % 7) / 7 : 0;
        util_embedding((uint64_t)n, UTIL_DIM, f[n].v);
        snprintf(name, sizeof name, "P%d", f[n].person);
        fct_enrollment x = {.model_id = UTIL_MODEL, .embedding = f[n].v, .dim = UTIL_DIM, .quality = f[n].quality};
        REQUIRE(!fct_gallery_enroll(n % 2 ? g : other, name, &x, 1, &f[n].id, NULL, &e));
        fct_person p;
        REQUIRE(!fct_gallery_find(g, name, &p, &e));
        ids[f[n].person] = p.id;
        if (n % 5 == 4) { /* a face goes */
            own_face *gone = &f[util_random(&rnd) % (uint64_t)n];
            if (gone->id && !fct_gallery_remove_face(other, gone->id, &e)) gone->id = 0;
        }
        if (n % 40 == 39) { /* a person goes */
            int who_goes = (int)(util_random(&rnd) % PEOPLE);
            if (ids[who_goes]) fct_gallery_remove_person(other, ids[who_goes], &e);
            for (int i = 0; i <= n; i++)
                if (f[i].person == who_goes) f[i].id = 0;
        }
        float probe[UTIL_DIM];
        fct_match m[PEOPLE];
        int found;
        util_embedding((uint64_t)n + 900, UTIL_DIM, probe);
        fct_search_opts_init(&o);
        o.templates = FCT_TEMPLATE_MEAN;
        o.threshold = -1;
        o.k = PEOPLE;
        REQUIRE(!fct_gallery_search_with(g, UTIL_MODEL, probe, 1, UTIL_DIM, &o, m, &found, &e));
        int there = 0;
        for (int i = 0; i < PEOPLE; i++) there += mean_score(f, n + 1, i, probe) > -2;
        CHECK_MSG(found == there, "step %d: %d of %d", n, found, there);
        for (int i = 0; i < found; i++) {
            double want = mean_score(f, n + 1, m[i].name[1] - '0', probe);
            CHECK_MSG(fabs(want - (double)m[i].score) < 1e-5 && m[i].face_id == 0, "step %d: %f, not %f", n,
                      (double)m[i].score, want);
        }
    }
    fct_gallery_free(other);
    end(g);
}

/* ---- Once on a picture ------------------------------------------------------------------- */

/* The best sum over all assignments, by trying them all. */
static double best_sum(double w[6][5], int face, int n, bool *taken) {
    if (face == n) return 0;
    double best = best_sum(w, face + 1, n, taken);
    for (int p = 0; p < 5; p++) {
        if (taken[p] || w[face][p] <= 0) continue;
        taken[p] = true;
        best = fmax(best, w[face][p] + best_sum(w, face + 1, n, taken));
        taken[p] = false;
    }
    return best;
}

/* Random pictures, of faces near to several people, against all assignments. */
TEST(names_of_a_picture_are_the_best_choice) {
    enum { N = 6, P = 5 };
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    fct_search_opts o;
    float people[P][UTIL_DIM], v[N][UTIL_DIM];
    uint64_t rnd = 9;
    int named = 0;
    fct_search_opts_init(&o);
    o.threshold = 0.3f;
    for (int p = 0; p < P; p++) {
        char name[4] = {'P', (char)('0' + p)};
        util_embedding((uint64_t)p, UTIL_DIM, people[p]);
        REQUIRE(!util_enroll(g, name, (uint64_t)p, NULL, &e));
    }
    for (int round = 0; round < 400 && !test_failures; round++) {
        fct_match m[N];
        double w[6][5] = {{0}}, sum = 0;
        bool taken[P] = {false};
        int n = 1 + (int)(util_random(&rnd) % N);
        for (int i = 0; i < n; i++)
            for (int d = 0, a = (int)(util_random(&rnd) % P), b = (int)(util_random(&rnd) % P); d < UTIL_DIM; d++)
                v[i][d] = people[a][d] + 0.8f * people[b][d] + 12 * util_uniform(&rnd);
        for (int i = 0; i < n; i++)
            for (int p = 0; p < P; p++) {
                double c = fct_embedding_cosine(v[i], people[p], UTIL_DIM);
                w[i][p] = c >= 0.3 ? c - 0.3 + 1e-5 / 0.49 : 0;
            }
        REQUIRE(!fct_gallery_identify(g, UTIL_MODEL, v[0], n, UTIL_DIM, &o, m, &e));
        for (int i = 0; i < n; i++) {
            if (!m[i].person_id) continue;
            int p = m[i].name[1] - '0';
            CHECK_MSG(!taken[p] && fabs((double)m[i].score - fct_embedding_cosine(v[i], people[p], UTIL_DIM)) < 1e-5,
                      "round %d", round);
            taken[p] = true;
            sum += w[i][p];
            named++;
        }
        memset(taken, 0, sizeof taken);
        CHECK_MSG(fabs(sum - best_sum(w, 0, n, taken)) < 1e-4, "round %d: %f", round, sum);
    }
    CHECK_MSG(named > 600, "%d", named);
    end(g);
}

/* Two faces like Ada, one of them also a little like Bob. */
TEST(nobody_is_on_a_picture_twice) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    float v[3][UTIL_DIM];
    fct_match m[3];
    fct_search_opts o;
    fct_search_opts_init(&o);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(g, "Bob", 2, NULL, &e));
    util_near(1, 0.95, v[0]);
    util_near(1, 0.7, v[1]);
    util_near(2, 0.9, v[2]);
    REQUIRE(!fct_gallery_identify(g, UTIL_MODEL, v[0], 2, UTIL_DIM, &o, m, &e));
    CHECK(!strcmp(m[0].name, "Ada") && m[1].person_id == 0 && !*m[1].name);
    o.repeats = true;
    REQUIRE(!fct_gallery_identify(g, UTIL_MODEL, v[0], 3, UTIL_DIM, &o, m, &e));
    CHECK(!strcmp(m[0].name, "Ada") && !strcmp(m[1].name, "Ada") && !strcmp(m[2].name, "Bob"));
    o.repeats = false;
    for (int i = 0; i < UTIL_DIM; i++) v[1][i] = v[1][i] * 0.8f + v[2][i] * 0.7f; /* now like both */
    REQUIRE(!fct_gallery_identify(g, UTIL_MODEL, v[0], 2, UTIL_DIM, &o, m, &e));
    CHECK(!strcmp(m[0].name, "Ada") && !strcmp(m[1].name, "Bob"));
    REQUIRE(!fct_gallery_identify(g, UTIL_MODEL, v[0], 0, UTIL_DIM, &o, m, &e));
    CHECK(fct_gallery_identify(g, UTIL_MODEL, v[0], FCT_IDENTIFY_MAX + 1, UTIL_DIM, &o, m, &e) == FCT_ERR_LIMIT);
    end(g);
}

/* ---- People who look alike ---------------------------------------------------------------- */

TEST(similar_people) {
    store_erase("identity.db");
    fct_gallery *g = open_for(NULL);
    fct_similar *list;
    float v[UTIL_DIM];
    int n;
    for (uint64_t i = 1; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "P%d", (int)(i % 20));
        REQUIRE(!util_enroll(g, name, i, NULL, &e));
    }
    util_near(7, 0.9, v);
    fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM};
    int64_t face;
    REQUIRE(!fct_gallery_enroll(g, "Twin", &f, 1, &face, NULL, &e));
    REQUIRE(!fct_gallery_similar(g, 0.85f, &list, &n, &e) && n == 1);
    CHECK(!strcmp(list[0].name[0], "P7") && !strcmp(list[0].name[1], "Twin") && list[0].face_id[0] == 7);
    CHECK(list[0].face_id[1] == face && fabsf(list[0].score - 0.9f) < 1e-4f);
    fct_gallery_similar_free(list);
    REQUIRE(!fct_gallery_similar(g, 0.99f, &list, &n, &e));
    CHECK(n == 0);
    fct_gallery_similar_free(list);
    end(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
