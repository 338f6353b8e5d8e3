/* JSON: the reader against jansson on millions of small texts, the writer by the reader. */
#include "../test.h"

#include "base/alloc.h"
#include "text/base64.h"
#include "text/dates.h"
#include "text/json_copy.h"
#include "text/json_reader.h"
#include "text/json_writer.h"

#include <locale.h>
#include <math.h>
#include <time.h>

#ifdef HAVE_JANSSON
#include <jansson.h>
#endif

static fct_json_doc doc;

static fct_status read_text(const char *text, fct_json_fault *fault) {
    static char copy[1 << 16];
    strcpy(copy, text);
    return fct_json_read(&doc, copy, strlen(text), fault);
}

TEST(values_of_every_kind) {
    fct_json_fault f;
    double d;
    int64_t i;
    bool b;
    REQUIRE(!read_text(" {\"a\": [1, -2.5e1, [], {}], \"b\": {\"c\": \"x\\n\\u00e9\\ud83d\\ude00\"}, "
                       "\"t\": true, \"f\": false, \"n\": null, \"\": 0} ",
                       &f));
    const fct_json *root = doc.values, *a = fct_json_member(root, "a");
    CHECK(fct_json_is(root, FCT_JSON_OBJECT) && root->length == 6 && root->span == doc.n);
    CHECK(fct_json_is(a, FCT_JSON_ARRAY) && a->length == 4);
    const fct_json *c = fct_json_first(a);
    CHECK(fct_json_get_int(c, &i) && i == 1);
    c = fct_json_next(a, c);
    CHECK(fct_json_get_number(c, &d) && d == -25 && fct_json_get_int(c, &i) && i == -25);
    c = fct_json_next(a, c);
    CHECK(fct_json_is(c, FCT_JSON_ARRAY) && !c->length && !fct_json_first(c));
    c = fct_json_next(a, c);
    CHECK(fct_json_is(c, FCT_JSON_OBJECT) && !fct_json_next(a, c));
    const char *text = fct_json_get_text(fct_json_member(fct_json_member(root, "b"), "c"));
    CHECK(text && strcmp(text, "x\n\xc3\xa9\xf0\x9f\x98\x80") == 0);
    CHECK(fct_json_get_bool(fct_json_member(root, "t"), &b) && b);
    CHECK(fct_json_get_bool(fct_json_member(root, "f"), &b) && !b);
    CHECK(fct_json_is(fct_json_member(root, "n"), FCT_JSON_NULL) && fct_json_member(root, ""));
    CHECK(!fct_json_member(root, "z") && !fct_json_member(a, "a") && !fct_json_member(NULL, "a"));
    CHECK(!fct_json_get_int(NULL, &i) && !fct_json_get_text(a) && !fct_json_get_bool(a, &b));
}

TEST(faults_have_a_place) {
    static const struct {
        const char *text, *why;
        int line, column;
        fct_status s;
    } cases[] = {
        {"", "ends where a value belongs", 1, 1, FCT_ERR_FORMAT},
        {"{\"a\": \"\\n\\n\",\n  \"b\" 1}", "has a member without a value", 2, 7, FCT_ERR_FORMAT},
        {"[1,\n2,\n]", "has no value where one belongs", 3, 1, FCT_ERR_FORMAT},
        {"{\"a\":1,\"a\":2}", "has a member twice", 1, 14, FCT_ERR_FORMAT},
        {"[01]", "has a number with a leading zero", 1, 4, FCT_ERR_FORMAT},
        {"[1e999]", "has a number that is too large", 1, 7, FCT_ERR_FORMAT},
        {"[\"\xc3(\"]", "has a string that is not UTF-8", 1, 3, FCT_ERR_FORMAT},
        {"[\"\\ud83d\"]", "has half a surrogate pair", 1, 9, FCT_ERR_FORMAT},
        {"[\"\\u0000\"]", "has a bad escape in a string", 1, 9, FCT_ERR_FORMAT},
        {"[1 2]", "has an array that is not closed", 1, 4, FCT_ERR_FORMAT},
        {"{\"a\":1", "is not closed", 1, 7, FCT_ERR_FORMAT},
        {"[\"a", "ends inside a string", 1, 4, FCT_ERR_FORMAT},
        {"1 2", "goes on behind its value", 1, 3, FCT_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fct_json_fault f;
        fct_status s = read_text(cases[i].text, &f);
        CHECK_MSG(s == cases[i].s && f.why && strcmp(f.why, cases[i].why) == 0 && f.line == cases[i].line &&
                      f.column == cases[i].column,
                  "%zu: %d %s %d:%d", i, s, f.why, f.line, f.column);
    }
    char copy[] = "\n[}";
    fct_error e;
    CHECK(fct_json_parse(&doc, copy, 3, "x.json", &e) == FCT_ERR_FORMAT);
    CHECK(strcmp(e.text, "x.json: line 2, column 2: has no value where one belongs") == 0);
}

TEST(limits) {
    fct_json_fault f;
    char deep[300] = "";
    for (int i = 0; i < FCT_JSON_DEEPEST; i++) deep[i] = '[', deep[i + FCT_JSON_DEEPEST] = ']';
    CHECK(!read_text(deep, &f));
    memset(deep, '[', 200);
    CHECK(read_text(deep, &f) == FCT_ERR_LIMIT && f.column == FCT_JSON_DEEPEST + 1);
    /* Very many members cost no more than their number. */
    fct_buf b = {0};
    for (int i = 0; i < 200000; i++) fct_buf_printf(&b, "%c\"%d\":%d", i ? ',' : '{', i, i);
    fct_buf_char(&b, '}');
    CHECK(!fct_json_read(&doc, b.data, b.size, &f) && doc.n == 200001);
    fct_buf_free(&b);
}

TEST(memory_runs_out) {
    fct_json_free(&doc);
    for (long n = 1;; n++) {
        fct_json_fault f;
        fct_json_doc d = {0};
        char text[] =
            "[1,2,3,4,5,6,7,8,9,123456789012345.678901e3,{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,"
            "\"h\":8,\"i\":9,\"j\":10,\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"q\":17}]";
        fct_alloc_fail_at(n);
        fct_status s = fct_json_read(&d, text, strlen(text), &f);
        bool failed = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK(s == (failed ? FCT_ERR_NOMEM : FCT_OK) && !f.why);
        fct_json_free(&d);
        if (!failed) break;
    }
}

#ifdef HAVE_JANSSON

static bool same(const fct_json *v, const json_t *j) {
    double d;
    switch (json_typeof(j)) {
    case JSON_OBJECT: {
        if (!fct_json_is(v, FCT_JSON_OBJECT) || v->length != json_object_size(j)) return false;
        for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c)) {
            const json_t *other = json_object_get(j, c->key);
            if (!other || !same(c, other)) return false;
        }
        return true;
    }
    case JSON_ARRAY: {
        size_t i = 0;
        if (!fct_json_is(v, FCT_JSON_ARRAY) || v->length != json_array_size(j)) return false;
        for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c))
            if (!same(c, json_array_get(j, i++))) return false;
        return i == v->length;
    }
    case JSON_STRING:
        return fct_json_get_text(v) && strcmp(v->text, json_string_value(j)) == 0;
    case JSON_INTEGER:
    case JSON_REAL:
        return fct_json_get_number(v, &d) && d == json_number_value(j);
    default:
        return v->kind == (json_is_null(j) ? FCT_JSON_NULL : json_is_true(j) ? FCT_JSON_TRUE : FCT_JSON_FALSE);
    }
}

/* Changes a byte, takes one out or puts one in, with bytes that mean something to JSON. */
static size_t mutate(char *text, size_t n, unsigned *seed) {
    static const char bytes[] = "{}[],:\"\\0123456789.eE+-truefalsn \n\t/u\x01\xc3\xa9\xed\xa0\x80\xf0\x90\xff";
    *seed = *seed * 1664525u + 1013904223u;
    size_t at = (*seed >> 8) % (n + 1);
    char c = bytes[(*seed >> 20) % (sizeof bytes - 1)];
    int kind = (int)(*seed >> 5 & 3);
    if (kind == 0 && at < n) {
        memmove(text + at, text + at + 1, n - at);
        return n - 1;
    }
    if (kind == 1 || at == n) {
        memmove(text + at + 1, text + at, n - at + 1);
        text[at] = c;
        return n + 1;
    }
    text[at] = c;
    return n;
}

TEST(the_same_as_jansson) {
    static const char *const seeds[] = {
        "{\"facet_pack\": 1, \"name\": \"x\", \"files\": [{\"file\": \"a.onnx\", \"mean\": 127.5}, {}]}",
        "[0, -0, 1.5, 1e5, -1E-5, 123456789012345678, 0.1, 1e22, 2.2250738585072014e-308, 1.7976931348623157e308]",
        "[\"\", \"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\", true, false, null, [[[]]], {\"a\": {\"b\": []}}]",
        "{\"\xc3\xa9\": \"\xe2\x82\xac\xf0\x9f\x98\x80\", \"n\": -12.75, \"\": {}, \" \": [{}]}",
    };
    char text[256], copy[256];
    int both = 0, wrong = 0;
    unsigned seed = 1;
    for (int i = 0; i < 400000; i++) {
        strcpy(text, seeds[i % 4]);
        size_t n = strlen(text);
        for (int k = i / 4 % 4; k > 0; k--) n = mutate(text, n, &seed);
        text[n] = 0;
        memcpy(copy, text, n + 1);
        fct_json_fault f;
        json_error_t e;
        json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
        fct_status s = fct_json_read(&doc, copy, n, &f);
        /* jansson refuses whole numbers beyond 64 bits; a double holds them. */
        if (!j && !s && strstr(e.text, "too big")) continue;
        both += j && !s;
        if ((j != NULL) == !s && (!j || same(doc.values, j))) {
            json_decref(j);
            continue;
        }
        if (wrong++ < 5) printf("%s: jansson %s, here %s\n", text, j ? "ok" : e.text, s ? f.why : "ok");
        json_decref(j);
    }
    CHECK_MSG(wrong == 0, "%d texts are judged otherwise than by jansson", wrong);
    CHECK(both > 50000);
}

#endif

static void write_all(fct_json_writer *w) {
    fct_json_object(w, NULL);
    fct_json_text(w, "te\"xt", "a\"\\\n\t\x01\x7f\xc3\xa9\xff/");
    fct_json_text(w, "none", NULL);
    fct_json_int(w, "int", INT64_MIN);
    fct_json_bool(w, "yes", true);
    fct_json_number(w, "number", 1.005e300, 2);
    fct_json_number(w, "inf", HUGE_VAL, 2);
    fct_json_float(w, "float", 0.1f);
    fct_json_double(w, "double", 0.1);
    fct_json_numbers(w, "list", (const float[]){1.25f, -2}, 2, 1);
    fct_json_bytes(w, "bytes", "foobar", 6);
    fct_json_array(w, "empty");
    fct_json_close_array(w);
    fct_json_close_object(w);
    fct_json_end(w);
}

static void check_written(const char *text, size_t size) {
    fct_json_fault f;
    double d;
    REQUIRE(size < 1 << 16 && text[size - 1] == '\n' && !read_text(text, &f));
    const fct_json *v = doc.values;
    CHECK(strcmp(fct_json_get_text(fct_json_member(v, "te\"xt")), "a\"\\\n\t\x01\x7f\xc3\xa9\xef\xbf\xbd/") == 0);
    CHECK(fct_json_is(fct_json_member(v, "none"), FCT_JSON_NULL) &&
          fct_json_is(fct_json_member(v, "inf"), FCT_JSON_NULL));
    CHECK(strstr(text, "\"int\": -9223372036854775808, \"yes\": true"));
    CHECK(fct_json_get_number(fct_json_member(v, "number"), &d) && d == 1.005e300);
    CHECK(fct_json_get_number(fct_json_member(v, "float"), &d) && (float)d == 0.1f);
    CHECK(fct_json_get_number(fct_json_member(v, "double"), &d) && d == 0.1);
    CHECK(strstr(text, "\"list\": [1.2, -2.0], \"bytes\": \"Zm9vYmFy\", \"empty\": []}"));
}

TEST(what_is_written_is_read) {
    fct_buf b = {0};
    fct_json_writer w;
    fct_json_to_buf(&w, &b);
    write_all(&w);
    check_written(b.data, b.size);
    FILE *f = tmpfile();
    REQUIRE(f);
    fct_json_to_file(&w, f);
    write_all(&w);
    char text[2000] = "";
    rewind(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    CHECK(n == b.size && memcmp(text, b.data, n) == 0);
    fclose(f);
    fct_buf_free(&b);
}

TEST(dates_as_gmtime_has_them) {
    int wrong = 0;
    for (int64_t i = -3000; i < 120000; i++) {
        int64_t t = i * 1234567; /* 1852 to 6664 */
        time_t now = (time_t)t;
        char want[40];
        fct_buf b = {0};
        fct_json_writer w;
        if (!strftime(want, sizeof want, "\"%Y-%m-%dT%H:%M:%SZ\"", gmtime(&now))) continue;
        fct_json_to_buf(&w, &b);
        fct_json_date(&w, NULL, t);
        wrong += strcmp(b.data, want) != 0;
        fct_buf_free(&b);
    }
    CHECK(wrong == 0);
    fct_buf b = {0};
    fct_json_writer w;
    fct_json_to_buf(&w, &b);
    fct_json_date(&w, NULL, INT64_MAX / 2);
    CHECK(strcmp(b.data, "null") == 0);
    fct_buf_free(&b);
}

TEST(dates_are_read_as_strftime_writes_them) {
#ifdef _WIN32
    const int64_t end = INT64_C(32503680000); /* to 3000: gmtime() knows no later ones */
#else
    const int64_t end = INT64_C(253402300800); /* to 9999 */
#endif
    int wrong = 0;
    int64_t got;
    char text[40];
    for (int64_t t = 0; t < end; t += 86400 * 11 + 12347) {
        time_t now = (time_t)t;
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
        wrong += !fct_date_read(text, &got) || got != t;
        text[10] = 0;
        wrong += !fct_date_read(text, &got) || got != t / 86400 * 86400;
    }
    CHECK_MSG(wrong == 0, "%d wrong", wrong);
    CHECK(fct_date_read("2027-01-31t00:30:00.999-01:30", &got) && got == 1801360800);
    static const char *const bad[] = {"",
                                      "2027",
                                      "2027-1-31",
                                      "2027-02-29",
                                      "2100-02-29",
                                      "1969-12-31",
                                      "2027-13-01",
                                      "2027-00-01",
                                      "2027-01-00",
                                      "2027-01-31T",
                                      "2027-01-31T24:00:00Z",
                                      "2027-01-31T00:00:00",
                                      "2027-01-31 ",
                                      "2027-01-31T00:00:00.Z",
                                      "2027-01-31T00:00:00+1:00",
                                      "2027-01-31T00:00:00Zx",
                                      "1970-01-01T00:00:00+01:00",
                                      ("\xd9\xa1"
                                       "027-01-31")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_MSG(!fct_date_read(bad[i], &got), "%s", bad[i]);
}

TEST(what_was_read_is_copied) {
    static const char text[] = "{\"a\": [1, -2.5, true, false, null, \"x\\n\", {}], \"b\": {\"c\": [[]]}}";
    fct_json_fault f;
    fct_buf b = {0};
    fct_json_writer w;
    REQUIRE(!read_text(text, &f));
    fct_json_to_buf(&w, &b);
    CHECK(fct_json_copy(&w, NULL, doc.values, 4) && strcmp(b.data, text) == 0);
    fct_buf_clear(&b);
    fct_json_to_buf(&w, &b);
    CHECK(!fct_json_copy(&w, NULL, doc.values, 3));
    fct_buf_free(&b);
}

TEST(a_point_in_every_locale) {
    static const char *const with_comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
    const char *set = NULL;
    for (size_t i = 0; i < sizeof with_comma / sizeof *with_comma && !set; i++) set = setlocale(LC_ALL, with_comma[i]);
    if (!set) SKIP("no locale with a decimal comma on this machine");
    fct_buf b = {0};
    fct_json_writer w;
    fct_json_fault f;
    double d;
    fct_json_to_buf(&w, &b);
    fct_json_number(&w, NULL, -1234.5, 3);
    CHECK(strcmp(b.data, "-1234.500") == 0);
    CHECK(!read_text("1.00000000000000000000001e2", &f) && fct_json_get_number(doc.values, &d) && d == 100);
    setlocale(LC_ALL, "C");
    fct_buf_free(&b);
}

int main(int argc, char **argv) {
    int code = test_main(argc, argv);
    fct_json_free(&doc);
    return code;
}
