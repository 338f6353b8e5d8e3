/* Files of other programs: pickles that NumPy 1.16 to 2.5 wrote in all protocols,
 * pickles that want something executed, dumps of databases. The files are the
 * fuzzers' seeds. */
#include "base/alloc.h"
#include "base/file.h"
#include "facet/imports.h"
#include "gallery_util.h"
#include "imports/pickle.h"
#include "test.h"
#include <math.h>
#include <sqlite3.h>

static fct_error e;

/* numpy.random.RandomState(i).randn(8) for i from 1 */
static const float vectors[4][8] = {
    {1.62434542f, -0.611756384f, -0.528171778f, -1.0729686f, 0.865407646f, -2.30153871f, 1.74481177f, -0.761206925f},
    {-0.416757852f, -0.0562668256f, -2.13619614f, 1.64027083f, -1.79343557f, -0.841747344f, 0.502881408f, -1.24528813f},
    {1.78862846f, 0.436509848f, 0.0964974687f, -1.86349273f, -0.277388215f, -0.354758978f, -0.082741484f, -0.62700069f},
    {0.0505617075f, 0.499951333f, -0.995908916f, 0.693598509f, -0.418301523f, -1.5845772f, -0.647706747f,
     0.598575175f}};

static const char *corpus(const char *folder, const char *name) {
    static char path[2][700];
    static int turn;
    const char *source = getenv("FCT_SOURCE");
    snprintf(path[turn ^= 1], sizeof path[0], "%s/fuzz/corpus/%s/%s", source ? source : ".", folder, name);
    return path[turn];
}

static fct_gallery *open_new(void) {
    fct_gallery *g = NULL;
    util_remove(util_path("imports.db"));
    REQUIRE(!fct_gallery_open(util_path("imports.db"), NULL, &g, &e));
    return g;
}

static fct_status import(fct_gallery *g, const char *path, const char *part, fct_import_result *out) {
    fct_import_opts o;
    fct_import_opts_init(&o);
    o.model_id = "model";
    o.part = part;
    return fct_import(g, path, &o, out, &e);
}

/* Whether somebody has the face, and as many faces. */
static bool has(fct_gallery *g, const char *name, const float *vector, int dim, int faces, float tolerance) {
    fct_person p;
    fct_stored_face *f;
    float stored[64];
    int n, size;
    bool found = false;
    if (fct_gallery_find(g, name, &p, &e) || p.faces != faces) return false;
    if (fct_gallery_faces(g, p.id, &f, &n, &e)) return false;
    for (int i = 0; i < n && !found; i++) {
        if (fct_gallery_embedding(g, f[i].id, stored, 64, &size, &e) || size != dim) break;
        found = true;
        for (int k = 0; k < dim; k++) found &= fabsf(stored[k] - vector[k]) <= tolerance;
    }
    fct_gallery_faces_free(f);
    return found;
}

/* ---- Pickles ------------------------------------------------------------------------------ */

static void check_pickle(const char *name) {
    fct_gallery *g = open_new();
    fct_import_result r;
    bool list = strncmp(name, "dictlist", 8) == 0, one = strncmp(name, "deepface", 8) == 0;
    bool dict = strncmp(name, "dict_", 5) == 0;
    fct_status s = import(g, corpus("pickle", name), NULL, &r);
    CHECK_MSG(!s, "%s: %s", name, e.text);
    CHECK_MSG(r.kind == FCT_IMPORT_PICKLE &&
                  r.faces == (list  ? 4
                              : one ? 1
                                    : 2) &&
                  r.added == r.faces,
              "%s: %d faces", name, r.faces);
    CHECK_MSG(has(g, "Ada", vectors[0], 8, list ? 2 : 1, 0), "%s: Ada", name);
    if (!one)
        CHECK_MSG(has(g, dict ? "Grac\xc3\xa9" : "Bob", vectors[1], 8, list ? 2 : 1, 2e-3f), "%s: the other", name);
    if (list) CHECK_MSG(has(g, "Ada", vectors[2], 8, 2, 0) && has(g, "Bob", vectors[3], 8, 2, 0), "%s", name);
    fct_gallery_free(g);
}

TEST(pickles_of_all_versions) {
    char **names;
    size_t n, seen = 0;
    REQUIRE(!fct_dir_list(corpus("pickle", ""), &names, &n, &e));
    for (size_t i = 0; i < n; i++)
        if (strstr(names[i], ".pkl")) check_pickle(names[i]), seen++;
    CHECK(seen >= 20);
    fct_dir_list_free(names, n);
}

/* What must not be read, and what the error has to name. */
static const struct refused {
    const char *data;
    size_t size;
    fct_status status;
    const char *says;
} refused[] = {
#define BYTES(text) text, sizeof text - 1
    {BYTES("cos\nsystem\n(S'true'\ntR."), FCT_ERR_UNSUPPORTED, "os.system"},
    {BYTES("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."), FCT_ERR_UNSUPPORTED, "os.system"},
    {BYTES("\x80\x02"
           "cbuiltins\neval\nX\x01\0\0\0"
           "1\x85R."),
     FCT_ERR_UNSUPPORTED, "builtins.eval"},
    {BYTES("(S'true'\nios\nsystem\n."), FCT_ERR_UNSUPPORTED, "os.system"},
    {BYTES("\x80\x02"
           "csklearn.svm\nSVC\n)\x81."),
     FCT_ERR_UNSUPPORTED, "sklearn.svm.SVC"},
    {BYTES("\x80\x02"
           "ctorch._utils\n_rebuild_tensor_v2\n."),
     FCT_ERR_UNSUPPORTED, "torch._utils._rebuild_tensor_v2"},
    {BYTES("\x80\x02"
           "cnumpy\nload\n."),
     FCT_ERR_UNSUPPORTED, "numpy.load"},
    {BYTES("\x80\x02"
           "cnumpy.core.multiarray\n_reconstruct.__globals__\n."),
     FCT_ERR_UNSUPPORTED, "__globals__"},
    {BYTES("Pid\n."), FCT_ERR_UNSUPPORTED, "persistent"},
    {BYTES("\x80\x05\x97."), FCT_ERR_UNSUPPORTED, "outside the file"},
    {BYTES("\x80\x02\x82\x01."), FCT_ERR_UNSUPPORTED, "extension"},
    {BYTES("\x80\x63N."), FCT_ERR_UNSUPPORTED, "protocol"},
    {BYTES(""), FCT_ERR_FORMAT, "empty"},
    {BYTES("\x80\x02}q\0"), FCT_ERR_FORMAT, "no end"},
    {BYTES("\x80\x02X\xff\xff\xff\xff"
           "abc."),
     FCT_ERR_FORMAT, "cut off"},
    {BYTES("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff"
           "abc."),
     FCT_ERR_FORMAT, "cut off"},
    {BYTES("\x80\x02r\xff\xff\xff\x7f."), FCT_ERR_FORMAT, "nothing on the stack"},
    {BYTES("\x80\x02Nr\xff\xff\xff\x7f."), FCT_ERR_FORMAT, "memo"},
    {BYTES("\x80\x02h\x05."), FCT_ERR_FORMAT, "not there"},
    {BYTES("."), FCT_ERR_FORMAT, "nothing on the stack"},
    {BYTES("(."), FCT_ERR_FORMAT, "nothing on the stack"},
    {BYTES("t."), FCT_ERR_FORMAT, "no mark"},
    {BYTES("(K\x01"
           "d."),
     FCT_ERR_FORMAT, "without a value"},
    {BYTES("K\x01K\x02"
           "a."),
     FCT_ERR_FORMAT, "no list"},
    {BYTES("K\x01)R."), FCT_ERR_FORMAT, "no function"},
    {BYTES("}}b."), FCT_ERR_FORMAT, "a state"},
    {BYTES("X\x02\0\0\0\xff\xfe."), FCT_ERR_FORMAT, "not UTF-8"},
    {BYTES("\xff."), FCT_ERR_FORMAT, "no instruction"},
    /* an array of 2^40 values with eight bytes */
    {BYTES("cnumpy.core.numeric\n_frombuffer\n(C\x08"
           "abcdefgh"
           "cnumpy\ndtype\n(X\x02\0\0\0f8tR"
           "(\x8a\x06\0\0\0\0\0\x01tX\x01\0\0\0CtR."),
     FCT_ERR_FORMAT, "does not fit"},
    {BYTES("cnumpy\ndtype\n(X\x03\0\0\0V12tR."), FCT_ERR_FORMAT, "a type"},
#undef BYTES
};

TEST(nothing_is_executed) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *r = &refused[i];
        fct_pickle_doc *doc = (fct_pickle_doc *)1;
        fct_status s = fct_pickle_read((const uint8_t *)r->data, r->size, "evil.pkl", &doc, &e);
        CHECK_MSG(s == r->status && !doc, "case %zu: %d %s", i, s, s ? e.text : "");
        CHECK_MSG(s && strstr(e.text, r->says) && strstr(e.text, "evil.pkl"), "case %zu: %s", i, s ? e.text : "");
    }
}

/* Shapes that hold no faces, and numbers that do not fit together. */
TEST(other_shapes_are_named) {
    static const struct {
        const char *data;
        size_t size;
        fct_status status;
        const char *says;
    } cases[] = {
#define BYTES(text) text, sizeof text - 1
        {BYTES("\x80\x02K\x05."), FCT_ERR_FORMAT, "a number"},
        {BYTES("\x80\x02}X\x03\0\0\0AdaX\x02\0\0\0his."), FCT_ERR_FORMAT, "Ada has a text"},
        {BYTES("\x80\x02}K\x01]s."), FCT_ERR_FORMAT, "a key is a number"},
        {BYTES("\x80\x02}(X\x01\0\0\0A](K\x01K\x02"
               "eX\x01\0\0\0B](K\x01K\x02K\x03"
               "eu."),
         FCT_ERR_MISMATCH, "B has 3 values"},
        {BYTES("\x80\x02}(X\x05\0\0\0names](X\x01\0\0\0AeX\x0a\0\0\0embeddings](](K\x01K\x02"
               "e](K\x01K\x03"
               "eeu."),
         FCT_ERR_FORMAT, "1 names and 2 embeddings"},
        {BYTES("\x80\x02}X\x01\0\0\0A](K\0K\0es."), FCT_ERR_FORMAT, "A: "},
        {BYTES("\x80\x02}X\x01\0\0\0 ](K\1K\0es."), FCT_ERR_FORMAT, "evil.pkl"},
        {BYTES("\x80\x02]q\0(h\0h\0h\0e."), FCT_ERR_FORMAT, "has no name"}, /* a list of itself */
#undef BYTES
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fct_gallery *g = open_new();
        fct_import_result r;
        fct_gallery_info info;
        REQUIRE(!fct_file_write_atomic(util_path("evil.pkl"), cases[i].data, cases[i].size, &e));
        fct_status s = import(g, util_path("evil.pkl"), NULL, &r);
        CHECK_MSG(s == cases[i].status && strstr(e.text, cases[i].says), "case %zu: %d %s", i, s, s ? e.text : "");
        CHECK(!fct_gallery_stat(g, &info, &e) && info.people == 0 && info.faces == 0); /* all or nothing */
        fct_gallery_free(g);
    }
}

TEST(memory_may_run_out) {
    size_t size;
    uint8_t *data;
    REQUIRE(!fct_file_read(corpus("pickle", "dict_py36_np1_19_5_p0.pkl"), 1 << 20, &data, &size, &e));
    for (long n = 1;; n++) {
        fct_pickle_doc *doc;
        long live = fct_alloc_live();
        fct_alloc_fail_at(n);
        fct_status s = fct_pickle_read(data, size, "oom", &doc, &e);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == FCT_OK || (s == FCT_ERR_NOMEM && !doc), "allocation %ld: %d", n, s);
        fct_pickle_free(doc);
        CHECK_MSG(fct_alloc_live() == live, "allocation %ld leaks", n);
        if (!reached) break;
        REQUIRE(n < 1000);
    }
    fct_free(data);
}

/* ---- Dumps ------------------------------------------------------------------------------------ */

TEST(a_dump_of_compreface) {
    fct_gallery *g = open_new();
    fct_import_result r;
    static const float ada[] = {1.5f, -0.25f, 0.03f, 0}, other[] = {0.5f, 0.5f, -1, 2.25f};
    fct_status s = import(g, corpus("dump", "compreface.sql"), NULL, &r);
    CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "Ada"), "%s", e.text); /* a tab in a name */
    char *text;
    size_t size;
    REQUIRE(!fct_file_read(corpus("dump", "compreface.sql"), 1 << 20, (uint8_t **)&text, &size, &e));
    memcpy(strstr(text, "Ada\\t"), "Ada -", 5);
    REQUIRE(!fct_file_write_atomic(util_path("c.sql"), text, size, &e));
    CHECK_MSG(!import(g, util_path("c.sql"), NULL, &r), "%s", e.text);
    CHECK(r.kind == FCT_IMPORT_COMPREFACE && r.faces == 2 && r.added == 2 && r.unnamed == 1);
    CHECK(strcmp(r.model, "insightface.Calculator@arcface_r100_v1") == 0);
    CHECK(has(g, "Ada -Lovelace", ada, 4, 1, 0) && has(g, "Grac\xc3\xa9", other, 4, 1, 0));
    CHECK(!import(g, util_path("c.sql"), NULL, &r) && r.added == 0); /* once more: nothing new */
    CHECK(import(g, util_path("c.sql"), "other-key", &r) == FCT_ERR_NOT_FOUND);
    char *second = strstr(text, "0002\tGrac"); /* of another service now */
    second[3] = '7';
    REQUIRE(!fct_file_write_atomic(util_path("c.sql"), text, size, &e));
    CHECK(import(g, util_path("c.sql"), NULL, &r) == FCT_ERR_ARG && strstr(e.text, "--part"));
    CHECK(!import(g, util_path("c.sql"), "00000000-0000-0000-0000-000000000007", &r) && r.faces == 1);
    memcpy(strstr(text, "r100"), "r50x", 4);
    REQUIRE(!fct_file_write_atomic(util_path("c.sql"), text, size, &e));
    CHECK(!import(g, util_path("c.sql"), "00000000-0000-0000-0000-000000000007", &r));
    second[3] = '2';
    REQUIRE(!fct_file_write_atomic(util_path("c.sql"), text, size, &e));
    CHECK(import(g, util_path("c.sql"), NULL, &r) == FCT_ERR_MISMATCH && strstr(e.text, "r50x"));
    fct_free(text);
    fct_gallery_free(g);
}

TEST(a_dump_of_immich) {
    fct_gallery *g = open_new();
    fct_import_result r;
    fct_person p;
    fct_stored_face *f;
    int n;
    static const float ada[] = {1, 0.5f, -0.25f};
    CHECK_MSG(!import(g, corpus("dump", "immich.sql"), NULL, &r), "%s", e.text);
    CHECK(r.kind == FCT_IMPORT_IMMICH && r.faces == 1 && r.unnamed == 3); /* unnamed, deleted, nobody's */
    CHECK(has(g, "Ada", ada, 3, 1, 0));
    REQUIRE(!fct_gallery_find(g, "Ada", &p, &e) && !fct_gallery_faces(g, p.id, &f, &n, &e));
    CHECK(f[0].box[0] == 10 && f[0].box[3] == 40 && strcmp(f[0].source, "immich:a1") == 0);
    fct_gallery_faces_free(f);
    fct_gallery_free(g);
}

TEST(damaged_dumps_and_other_forms) {
    static const struct {
        const char *text;
        fct_status status;
        const char *says;
    } cases[] = {
        {"PGDMP\1\16", FCT_ERR_UNSUPPORTED, "pg_restore"},
        {"\x1f\x8b\x08", FCT_ERR_UNSUPPORTED, "gunzip"},
        {"--\nCREATE TABLE x (y int);\n", FCT_ERR_UNSUPPORTED, "CompreFace or Immich"},
        {"--\nCOPY public.subject (id, api_key, subject_name) FROM stdin;\na\tb\n\\.\n", FCT_ERR_FORMAT, "line 3"},
        {"--\nCOPY public.subject (id, api_key, subject_name) FROM stdin;\na\tb\tc\n", FCT_ERR_FORMAT, "line 4"},
        {"--\nCOPY public.subject (id, subject_name) FROM stdin;\n\\.\n", FCT_ERR_FORMAT, "api_key"},
        {"--\nCOPY public.subject (id, api_key, subject_name) FROM stdin;\na\tb\tAda\n\\.\n"
         "COPY public.embedding (subject_id, embedding, calculator) FROM stdin;\na\t{1,x}\tc\n\\.\n",
         FCT_ERR_FORMAT, "line 6"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fct_gallery *g = open_new();
        fct_import_result r;
        REQUIRE(!fct_file_write_atomic(util_path("d.sql"), cases[i].text, strlen(cases[i].text), &e));
        fct_status s = import(g, util_path("d.sql"), NULL, &r);
        CHECK_MSG(s == cases[i].status && strstr(e.text, cases[i].says), "case %zu: %d %s", i, s, s ? e.text : "");
        fct_gallery_free(g);
    }
}

/* ---- The InsightFace Server's database -------------------------------------------------------------- */

static void make_server_db(const char *path, const char *more) {
    static const float ada[3] = {1, 2, 3}, bob[3] = {-1, 0.5f, 0};
    static const char tables[] =
        "CREATE TABLE persons (collection_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT, external_id TEXT, "
        "PRIMARY KEY(collection_id, id));"
        "CREATE TABLE face_samples (id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, person_id TEXT NOT NULL, "
        "embedding BLOB NOT NULL, embedding_dimension INTEGER NOT NULL, bounding_box_json TEXT NOT NULL, "
        "detection_score REAL NOT NULL, model_id TEXT NOT NULL, model_version TEXT NOT NULL, model_digest TEXT NOT "
        "NULL);"
        "INSERT INTO persons VALUES ('_default', 'p1', 'Ada', NULL), ('_default', 'p2', NULL, 'Bob');";
    sqlite3 *h;
    sqlite3_stmt *q;
    util_remove(path);
    REQUIRE(sqlite3_open(path, &h) == SQLITE_OK && sqlite3_exec(h, tables, NULL, NULL, NULL) == SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        REQUIRE(sqlite3_prepare_v2(h,
                                   "INSERT INTO face_samples VALUES (?, '_default', ?, ?, 3, ?, 0.9, 'buffalo_l', "
                                   "'1.0', 'ab')",
                                   -1, &q, NULL) == SQLITE_OK);
        sqlite3_bind_text(q, 1, i ? "f2" : "f1", -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 2, i ? "p2" : "p1", -1, SQLITE_STATIC);
        sqlite3_bind_blob(q, 3, i ? bob : ada, sizeof ada, SQLITE_STATIC);
        sqlite3_bind_text(q, 4, i ? "nonsense" : "{\"pixels\": {\"x\": 1, \"y\": 2, \"width\": 10, \"height\": 20}}",
                          -1, SQLITE_STATIC);
        REQUIRE(sqlite3_step(q) == SQLITE_DONE);
        sqlite3_finalize(q);
    }
    if (more) REQUIRE(sqlite3_exec(h, more, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(h);
}

TEST(the_insightface_servers_database) {
    static const float ada[] = {1, 2, 3}, bob[] = {-1, 0.5f, 0};
    fct_gallery *g = open_new();
    fct_import_result r;
    fct_person p;
    fct_stored_face *f;
    int n;
    const char *path = util_path("server.db");
    make_server_db(path, NULL);
    CHECK_MSG(!import(g, path, NULL, &r), "%s", e.text);
    CHECK(r.kind == FCT_IMPORT_INSIGHTFACE && r.faces == 2 && strcmp(r.model, "buffalo_l 1.0") == 0);
    CHECK(has(g, "Ada", ada, 3, 1, 0) && has(g, "Bob", bob, 3, 1, 0));
    REQUIRE(!fct_gallery_find(g, "Ada", &p, &e) && !fct_gallery_faces(g, p.id, &f, &n, &e));
    CHECK(f[0].box[0] == 1 && f[0].box[2] == 11 && f[0].box[3] == 22 && f[0].score > 0.89f);
    fct_gallery_faces_free(f);
    path = util_path("server.db");
    make_server_db(path,
                   "INSERT INTO persons VALUES ('staff', 'p1', 'Eve', NULL); INSERT INTO face_samples SELECT 'f3', "
                   "'staff', 'p1', embedding, 3, '{}', 0.5, 'buffalo_s', '1.0', 'cd' FROM face_samples LIMIT 1");
    CHECK(import(g, path, NULL, &r) == FCT_ERR_ARG && strstr(e.text, "--part"));
    CHECK(import(g, path, "nobody", &r) == FCT_ERR_NOT_FOUND);
    CHECK_MSG(!import(g, path, "staff", &r) && r.faces == 1, "%s", e.text);
    path = util_path("server.db");
    make_server_db(path, "UPDATE face_samples SET model_digest = 'cd' WHERE id = 'f2'");
    CHECK(import(g, path, NULL, &r) == FCT_ERR_MISMATCH);
    path = util_path("server.db");
    make_server_db(path, "UPDATE face_samples SET embedding = x'000102' WHERE id = 'f2'");
    CHECK(import(g, path, NULL, &r) == FCT_ERR_FORMAT && strstr(e.text, "f2"));
    path = util_path("server.db");
    make_server_db(path, "DROP TABLE persons");
    CHECK(import(g, path, NULL, &r) == FCT_ERR_FORMAT && strstr(e.text, "server.db") && strstr(e.text, "persons"));
    fct_gallery_free(g);
}

/* ---- Out of memory ----------------------------------------------------------------------------------- */

/* Every allocation of an import fails once: an error, nothing stored, no leak. */
static void fail_everywhere(const char *path, int faces) {
    for (long n = 1;; n++) {
        long live = fct_alloc_live();
        fct_gallery *g = open_new();
        fct_import_result r;
        fct_gallery_info info;
        fct_alloc_fail_at(n);
        fct_status s = import(g, path, NULL, &r);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == FCT_OK || s == FCT_ERR_NOMEM, "%s, allocation %ld: %s", path, n, e.text);
        CHECK_MSG(!fct_gallery_stat(g, &info, &e) && info.faces == (s ? 0 : faces), "%s, allocation %ld: %d faces",
                  path, n, info.faces);
        fct_gallery_free(g);
        CHECK_MSG(fct_alloc_live() == live, "%s, allocation %ld leaks", path, n);
        if (!reached) return;
        REQUIRE(n < 5000);
    }
}

TEST(imports_may_run_out_of_memory) {
    fct_gallery_free(open_new()); /* what the process keeps */
    fail_everywhere(corpus("pickle", "dictlist_py38_np1_24_4_p3.pkl"), 4);
    fail_everywhere(corpus("dump", "immich.sql"), 1);
    make_server_db(util_path("server.db"), NULL);
    char path[700];
    snprintf(path, sizeof path, "%s", util_path("server.db"));
    fail_everywhere(path, 2);
}

/* ---- Which kind ------------------------------------------------------------------------------------------ */

TEST(kinds_are_told_by_content) {
    static const struct {
        const char *data;
        fct_import_kind kind;
    } cases[] = {
        {"{\"facet_gallery\": 1}", FCT_IMPORT_FACET}, {"\x93NUMPY\1", FCT_IMPORT_NUMPY}, {"PK\3\4", FCT_IMPORT_NUMPY},
        {"SQLite format 3", FCT_IMPORT_INSIGHTFACE},  {"\x80\4}.", FCT_IMPORT_PICKLE},   {"(dp0\n.", FCT_IMPORT_PICKLE},
        {"ccollections\n", FCT_IMPORT_PICKLE},        {"hello", FCT_IMPORT_AUTO},        {"", FCT_IMPORT_AUTO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fct_import_kind kind;
        REQUIRE(!fct_file_write_atomic(util_path("kind"), cases[i].data, strlen(cases[i].data), &e));
        fct_status s = fct_import_recognize(util_path("kind"), &kind, &e);
        CHECK_MSG(kind == cases[i].kind && (s == FCT_OK) == (kind != FCT_IMPORT_AUTO), "case %zu", i);
    }
    CHECK(fct_import_kind_find("pickle") == FCT_IMPORT_PICKLE && fct_import_kind_find("auto") == FCT_IMPORT_AUTO);
    CHECK(fct_import_kind_name(FCT_IMPORT_AUTO) == NULL);
    fct_gallery *g = open_new();
    fct_import_result r;
    CHECK(fct_import(g, corpus("dump", "immich.sql"), NULL, &r, &e) == FCT_ERR_ARG && strstr(e.text, "which network"));
    CHECK(import(g, util_path("kind-not-there"), NULL, &r) == FCT_ERR_NOT_FOUND);
    /* another network's gallery */
    REQUIRE(!util_enroll(g, "Zoe", 1, NULL, &e));
    CHECK(import(g, corpus("pickle", "dict_py313_np2_5_5_p5.pkl"), NULL, &r) == FCT_ERR_MISMATCH);
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
