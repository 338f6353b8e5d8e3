/* Bodies of multipart/form-data. */
#include "test.h"

#include "server/multipart.h"

static srv_multipart_part parts[SRV_PARTS_MOST];
static fct_error e;

static int split(const char *body, const char *boundary) {
    int n;
    return srv_multipart_split((const uint8_t *)body, strlen(body), boundary, parts, &n, &e) ? -1 : n;
}

static bool holds(int i, const char *name, const char *data) {
    return strcmp(parts[i].name, name) == 0 && parts[i].size == strlen(data) &&
           memcmp(parts[i].data, data, parts[i].size) == 0;
}

TEST(boundaries) {
    static const struct {
        const char *type, *boundary; /* NULL = none */
    } cases[] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {"Multipart/Form-Data;boundary=\"a b\"", "a b"},
        {"multipart/form-data; charset=utf-8; BOUNDARY=----x'()+_,-./:=?", "----x'()+_,-./:=?"},
        {"multipart/form-data; boundary=a; charset=utf-8", "a"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"a", NULL},
        {"multipart/form-data; boundary=a\"b", NULL},
        {"multipart/form-data; boundary=\"a \"", NULL},
        {"multipart/mixed; boundary=a", NULL},
        {"text/plain", NULL},
        {NULL, NULL},
    };
    char out[71];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool found = srv_multipart_boundary(cases[i].type, out);
        CHECK_MSG(cases[i].boundary ? found && strcmp(out, cases[i].boundary) == 0 : !found, "case %zu", i);
    }
}

TEST(parts_of_all_kinds) {
    REQUIRE(split("preamble\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\n"
                  "content-type: image/png; x=y\r\ncontent-disposition:form-data; filename=\"C:\\dir\\\"q\\\".png\"; "
                  "name=f\r\n\r\n"
                  "\r\n--x\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"empty\"; "
                  "filename=\"\"\r\n\r\n\r\n--b--\r\ntail",
                  "b") == 3);
    CHECK(holds(0, "a", "1") && !parts[0].is_file);
    CHECK(holds(1, "f", "\r\n--x\r\n") && parts[1].is_file && strcmp(parts[1].type, "image/png") == 0);
    CHECK_MSG(strcmp(parts[1].filename, "C:\\dir\"q\".png") == 0 ||
                  strcmp(parts[1].filename, "C:\\dir\\\"q\".png") == 0,
              "%s", parts[1].filename);
    CHECK(holds(2, "empty", "") && parts[2].is_file && !parts[2].filename[0]);
    CHECK(split("--b--", "b") == 0);
    CHECK(split("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n--b--", "b") == 1 && holds(0, "x", ""));
}

#define PART "--b\r\nContent-Disposition: form-data; name=x\r\n"

TEST(faults_are_named) {
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"", "nowhere"},
        {"--c--", "nowhere"},
        {"--b", "does not begin with CRLF"},
        {"--bx\r\n", "does not begin with CRLF"},
        {"--b\n\n", "does not begin with CRLF"},
        {"--b\r\n", "no end of its header"},
        {"--b\r\n\r\n\r\n--b--", "has no name"},
        {"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "has no name"},
        {"--b\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n--b--", "no form-data"},
        {"--b\r\nContent-Disposition: form-data; name=\"x\r\n\r\nx\r\n--b--", "no form-data"},
        {"--b\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--b--", "no form-data"},
        {"--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--", "not UTF-8"},
        {"--b\r\nContent-Disposition: form-data; name=x\nA: b\r\n\r\nx\r\n--b--", "does not end with CRLF"},
        {PART "A: b\x01\r\n\r\nx\r\n--b--", "control character"},
        {PART "Content-Transfer-Encoding: base64\r\n\r\nx\r\n--b--", "Content-Transfer-Encoding"},
        {PART "\r\nx", "not ended"},
        {PART "\r\nx\r\n--b", "does not begin with CRLF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_MSG(split(cases[i].body, "b") == -1 && strstr(e.text, cases[i].why), "case %zu: %s", i, e.text);
    CHECK(split(PART "Content-Transfer-Encoding: BINARY\r\n\r\nx\r\n--b--", "b") == 1);
}

TEST(long_names_and_many_parts) {
    static char body[SRV_PARTS_MOST * 60 + 1000];
    char *p = body + sprintf(body, "--b\r\nContent-Disposition: form-data; name=\"");
    memset(p, 'n', 200);
    strcpy(p + 200, "\"\r\n\r\nx\r\n--b--");
    CHECK(split(body, "b") == -1 && strstr(e.text, "too long"));
    for (int n = SRV_PARTS_MOST; n <= SRV_PARTS_MOST + 1; n++) {
        p = body;
        for (int i = 0; i < n; i++) p += sprintf(p, "%s" PART "\r\n%d", i ? "\r\n" : "", i);
        strcpy(p, "\r\n--b--");
        CHECK(split(body, "b") == (n > SRV_PARTS_MOST ? -1 : n));
    }
    CHECK(e.code == FCT_ERR_LIMIT);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
