/* The album's file: what it refuses to open, how contents, faces, decisions and undo behave. */
#include "test.h"
#include "album/album_scan_store.h"
#include "base/alloc.h"
#include "facet/gallery.h"
#include "scratch.h"
#include <math.h>
#include <sqlite3.h>

enum { DIM = 512 };
static fct_error e;

static fct_album *open_album(const char *path) {
    fct_album *a = NULL;
    if (fct_album_open(path, NULL, &a, &e)) printf("%s\n", e.text);
    REQUIRE(a);
    return a;
}

/* A vector of unit length that depends on seed alone. */
static float *vector(uint32_t seed) {
    static float v[4][DIM];
    static int turn;
    float *out = v[turn++ % 4];
    uint32_t r = seed * 2654435761u + 1;
    for (int i = 0; i < DIM; i++) {
        r = r * 1664525u + 1013904223u;
        out[i] = (float)((double)r / 4294967296.0 - 0.5);
    }
    fct_normalize(out, DIM);
    return out;
}

static fct_new_face face_at(double x, double y, uint32_t seed) {
    fct_new_face f = {.box = {x, y, x + 0.1, y + 0.1}, .score = 0.75f, .gender = -1, .age = 30, .norm = 20};
    for (int i = 0; i < 5; i++) {
        f.kps[i][0] = (float)x + 0.01f * (float)i;
        f.kps[i][1] = (float)y + 0.02f * (float)i;
    }
    f.quality.score = 0.5f;
    f.quality.eyes = 40;
    f.quality.landmark_grade = 0.25f;
    f.embedding = vector(seed);
    f.crop = (uint8_t *)(uintptr_t) "jpeg";
    f.crop_size = 4;
    return f;
}

static int64_t put(fct_album *a, uint8_t content, fct_new_face *faces, int n, int64_t old) {
    int64_t id = 0;
    fct_new_photo p = {.hash = {content}, .width = 600, .height = 400, .orientation = 1, .faces = faces, .n_faces = n};
    p.changed = 1000 + content;
    REQUIRE(!fct_album_begin(a, &e));
    fct_status s = fct_album_end(a, fct_album_photo_put(a, &p, old, &id, &e), &e);
    CHECK_MSG(!s, "%s", e.text);
    return id;
}

static fct_album_face seen[16];
static float seen_embedding[16][DIM];
static int n_seen;

static fct_status see(void *user, const fct_album_face *f, fct_error *err) {
    (void)user, (void)err;
    if (n_seen == 16) return FCT_ERR_LIMIT;
    if (f->embedding) memcpy(seen_embedding[n_seen], f->embedding, sizeof seen_embedding[0]);
    seen[n_seen++] = *f;
    return FCT_OK;
}

static int faces_of(fct_album *a, int64_t photo) {
    fct_album_face_query q;
    fct_album_face_query_init(&q);
    q.photo_id = photo;
    q.embeddings = true;
    n_seen = 0;
    if (fct_album_faces(a, &q, see, NULL, &e)) CHECK_MSG(0, "%s", e.text);
    return n_seen;
}

static void set_model(fct_album *a) { REQUIRE(!fct_album_model_put(a, "network-1", DIM, &e)); }

/* ---- Opening ----------------------------------------------------------------------------- */

static void refused(const char *path, fct_status s, const char *text) {
    fct_album *a;
    fct_album_opts o;
    fct_album_opts_init(&o);
    o.must_exist = true;
    CHECK(fct_album_open(path, &o, &a, &e) == s && !a);
    CHECK_MSG(strstr(e.text, text), "'%s' is not in '%s'", text, e.text);
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
    char *why = NULL;
    sqlite3_exec(db, sql, NULL, NULL, &why);
    CHECK_MSG(!why, "%s", why);
    sqlite3_close(db);
}

TEST(opens_albums_alone) {
    new_root("album_open");
    refused(at("none.db"), FCT_ERR_NOT_FOUND, "no such album");
    fct_gallery *g;
    REQUIRE(!fct_gallery_open(at("gallery.db"), NULL, &g, &e));
    fct_gallery_free(g);
    refused(at("gallery.db"), FCT_ERR_FORMAT, "not a facet album: a database of another application");
    FILE *f = fopen(at("text.db"), "w");
    REQUIRE(f);
    for (int i = 0; i < 200; i++) fputs("this is no database\n", f);
    fclose(f);
    refused(at("text.db"), FCT_ERR_FORMAT, "not an album");
    fct_album_free(open_album(at("newer.db")));
    run_sql(at("newer.db"), "PRAGMA user_version = 99");
    refused(at("newer.db"), FCT_ERR_UNSUPPORTED, "made by a newer version of facet (schema 99");
    fct_album_free(open_album(at("view.db")));
    run_sql(at("view.db"), "CREATE TRIGGER t AFTER INSERT ON photo BEGIN DELETE FROM person; END");
    refused(at("view.db"), FCT_ERR_FORMAT, "its tables are not those of an album of schema 1");
    refused(root, FCT_ERR_IO, "is a directory");
}

TEST(reads_without_writing) {
    new_root("album_read");
    fct_album_opts o;
    fct_album *a = open_album(at("a.db")), *r;
    set_model(a);
    fct_new_face f = face_at(0.1, 0.1, 1);
    put(a, 1, &f, 1, 0);
    fct_album_opts_init(&o);
    o.read_only = true;
    REQUIRE(!fct_album_open(at("a.db"), &o, &r, &e));
    fct_album_info i;
    CHECK(!fct_album_stat(r, &i, &e) && i.photos == 1 && i.faces == 1 && i.dim == DIM && i.to_embed == 0);
    CHECK(!strcmp(i.network, "network-1") && !fct_album_check(r, &e));
    int64_t id;
    CHECK(fct_album_person_add(r, "Anna", &id, &e) == FCT_ERR_IO);
    fct_album_free(r);
    fct_album_free(a);
}

/* ---- Contents ------------------------------------------------------------------------------ */

TEST(keeps_what_it_is_given) {
    new_root("album_faces");
    fct_album *a = open_album(at("a.db"));
    set_model(a);
    fct_new_face f = face_at(0.1, 0.2, 7);
    f.has_pose = true;
    f.pose[1] = -12;
    int64_t id = put(a, 1, &f, 1, 0);
    REQUIRE(faces_of(a, id) == 1);
    CHECK(seen[0].box[0] == 0.1f && seen[0].box[3] == 0.3f && seen[0].score == 0.75f && seen[0].norm == 20);
    CHECK(seen[0].kps[4][1] == f.kps[4][1] && seen[0].quality.eyes == 40 && seen[0].quality.score == 0.5f);
    CHECK(seen[0].quality.landmark_grade == 0.25f && seen[0].quality.side == 0);
    CHECK(seen[0].has_pose && seen[0].pose[1] == -12 && seen[0].gender == -1 && seen[0].age == 30);
    CHECK(fabsf(fct_cosine(seen_embedding[0], f.embedding, DIM) - 1) < 1e-6f);
    void *jpeg;
    size_t n;
    CHECK(!fct_album_crop(a, seen[0].id, &jpeg, &n, &e) && n == 4 && !memcmp(jpeg, "jpeg", 4));
    fct_buffer_free(jpeg);
    CHECK(fct_album_crop(a, 999, &jpeg, &n, &e) == FCT_ERR_NOT_FOUND);
    fct_album_free(a);
}

/* Half precision against the vectors themselves: 3000 pairs of all likenesses. */
TEST(half_precision_hardly_changes_a_score) {
    uint8_t stored[2 * DIM];
    float a[DIM], b[DIM];
    double worst = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        const float *x = vector(2 * i), *y = vector(2 * i + 1);
        float mix[DIM], t = (float)(i % 100) / 100;
        for (int k = 0; k < DIM; k++) mix[k] = t * x[k] + (1 - t) * y[k];
        fct_normalize(mix, DIM);
        fct_album_half_encode(x, DIM, stored);
        REQUIRE(fct_album_half_decode(stored, sizeof stored, a, DIM));
        fct_album_half_encode(mix, DIM, stored);
        REQUIRE(fct_album_half_decode(stored, sizeof stored, b, DIM));
        double off = fabs((double)fct_cosine(a, b, DIM) - (double)fct_cosine(x, mix, DIM));
        if (off > worst) worst = off;
    }
    CHECK_MSG(worst < 1e-4, "off by %g", worst);
    CHECK(!fct_album_half_decode(stored, sizeof stored - 2, a, DIM));
    stored[1] = 0x7c; /* infinity */
    stored[0] = 0;
    CHECK(!fct_album_half_decode(stored, sizeof stored, a, DIM));
}

TEST(a_face_that_was_there_keeps_its_number) {
    new_root("album_again");
    fct_album *a = open_album(at("a.db"));
    set_model(a);
    fct_new_face two[2] = {face_at(0.1, 0.1, 1), face_at(0.5, 0.5, 2)};
    int64_t id = put(a, 1, two, 2, 0);
    REQUIRE(faces_of(a, id) == 2);
    int64_t first = seen[0].id, second = seen[1].id;
    fct_new_face again[3] = {face_at(0.51, 0.49, 3), face_at(0.8, 0.1, 4), face_at(0.11, 0.1, 5)};
    CHECK(put(a, 1, again, 3, 0) == id);
    REQUIRE(faces_of(a, id) == 3);
    CHECK(seen[0].id == first && seen[0].box[0] == 0.11f && seen[1].id == second && seen[1].box[0] == 0.51f);
    CHECK(seen[2].id > second);
    CHECK(put(a, 1, again + 1, 1, 0) == id && faces_of(a, id) == 1);
    fct_album_free(a);
}

TEST(decisions_follow_a_picture_that_was_saved_anew) {
    new_root("album_edit");
    fct_album *a = open_album(at("a.db"));
    set_model(a);
    fct_new_face f = face_at(0.1, 0.1, 1);
    int64_t id = put(a, 1, &f, 1, 0), who, face;
    REQUIRE(faces_of(a, id) == 1);
    face = seen[0].id;
    fct_decision d = {.kind = FCT_DECISION_IS, .source = FCT_SOURCE_USER};
    REQUIRE(!fct_album_person_add(a, "Anna", &who, &e) && !fct_album_anchor_of_face(a, face, &d.a, &e));
    d.person_id = who;
    REQUIRE(!fct_album_decide(a, &d, &e) && d.face_a == face);
    CHECK(put(a, 2, &f, 1, id) == id); /* same picture, other bytes */
    CHECK(faces_of(a, id) == 1 && seen[0].id == face);
    CHECK(!fct_album_anchor_face(a, d.a, &face, &e) && face == seen[0].id);
    int64_t same = d.id;
    CHECK(!fct_album_decide(a, &d, &e) && d.id == same); /* not twice */
    fct_album_free(a);
}

/* ---- Places --------------------------------------------------------------------------------- */

static int n_roots;
static fct_status count_root(void *user, const fct_album_root *r, fct_error *err) {
    (void)err;
    n_roots++;
    snprintf(user, 100, "%s %d", r->path, (int)r->files);
    return FCT_OK;
}

static fct_status keep_path(void *user, const fct_album_photo *p, fct_error *err) {
    (void)err;
    CHECK(p->places == 3);
    snprintf(user, 100, "%s", p->path);
    return FCT_OK;
}

/* Threads store copies in any order; the one that stands for the photo is always the same. */
TEST(the_first_copy_by_path_stands_for_a_photo) {
    new_root("album_copies");
    fct_album *a = open_album(at("a.db"));
    int64_t top, folder[2], photo = put(a, 7, NULL, 0, 0);
    char path[100];
    REQUIRE(!fct_album_root_add(a, "/p", &top, &e));
    REQUIRE(!fct_album_folder_put(a, top, "b", false, &folder[0], &e));
    REQUIRE(!fct_album_folder_put(a, top, "a", false, &folder[1], &e));
    static const struct {
        int folder;
        const char *name;
    } copies[] = {{0, "1.jpg"}, {1, "3.jpg"}, {1, "2.jpg"}};
    for (int i = 0; i < 3; i++) {
        fct_placed_file f = {.name = copies[i].name, .size = 5, .photo_id = photo};
        REQUIRE(!fct_album_file_put(a, folder[copies[i].folder], &f, NULL, &e));
    }
    CHECK(!fct_album_photos(a, photo, keep_path, path, &e));
    CHECK_MSG(!strcmp(path, "/p/a/2.jpg"), "%s", path);
    fct_album_free(a);
}

TEST(a_folder_takes_in_those_below_it) {
    new_root("album_roots");
    fct_album *a = open_album(at("a.db"));
    int64_t inner, outer, folder, other;
    const char *below;
    char text[100];
    fct_placed_file f = {.name = "x.jpg", .size = 5};
    REQUIRE(!fct_album_root_add(a, "/p/trip", &inner, &e));
    REQUIRE(!fct_album_folder_put(a, inner, "", false, &folder, &e) && !fct_album_file_put(a, folder, &f, "bad", &e));
    REQUIRE(!fct_album_folder_put(a, inner, "day 1", false, &other, &e));
    CHECK(!fct_album_file_put(a, other, &f, "bad", &e));
    CHECK(!fct_album_root_of(a, "/p/trip/day 1", &outer, &below, &e) && outer == inner && !strcmp(below, "day 1"));
    CHECK(!fct_album_root_of(a, "/p/tripod", &outer, &below, &e) && !outer);
    CHECK(!fct_album_root_of(a, "/p", &outer, &below, &e) && !outer);
    REQUIRE(!fct_album_root_add(a, "/p", &outer, &e));
    n_roots = 0;
    CHECK(!fct_album_roots(a, count_root, text, &e) && n_roots == 1 && !strcmp(text, "/p 2"));
    bool any;
    CHECK(!fct_album_has_files(a, outer, "trip/day 1", &any, &e) && any);
    CHECK(!fct_album_has_files(a, outer, "trip/day", &any, &e) && !any);
    CHECK(fct_album_forget(a, "/p/trip", &e) == FCT_ERR_NOT_FOUND);
    CHECK(!fct_album_forget(a, "/p", &e));
    fct_album_free(a);
}

/* ---- Undo -------------------------------------------------------------------------------------- */

typedef struct people_seen {
    char text[300];
} people_seen;

static fct_status tell_person(void *user, const fct_album_person *p, fct_error *err) {
    people_seen *t = user;
    size_t n = strlen(t->text);
    (void)err;
    snprintf(t->text + n, sizeof t->text - n, "%s%s:%d%s ", p->name ? p->name : "?", p->ignored ? "(ignored)" : "",
             (int)p->faces, p->first == 1001 ? "" : "!");
    return FCT_OK;
}

static const char *people(fct_album *a) {
    static people_seen t;
    t.text[0] = 0;
    if (fct_album_people(a, 0, tell_person, &t, &e)) CHECK_MSG(0, "%s", e.text);
    return t.text;
}

TEST(undo_takes_back_one_operation_after_the_other) {
    new_root("album_undo");
    fct_album *a = open_album(at("a.db"));
    set_model(a);
    fct_new_face two[2] = {face_at(0.1, 0.1, 1), face_at(0.5, 0.5, 2)};
    int64_t id = put(a, 1, two, 2, 0), anna, berta;
    char what[60];
    REQUIRE(faces_of(a, id) == 2);
    int64_t f1 = seen[0].id, f2 = seen[1].id;
    CHECK(!fct_album_person_add(a, NULL, &anna, &e) && !fct_album_member_put(a, f1, anna, FCT_MEMBER_AUTOMATIC, 1, &e));
    CHECK(!strcmp(people(a), "?:1 "));

    REQUIRE(!fct_album_begin(a, &e) && !fct_album_operation_begin(a, "name Anna", &e));
    fct_decision d = {.kind = FCT_DECISION_IS, .source = FCT_SOURCE_USER, .person_id = anna};
    CHECK(!fct_album_person_rename(a, anna, "Anna", &e) && !fct_album_anchor_of_face(a, f1, &d.a, &e));
    CHECK(!fct_album_decide(a, &d, &e));
    fct_album_operation_end(a);
    CHECK(!fct_album_end(a, FCT_OK, &e) && !strcmp(people(a), "Anna:1 "));

    REQUIRE(!fct_album_begin(a, &e) && !fct_album_operation_begin(a, "new Berta, swap names", &e));
    CHECK(!fct_album_person_add(a, "Berta", &berta, &e) &&
          !fct_album_member_put(a, f2, berta, FCT_MEMBER_NAMED, 1, &e));
    CHECK(fct_album_person_rename(a, anna, "Berta", &e) == FCT_ERR_EXISTS);
    CHECK(!fct_album_person_rename(a, anna, "X", &e) && !fct_album_person_rename(a, berta, "Anna", &e));
    CHECK(!fct_album_person_ignore(a, anna, true, &e));
    fct_album_operation_end(a);
    CHECK(!fct_album_end(a, FCT_OK, &e) && !strcmp(people(a), "Anna:1 X(ignored):1 "));

    REQUIRE(!fct_album_begin(a, &e) && !fct_album_operation_begin(a, "merge", &e));
    CHECK(!fct_album_members_move(a, anna, berta, &e) && !fct_album_person_remove(a, anna, &e));
    fct_album_operation_end(a);
    CHECK(!fct_album_end(a, FCT_OK, &e) && !strcmp(people(a), "Anna:2 "));

    CHECK(!fct_album_undo(a, what, sizeof what, &e) && !strcmp(what, "merge"));
    CHECK(!strcmp(people(a), "Anna:1 X(ignored):1 "));
    int64_t n;
    CHECK(!fct_album_person_find(a, "X", &n, &e) && n == anna);
    CHECK(!fct_album_undo(a, what, sizeof what, &e) && !strcmp(people(a), "Anna:1 "));
    CHECK(!fct_album_undo(a, what, sizeof what, &e) && !strcmp(what, "name Anna") && !strcmp(people(a), "?:1 "));
    CHECK(fct_album_undo(a, what, sizeof what, &e) == FCT_ERR_NOT_FOUND && !fct_album_check(a, &e));
    fct_album_free(a);
}

/* ---- Damage ------------------------------------------------------------------------------------ */

static fct_status any_photo(void *user, const fct_album_photo *p, fct_error *err) {
    (void)user, (void)err;
    CHECK(p->orientation >= 1 && p->orientation <= 8 && p->width >= 0 && (!p->path || *p->path));
    return FCT_OK;
}

static fct_status any_file(void *user, const fct_album_file *f, fct_error *err) {
    (void)user, (void)err;
    CHECK(f->path != NULL);
    return FCT_OK;
}

static fct_status any_group(void *user, const fct_duplicate_group *g, fct_error *err) {
    (void)user, (void)err;
    CHECK(g->n > 1);
    return FCT_OK;
}

static fct_status any_decision(void *user, const fct_decision *d, fct_error *err) {
    (void)user, (void)d, (void)err;
    return FCT_OK;
}

/* Reads all that can be listed: whatever the file holds, an error at worst. */
static void read_damaged(fct_album *a) {
    fct_album_face_query q;
    fct_album_info info;
    people_seen t = {""};
    char what[40];
    fct_album_face_query_init(&q);
    q.embeddings = true;
    n_seen = 0;
    (void)fct_album_stat(a, &info, &e);
    (void)fct_album_photos(a, 0, any_photo, NULL, &e);
    (void)fct_album_files(a, NULL, any_file, NULL, &e);
    (void)fct_album_faces(a, &q, see, NULL, &e);
    (void)fct_album_duplicates(a, any_group, NULL, &e);
    (void)fct_album_decisions(a, any_decision, NULL, &e);
    (void)fct_album_people(a, 0, tell_person, &t, &e);
    (void)fct_album_undo(a, what, sizeof what, &e);
    (void)fct_album_tidy(a, &e);
    (void)fct_album_check(a, &e);
}

TEST(a_damaged_file_is_an_error_at_worst) {
    new_root("album_damaged");
    fct_album *a = open_album(at("a.db"));
    set_model(a);
    int64_t root_id, folder, who, face = 0;
    REQUIRE(!fct_album_root_add(a, "/photos", &root_id, &e));
    REQUIRE(!fct_album_folder_put(a, root_id, "", false, &folder, &e));
    for (int i = 0; i < 6; i++) {
        fct_new_face f = face_at(0.1 * i, 0.2, (uint32_t)i);
        char name[20];
        snprintf(name, sizeof name, "%d.jpg", i);
        fct_placed_file file = {.name = name, .size = 5, .photo_id = put(a, (uint8_t)(i + 1), &f, 1, 0)};
        CHECK(!fct_album_file_put(a, folder, &file, NULL, &e));
        if (faces_of(a, file.photo_id)) face = seen[0].id;
    }
    fct_decision d = {.kind = FCT_DECISION_IS, .source = FCT_SOURCE_USER};
    REQUIRE(!fct_album_begin(a, &e) && !fct_album_operation_begin(a, "x", &e));
    CHECK(!fct_album_person_add(a, "Anna", &who, &e) && !fct_album_anchor_of_face(a, face, &d.a, &e));
    d.person_id = who;
    CHECK(!fct_album_decide(a, &d, &e) && !fct_album_member_put(a, face, who, FCT_MEMBER_NAMED, 1, &e));
    fct_album_operation_end(a);
    REQUIRE(!fct_album_end(a, FCT_OK, &e));
    fct_album_free(a);
    uint8_t *data;
    size_t size;
    uint32_t r = 5;
    REQUIRE(!fct_file_read(at("a.db"), 1 << 24, &data, &size, &e));
    int opened = 0;
    for (int trial = 0; trial < 200; trial++) {
        uint8_t *bad = fct_alloc(size);
        REQUIRE(bad);
        memcpy(bad, data, size);
        for (int k = 0; k < 1 + trial % 12; k++) {
            r = r * 1664525u + 1013904223u;
            size_t where = 100 + r % (size - 100);
            r = r * 1664525u + 1013904223u;
            bad[where] = (uint8_t)(r >> 24);
        }
        FILE *f = fopen(at("bad.db"), "wb");
        REQUIRE(f && fwrite(bad, 1, size, f) == size);
        fclose(f);
        fct_free(bad);
        if (!fct_album_open(at("bad.db"), NULL, &a, &e)) {
            opened++;
            read_damaged(a);
            fct_album_free(a);
        } else CHECK_MSG(e.text[0], "no text");
    }
    fct_free(data);
    CHECK_MSG(opened > 50, "only %d of 200 were opened", opened);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
