/* Album files: a whole file ("SQLite format 3" at its start), changes to the bytes of
 * a small album (a zero byte, then four bytes each: three of an offset, one to put
 * there), or SQL that somebody else has run on it, which also makes what no scan
 * stores: blobs of a wrong length, tables of another schema, rows that refer to
 * nothing. Whatever it holds, all that can be asked of it is answered or refused. */
#include "fuzz.h"

#include "album/album_scan_store.h"
#include "base/file.h"
#include "facet/album_people.h"
#include "facet/album_use.h"

enum { DIM = 8, PHOTOS = 6, MOST = 1 << 22, STEPS = 200000 };

static char path[1100]; /* a file of this process, in TMPDIR or here */
static uint8_t *base;   /* the small album */
static size_t base_size;
static fct_error e;

static void remove_files(void) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[1200];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)fct_file_remove(name, NULL);
    }
}

static void at_exit(void) {
    remove_files();
    fct_free(base);
}

/* ---- The small album -------------------------------------------------------------------- */

static void store_photo(fct_album *a, int64_t folder, int i) {
    static uint8_t picture[] = "no picture";
    float unit[DIM] = {0};
    char name[20];
    int64_t photo;
    unit[i / 2] = 1; /* two photos a person */
    snprintf(name, sizeof name, "%d.jpg", i);
    fct_new_face face = {
        .box = {0.1, 0.1, 0.4, 0.5}, .embedding = unit, .norm = 1, .crop = picture, .crop_size = sizeof picture};
    face.quality.score = 0.8f;
    fct_new_photo p = {.hash = {(uint8_t)(i + 1)}, .width = 40, .height = 30, .orientation = 1, .has_look = true};
    p.faces = &face;
    p.n_faces = 1;
    p.phash = (uint64_t)i * 0x0101010101010101u;
    FUZZ_REQUIRE(!fct_album_photo_put(a, &p, 0, &photo, &e));
    fct_placed_file file = {.name = name, .size = i, .photo_id = photo};
    FUZZ_REQUIRE(!fct_album_file_put(a, folder, &file, NULL, &e));
}

static void make_base(void) {
    fct_album *a;
    int64_t root, folder;
    fct_group_result r;
    FUZZ_REQUIRE(!fct_album_open(path, NULL, &a, &e));
    FUZZ_REQUIRE(!fct_album_begin(a, &e) && !fct_album_model_put(a, "network", DIM, &e));
    FUZZ_REQUIRE(!fct_album_root_add(a, "/photos", &root, &e) &&
                 !fct_album_folder_put(a, root, "", false, &folder, &e));
    for (int i = 0; i < PHOTOS; i++) store_photo(a, folder, i);
    FUZZ_REQUIRE(!fct_album_end(a, FCT_OK, &e) && !fct_album_group(a, NULL, &r, &e) && r.new_people == PHOTOS / 2);
    FUZZ_REQUIRE(!fct_album_name(a, 1, "Anna", NULL, &e) && !fct_album_differ(a, 3, 5, NULL, &e));
    fct_album_free(a);
    FUZZ_REQUIRE(!fct_file_read(path, MOST, &base, &base_size, &e));
}

static void begin(void) {
    const char *folder = getenv("TMPDIR");
    if (path[0]) return;
    snprintf(path, sizeof path, "%s/fuzz-album-%llx", folder ? folder : ".", (unsigned long long)fct_time_ns());
    atexit(at_exit);
    make_base();
}

/* ---- The file of an input ------------------------------------------------------------------ */

static int give_up(void *steps) { return --*(int *)steps < 0; }

/* No other file is touched, and nothing runs that depends on the machine. */
static int permit(void *user, int action, const char *a, const char *b, const char *c, const char *d) {
    static const char *const pragmas[] = {"writable_schema", "user_version", "application_id", "foreign_keys",
                                          "schema_version"};
    (void)user, (void)b, (void)c, (void)d;
    if (action == SQLITE_ATTACH || action == SQLITE_DETACH) return SQLITE_DENY;
    if (action != SQLITE_PRAGMA) return SQLITE_OK;
    for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
        if (a && !strcmp(a, pragmas[i])) return SQLITE_OK;
    return SQLITE_DENY;
}

static void run_sql(const char *sql) {
    sqlite3 *h;
    int steps = STEPS / 1000;
    FUZZ_REQUIRE(sqlite3_open(path, &h) == SQLITE_OK);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    sqlite3_limit(h, SQLITE_LIMIT_LENGTH, 1 << 16);
    sqlite3_set_authorizer(h, permit, NULL);
    sqlite3_progress_handler(h, 1000, give_up, &steps);
    sqlite3_exec(h, sql, NULL, NULL, NULL);
    sqlite3_close(h);
}

static void make_file(const uint8_t *data, size_t size) {
    remove_files();
    if (size >= 15 && !memcmp(data, "SQLite format 3", 15)) {
        FUZZ_REQUIRE(!fct_file_write_private(path, data, size, NULL));
        return;
    }
    uint8_t *bytes = malloc(base_size > size ? base_size : size + 1);
    FUZZ_REQUIRE(bytes);
    memcpy(bytes, base, base_size);
    for (size_t i = 1; size && !data[0] && i + 4 <= size; i += 4)
        bytes[((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % base_size] = data[i + 3];
    FUZZ_REQUIRE(!fct_file_write_private(path, bytes, base_size, NULL));
    if (size && data[0]) {
        memcpy(bytes, data, size);
        bytes[size] = 0;
        run_sql((const char *)bytes);
    }
    free(bytes);
}

/* ---- All that can be asked -------------------------------------------------------------------- */

static fct_status any_root(void *user, const fct_album_root *r, fct_error *err) {
    (void)user, (void)err;
    FUZZ_REQUIRE(r->path);
    return FCT_OK;
}

static fct_status any_file(void *user, const fct_album_file *f, fct_error *err) {
    (void)user, (void)err;
    FUZZ_REQUIRE(f->path && strlen(f->path) < MOST);
    return FCT_OK;
}

static fct_status any_photo(void *user, const fct_album_photo *p, fct_error *err) {
    (void)user, (void)err;
    FUZZ_REQUIRE(p->orientation >= 1 && p->orientation <= 8 && p->width >= 0 && p->height >= 0 && p->places >= 0);
    return FCT_OK;
}

static fct_status any_face(void *user, const fct_album_face *f, fct_error *err) {
    float *sum = user;
    (void)err;
    for (int i = 0; f->embedding && i < DIM; i++) *sum += f->embedding[i];
    return FCT_OK;
}

static fct_status any_person(void *user, const fct_album_person *p, fct_error *err) {
    (void)user, (void)err;
    FUZZ_REQUIRE(p->faces >= 0 && p->photos >= 0 && (!p->name || strlen(p->name) < MOST));
    return FCT_OK;
}

static fct_status any_group(void *user, const fct_duplicate_group *g, fct_error *err) {
    (void)user, (void)err;
    FUZZ_REQUIRE(g->n > 1 && g->files[0].path);
    return FCT_OK;
}

static fct_status any_decision(void *user, const fct_decision *d, fct_error *err) {
    (void)user, (void)d, (void)err;
    return FCT_OK;
}

/* A status other than FCT_OK comes with its text. */
static void expect(fct_status s) { FUZZ_REQUIRE(!s || (e.code == s && e.text[0] && memchr(e.text, 0, sizeof e.text))); }

static void list_all(fct_album *a) {
    fct_album_face_query q;
    fct_album_find_query find;
    fct_album_info info;
    fct_crop_row rows[4];
    int64_t people[1] = {1};
    int n;
    float sum = 0;
    void *jpeg;
    size_t len;
    fct_album_face_query_init(&q);
    q.embeddings = a->dim == DIM;
    expect(fct_album_stat(a, &info, &e));
    expect(fct_album_roots(a, any_root, NULL, &e));
    expect(fct_album_files(a, NULL, any_file, NULL, &e));
    expect(fct_album_photos(a, 0, any_photo, NULL, &e));
    expect(fct_album_faces(a, &q, any_face, &sum, &e));
    expect(fct_album_people(a, 0, any_person, NULL, &e));
    expect(fct_album_duplicates(a, any_group, NULL, &e));
    expect(fct_album_decisions(a, any_decision, NULL, &e));
    fct_album_find_query_init(&find);
    find.people = people;
    find.n_people = 1;
    expect(fct_album_find(a, &find, any_photo, NULL, &e));
    if (!fct_album_crop(a, 1, &jpeg, &len, &e)) fct_buffer_free(jpeg);
    if (!fct_album_to_embed(a, 0, rows, 4, &n, &e))
        while (n) fct_free(rows[--n].jpeg);
}

static void use_people(fct_album *a) {
    fct_question *questions;
    size_t n;
    char what[50];
    fct_group_opts o;
    expect(fct_album_questions(a, &questions, &n, &e));
    if (n) expect(fct_album_answer(a, &questions[0], true, &e));
    fct_questions_free(questions);
    expect(fct_album_undo(a, what, sizeof what, &e));
    expect(fct_album_name(a, 2, "Bob", NULL, &e));
    fct_group_opts_init(&o);
    o.anew = true;
    expect(fct_album_group(a, &o, NULL, &e));
    expect(fct_album_forget(a, "/photos", &e));
    expect(fct_album_tidy(a, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_album *a;
    fct_error again;
    begin();
    if (size > MOST) return 0;
    make_file(data, size);
    fct_status s = fct_album_open(path, NULL, &a, &e);
    fuzz_check_result(s, &e, a);
    if (s) return 0;
    list_all(a);
    bool sound = !fct_album_check(a, &e);
    use_people(a);
    FUZZ_REQUIRE(!sound || !fct_album_check(a, &again)); /* nothing of this damages a sound file */
    fct_album_free(a);
    return 0;
}
