/* Scanning folders with make_pack's "faces": what is new, changed, moved, gone or missing; files that change while
 * they are read; memory that runs out; what a folder made by somebody hostile may hold. */
#include "../unit/movie_date.h"
#include "../unit/scratch.h"
#include "../tools/discs.h"
#include "album/album_read.h"
#include "base/alloc.h"
#include "base/file_sys.h"
#include "facet/facet.h"
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

static fct_error e;
static fct_pack *pack, *other_pack;
static fct_scan_result r;

static fct_pack *open_pack(const char *name) {
    char path[700];
    fct_pack *p = NULL;
    snprintf(path, sizeof path, "%s/%s", getenv("PACKS"), name);
    if (fct_pack_open(path, NULL, &p, &e)) printf("%s\n", e.text);
    return p;
}

/* An empty folder with an empty library in it; the pack is written once. */
static void begin(const char *test) {
    static char packs[600];
    new_root("packs");
    char command[5000];
    const char *tool = getenv("MAKE_PACK");
    if (!tool) SKIP("no MAKE_PACK");
    if (!pack) {
        snprintf(packs, sizeof packs, "%s-for-album", root);
        snprintf(command, sizeof command, "mkdir -p %s/pack %s/other %s/blind %s/headless && '%s' %s >/dev/null", packs,
                 packs, packs, packs, tool, packs);
        REQUIRE(!system(command) && !setenv("PACKS", packs, 1));
        pack = open_pack("pack");
        other_pack = open_pack("other");
    }
    REQUIRE(pack && other_pack);
    new_root(test);
    REQUIRE(!fct_dir_make(at("lib/a"), &e) && !fct_dir_make(at("lib/b"), &e));
}

/* A photo of one disc, changed long ago, so that its time can be relied on. */
static void photo(const char *name, int person, int cx, int cy) {
    fct_image *im = disc_photo(320, 240);
    struct utimbuf old = {1500000000, 1500000000};
    disc_draw(im, cx, cy, 24, person, false);
    if (fct_image_write(fct_image_view(im), at(name), FCT_FILE_AUTO, 95, &e)) CHECK_MSG(0, "%s", e.text);
    fct_image_free(im);
    CHECK(!utime(at(name), &old));
}

static fct_album *album(void) {
    fct_album *a = NULL;
    if (fct_album_open(at("album.db"), NULL, &a, &e)) printf("%s\n", e.text);
    REQUIRE(a);
    return a;
}

static fct_status scan_with(fct_album *a, const char *folder, fct_scan_opts *o) {
    return fct_album_scan(a, pack, &folder, folder ? 1 : 0, o, &r, &e);
}

/* Scans the library, and checks the album. */
static void scan(fct_album *a) {
    const char *lib = at("lib");
    if (scan_with(a, lib, NULL)) CHECK_MSG(0, "%s", e.text);
    if (fct_album_check(a, &e)) CHECK_MSG(0, "%s", e.text);
}

static int64_t faces_in(fct_album *a) {
    fct_album_info info = {.faces = -1};
    if (fct_album_stat(a, &info, &e)) CHECK_MSG(0, "%s", e.text);
    return info.faces;
}

/* ---- What a scan finds ------------------------------------------------------------------- */

static fct_album_face one;
static fct_status keep_face(void *user, const fct_album_face *f, fct_error *err) {
    (void)err;
    one = *f;
    ++*(int *)user;
    return FCT_OK;
}

static fct_album_photo shown;
static char shown_path[600];
static fct_status keep_photo(void *user, const fct_album_photo *p, fct_error *err) {
    (void)user, (void)err;
    shown = *p;
    snprintf(shown_path, sizeof shown_path, "%s", p->path ? p->path : "");
    return FCT_OK;
}

/* The album's face is what the pipeline finds in the photo, in parts of its size. */
TEST(finds_what_the_pipeline_finds) {
    begin("album-scan");
    photo("lib/a/ada.png", ADA, 160, 112);
    fct_album *a = album();
    scan(a);
    CHECK(r.looked == 1 && r.read == 1 && r.faces == 1 && !r.changed && !r.unreadable && !r.missing);
    fct_image *im;
    fct_analyzer *an;
    fct_faces *faces;
    REQUIRE(!fct_image_read(at("lib/a/ada.png"), NULL, &im, &e) && !fct_analyzer_create(pack, NULL, &an, &e));
    REQUIRE(!fct_analyze(an, fct_image_view(im), &faces, &e) && fct_faces_count(faces) == 1);
    const fct_face *f = fct_faces_at(faces, 0);
    fct_quality q;
    CHECK(!fct_face_quality(fct_image_view(im), f, &q, &e));
    int n = 0;
    fct_album_face_query query;
    fct_album_face_query_init(&query);
    query.embeddings = true;
    CHECK(!fct_album_faces(a, &query, keep_face, &n, &e) && n == 1 && !one.person_id);
    for (int i = 0; i < 4; i++) CHECK(fabsf(one.box[i] * (i % 2 ? 240.0f : 320.0f) - f->box[i]) < 1e-3f);
    for (int i = 0; i < 10; i++)
        CHECK(fabsf(one.kps[i / 2][i % 2] * (i % 2 ? 240 : 320) - f->kps[i / 2][i % 2]) < 1e-3f);
    CHECK(one.score == f->score && one.quality.score == q.score && one.quality.eyes == q.eyes);
    CHECK(fabsf(one.norm - f->embedding_norm) < 1e-4f * one.norm);
    CHECK(!fct_album_photos(a, 0, keep_photo, NULL, &e) && !strcmp(shown_path, at("lib/a/ada.png")));
    CHECK(shown.width == 320 && shown.height == 240 && shown.taken == 1500000000 && !shown.taken_known);
    CHECK(shown.places == 1 && shown.faces == 1 && shown.orientation == 1 && !shown.error);
    fct_faces_free(faces);
    fct_analyzer_free(an);
    fct_image_free(im);
    fct_album_free(a);
}

/* Three frames of Ada, recorded in September 2019 by what the container says, and copied to this disk later. */
static void video(const char *name, uint32_t date) {
    struct utimbuf old = {1600000000, 1600000000};
    fct_image *im = disc_photo(320, 240);
    fct_writer *w;
    disc_draw(im, 160, 112, 24, ADA, true);
    REQUIRE(!fct_writer_open(at(name), 320, 240, 25, &w, &e));
    for (int i = 0; i < 3; i++) REQUIRE(!fct_writer_add(w, fct_image_view(im), i / 25.0, &e));
    REQUIRE(!fct_writer_finish(w, &e));
    fct_writer_free(w);
    fct_image_free(im);
    if (date) set_movie_date(at(name), date);
    CHECK(!utime(at(name), &old));
}

TEST(a_video_has_the_date_that_it_says) {
    if (fct_video_available(&e)) SKIP("no video");
    begin("album-video-date");
    video("lib/a/dated.mp4", MOVIE_1970 + 1567256550u);
    fct_album *a = album();
    scan(a);
    CHECK(!fct_album_photos(a, 0, keep_photo, NULL, &e) && shown.is_video && shown.faces == 1);
    CHECK(shown.taken == 1567256550 && shown.taken_known);
    REQUIRE(!remove(at("lib/a/dated.mp4")));
    video("lib/b/plain.mp4", 0); /* without a date: the file's counts */
    scan(a);
    CHECK(!fct_album_photos(a, 0, keep_photo, NULL, &e) && shown.is_video);
    CHECK(shown.taken == 1600000000 && !shown.taken_known);
    fct_album_free(a);
}

TEST(follows_what_happens_to_files) {
    begin("album-follow");
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/a/2.png", BOB, 160, 112);
    photo("lib/b/3.png", EVE, 128, 128);
    fct_album *a = album();
    scan(a);
    CHECK(r.read == 3 && faces_in(a) == 3);
    scan(a);
    CHECK(r.looked == 3 && r.unchanged == 3 && !r.read);

    int64_t who, face, anchor;
    int n = 0;
    fct_album_face_query query;
    CHECK(!fct_album_faces(a, NULL, keep_face, &n, &e) && n == 3); /* the last one is a face to follow */
    face = one.id;
    int64_t its_photo = one.photo_id;
    fct_decision d = {.kind = FCT_DECISION_IS, .source = FCT_SOURCE_USER};
    REQUIRE(!fct_album_person_add(a, "Her", &who, &e) && !fct_album_anchor_of_face(a, face, &anchor, &e));
    d.a = anchor;
    d.person_id = who;
    CHECK(!fct_album_decide(a, &d, &e) && !fct_album_member_put(a, face, who, FCT_MEMBER_NAMED, 1, &e));
    CHECK(!fct_album_photos(a, its_photo, keep_photo, NULL, &e));
    char moved[700], was[600];
    snprintf(was, sizeof was, "%s", shown_path);
    snprintf(moved, sizeof moved, "%s/lib/moved.png", root);
    REQUIRE(!rename(was, moved));
    scan(a);
    CHECK(r.moved == 1 && r.gone == 1 && !r.read && faces_in(a) == 3);
    fct_album_face_query_init(&query);
    query.id = face;
    n = 0;
    CHECK(!fct_album_faces(a, &query, keep_face, &n, &e) && one.person_id == who && one.how == FCT_MEMBER_NAMED);
    CHECK(!fct_album_photos(a, its_photo, keep_photo, NULL, &e) && !strcmp(shown_path, moved));

    CHECK(!unlink(moved)); /* gone, and back from a copy: the decision counts again */
    scan(a);
    CHECK(r.gone == 1 && faces_in(a) == 2 && !fct_album_anchor_face(a, anchor, &face, &e) && !face);
    photo("lib/b/3.png", EVE, 128, 128);
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/a/2.png", BOB, 160, 112);
    scan(a);
    CHECK(r.read == 1 && faces_in(a) == 3 && !fct_album_anchor_face(a, anchor, &face, &e) && face);

    photo("lib/a/1.png", BOB, 64, 64); /* another picture under the same name; same time, other size */
    struct utimbuf later = {1500000001, 1500000001};
    CHECK(!utime(at("lib/a/1.png"), &later) && !utime(at("lib/a/2.png"), &later));
    scan(a);
    CHECK(r.read == 1 && r.changed == 1 && r.touched == 1 && faces_in(a) == 3);
    fct_album_free(a);
}

TEST(a_whole_folder_that_is_missing_is_kept) {
    begin("album-missing");
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/b/2.png", BOB, 160, 112);
    fct_album *a = album();
    fct_scan_opts o;
    fct_scan_opts_init(&o);
    scan(a);
    REQUIRE(!rename(at("lib"), at("elsewhere")));
    CHECK(!scan_with(a, NULL, NULL) && r.missing == 1 && !r.gone && faces_in(a) == 2);
    REQUIRE(!fct_dir_make(at("lib"), &e)); /* the place where it was mounted */
    CHECK(!scan_with(a, NULL, NULL) && r.missing == 1 && faces_in(a) == 2);
    REQUIRE(!rmdir(at("lib")) && !rename(at("elsewhere"), at("lib")));
    CHECK(!scan_with(a, NULL, NULL) && !r.missing && r.unchanged == 2);
    REQUIRE(!fct_dir_remove(at("lib/b"), &e)); /* a folder inside that somebody has removed is gone */
    CHECK(!scan_with(a, NULL, NULL) && !r.missing && r.gone == 1 && faces_in(a) == 1);
    REQUIRE(!fct_dir_remove(at("lib"), &e));
    o.forget_missing = true;
    CHECK(!scan_with(a, NULL, &o) && r.missing == 1 && r.gone == 1 && faces_in(a) == 0);
    CHECK(scan_with(a, at("never"), NULL) == FCT_ERR_NOT_FOUND && strstr(e.text, "no such folder"));
    fct_album_free(a);
}

TEST(a_folder_inside_another_is_a_part_of_it) {
    begin("album-inside");
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/b/2.png", BOB, 160, 112);
    fct_album *a = album();
    fct_album_info info;
    CHECK(!scan_with(a, at("lib/a"), NULL) && r.read == 1);
    const char *both[3] = {at("lib/b"), at("lib"), at("lib/a")};
    CHECK(!fct_album_scan(a, pack, both, 3, NULL, &r, &e) && r.looked == 2 && r.read == 1 && r.unchanged == 1);
    CHECK(!fct_album_stat(a, &info, &e) && info.roots == 1 && info.files == 2 && info.photos == 2);
    CHECK(!unlink(at("lib/b/2.png")));
    CHECK(!scan_with(a, at("lib/a"), NULL) && !r.gone);        /* what is not looked at is not gone */
    CHECK(!scan_with(a, at("lib/b"), NULL) && r.missing == 1); /* empty, as a disk that is not mounted */
    CHECK(!scan_with(a, at("lib"), NULL) && r.gone == 1);
    fct_album_free(a);
}

/* ---- Trouble --------------------------------------------------------------------------------- */

static int n_bad;
static fct_status count_bad(void *user, const fct_album_file *f, fct_error *err) {
    (void)user, (void)err;
    CHECK(f->error && *f->error);
    n_bad++;
    return FCT_OK;
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(at(name), "w");
    REQUIRE(f);
    fputs(text, f);
    fclose(f);
}

TEST(a_hostile_folder_leaves_the_album_whole) {
    begin("album-hostile");
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/a/\xff\xfe.png", BOB, 160, 112);              /* no UTF-8 */
    photo("lib/a/'; DROP TABLE photo; --.png", EVE, 96, 96); /* no statement */
    photo("lib/a/line\nbreak.png", EVE, 100, 100);
    write_text("lib/a/text.jpg", "no picture");
    write_text("lib/a/empty.jpg", "");
    write_text("lib/a/no.mp4", "no video");
    write_text("lib/a/notes.txt", "not looked at");
    REQUIRE(!mkdir(at("lib/a/folder.jpg"), 0777) && !mkfifo(at("lib/a/pipe.jpg"), 0666));
    REQUIRE(!symlink("/dev/zero", at("lib/a/zero.jpg")) && !symlink("gone", at("lib/a/broken.jpg")));
    REQUIRE(!symlink("..", at("lib/a/up")) && !symlink("1.png", at("lib/a/link.png")));
    fct_album *a = album();
    scan(a);
    /* Two threads may have read the two places of one photo at the same time. */
    CHECK_MSG(r.read >= 6 && faces_in(a) == 4 && r.copies <= 1, "%d read", (int)r.read);
    fct_album_file_query q;
    fct_album_file_query_init(&q);
    q.unreadable = true;
    n_bad = 0;
    CHECK(!fct_album_files(a, &q, count_bad, NULL, &e) && n_bad + r.no_videos == 3);
    int64_t unreadable = r.unreadable;
    scan(a);
    CHECK(!r.read && !r.faces && unreadable == n_bad && !r.unreadable); /* they are known, and not tried again */
    fct_album_free(a);
}

/* A reader's question comes between reading and the second look at the file's time. */
static int changes_left;
static int64_t change_file(void *ctx, const uint8_t hash[32]) {
    (void)hash;
    if (changes_left <= 0) return 0;
    photo("lib/a/1.png", --changes_left % 2 ? ADA : BOB, 160, 112);
    struct utimbuf now = {1600000000 + changes_left, 1600000000 + changes_left};
    CHECK(!utime(ctx, &now));
    return 0;
}

TEST(a_photo_that_changes_while_it_is_read) {
    begin("album-changing");
    photo("lib/a/1.png", ADA, 160, 112);
    atomic_bool stop = false;
    fct_analyzer_opts o;
    char path[600];
    snprintf(path, sizeof path, "%s", at("lib/a/1.png"));
    fct_reader reader = {.stop = &stop, .find = change_file, .ctx = path};
    fct_reader_default_opts(&o);
    REQUIRE(!fct_reader_open(&reader, pack, &o, &e));
    fct_read_item it = {.job = NULL};
    changes_left = 1;
    fct_reader_read(&reader, path, false, &it);
    CHECK(it.has_bytes && it.photo.n_faces == 1 && !it.fatal && !it.photo.error);
    fct_read_item_free(&it);
    it = (fct_read_item){.job = NULL};
    changes_left = 10;
    fct_reader_read(&reader, path, false, &it);
    CHECK(!it.has_bytes && !it.photo.n_faces && !it.fatal && strstr(it.error.text, "changes while it is read"));
    fct_read_item_free(&it);
    fct_reader_close(&reader);
}

/* What was changed a moment ago is looked at again: its time may not tell of the next change. */
TEST(a_file_of_this_second_is_not_trusted) {
    begin("album-racy");
    photo("lib/a/1.png", ADA, 160, 112);
    CHECK(!utime(at("lib/a/1.png"), NULL));
    fct_album *a = album();
    scan(a);
    CHECK(r.read == 1);
    scan(a);
    CHECK(!r.read && r.touched == 1 && !r.unchanged);
    fct_album_free(a);
}

static bool stop_at_two(void *user, const fct_scan_progress *p) {
    (void)user;
    return p->phase != FCT_SCAN_READ || p->done < 2;
}

TEST(stopped_goes_on_from_there) {
    begin("album-stop");
    char name[40];
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "lib/a/%d.png", i);
        photo(name, i % 2 ? ADA : BOB, 64 + 32 * (i % 6), 96 + 32 * (i / 6));
    }
    fct_album *a = album();
    fct_scan_opts o;
    fct_scan_opts_init(&o);
    o.progress = stop_at_two;
    o.threads = 1;
    int64_t all = 0;
    int scans = 0;
    while (scan_with(a, at("lib"), &o) == FCT_ERR_CANCELLED && scans++ < 20) {
        all += r.read;
        usleep(110000); /* progress is told ten times a second */
    }
    CHECK_MSG(all + r.read >= 12 && faces_in(a) == 12, "%d read", (int)all);
    fct_album_free(a);
}

TEST(two_scans_at_once) {
    begin("album-two");
    photo("lib/a/1.png", ADA, 160, 112);
    fct_album *a = album(), *b = album();
    char *lock;
    intptr_t handle;
    lock = fct_asprintf("%s-scan", at("album.db"));
    REQUIRE(lock && !fct_sys_lock(lock, &handle));
    CHECK(scan_with(b, at("lib"), NULL) == FCT_ERR_BUSY && strstr(e.text, "is being scanned by another program"));
    CHECK(fct_album_forget(b, at("lib"), &e) == FCT_ERR_BUSY);
    fct_sys_unlock(lock, handle);
    fct_free(lock);
    CHECK(!scan_with(b, at("lib"), NULL) && r.read == 1);
    fct_album_free(a);
    fct_album_free(b);
}

/* ---- Another network ------------------------------------------------------------------------------ */

typedef struct embeddings {
    float v[4][64];
    int n;
} embeddings;

static fct_status keep_embedding(void *user, const fct_album_face *f, fct_error *err) {
    embeddings *all = user;
    (void)err;
    CHECK(f->embedding && all->n < 4);
    if (f->embedding && all->n < 4) memcpy(all->v[all->n++], f->embedding, sizeof all->v[0]);
    return FCT_OK;
}

TEST(migrates_from_its_pictures) {
    begin("album-migrate");
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/b/2.png", BOB, 160, 112);
    fct_album *a = album();
    scan(a);
    const char *lib = at("lib");
    CHECK(fct_album_scan(a, other_pack, &lib, 1, NULL, &r, &e) == FCT_ERR_MISMATCH && strstr(e.text, "migrate"));
    int64_t n;
    fct_album_info info;
    REQUIRE(!fct_dir_remove(at("lib"), &e)); /* the photos are not needed */
    CHECK(!fct_album_migrate(a, other_pack, NULL, &n, &e) && n == 2);
    CHECK(!fct_album_stat(a, &info, &e) && !info.to_embed && info.faces == 2);
    CHECK(!strcmp(info.network, fct_pack_embedder_id(other_pack)));
    CHECK(!fct_album_migrate(a, other_pack, NULL, &n, &e) && n == 0);
    REQUIRE(!fct_dir_make(at("new"), &e));
    photo("new/3.png", ADA, 128, 128);
    const char *again = at("new");
    CHECK(!fct_album_scan(a, other_pack, &again, 1, NULL, &r, &e) && r.read == 1);
    /* Ada's face embedded from her picture is like her face embedded from another photo. */
    embeddings all = {.n = 0};
    fct_album_face_query q;
    fct_album_face_query_init(&q);
    q.embeddings = true;
    if (fct_album_faces(a, &q, keep_embedding, &all, &e)) CHECK_MSG(0, "%s", e.text);
    CHECK_MSG(all.n == 3, "%d", all.n);
    float ada = fct_cosine(all.v[0], all.v[2], 64), bob = fct_cosine(all.v[1], all.v[2], 64);
    CHECK_MSG(fmaxf(ada, bob) > 0.95f && fminf(ada, bob) < 0.8f, "cosines %.3f and %.3f", (double)ada, (double)bob);
    fct_album_free(a);
}

/* ---- Memory ------------------------------------------------------------------------------------------ */

TEST(out_of_memory_at_any_moment) {
    begin("album-oom");
    photo("lib/a/1.png", ADA, 160, 112);
    photo("lib/a/2.png", BOB, 160, 112);
    write_text("lib/a/bad.jpg", "bad");
    fct_scan_opts o;
    fct_scan_opts_init(&o);
    o.threads = 1;
    long live = 0;
    int failed = 0;
    for (long n = 1;; n += 1 + n / 6) {
        (void)remove(at("album.db"));
        (void)remove(at("album.db-wal"));
        (void)remove(at("album.db-shm"));
        fct_album *a = album();
        live = fct_alloc_live();
        fct_alloc_fail_at(n);
        fct_status s = scan_with(a, at("lib"), &o);
        bool hit = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(!s || s == FCT_ERR_NOMEM, "%ld: %d %s", n, s, e.text);
        CHECK_MSG(fct_alloc_live() == live, "%ld: %ld blocks leak", n, fct_alloc_live() - live);
        failed += s != FCT_OK;
        scan(a);
        CHECK_MSG(faces_in(a) == 2, "%ld: %d faces", n, (int)faces_in(a));
        fct_album_free(a);
        if (!hit || test_failures) break;
    }
    CHECK_MSG(failed > 10, "%d times", failed);
}

int main(int argc, char **argv) {
    int code = test_main(argc, argv);
    fct_pack_free(pack);
    fct_pack_free(other_pack);
    return code;
}
