/* Merging, copies, export and import, NumPy files, another model. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "facet/image.h"
#include "text/base64.h"
#include "text/csv_reader.h"
#include "gallery/jsonl.h"
#include "gallery/gallery_npy.h"
#include "gallery_util.h"
#include "store_choice.h"
#include <math.h>

static fct_error e;

static fct_gallery *open_new(const char *name) {
    fct_gallery *g;
    store_erase(name);
    if (store_open(name, NULL, &g, &e)) printf("%s\n", e.text);
    REQUIRE(g);
    return g;
}

static int64_t person(fct_gallery *g, const char *name) {
    fct_person p;
    return fct_gallery_find(g, name, &p, &e) ? 0 : p.id;
}

static void write_text(const char *path, const char *text, size_t size) {
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(text, 1, size, f) == size && fclose(f) == 0);
}

/* Enrolls embedding number seed with a crop that says so. */
static void enroll_with_crop(fct_gallery *g, const char *name, uint64_t seed) {
    float v[UTIL_DIM];
    char crop[32];
    util_embedding(seed, UTIL_DIM, v);
    snprintf(crop, sizeof crop, "crop %d", (int)seed);
    fct_enrollment f = {.model_id = UTIL_MODEL,
                        .embedding = v,
                        .dim = UTIL_DIM,
                        .source = "dir/a \"b\" \\c.jpg",
                        .box = {-1.5f, 2, 1e-9f, 3e20f},
                        .score = 1 / 3.0f,
                        .quality = 0.75f,
                        .crop = crop,
                        .crop_len = strlen(crop)};
    if (fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e)) CHECK_MSG(0, "%s", e.text);
}

TEST(merge_people) {
    fct_gallery *g = open_new("merge.db");
    fct_person p;
    float v[UTIL_DIM], got[UTIL_DIM];
    void *jpeg;
    size_t len;
    int dim;
    enroll_with_crop(g, "Ada", 1);
    enroll_with_crop(g, "Ada", 2);
    enroll_with_crop(g, "A. L.", 2); /* the same face under another name */
    enroll_with_crop(g, "A. L.", 3);
    int64_t ada = person(g, "Ada"), al = person(g, "A. L.");
    CHECK(fct_gallery_merge(g, ada, ada, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_merge(g, ada, 99, &e) == FCT_ERR_NOT_FOUND &&
          fct_gallery_merge(g, 99, ada, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_merge(g, al, ada, &e));
    CHECK(!person(g, "A. L.") && !fct_gallery_find(g, "Ada", &p, &e) && p.faces == 3);
    for (uint64_t i = 1; i <= 3; i++) CHECK(strcmp(util_who(g, i), "Ada") == 0);
    util_embedding(3, UTIL_DIM, v);
    CHECK(!fct_gallery_embedding(g, 4, got, UTIL_DIM, &dim, &e) && dim == UTIL_DIM && !memcmp(v, got, sizeof v));
    CHECK(fct_gallery_embedding(g, 4, got, UTIL_DIM - 1, &dim, &e) == FCT_ERR_LIMIT && dim == 0);
    CHECK(fct_gallery_embedding(g, 3, got, UTIL_DIM, &dim, &e) == FCT_ERR_NOT_FOUND); /* the duplicate is gone */
    CHECK(!fct_gallery_crop(g, 4, &jpeg, &len, &e) && len == 6 && !memcmp(jpeg, "crop 3", 6));
    fct_buffer_free(jpeg);
    CHECK(fct_gallery_crop(g, 3, &jpeg, &len, &e) == FCT_ERR_NOT_FOUND && !jpeg);
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

TEST(backup_while_open) {
    if (!store_is("sqlite")) SKIP("about files");
    fct_gallery *g = open_new("orig.db"), *b;
    char copy[400];
    snprintf(copy, sizeof copy, "%s", util_path("copy.db"));
    util_remove(copy);
    for (uint64_t i = 0; i < 50; i++) enroll_with_crop(g, i % 2 ? "Ada" : "Bob", i);
    REQUIRE(!fct_gallery_backup(g, copy, &e));
    CHECK(fct_gallery_backup(g, copy, &e) == FCT_ERR_EXISTS);
    CHECK(fct_gallery_backup(g, util_path("orig.db"), &e) == FCT_ERR_EXISTS);
    CHECK(fct_gallery_backup(g, util_path("no/such/folder.db"), &e) == FCT_ERR_NOT_FOUND);
    enroll_with_crop(g, "Eve", 50); /* later than the copy */
    REQUIRE(!fct_gallery_open(copy, NULL, &b, &e) && !fct_gallery_check(b, &e));
    for (uint64_t i = 0; i < 50; i++) CHECK(strcmp(util_who(b, i), i % 2 ? "Ada" : "Bob") == 0);
    CHECK(strcmp(util_who(b, 50), "") == 0 && strcmp(util_who(g, 50), "Eve") == 0);
    enroll_with_crop(b, "Eve", 50); /* and it is a gallery to work on */
    fct_gallery_free(b);
    fct_gallery_free(g);
}

static fct_status refuse(const void *data, size_t size, void *user, fct_error *err) {
    snprintf(err->text, sizeof err->text, "refused");
    return err->code = FCT_ERR_IO;
}

/* Exported, imported, exported again: the same text. */
TEST(export_import_round_trip) {
    static const char *const names[] = {"Ada", "quote \" and \\ slash", "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e", "{}"};
    fct_gallery *g = open_new("ex.db"), *h;
    uint8_t *a, *b;
    size_t na, nb;
    int added;
    char path[400];
    for (uint64_t i = 0; i < 12; i++) enroll_with_crop(g, names[i / 3], i);
    snprintf(path, sizeof path, "%s", util_path("ex.jsonl"));
    for (int crops = 0; crops < 2; crops++) {
        REQUIRE(!fct_gallery_export(g, path, crops, &e) && !fct_file_read(path, 1 << 20, &a, &na, &e));
        h = open_new("im.db");
        if (fct_gallery_import(h, path, &added, &e)) CHECK_MSG(0, "%s", e.text);
        CHECK(added == 12 && !fct_gallery_check(h, &e));
        for (uint64_t i = 0; i < 12; i++) CHECK(strcmp(util_who(h, i), names[i / 3]) == 0);
        REQUIRE(!fct_gallery_export(h, util_path("ex2.jsonl"), crops, &e));
        REQUIRE(!fct_file_read(util_path("ex2.jsonl"), 1 << 20, &b, &nb, &e));
        CHECK(na == nb && memcmp(a, b, na) == 0 && (strstr((char *)a, "\"crop\"") != NULL) == crops);
        CHECK(!fct_gallery_import(h, path, &added, &e) && added == 0); /* all there already */
        fct_free(a), fct_free(b);
        fct_gallery_free(h);
    }
    CHECK(fct_gallery_export_to(g, refuse, NULL, false, &e) == FCT_ERR_IO && strcmp(e.text, "refused") == 0);
    if (store_is("sqlite")) CHECK(fct_gallery_export(g, util_path("ex.db"), false, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_export(g, util_path("no/such/x.jsonl"), false, &e) == FCT_ERR_NOT_FOUND);
    fct_gallery_free(g);
}

TEST(import_refuses) {
    static const struct {
        const char *text;
        fct_status want;
        const char *says;
    } files[] = {
        {"", FCT_ERR_FORMAT, "empty"},
        {"\n", FCT_ERR_FORMAT, "line 1"},
        {"{\"name\":\"Ada\"}\n", FCT_ERR_FORMAT, "line 1"},
        {"{\"facet_gallery\":2}\n", FCT_ERR_UNSUPPORTED, "newer"},
        {"{\"facet_gallery\":1}\n{\"name\":\"a\\nb\"}\n", FCT_ERR_FORMAT, "line 2"},
        {"{\"facet_gallery\":1}\n{\"name\":\"Ada\"}\n{\"name\":\"B\",\"embedding\":\"AAAA\"}", FCT_ERR_FORMAT,
         "line 3"},
        {"{\"facet_gallery\":1,\"model\":\"m\",\"dim\":1}\n{\"name\":\"B\",\"embedding\":\"AACAPw=\"}", FCT_ERR_FORMAT,
         "line 2"},
        {"{\"facet_gallery\":1,\"model\":\"m\",\"dim\":1}\n{\"name\":\"B\",\"embedding\":\"AAAAAA==\"}", FCT_ERR_FORMAT,
         "line 2"},
        {"{\"facet_gallery\":1,\"model\":\"m\",\"dim\":1}\n{\"name\":\"B\",\"embedding\":\"AADAfw==\"}", FCT_ERR_FORMAT,
         "line 2"},
        {"{\"facet_gallery\":1,\"model\":\"m\",\"dim\":1}\n{\"name\":\"B\",\"embedding\":\"AACAPw==\"}",
         FCT_ERR_MISMATCH, "model"},
        {"{\"facet_gallery\":1,\"model\":\"m\",\"dim\":99999999}\n", FCT_ERR_FORMAT, "line 1"},
        {"not json\n", FCT_ERR_FORMAT, "line 1"},
    };
    fct_gallery *g = open_new("refuse.db");
    fct_gallery_info info;
    int added;
    enroll_with_crop(g, "Eve", 1);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_text(util_path("bad.jsonl"), files[i].text, strlen(files[i].text));
        fct_status s = fct_gallery_import(g, util_path("bad.jsonl"), &added, &e);
        CHECK_MSG(s == files[i].want && strstr(e.text, files[i].says) &&
                      strstr(e.text, i == 9 ? store_mark("refuse.db") : "bad.jsonl"),
                  "%zu: %d %s", i, s, e.text);
    }
    CHECK(fct_gallery_import(g, util_path("none.jsonl"), &added, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_import(g, "/", &added, &e) == FCT_ERR_IO);
    CHECK(!fct_gallery_stat(g, &info, &e) && info.people == 1 && info.faces == 1); /* nothing of them was kept */
    fct_gallery_free(g);
}

TEST(json_lines) {
    static const struct {
        const char *text;
        bool good;
    } lines[] = {{"{}", true},
                 {" { \"name\" : \"x\" } ", true},
                 {"{\"x\":null,\"y\":true,\"z\":-1.5e3,\"w\":\"s\"}", true},
                 {"{\"name\":\"\\u00e9\\ud83d\\ude00\\/\"}", true},
                 {"{\"box\":[1,2,3,4]}", true},
                 {"", false},
                 {"{", false},
                 {"{}x", false},
                 {"{\"name\":1}", false},
                 {"{\"name\":\"x\",\"name\":\"y\"}", false},
                 {"{\"name\":\"\\ud83d\"}", false},
                 {"{\"name\":\"\\u0000\"}", false},
                 {"{\"name\":\"x}", false},
                 {"{\"box\":[1,2,3]}", false},
                 {"{\"score\":1e999}", false},
                 {"{\"score\":1e39}", false},
                 {"{\"score\":.5}", false},
                 {"{\"dim\":1.5}", false},
                 {"{\"a\":[1]}", true},
                 {"{\"a\":{}}", true},
                 {"{\"name\":\"x\",}", false},
                 {"{\"name\"}", false},
                 {"{\"score\":-}", false}};
    fct_json_doc doc = {0};
    fct_json_line j;
    const char *why;
    char buf[200];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        strcpy(buf, lines[i].text);
        CHECK_MSG(!fct_json_line_parse(&doc, buf, strlen(buf), &j, &why) == lines[i].good, "%s", lines[i].text);
    }
    strcpy(buf, "{\"name\":\"\\u00e9\\ud83d\\ude00\\/\\\"\",\"score\":0.1,\"created\":1700000000,\"quality\":25e-2}");
    REQUIRE(!fct_json_line_parse(&doc, buf, strlen(buf), &j, &why));
    CHECK(strcmp(j.name, "\xc3\xa9\xf0\x9f\x98\x80/\"") == 0 && j.score == 0.1f && j.created == 1700000000 &&
          j.quality == 0.25f);
    fct_json_free(&doc);
}

TEST(base64) { /* the vectors of RFC 4648, section 10 */
    static const char *const plain = "foobar", *const coded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                                                 "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char out[16];
    uint8_t back[16];
    size_t n;
    for (size_t i = 0; i <= 6; i++) {
        fct_base64_encode((const uint8_t *)plain, i, out);
        CHECK(fct_base64_size(i) == strlen(coded[i]) && memcmp(out, coded[i], strlen(coded[i])) == 0);
        CHECK(fct_base64_decode(coded[i], strlen(coded[i]), back, &n) && n == i && memcmp(back, plain, i) == 0);
    }
    static const char *const bad[] = {"Z", "Zg=", "Zh==", "Zm9=", "====", "Zg==Zg==", "Zm9 ", "Z===", "Zm\n9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(!fct_base64_decode(bad[i], strlen(bad[i]), back, &n), "%s", bad[i]);
}

TEST(csv) {
    char text[] = "name,source\r\n\"a, \"\"b\"\"\",\"x\ny\"\n\nplain\nlast,";
    const char *why;
    fct_csv c = {.p = text, .end = text + strlen(text), .next = 1};
    REQUIRE(fct_csv_next(&c, &why) && c.n == 2 && !strcmp(c.field[1], "source") && c.line == 1);
    REQUIRE(fct_csv_next(&c, &why) && c.n == 2 && !strcmp(c.field[0], "a, \"b\"") && !strcmp(c.field[1], "x\ny") &&
            c.line == 2);
    REQUIRE(fct_csv_next(&c, &why) && c.n == 1 && !strcmp(c.field[0], "plain") && c.line == 5);
    REQUIRE(fct_csv_next(&c, &why) && c.n == 2 && !strcmp(c.field[0], "last") && !*c.field[1]);
    CHECK(!fct_csv_next(&c, &why) && !why);
    static const char *const bad[] = {"\"open", "\"a\"b,c"};
    for (int i = 0; i < 2; i++) {
        strcpy(text, bad[i]);
        c = (fct_csv){.p = text, .end = text + strlen(text), .next = 1};
        CHECK(!fct_csv_next(&c, &why) && why);
    }
}

/* ---- NumPy ---------------------------------------------------------------------------- */

/* Files written by NumPy itself (fuzz/corpus/exchange): embs.* hold the matrix
 * [3][4] of 0.5 + row - column / 4 in several types. */
static fct_status read_sample(const char *name, fct_npy *m, uint8_t **data) {
    char path[600];
    size_t size;
    const char *root = getenv("FCT_SOURCE");
    if (!root) SKIP("FCT_SOURCE is not set");
    snprintf(path, sizeof path, "%s/fuzz/corpus/exchange/%s", root, name);
    REQUIRE(!fct_file_read(path, 1 << 20, data, &size, &e));
    return fct_npy_read(*data, size, name, 1000, m, &e);
}

TEST(numpy_files) {
    static const char *const good[] = {"f2.npy",          "f4.npy",        "f8.npy", "f4-big-endian.npy",
                                       "f4-version2.npy", "one-matrix.npz"};
    static const char *const refused[] = {"objects.npy", "ints.npy",       "columns.npy",      "vector.npy",
                                          "cube.npy",    "compressed.npz", "two-matrices.npz", "names-only.npz"};
    fct_npy m;
    uint8_t *data;
    float row[4];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fct_status s = read_sample(good[i], &m, &data);
        CHECK_MSG(!s && m.n == 3 && m.dim == 4, "%s: %s", good[i], e.text);
        for (size_t r = 0; !s && r < 3; r++) {
            fct_npy_row(&m, r, row);
            for (int c = 0; c < 4; c++) CHECK_MSG(row[c] == 0.5f + r - c / 4.0f, "%s: %g", good[i], row[c]);
        }
        fct_free(data);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK_MSG(read_sample(refused[i], &m, &data) == FCT_ERR_UNSUPPORTED, "%s: %s", refused[i], e.text);
        fct_free(data);
    }
}

TEST(half_floats) { /* against their definition */
    uint8_t bytes[2];
    float got;
    fct_npy m = {bytes, 1, 1, 2, false};
    for (int h = 0; h < 65536; h++) {
        bytes[0] = (uint8_t)h, bytes[1] = (uint8_t)(h >> 8);
        fct_npy_row(&m, 0, &got);
        int exponent = h >> 10 & 31;
        double f = h & 1023, want = exponent ? ldexp(1 + f / 1024, exponent - 15) : ldexp(f, -24);
        if (exponent == 31) want = f != 0 ? NAN : INFINITY;
        if (h & 0x8000) want = -want;
        CHECK(isnan(want) ? isnan(got) : got == want);
    }
}

TEST(import_numpy) {
    fct_gallery *g = open_new("npy.db");
    fct_person *people;
    char npy[600], csv[400];
    int n, added;
    const char *root = getenv("FCT_SOURCE");
    if (!root) SKIP("FCT_SOURCE is not set");
    snprintf(npy, sizeof npy, "%s/fuzz/corpus/exchange/f4.npy", root);
    snprintf(csv, sizeof csv, "%s", util_path("names.csv"));
    static const struct {
        const char *csv;
        fct_status want;
    } cases[] = {{"Ada\nBob\n", FCT_ERR_FORMAT},
                 {"Ada\nBob\nCarl\nDan\n", FCT_ERR_FORMAT},
                 {"name\nAda\n\"\"\nBob\n", FCT_ERR_FORMAT},
                 {"Ada\n\"Bob\nCarl", FCT_ERR_FORMAT},
                 {"\xef\xbb\xbfname,source\nAda,a.jpg\n\"Bob, jr.\",b.jpg\nAda,c.jpg\n", FCT_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(csv, cases[i].csv, strlen(cases[i].csv));
        fct_status s = fct_gallery_import_npy(g, "some-model", npy, csv, &added, &e);
        CHECK_MSG(s == cases[i].want, "%zu: %d %s", i, s, e.text);
    }
    REQUIRE(added == 3 && !fct_gallery_people(g, &people, &n, &e) && n == 2);
    CHECK(!strcmp(people[0].name, "Ada") && people[0].faces == 2 && !strcmp(people[1].name, "Bob, jr."));
    fct_gallery_people_free(people);
    CHECK(fct_gallery_import_npy(g, "other-model", npy, csv, &added, &e) == FCT_ERR_MISMATCH);
    CHECK(fct_gallery_import_npy(g, "", npy, csv, &added, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_import_npy(g, "some-model", csv, csv, &added, &e) == FCT_ERR_FORMAT);
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

/* ---- Another model -------------------------------------------------------------------- */

enum { NEW_DIM = 8 };
typedef struct reembedder {
    int calls, fail_at;
    const char *meanwhile;
} reembedder;

/* The new model's embedding of a face is made from the number its crop tells. */
static fct_status reembed(const fct_stored_face *face, const void *crop, size_t len, float *out, int dim, void *user,
                          fct_error *err) {
    reembedder *r = user;
    if (++r->calls == r->fail_at) {
        if (err) err->code = FCT_ERR_CANCELLED, strcpy(err->text, "stopped");
        return FCT_ERR_CANCELLED;
    }
    if (r->meanwhile && r->calls == 2) { /* another process adds a face while this goes on */
        fct_gallery *other;
        REQUIRE(!store_open(r->meanwhile, NULL, &other, &e));
        enroll_with_crop(other, "Late", 77);
        fct_gallery_free(other);
    }
    CHECK(face->id > 0 && dim == NEW_DIM);
    if (!crop) return FCT_ERR_NOT_FOUND;
    char text[32] = "";
    memcpy(text, crop, len < 31 ? len : 31);
    util_embedding(1000 + (uint64_t)atoi(text + 5), dim, out);
    return FCT_OK;
}

static const char *who_new(fct_gallery *g, uint64_t seed) {
    static fct_match m;
    float v[NEW_DIM];
    int n;
    util_embedding(1000 + seed, NEW_DIM, v);
    if (fct_gallery_search(g, "new-model", v, NEW_DIM, 0.999f, 1, &m, &n, &e)) return NULL;
    return n ? m.name : "";
}

TEST(migrate) {
    fct_gallery *g = open_new("migrate.db");
    fct_gallery_info info;
    int dropped;
    for (uint64_t i = 0; i < 6; i++) enroll_with_crop(g, i % 2 ? "Ada" : "Bob", i);
    REQUIRE(!util_enroll(g, "No picture", 6, NULL, &e));
    reembedder r = {0};
    CHECK(fct_gallery_migrate(g, "new-model", NEW_DIM, reembed, &r, false, &dropped, &e) == FCT_ERR_NOT_FOUND);
    r = (reembedder){.fail_at = 4};
    CHECK(fct_gallery_migrate(g, "new-model", NEW_DIM, reembed, &r, true, &dropped, &e) == FCT_ERR_CANCELLED);
    CHECK(strstr(e.text, "stopped") && !fct_gallery_stat(g, &info, &e) && info.faces == 7 && info.dim == UTIL_DIM);
    r = (reembedder){.meanwhile = "migrate.db"};
    if (fct_gallery_migrate(g, "new-model", NEW_DIM, reembed, &r, true, &dropped, &e)) CHECK_MSG(0, "%s", e.text);
    CHECK(dropped == 1 && r.calls == 8);
    CHECK(!fct_gallery_stat(g, &info, &e) && info.faces == 7 && info.dim == NEW_DIM &&
          !strcmp(info.model_id, "new-model"));
    for (uint64_t i = 0; i < 6; i++) CHECK(strcmp(who_new(g, i), i % 2 ? "Ada" : "Bob") == 0);
    CHECK(strcmp(who_new(g, 77), "Late") == 0 && util_who(g, 1) == NULL); /* the old model is refused */
    if (fct_gallery_check(g, &e)) CHECK_MSG(0, "%s", e.text);
    CHECK(fct_gallery_migrate(g, "", NEW_DIM, reembed, &r, true, &dropped, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_migrate(g, "m", NEW_DIM, NULL, NULL, true, &dropped, &e) == FCT_ERR_ARG);
    fct_gallery_free(g);
}

/* Devices that never end are refused before anything is read. */
TEST(endless_files) {
    fct_file_stat st;
    fct_gallery *g;
    fct_file_get_stat("/dev/zero", &st);
    if (!st.exists) SKIP("no /dev/zero here");
    FILE *f = fct_fopen(util_path("one.csv"), "wb");
    REQUIRE(f);
    fputs("Ada\n", f);
    fclose(f);
    REQUIRE(!store_open("endless.db", NULL, &g, &e));
    CHECK(fct_gallery_import(g, "/dev/zero", NULL, &e) == FCT_ERR_IO && strstr(e.text, "/dev/zero"));
    CHECK(fct_gallery_import_npy(g, "m", "/dev/zero", util_path("one.csv"), NULL, &e) == FCT_ERR_IO);
    CHECK(strstr(e.text, "/dev/zero"));
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
