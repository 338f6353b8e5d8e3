/* How stored pictures were cut: recorded, kept by copies and exchange, and unknown
 * in galleries of schema 1, which are made here with SQLite itself. */
#include "test.h"
#include "facet/image.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include <sqlite3.h>

static fct_error e;

/* The tables as they were before the column "cut". */
static const char *const schema_1[] = {
    "CREATE TABLE change(seq INTEGER PRIMARY KEY AUTOINCREMENT, what INTEGER NOT NULL, id INTEGER NOT NULL) STRICT",
    "CREATE TABLE crop(face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, jpeg BLOB NOT NULL) STRICT",
    "CREATE TABLE face(id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES person(id) ON "
    "DELETE "
    "CASCADE, created INTEGER NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, score "
    "REAL NOT NULL, quality REAL NOT NULL, source TEXT, embedding BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT",
    "CREATE TABLE model(id INTEGER PRIMARY KEY CHECK(id = 1), model_id TEXT NOT NULL, dim INTEGER NOT NULL) STRICT",
    "CREATE TABLE person(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL) "
    "STRICT",
    "CREATE INDEX face_person ON face(person_id)",
    "INSERT INTO model VALUES(1, '" UTIL_MODEL "', 32)",
    "INSERT INTO person VALUES(1, 'Ada', 5)",
    "PRAGMA application_id=1178817607",
    "PRAGMA user_version=1",
};

static void run(sqlite3 *h, const char *sql) {
    char *message = NULL;
    if (sqlite3_exec(h, sql, NULL, NULL, &message)) CHECK_MSG(0, "%s: %s", sql, message);
}

static void insert_face(sqlite3 *h, int id, const char *crop) {
    float v[UTIL_DIM];
    uint8_t blob[4 * UTIL_DIM];
    sqlite3_stmt *q;
    util_embedding((uint64_t)id, UTIL_DIM, v);
    fct_embedding_pack(v, UTIL_DIM, blob);
    REQUIRE(
        !sqlite3_prepare_v2(h, "INSERT INTO face VALUES(?, 1, 6, 1, 2, 3, 4, 0.5, 0, 'a.jpg', ?, ?)", -1, &q, NULL));
    sqlite3_bind_int(q, 1, id);
    sqlite3_bind_blob(q, 2, blob, sizeof blob, SQLITE_STATIC);
    sqlite3_bind_int64(q, 3, fct_face_checksum(blob, sizeof blob, crop, crop ? strlen(crop) : 0));
    CHECK(sqlite3_step(q) == SQLITE_DONE);
    sqlite3_finalize(q);
    if (!crop) return;
    REQUIRE(!sqlite3_prepare_v2(h, "INSERT INTO crop VALUES(?, cast(? AS blob))", -1, &q, NULL));
    sqlite3_bind_int(q, 1, id);
    sqlite3_bind_text(q, 2, crop, -1, SQLITE_STATIC);
    CHECK(sqlite3_step(q) == SQLITE_DONE);
    sqlite3_finalize(q);
}

/* A gallery of schema 1: face 1 with a picture, face 2 without. */
static const char *make_old(const char *name, const char *more) {
    sqlite3 *h;
    const char *path = util_path(name);
    util_remove(path);
    REQUIRE(sqlite3_open(path, &h) == SQLITE_OK);
    for (size_t i = 0; i < sizeof schema_1 / sizeof *schema_1; i++) run(h, schema_1[i]);
    insert_face(h, 1, "jpeg one");
    insert_face(h, 2, NULL);
    run(h, more);
    sqlite3_close(h);
    return path;
}

static void check_faces(fct_gallery *g, int schema) {
    fct_gallery_info info;
    fct_stored_face *faces;
    void *jpeg;
    size_t len;
    int n;
    REQUIRE(!fct_gallery_stat(g, &info, &e) && !fct_gallery_faces(g, 1, &faces, &n, &e));
    CHECK_MSG(info.schema == schema && info.faces == 2, "schema %d", info.schema);
    CHECK(n == 2 && faces[0].has_crop && faces[0].crop_cut == FCT_CROP_UNKNOWN && !faces[1].has_crop);
    CHECK(!fct_gallery_crop(g, 1, &jpeg, &len, &e) && len == 8 && !memcmp(jpeg, "jpeg one", 8));
    CHECK_MSG(!fct_gallery_check(g, &e), "%s", e.text);
    CHECK(strcmp(util_who(g, 2), "Ada") == 0);
    fct_buffer_free(jpeg);
    fct_gallery_faces_free(faces);
}

TEST(an_old_gallery_is_read_as_it_is_and_brought_up_to_date) {
    fct_gallery *g;
    fct_gallery_opts o;
    char path[300];
    snprintf(path, sizeof path, "%s", make_old("old.db", ""));
    fct_gallery_opts_init(&o);
    o.read_only = true;
    for (int round = 0; round < 2; round++) { /* reading changes nothing */
        if (fct_gallery_open(path, &o, &g, &e)) printf("%s\n", e.text);
        REQUIRE(g);
        check_faces(g, 1);
        CHECK(!fct_gallery_export(g, util_path("old.jsonl"), true, &e));
        fct_gallery_free(g);
    }
    if (fct_gallery_open(path, NULL, &g, &e)) printf("%s\n", e.text);
    REQUIRE(g);
    check_faces(g, 3);
    fct_gallery_free(g);
    REQUIRE(!fct_gallery_open(path, &o, &g, &e));
    check_faces(g, 3);
    fct_gallery_free(g);
}

/* Its SQL would run in the migration's statements. */
TEST(an_old_gallery_with_more_in_it_is_refused) {
    static const char *const sqls[] = {"CREATE TRIGGER t AFTER INSERT ON crop BEGIN DELETE FROM person; END",
                                       "CREATE VIEW v AS SELECT * FROM crop", "CREATE TABLE crop_1(x)",
                                       "ALTER TABLE crop ADD COLUMN x INT GENERATED ALWAYS AS (length(jpeg))"};
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
        fct_gallery *g;
        CHECK_MSG(fct_gallery_open(make_old("bad.db", sqls[i]), NULL, &g, &e) == FCT_ERR_FORMAT && !g, "%s", sqls[i]);
    }
}

static fct_status see_cut(const fct_stored_face *face, const void *crop, size_t len, float *embedding, int dim,
                          void *user, fct_error *err) {
    int *seen = user;
    seen[face->id] = crop ? (int)face->crop_cut : -1;
    embedding[0] = (float)face->id;
    return FCT_OK;
}

TEST(the_cut_is_kept_by_export_import_and_told_to_a_migration) {
    fct_gallery *g, *other;
    float v[UTIL_DIM];
    int seen[5] = {-9, -9, -9, -9, -9}, added;
    util_remove(util_path("new.db"));
    util_remove(util_path("other.db"));
    REQUIRE(!fct_gallery_open(util_path("new.db"), NULL, &g, &e) &&
            !fct_gallery_open(util_path("other.db"), NULL, &other, &e));
    for (int cut = FCT_CROP_UNKNOWN; cut <= FCT_CROP_LOOSE; cut++) {
        util_embedding((uint64_t)cut + 1, UTIL_DIM, v);
        fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM, .crop = "x", .crop_len = 1};
        f.crop_cut = (fct_crop_cut)cut;
        CHECK_MSG(!fct_gallery_enroll(g, "Ada", &f, 1, NULL, NULL, &e), "%s", e.text);
        f.crop_cut = (fct_crop_cut)(cut ? cut + 2 : -1);
        CHECK(fct_gallery_enroll(g, "Ada", &f, 1, NULL, NULL, &e) == FCT_ERR_ARG);
    }
    CHECK(!fct_gallery_export(g, util_path("cuts.jsonl"), true, &e));
    CHECK(!fct_gallery_import(other, util_path("cuts.jsonl"), &added, &e) && added == 3);
    CHECK(!fct_gallery_migrate(other, "m", 1, see_cut, seen, false, NULL, &e));
    CHECK_MSG(seen[1] == 0 && seen[2] == 1 && seen[3] == 2, "%d %d %d", seen[1], seen[2], seen[3]);
    fct_gallery_free(g);
    fct_gallery_free(other);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
