#include "base/error.h"
#include "base/log.h"

#include "test.h"

TEST(fail_fills_and_returns) {
    fct_error e;
    CHECK(fct_fail(&e, FCT_ERR_FORMAT, "%s: offset %d", "a.onnx", 12) == FCT_ERR_FORMAT);
    CHECK(e.code == FCT_ERR_FORMAT && !strcmp(e.text, "a.onnx: offset 12"));
    CHECK(fct_fail(NULL, FCT_ERR_IO, "%d", 1) == FCT_ERR_IO);
    fct_error_clear(&e);
    CHECK(e.code == FCT_OK && e.text[0] == 0);
    fct_error_clear(NULL);
}

TEST(control_characters_are_replaced) {
    fct_error e;
    fct_fail(&e, FCT_ERR_IO, "%s", "a\nb\x1b[31m\x7f.jpg");
    CHECK(!strcmp(e.text, "a?b?[31m?.jpg"));
}

TEST(long_text_is_cut_between_characters) {
    fct_error e;
    char text[700];
    for (size_t shift = 0; shift < 4; shift++) {
        /* Three-byte characters, so that the cut falls inside one for some shift. */
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xe2\x82\xac", 4);
        fct_fail(&e, FCT_ERR_IO, "%s", text);
        size_t n = strlen(e.text);
        CHECK(n > sizeof e.text - 4 && n < sizeof e.text && (n - shift) % 3 == 0);
        CHECK(!memcmp(e.text, text, n));
    }
    fct_fail(&e, FCT_ERR_IO, "%s", "\xe2\x82\xac");
    CHECK(!strcmp(e.text, "\xe2\x82\xac"));
    fct_fail(&e, FCT_ERR_IO, "ok\xe2\x82"); /* cut by the caller */
    CHECK(!strcmp(e.text, "ok"));
}

TEST(nomem_names_the_size) {
    fct_error e;
    CHECK(fct_fail_nomem(&e, "weights", 100) == FCT_ERR_NOMEM);
    CHECK(strstr(e.text, "100 bytes") && strstr(e.text, "weights"));
}

TEST(every_status_has_its_own_name) {
    for (int a = 0; a >= FCT_ERR_INTERNAL; a--)
        for (int b = 0; b > a; b--) CHECK(strcmp(fct_status_name((fct_status)a), fct_status_name((fct_status)b)) != 0);
    CHECK(!strcmp(fct_status_name((fct_status)-99), "unknown status"));
}

TEST(version_is_three_numbers) {
    int a, b, c, end = 0;
    CHECK(sscanf(fct_version(), "%d.%d.%d%n", &a, &b, &c, &end) == 3 && fct_version()[end] == 0);
}

static char logged[64];
static int log_calls;
static void on_log(fct_log_level level, const char *text, void *user) {
    log_calls++;
    snprintf(logged, sizeof logged, "%d %s %s", (int)level, text, (const char *)user);
}

TEST(log_passes_what_was_asked_for) {
    fct_log(FCT_LOG_ERROR, "nobody listens");
    fct_set_log(on_log, "user", FCT_LOG_INFO);
    fct_log(FCT_LOG_DEBUG, "too talkative");
    CHECK(log_calls == 0);
    fct_log(FCT_LOG_INFO, "line %d", 5);
    CHECK(log_calls == 1 && !strcmp(logged, "2 line 5 user"));
    fct_set_log(NULL, NULL, FCT_LOG_ERROR);
    fct_log(FCT_LOG_ERROR, "silent again");
    CHECK(log_calls == 1);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
