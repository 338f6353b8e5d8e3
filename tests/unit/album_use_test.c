/* What an album is good for: finding, likeness, sorting into folders, names in files. */
#include "album/album_scan_store.h"
#include "album/album_sort_name.h"
#include "base/alloc.h"
#include "facet/album_use.h"
#include "tags_util.h"

enum { DIM = 8 };

/* An embedding that points along one axis, and a little along the next. */
static float *axis(int i) {
    static float v[16][DIM];
    memset(v[i], 0, sizeof v[i]);
    v[i][i % DIM] = 0.8f;
    v[i][(i + 1) % DIM] = 0.6f;
    return v[i];
}

static fct_new_face new_face(double x1, double y1, double x2, double y2, int i) {
    return (fct_new_face){.box = {x1, y1, x2, y2},
                          .score = 0.9f,
                          .gender = -1,
                          .age = -1,
                          .embedding = axis(i),
                          .norm = 20,
                          .crop = (uint8_t *)(uintptr_t) "jpeg",
                          .crop_size = 4};
}

static fct_album *album;
static int64_t photo_a, photo_b, photo_c, ada, bob, face[4];

static fct_status note_face(void *user, const fct_album_face *f, fct_error *err) {
    int *n = user;
    if (*n < 4) face[*n] = f->id;
    ++*n;
    return FCT_OK;
}

static int64_t add_photo(int64_t folder, const char *name, uint8_t content, int64_t taken, fct_new_face *faces, int n) {
    int64_t id = 0;
    fct_new_photo p = {.hash = {content},
                       .width = 400,
                       .height = 300,
                       .orientation = 1,
                       .has_taken = true,
                       .taken = taken,
                       .changed = 5,
                       .faces = faces,
                       .n_faces = n};
    REQUIRE(!fct_album_photo_put(album, &p, 0, &id, &e));
    fct_placed_file f = {.name = name, .size = 1, .mtime_ns = 1, .photo_id = id};
    REQUIRE(!fct_album_file_put(album, folder, &f, NULL, &e));
    return id;
}

/* Three photos in two folders, two of one name: Ada on the first two, Bob on the first and the third. */
static void make_album(const char *test) {
    int64_t root_id, folder, other;
    int n = 0;
    new_root(test);
    REQUIRE(!fct_dir_make(at("in/more"), &e));
    put_photo("in/a.jpg", 400, 300);
    put_photo("in/more/a.jpg", 400, 304);
    put_photo("in/c.jpg", 300, 400);
    REQUIRE(!fct_album_open(at("album.db"), NULL, &album, &e));
    REQUIRE(!fct_album_begin(album, &e));
    fct_status s = fct_album_model_put(album, "net", DIM, &e);
    char *in = fct_path_absolute(at("in"));
    if (!s) s = fct_album_root_add(album, in, &root_id, &e);
    fct_free(in);
    if (!s) s = fct_album_folder_put(album, root_id, "", false, &folder, &e);
    if (!s) s = fct_album_folder_put(album, root_id, "more", false, &other, &e);
    REQUIRE(!s);
    fct_new_face one[] = {new_face(0.1, 0.1, 0.3, 0.4, 0), new_face(0.6, 0.1, 0.8, 0.4, 3)};
    fct_new_face two[] = {new_face(0.4, 0.4, 0.6, 0.7, 0)}, three[] = {new_face(-0.05, 0.2, 0.2, 0.5, 3)};
    photo_a = add_photo(folder, "a.jpg", 1, 1000, one, 2);
    photo_b = add_photo(other, "a.jpg", 2, 86400, two, 1);
    photo_c = add_photo(folder, "c.jpg", 3, 200000, three, 1);
    s = fct_album_person_add(album, "Ada", &ada, &e);
    if (!s) s = fct_album_person_add(album, "A/B: ?", &bob, &e);
    REQUIRE(!s && !fct_album_end(album, FCT_OK, &e));
    REQUIRE(!fct_album_faces(album, NULL, note_face, &n, &e) && n == 4);
    REQUIRE(!fct_album_begin(album, &e));
    for (int i = 0; i < 4; i++)
        REQUIRE(!fct_album_member_put(album, face[i], i == 0 || i == 2 ? ada : bob, FCT_MEMBER_AUTOMATIC, 1, &e));
    REQUIRE(!fct_album_end(album, FCT_OK, &e));
}

static void close_album(void) {
    fct_album_free(album);
    album = NULL;
}

/* ---- Finding --------------------------------------------------------------------------- */

typedef struct photo_ids {
    int64_t at[8];
    int n;
} photo_ids;

static fct_status note_photo(void *user, const fct_album_photo *p, fct_error *err) {
    photo_ids *l = user;
    if (l->n < 8) l->at[l->n++] = p->id;
    return FCT_OK;
}

static photo_ids found(const int64_t *people, int n, int64_t from, int64_t to) {
    photo_ids l = {.n = 0};
    fct_album_find_query q;
    fct_album_find_query_init(&q);
    q.people = people;
    q.n_people = n;
    q.from = from;
    q.to = to;
    CHECK(!fct_album_find(album, &q, note_photo, &l, &e));
    return l;
}

TEST(photos_by_people_and_dates) {
    make_album("album_find");
    photo_ids l = found(&ada, 1, INT64_MIN, INT64_MAX);
    CHECK(l.n == 2 && l.at[0] == photo_a && l.at[1] == photo_b);
    l = found((int64_t[]){ada, bob}, 2, INT64_MIN, INT64_MAX);
    CHECK(l.n == 1 && l.at[0] == photo_a);
    l = found(&ada, 1, 1001, INT64_MAX);
    CHECK(l.n == 1 && l.at[0] == photo_b);
    l = found(NULL, 0, 86400, 200000);
    CHECK(l.n == 1 && l.at[0] == photo_b);
    l = found(&(int64_t){999}, 1, INT64_MIN, INT64_MAX);
    CHECK(l.n == 0);
    close_album();
}

TEST(photos_by_likeness) {
    make_album("album_like");
    fct_album_likeness *l;
    float probe[DIM] = {8, 6}, zero[DIM] = {0};
    int n;
    CHECK(!fct_album_like(album, "net", probe, DIM, 0.5f, 10, &l, &n, &e) && n == 2);
    if (n == 2) CHECK(l[0].photo_id == photo_a && l[0].face_id == face[0] && l[0].person_id == ada);
    if (n == 2) CHECK(fabs((double)l[0].cosine - 1) < 2e-3 && l[1].photo_id == photo_b);
    fct_buffer_free(l);
    CHECK(!fct_album_like(album, "net", probe, DIM, -1, 1, &l, &n, &e) && n == 1);
    fct_buffer_free(l);
    CHECK(fct_album_like(album, "other", probe, DIM, 0, 1, &l, &n, &e) == FCT_ERR_MISMATCH && !l && !n);
    CHECK(fct_album_like(album, "net", zero, DIM, 0, 1, &l, &n, &e) == FCT_ERR_ARG && !l);
    close_album();
}

/* ---- Sorting ----------------------------------------------------------------------------- */

typedef struct sort_count {
    int all, fresh, failed;
} sort_count;

static fct_status count_sorted(void *user, const fct_sorted *s, fct_error *err) {
    sort_count *c = user;
    c->all++;
    c->fresh += s->fresh;
    c->failed += s->error != NULL;
    return FCT_OK;
}

static sort_count sorted(const char *folder, fct_sort_how how) {
    sort_count c = {0};
    CHECK(!fct_album_sort(album, at(folder), how, count_sorted, &c, &e));
    return c;
}

static bool same_content(const char *a, const char *b) {
    uint8_t *x = NULL, *y = NULL;
    size_t n = 0, m = 1;
    (void)fct_file_read(at(a), 1 << 24, &x, &n, &e);
    (void)fct_file_read(at(b), 1 << 24, &y, &m, &e);
    bool same = x && y && n == m && !memcmp(x, y, n);
    fct_buffer_free(x);
    fct_buffer_free(y);
    return same;
}

/* A photo that was moved gets its link back; a file of the size, time and name of another photo is not that one. */
TEST(sorting_again) {
    static uint8_t big[300000];
    make_album("album_sort_again");
    big[1000] = 1;
    (void)fct_file_write_atomic(at("in/a.jpg"), big, sizeof big, &e);
    big[150000] = 2;
    (void)fct_file_write_atomic(at("in/more/a.jpg"), big, sizeof big, &e);
    fct_file_copy_time(at("in/a.jpg"), at("in/more/a.jpg"));
    sort_count c = sorted("out", FCT_SORT_COPY);
    CHECK_MSG(c.fresh == 4 && same_content("out/Ada/a (2).jpg", "in/more/a.jpg"), "%d", c.fresh);
    c = sorted("out", FCT_SORT_COPY);
    CHECK(c.all == 4 && c.fresh == 0);
    c = sorted("links", FCT_SORT_LINK);
    if (!c.failed) {
        REQUIRE(!fct_file_remove(at("links/Ada/a.jpg"), &e));
        REQUIRE(!fct_file_link(at("moved/a.jpg"), at("links/Ada/a.jpg"), true, &e));
        c = sorted("links", FCT_SORT_LINK);
        CHECK(c.all == 4 && c.fresh == 1 && same_content("links/Ada/a.jpg", "in/a.jpg"));
    }
    close_album();
}

TEST(a_folder_for_each_person) {
    static const char *const outs[] = {"copies", "hard", "links"};
    for (int how = 0; how < 3; how++) {
        char name[4][64];
        make_album("album_sort");
        sort_count c = sorted(outs[how], (fct_sort_how)how);
        if (how && c.failed) { /* a file system without links */
            close_album();
            SKIP("no links here");
        }
        CHECK(c.all == 4 && c.fresh == 4 && c.failed == 0);
        snprintf(name[0], 64, "%s/Ada/a.jpg", outs[how]);
        snprintf(name[1], 64, "%s/Ada/a (2).jpg", outs[how]);
        snprintf(name[2], 64, "%s/A_B_ _/c.jpg", outs[how]);
        CHECK(same_content(name[0], "in/a.jpg") && same_content(name[1], "in/more/a.jpg"));
        CHECK(same_content(name[2], "in/c.jpg"));
        c = sorted(outs[how], (fct_sort_how)how);
        CHECK_MSG(c.all == 4 && c.fresh == 0, "%s: a second time adds %d", outs[how], c.fresh);
        REQUIRE(!fct_file_remove(at(name[0]), &e)); /* somebody puts something else there */
        put_text(name[0], "mine");
        c = sorted(outs[how], (fct_sort_how)how);
        snprintf(name[3], 64, "%s/Ada/a (3).jpg", outs[how]);
        CHECK(c.fresh == 1 && same_content(name[3], "in/a.jpg"));
        uint8_t *text = NULL;
        size_t n;
        CHECK(!fct_file_read(at(name[0]), 100, &text, &n, &e) && n == 4 && !memcmp(text, "mine", 4));
        fct_buffer_free(text);
        close_album();
    }
}

TEST(a_photo_that_is_gone_does_not_end_it) {
    make_album("album_sort_gone");
    REQUIRE(!fct_file_remove(at("in/a.jpg"), &e));
    sort_count c = sorted("out", FCT_SORT_COPY);
    CHECK(c.all == 4 && c.failed == 2 && c.fresh == 2);
    close_album();
}

TEST(names_of_folders_and_files) {
    static const struct {
        const char *name, *want;
    } cases[] = {{"Ada", "Ada"},
                 {"AC/DC", "AC_DC"},
                 {"a\\b:c*d?e\"f<g>h|i", "a_b_c_d_e_f_g_h_i"},
                 {"..", "_"},
                 {".hidden", "_hidden"},
                 {"end. . ", "end"},
                 {"CON", "_CON"},
                 {"com1.x", "_com1.x"},
                 {"Conny", "Conny"},
                 {"a\x1b[31m", "a_[31m"},
                 {"\xFF", "_"},
                 {"Zo\xC3\xAB", "Zo\xC3\xAB"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fct_buf b = {0};
        fct_sort_folder_name(cases[i].name, &b);
        CHECK_MSG(!strcmp(b.data, cases[i].want), "%s: '%s', not '%s'", cases[i].name, b.data, cases[i].want);
        fct_buf_free(&b);
    }
    char longer[1001];
    fct_buf b = {0};
    for (int i = 0; i < 500; i++) memcpy(longer + 2 * i, "\xC3\xAB", 3);
    fct_sort_folder_name(longer, &b);
    CHECK(b.size > 100 && b.size <= 150 && b.size % 2 == 0);
    fct_buf_free(&b);
    fct_sort_file_name("a.tar.gz", 2, &b);
    CHECK(!strcmp(b.data, "a.tar (2).gz"));
    fct_buf_clear(&b);
    fct_sort_file_name("noending", 1, &b);
    CHECK(!strcmp(b.data, "noending"));
    fct_buf_free(&b);
}

/* ---- Names in files ------------------------------------------------------------------------ */

typedef struct tag_count {
    int files, changed, added, removed, named, drawn, contrary, failed;
} tag_count;

static fct_status count_tagged(void *user, const fct_album_tagged *t, fct_error *err) {
    tag_count *c = user;
    c->files++;
    c->changed += t->written.changed;
    c->added += t->written.added;
    c->removed += t->written.removed;
    c->named += t->named;
    c->drawn += t->drawn;
    c->contrary += t->contrary;
    c->failed += t->error != NULL;
    return FCT_OK;
}

static tag_count written(bool in_place) {
    tag_count c = {0};
    fct_tags_write_opts o;
    fct_tags_write_opts_init(&o);
    o.in_place = in_place;
    CHECK(!fct_album_tags_write(album, &o, count_tagged, &c, &e));
    return c;
}

static tag_count taken_over(void) {
    tag_count c = {0};
    fct_status s = fct_album_tags_read(album, count_tagged, &c, &e);
    CHECK_MSG(!s, "%s", e.text);
    return c;
}

static fct_status note_person(void *user, const fct_album_face *f, fct_error *err) {
    *(int64_t *)user = f->person_id;
    return FCT_OK;
}

static int64_t person_of(int64_t face_id) {
    int64_t id = -1;
    fct_album_face_query q;
    fct_album_face_query_init(&q);
    q.id = face_id;
    CHECK(!fct_album_faces(album, &q, note_person, &id, &e));
    return id;
}

TEST(names_are_written_and_not_read_back_as_a_users_word) {
    NEEDS_XMP();
    make_album("album_tags_write");
    tag_count c = written(false);
    CHECK(c.files == 3 && c.changed == 3 && c.added == 4 && c.failed == 0);
    fct_tags *t = read_tags("in/a.jpg");
    REQUIRE(t && fct_tags_count(t) == 2);
    check_region(t, 0, "Ada", 0.1, 0.1, 0.3, 0.4);
    check_region(t, 1, "A/B: ?", 0.6, 0.1, 0.8, 0.4);
    fct_tags_free(t);
    t = read_tags("in/c.jpg"); /* cut at the border */
    check_region(t, 0, "A/B: ?", 0, 0.2, 0.2, 0.5);
    fct_tags_free(t);
    CHECK(written(false).changed == 0);
    c = taken_over();
    CHECK(c.files == 3 && c.named == 0 && c.drawn == 0 && c.contrary == 0);
    REQUIRE(!fct_album_begin(album, &e)); /* the album forgets, and learns it again from what it wrote */
    REQUIRE(!fct_album_end(album, fct_album_member_put(album, face[2], 0, FCT_MEMBER_AUTOMATIC, 0, &e), &e));
    c = taken_over();
    CHECK(c.named == 1 && person_of(face[2]) == ada);
    CHECK(!fct_album_undo(album, NULL, 0, &e) && person_of(face[2]) == 0);
    REQUIRE(!fct_album_begin(album, &e)); /* Ada's name is taken back */
    REQUIRE(!fct_album_end(album, fct_album_member_put(album, face[2], 0, FCT_MEMBER_AUTOMATIC, 0, &e), &e));
    c = written(false);
    CHECK(c.changed == 1 && c.removed == 1);
    close_album();
}

static const char picasa[] = "[Contacts2]\n1=Eve;;\n2=Grace;;\n[a.jpg]\n" /* face 0, and a place without a face */
                             "faces=rect64(1999199a4ccc6666),1;rect64(cccccccceeeeeeee),2\n";

TEST(names_are_taken_over) {
    make_album("album_tags_read");
    put_text("in/.picasa.ini", picasa);
    tag_count c = taken_over();
    CHECK(c.named == 1 && c.drawn == 1 && c.contrary == 0 && c.failed == 0);
    int64_t eve = 0, grace = 0;
    CHECK(!fct_album_person_find(album, "Eve", &eve, &e) && eve && person_of(face[0]) == eve);
    CHECK(!fct_album_person_find(album, "Grace", &grace, &e) && grace);
    photo_ids with_grace = found(&grace, 1, INT64_MIN, INT64_MAX); /* whose face was not found */
    CHECK(with_grace.n == 1 && sorted("out", FCT_SORT_COPY).all == 5 && same_content("out/Grace/a.jpg", "in/a.jpg"));
    c = taken_over();
    CHECK(c.named == 0 && c.drawn == 0);
    if (have_xmp()) { /* what was drawn by hand is written again */
        c = written(false);
        fct_tags *t = read_tags("in/a.jpg");
        CHECK(c.failed == 0 && t && fct_tags_count(t) == 3);
        if (t && fct_tags_count(t) == 3) check_region(t, 2, "Grace", 0.8, 0.8, 0.933333, 0.933333);
        fct_tags_free(t);
    }
    char what[100];
    CHECK(!fct_album_undo(album, what, sizeof what, &e) && !strcmp(what, "read tags"));
    CHECK(person_of(face[0]) == ada && !fct_album_person_find(album, "Eve", &eve, &e) && !eve);
    close_album();
}

TEST(the_users_word_is_stronger) {
    make_album("album_tags_contrary");
    put_text("in/.picasa.ini", picasa);
    fct_decision d = {.kind = FCT_DECISION_IS, .person_id = ada, .source = FCT_SOURCE_USER};
    REQUIRE(!fct_album_begin(album, &e));
    fct_status s = fct_album_anchor_of_face(album, face[0], &d.a, &e);
    if (!s) s = fct_album_decide(album, &d, &e);
    REQUIRE(!fct_album_end(album, s, &e));
    tag_count c = taken_over();
    CHECK(c.named == 0 && c.contrary == 1 && c.drawn == 1 && person_of(face[0]) == ada);
    close_album();
}

TEST(a_file_that_cannot_be_read_does_not_end_it) {
    NEEDS_XMP();
    make_album("album_tags_bad");
    put_text("in/a.jpg.xmp", "<not XMP");
    tag_count c = written(false);
    CHECK(c.files == 3 && c.failed == 1 && c.changed == 2);
    c = taken_over();
    CHECK(c.files == 3 && c.failed == 1);
    close_album();
}

/* Every allocation fails once. */
TEST(out_of_memory) {
    make_album("album_use_oom");
    put_text("in/.picasa.ini", picasa);
    long live = fct_alloc_live();
    for (long n = 1;; n++) {
        tag_count c = {0};
        sort_count k = {0};
        photo_ids l = {.n = 0};
        fct_album_likeness *like = NULL;
        fct_album_find_query q;
        int found_n;
        fct_album_find_query_init(&q);
        q.people = &ada;
        q.n_people = 1;
        fct_alloc_fail_at(n);
        fct_status s = fct_album_find(album, &q, note_photo, &l, &e);
        if (!s) s = fct_album_like(album, "net", axis(0), DIM, 0, 5, &like, &found_n, &e);
        if (!s) s = fct_album_sort(album, at("oom"), FCT_SORT_COPY, count_sorted, &k, &e);
        if (!s) s = fct_album_tags_read(album, count_tagged, &c, &e);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        fct_buffer_free(like);
        CHECK_MSG(!s || s == FCT_ERR_NOMEM, "allocation %ld: %d %s", n, s, e.text);
        CHECK_MSG(fct_alloc_live() == live, "allocation %ld: %ld blocks leak", n, fct_alloc_live() - live);
        live = fct_alloc_live();
        if (!reached) break;
        REQUIRE(n < 20000);
    }
    close_album();
}

int main(int argc, char **argv) { return test_main(argc, argv); }
