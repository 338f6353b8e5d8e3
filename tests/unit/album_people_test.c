/* People of an album: grouping, what a user says about them, that it stays, and
 * questions. Faces are vectors around a direction per person. */
#include "album/album_scan_store.h"
#include "base/alloc.h"
#include "facet/album_people.h"
#include "scratch.h"
#include <math.h>

enum { DIM = 64, MOST = 64 };
static fct_error e;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        fct_status status_ = (call);                                                                                   \
        if (status_) printf("%s:%d: %s\n", __FILE__, __LINE__, e.text);                                                \
        REQUIRE(!status_);                                                                                             \
    } while (0)

/* ---- An album -------------------------------------------------------------------------------- */

static float noise(uint32_t *r) {
    float sum = 0;
    for (int i = 0; i < 3; i++) {
        *r = *r * 1664525u + 1013904223u;
        sum += (float)(*r >> 8) / (1 << 24) - 0.5f;
    }
    return sum;
}

/* A picture of somebody: spread 0.5 leaves a cosine of 0.8 between two, 1 one of 0.5. */
static float *look(uint32_t who, uint32_t picture, float spread) {
    static float v[8][DIM];
    static int turn;
    float *out = v[turn++ % 8];
    uint32_t a = who * 2654435761u + 17, b = picture * 40503u * 65537u + who * 977u + 5;
    for (int i = 0; i < 9; i++) noise(&a), noise(&b);
    for (int i = 0; i < DIM; i++) out[i] = noise(&a) + spread * noise(&b);
    fct_normalize(out, DIM);
    return out;
}

static fct_new_face face_of(int place, float *v) {
    double x = 0.2 * place;
    fct_new_face f = {
        .box = {x, 0.1, x + 0.1, 0.3}, .score = 0.9f, .gender = -1, .age = -1, .embedding = v, .norm = 20};
    f.quality.score = 0.8f;
    f.crop = (uint8_t *)(uintptr_t) "jpeg";
    f.crop_size = 4;
    return f;
}

/* Photo `content` with these people (0 ends), each in a place of his own. */
static int64_t photo(fct_album *a, uint8_t content, const int *people, float spread) {
    int64_t id;
    int n = 0;
    fct_new_face faces[5];
    for (; people[n]; n++) faces[n] = face_of(n, look((uint32_t)people[n], content, spread));
    fct_new_photo p = {.hash = {content},
                       .width = 600,
                       .height = 400,
                       .orientation = 1,
                       .changed = 1000 + content,
                       .faces = faces,
                       .n_faces = n};
    OK(fct_album_begin(a, &e));
    OK(fct_album_end(a, fct_album_photo_put(a, &p, 0, &id, &e), &e));
    return id;
}

#define PHOTO(a, content, ...) photo(a, content, (const int[]){__VA_ARGS__, 0}, 0.5f)

static fct_album *open_album(const char *name) {
    fct_album *a;
    OK(fct_album_open(at(name), NULL, &a, &e));
    OK(fct_album_model_put(a, "network-1", DIM, &e));
    return a;
}

/* Anna (1) and Bert (2) on photos 1 to 5 each, both on 6; Carl (3) on 7; Dora (4) on 8 and 9. */
static fct_album *make_album(const char *test) {
    new_root(test);
    fct_album *a = open_album("album.db");
    for (uint8_t i = 1; i <= 5; i++) PHOTO(a, i, i % 2 ? 1 : 2, i % 2 ? 2 : 1);
    PHOTO(a, 6, 1, 2);
    PHOTO(a, 7, 3);
    PHOTO(a, 8, 4);
    PHOTO(a, 9, 4);
    return a;
}

static fct_group_result group(fct_album *a, bool anew) {
    fct_group_opts o;
    fct_group_result r;
    fct_group_opts_init(&o);
    o.anew = anew;
    OK(fct_album_group(a, &o, &r, &e));
    return r;
}

/* ---- What is in it ------------------------------------------------------------------------------ */

static fct_album_face faces[MOST];
static uint8_t content[MOST]; /* the photo's first byte of hash */
static int n_faces;

static fct_status see_photo(void *user, const fct_album_photo *p, fct_error *err) {
    (void)err;
    *(uint8_t *)user = p->hash[0];
    return FCT_OK;
}

static fct_status see_face(void *user, const fct_album_face *f, fct_error *err) {
    (void)user, (void)err;
    if (n_faces < MOST) faces[n_faces++] = *f;
    return FCT_OK;
}

static void look_at_faces(fct_album *a) {
    n_faces = 0;
    OK(fct_album_faces(a, NULL, see_face, NULL, &e));
    for (int i = 0; i < n_faces; i++) OK(fct_album_photos(a, faces[i].photo_id, see_photo, &content[i], &e));
}

/* The face at a place of a photo. */
static fct_album_face *face_at(fct_album *a, uint8_t photo_content, int place) {
    look_at_faces(a);
    for (int i = 0; i < n_faces; i++)
        if (content[i] == photo_content && (int)(faces[i].box[0] * 5 + 0.5f) == place) return &faces[i];
    REQUIRE(!"the face is not there");
    return NULL;
}

static int64_t owner(fct_album *a, uint8_t photo_content, int place) {
    return face_at(a, photo_content, place)->person_id;
}

static int64_t id_at(fct_album *a, uint8_t photo_content, int place) { return face_at(a, photo_content, place)->id; }

static int count_of(fct_album *a, int64_t person) {
    int n = 0;
    look_at_faces(a);
    for (int i = 0; i < n_faces; i++) n += faces[i].person_id == person;
    return n;
}

static char shown_name[256];
static bool shown_ignored;
static fct_status see_name(void *user, const fct_album_person *p, fct_error *err) {
    (void)user, (void)err;
    snprintf(shown_name, sizeof shown_name, "%s", p->name ? p->name : "-");
    shown_ignored = p->ignored;
    return FCT_OK;
}
static const char *name_of(fct_album *a, int64_t person) {
    OK(fct_album_people(a, person, see_name, NULL, &e));
    return shown_name;
}

/* ---- Grouping -------------------------------------------------------------------------------------- */

TEST(people_form_and_stay) {
    fct_album *a = make_album("people_form");
    fct_group_result r = group(a, false);
    CHECK(r.faces == 15 && r.new_people == 3 && r.grouped == 14 && r.loose == 1 && r.joined == 0);
    int64_t anna = owner(a, 1, 0), bert = owner(a, 1, 1);
    CHECK(anna && bert && anna != bert && owner(a, 2, 1) == anna && owner(a, 6, 0) == anna && owner(a, 6, 1) == bert);
    CHECK(owner(a, 7, 0) == 0 && owner(a, 8, 0) == owner(a, 9, 0));
    PHOTO(a, 10, 1, 3);
    r = group(a, false);
    CHECK(r.joined == 1 && r.grouped == 2 && r.new_people == 1); /* Carl is on two photos now */
    CHECK(owner(a, 10, 1) && owner(a, 10, 1) == owner(a, 7, 0));
    CHECK(owner(a, 10, 0) == anna && owner(a, 1, 0) == anna && owner(a, 1, 1) == bert);
    r = group(a, true);
    CHECK(r.new_people == 4 && count_of(a, owner(a, 1, 0)) == 7);
    fct_album_free(a);
}

TEST(nothing_scanned) {
    new_root("people_nothing");
    fct_album *a;
    OK(fct_album_open(at("album.db"), NULL, &a, &e));
    CHECK(fct_album_group(a, NULL, NULL, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "nothing was scanned"));
    fct_album_free(a);
}

/* ---- Decisions, and that they stay ----------------------------------------------------------------- */

/* What must hold after everything that recomputes. */
typedef void holds_fn(fct_album *a);

/* Grouping, grouping anew, all photos read anew under other numbers, and another network. */
static void outlives(fct_album *a, holds_fn *holds) {
    holds(a);
    group(a, false);
    holds(a);
    group(a, true);
    holds(a);
    OK(fct_album_begin(a, &e));
    OK(fct_album_end(a, fct_db_run(fct_album_db(a), &e, "DELETE FROM photo", ""), &e));
    for (uint8_t i = 1; i <= 5; i++) PHOTO(a, i, i % 2 ? 1 : 2, i % 2 ? 2 : 1);
    PHOTO(a, 6, 1, 2);
    PHOTO(a, 7, 3);
    PHOTO(a, 8, 4);
    PHOTO(a, 9, 4);
    group(a, false);
    holds(a);
    OK(fct_album_model_put(a, "network-2", DIM, &e));
    look_at_faces(a);
    OK(fct_album_begin(a, &e));
    for (int i = 0; i < n_faces; i++) {
        int place = (int)(faces[i].box[0] * 5 + 0.5f), c = content[i];
        uint32_t who = c <= 5 ? (uint32_t)((c % 2) ^ place ? 1 : 2) : c == 6 ? (uint32_t)place + 1 : c == 7 ? 3 : 4;
        OK(fct_album_embedding_put(a, faces[i].id, look(who + 100, (uint32_t)c, 0.5f), 20, &e));
    }
    OK(fct_album_end(a, FCT_OK, &e));
    group(a, true);
    holds(a);
}

static void named_holds(fct_album *a) {
    CHECK(!strcmp(name_of(a, owner(a, 1, 0)), "Anna"));
    CHECK(count_of(a, owner(a, 1, 0)) == 6);
    CHECK(owner(a, 1, 0) != owner(a, 1, 1));
}

TEST(a_name_stays) {
    fct_album *a = make_album("people_name");
    group(a, false);
    int64_t id;
    OK(fct_album_name(a, owner(a, 1, 0), "  Anna ", &id, &e));
    CHECK(id == owner(a, 1, 0));
    outlives(a, named_holds);
    CHECK(owner(a, 1, 0) == id);
    CHECK(fct_album_name(a, 9999, "Eve", NULL, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_album_name(a, id, " ", NULL, &e) == FCT_ERR_ARG && strstr(e.text, "blank"));
    CHECK(fct_album_name(a, id, "a\nb", NULL, &e) == FCT_ERR_ARG && strstr(e.text, "control"));
    fct_album_free(a);
}

static void merged_holds(fct_album *a) { CHECK(owner(a, 8, 0) && owner(a, 8, 0) == owner(a, 1, 0)); }

TEST(a_merge_stays_and_is_undone) {
    fct_album *a = make_album("people_merge");
    char what[300];
    group(a, false);
    int64_t anna = owner(a, 1, 0), dora = owner(a, 8, 0);
    OK(fct_album_name(a, anna, "Anna", NULL, &e));
    OK(fct_album_merge(a, dora, &anna, 1, &e));
    CHECK(owner(a, 1, 0) == dora && !strcmp(name_of(a, dora), "Anna"));
    OK(fct_album_undo(a, what, sizeof what, &e));
    CHECK_MSG(strstr(what, "merge"), "%s", what);
    CHECK(owner(a, 1, 0) == anna && owner(a, 8, 0) == dora && !strcmp(name_of(a, anna), "Anna"));
    OK(fct_album_name(a, dora, "Anna", &dora, &e)); /* a name that somebody has */
    CHECK(dora == anna);
    outlives(a, merged_holds);
    fct_album_free(a);
}

static void split_holds(fct_album *a) {
    int64_t anna = owner(a, 1, 0), off = owner(a, 2, 1);
    CHECK(off && anna && off != anna && owner(a, 4, 1) == off);
    CHECK(owner(a, 3, 0) == anna);
}

TEST(a_split_stays) {
    fct_album *a = make_album("people_split");
    group(a, false);
    int64_t anna = owner(a, 1, 0), two[] = {id_at(a, 2, 1), id_at(a, 4, 1)}, fresh;
    OK(fct_album_name(a, anna, "Anna", NULL, &e));
    OK(fct_album_split(a, anna, two, 2, &fresh, &e));
    CHECK(owner(a, 2, 1) == fresh);
    outlives(a, split_holds);
    CHECK(fct_album_split(a, anna, (int64_t[]){id_at(a, 7, 0)}, 1, NULL, &e) == FCT_ERR_NOT_FOUND);
    fct_album_free(a);
}

static void rejected_holds(fct_album *a) {
    CHECK(owner(a, 6, 0) != owner(a, 1, 0));
    CHECK(owner(a, 1, 0) == owner(a, 3, 0));
}

TEST(not_this_person_stays_and_can_be_taken_back) {
    fct_album *a = make_album("people_reject");
    group(a, false);
    int64_t anna = owner(a, 1, 0), face = id_at(a, 6, 0);
    OK(fct_album_name(a, anna, "Anna", NULL, &e));
    OK(fct_album_reject(a, anna, &face, 1, &e));
    CHECK(owner(a, 6, 0) == 0);
    outlives(a, rejected_holds);
    face = id_at(a, 6, 0);
    OK(fct_album_confirm(a, anna, &face, 1, &e)); /* the last word counts */
    group(a, true);
    CHECK(owner(a, 6, 0) == anna);
    fct_album_free(a);
}

static void differ_holds(fct_album *a) { CHECK(owner(a, 8, 0) == 0 || owner(a, 8, 0) != owner(a, 9, 0)); }

TEST(two_who_differ_stay_two) {
    fct_album *a = make_album("people_differ");
    group(a, false);
    int64_t dora = owner(a, 8, 0), fresh;
    OK(fct_album_differ(a, id_at(a, 8, 0), id_at(a, 9, 0), &fresh, &e));
    CHECK(owner(a, 8, 0) == dora && owner(a, 9, 0) == fresh && fresh != dora);
    outlives(a, differ_holds);
    fct_album_free(a);
}

TEST(differing_divides_by_likeness) {
    new_root("people_divide");
    fct_album *a = open_album("album.db");
    for (uint8_t i = 1; i <= 6; i++) PHOTO(a, i, i % 2 ? 1 : 2);
    look_at_faces(a);
    int64_t all[6], id;
    OK(fct_album_begin(a, &e));
    OK(fct_album_person_add(a, "Both", &id, &e));
    OK(fct_album_end(a, FCT_OK, &e));
    for (int i = 0; i < 6; i++) all[i] = faces[i].id;
    OK(fct_album_confirm(a, id, all, 6, &e));
    int64_t fresh;
    OK(fct_album_differ(a, id_at(a, 1, 0), id_at(a, 2, 0), &fresh, &e));
    for (uint8_t i = 1; i <= 6; i++) CHECK(owner(a, i, 0) == (i % 2 ? id : fresh));
    fct_album_free(a);
}

static void ignored_holds(fct_album *a) { CHECK(owner(a, 6, 0) == 0); }

TEST(an_ignored_face_stays_out) {
    fct_album *a = make_album("people_ignore");
    group(a, false);
    OK(fct_album_ignore_face(a, id_at(a, 6, 0), &e));
    outlives(a, ignored_holds);
    fct_album_free(a);
}

static void person_ignored_holds(fct_album *a) {
    int64_t who = owner(a, 1, 0);
    REQUIRE(who);
    CHECK(!strcmp(name_of(a, who), "-") && shown_ignored && count_of(a, who) == 6);
    CHECK(!strcmp(name_of(a, owner(a, 1, 1)), "-") && !shown_ignored);
}

TEST(an_ignored_person_stays_so) {
    fct_album *a = make_album("people_passer_by");
    char what[100];
    group(a, false);
    OK(fct_album_ignore(a, owner(a, 1, 0), true, &e));
    outlives(a, person_ignored_holds);
    OK(fct_album_undo(a, what, sizeof what, &e));
    CHECK(!strncmp(what, "ignore person", 13) && !strcmp(name_of(a, owner(a, 1, 0)), "-") && !shown_ignored);
    fct_album_free(a);
}

/* ---- Questions --------------------------------------------------------------------------------------- */

/* Four photos, from number `first` on, of somebody whose faces lie `like` of the way to person who. */
static void add_nearly_alike(fct_album *a, uint32_t who, uint32_t other, float like, uint8_t first, float quality) {
    for (uint8_t i = first; i < first + 4; i++) {
        float v[DIM], *x = look(who, 200, 1.3f), *y = look(other, i, 0.3f);
        for (int k = 0; k < DIM; k++) v[k] = like * x[k] + 0.9f * y[k];
        fct_normalize(v, DIM);
        fct_new_face f = face_of(0, v);
        f.quality.score = quality;
        int64_t id;
        fct_new_photo p = {.hash = {i}, .width = 600, .height = 400, .orientation = 1, .faces = &f, .n_faces = 1};
        OK(fct_album_begin(a, &e));
        OK(fct_album_end(a, fct_album_photo_put(a, &p, 0, &id, &e), &e));
    }
}

/* Eve: two tight groups that are nearly alike enough. */
static fct_album *make_questions(const char *test) {
    new_root(test);
    fct_album *a = open_album("album.db");
    for (uint8_t i = 1; i <= 4; i++) PHOTO(a, i, 1);
    add_nearly_alike(a, 1, 9, 0.42f, 11, 0.8f);
    fct_group_result r = group(a, false);
    REQUIRE(r.new_people == 2);
    return a;
}

TEST(what_nobody_can_see_is_asked_last) {
    new_root("people_poor");
    fct_album *a = open_album("album.db");
    fct_question *q;
    size_t n;
    for (uint8_t i = 1; i <= 4; i++) PHOTO(a, i, 1);
    for (uint8_t i = 21; i <= 24; i++) PHOTO(a, i, 3);
    add_nearly_alike(a, 1, 9, 0.42f, 11, 0.8f);
    add_nearly_alike(a, 3, 13, 0.7f, 31, 0.1f);
    group(a, false);
    OK(fct_album_questions(a, &q, &n, &e));
    REQUIRE(n == 2);
    CHECK(q[0].person_id == owner(a, 1, 0) || q[0].other_id == owner(a, 1, 0));
    CHECK_MSG(q[0].likelihood < q[1].likelihood, "%g and %g", (double)q[0].likelihood, (double)q[1].likelihood);
    fct_questions_free(q);
    fct_album_free(a);
}

TEST(questions_are_asked_once) {
    fct_album *a = make_questions("people_questions");
    fct_question *q;
    size_t n;
    int64_t x = owner(a, 1, 0), y = owner(a, 11, 0);
    OK(fct_album_questions(a, &q, &n, &e));
    REQUIRE(n == 1);
    CHECK((q[0].person_id == x && q[0].other_id == y) || (q[0].person_id == y && q[0].other_id == x));
    CHECK(q[0].likelihood > 0 && q[0].likelihood < 1 && q[0].face_id && q[0].other_face);
    OK(fct_album_answer(a, &q[0], false, &e));
    fct_questions_free(q);
    OK(fct_album_questions(a, &q, &n, &e));
    CHECK(n == 0);
    fct_questions_free(q);
    OK(fct_album_undo(a, NULL, 0, &e));
    OK(fct_album_questions(a, &q, &n, &e));
    REQUIRE(n == 1);
    OK(fct_album_answer(a, &q[0], true, &e));
    CHECK(owner(a, 1, 0) == owner(a, 11, 0) && count_of(a, owner(a, 1, 0)) == 8);
    CHECK(fct_album_answer(a, &q[0], true, &e) == FCT_ERR_NOT_FOUND);
    fct_questions_free(q);
    fct_album_free(a);
}

/* ---- The gallery ---------------------------------------------------------------------------------------- */

TEST(names_go_to_the_gallery_and_come_from_it) {
    fct_album *a = make_album("people_gallery");
    fct_gallery *g;
    fct_group_opts o;
    fct_group_result r;
    fct_person p;
    int added;
    group(a, false);
    OK(fct_gallery_open(at("gallery.db"), NULL, &g, &e));
    CHECK(fct_album_enroll(a, owner(a, 1, 0), g, 3, &added, &e) == FCT_ERR_ARG);
    OK(fct_album_name(a, owner(a, 1, 0), "Anna", NULL, &e));
    OK(fct_album_enroll(a, owner(a, 1, 0), g, 3, &added, &e));
    CHECK(added == 3);
    OK(fct_gallery_find(g, "Anna", &p, &e));
    CHECK(p.faces == 3);
    fct_album_free(a);
    a = open_album("other.db");
    for (uint8_t i = 21; i <= 23; i++) PHOTO(a, i, 1, 2);
    PHOTO(a, 24, 4);
    fct_group_opts_init(&o);
    o.gallery = g;
    OK(fct_album_group(a, &o, &r, &e));
    CHECK(r.recognized == 1 && !strcmp(name_of(a, owner(a, 21, 0)), "Anna"));
    CHECK(!strcmp(name_of(a, owner(a, 21, 1)), "-") && owner(a, 24, 0) == 0);
    PHOTO(a, 25, 1);
    OK(fct_album_group(a, &o, &r, &e));
    CHECK(owner(a, 25, 0) == owner(a, 21, 0));
    fct_album_free(a);
    fct_gallery_free(g);
}

/* ---- Memory ------------------------------------------------------------------------------------------------ */

/* All of it; the album is as before where a call fails. */
static fct_status everything(fct_album *a) {
    fct_question *q;
    size_t n;
    int64_t id = 0, fresh = 0, face = 1;
    fct_status s = fct_album_group(a, NULL, NULL, &e);
    if (!s) s = fct_album_name(a, 1, "Anna", &id, &e);
    if (!s) s = fct_album_reject(a, id, &face, 1, &e);
    if (!s) s = fct_album_confirm(a, id, &face, 1, &e);
    if (!s) s = fct_album_differ(a, 1, 3, &fresh, &e);
    if (!s) s = fct_album_questions(a, &q, &n, &e);
    if (!s) fct_questions_free(q);
    for (int i = 0; i < 4 && !s; i++) s = fct_album_undo(a, NULL, 0, &e);
    return s;
}

TEST(out_of_memory) {
    fct_album *a = make_album("people_oom");
    group(a, false);
    OK(everything(a));
    long live = fct_alloc_live();
    for (long n = 1; n < 100000; n++) {
        fct_alloc_fail_at(n);
        fct_status s = everything(a);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == (reached ? FCT_ERR_NOMEM : FCT_OK), "allocation %ld: %d %s", n, s, e.text);
        CHECK_MSG(fct_alloc_live() == live, "allocation %ld: %ld blocks leak", n, fct_alloc_live() - live);
        REQUIRE(fct_alloc_live() == live);
        while (s && !fct_album_undo(a, NULL, 0, NULL)) continue;
        if (!reached) break;
    }
    fct_album_free(a);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
