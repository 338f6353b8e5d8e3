/* UTF-8, names and what is shown of them. */
#include "../test.h"

#include "base/alloc.h"
#include "text/names.h"
#include "text/utf8.h"

/* The value of n bytes by RFC 3629's pattern of bits alone; -1 where they do not
 * fit it. What is too long, a surrogate or too large is found by value. */
static long by_bits(const unsigned char *s, int n) {
    static const unsigned char head[] = {0, 0x00, 0xC0, 0xE0, 0xF0}, mask[] = {0, 0x80, 0xE0, 0xF0, 0xF8};
    static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
    long v = s[0] & ~mask[n] & 0xFF;
    if ((s[0] & mask[n]) != head[n]) return -1;
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return -1;
        v = v * 64 + (s[i] & 0x3F);
    }
    return v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000) ? -1 : v;
}

TEST(utf8_by_its_definition) {
    int wrong = 0;
    unsigned char s[4];
    /* All of two bytes, with continuations at the edges of their ranges behind them. */
    static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    for (int pair = 0; pair < 65536; pair++)
        for (size_t e = 0; e < sizeof edges * sizeof edges; e++) {
            s[0] = (unsigned char)(pair >> 8), s[1] = (unsigned char)pair;
            s[2] = edges[e / sizeof edges], s[3] = edges[e % sizeof edges];
            for (int have = 1; have <= 4; have++) {
                int length = 0;
                for (int n = 1; n <= have; n++)
                    if (by_bits(s, n) >= 0) length = n;
                wrong += fct_utf8_length((const char *)s, (size_t)have) != length;
            }
        }
    CHECK(wrong == 0);
    CHECK(fct_utf8_length("", 0) == 0 && fct_utf8_length("", 1) == 1);
}

TEST(every_code_point_comes_back) {
    int wrong = 0;
    for (int32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        char text[4];
        int n = fct_utf8_put((uint32_t)c, text);
        const char *s = text;
        wrong += by_bits((const unsigned char *)text, n) != c || fct_utf8_next(&s, text + n) != c || s != text + n;
    }
    CHECK(wrong == 0);
    const char *s = "a\xff\xc3", *end = s + 3;
    CHECK(fct_utf8_next(&s, end) == 'a' && fct_utf8_next(&s, end) == 0xFFFD && fct_utf8_next(&s, end) == 0xFFFD);
    CHECK(fct_utf8_next(&s, end) == -1 && s == end);
    CHECK(fct_utf8_valid("", 0) && fct_utf8_valid("M\xc3\xbcller", 7) && !fct_utf8_valid("M\xc3", 2));
}

TEST(what_is_shown_commands_no_terminal) {
    static const struct {
        const char *text, *shown;
    } cases[] = {{"J\xc3\xbcrgen \xf0\x9f\x98\x80", "J\xc3\xbcrgen \xf0\x9f\x98\x80"},
                 {"\x1b[31mred", "?[31mred"},
                 {"a\nb\rc\td\x7f", "a?b?c?d?"},
                 {"\xc2\x9b"
                  "31m",
                  "?31m"}, /* CSI as one character */
                 {"\xe2\x80\xae"
                  "gpj.exe",
                  "?gpj.exe"}, /* right-to-left override */
                 {"a\xe2\x80\xa8"
                  "b\xe2\x81\xa6"
                  "c",
                  "a?b?c"}, /* line separator, isolate */
                 {"\xff\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *shown = fct_utf8_safe(cases[i].text);
        CHECK_MSG(shown && strcmp(shown, cases[i].shown) == 0, "%zu: %s", i, shown);
        fct_free(shown);
        char line[100] = "";
        FILE *f = tmpfile();
        REQUIRE(f);
        fct_utf8_print_safe(f, cases[i].text);
        rewind(f);
        size_t n = fread(line, 1, sizeof line - 1, f);
        fclose(f);
        CHECK(n == strlen(cases[i].shown) && strcmp(line, cases[i].shown) == 0);
    }
}

TEST(names_without_the_space_around_them) {
    size_t n;
    const char *s = fct_text_trimmed("\t\xc2\xa0 Ada Lovelace\xe3\x80\x80\r\n", &n);
    CHECK(n == 12 && memcmp(s, "Ada Lovelace", 12) == 0);
    s = fct_text_trimmed(" \xe2\x80\x89 ", &n);
    CHECK(n == 0 && *s == 0);
    fct_text_trimmed("", &n);
    CHECK(n == 0);
}

/* Pairs of the Unicode standard (UAX 15, figures 3 to 6, and Hangul of chapter 3.12). */
TEST(names_in_one_spelling) {
    static const struct {
        const char *text, *nfc;
    } pairs[] = {
        {"J\xc3\xbcrgen", "J\xc3\xbcrgen"},
        {"Ju\xcc\x88rgen ", "J\xc3\xbcrgen"},
        {"\xe2\x84\xab", "\xc3\x85"},                             /* Angstrom sign */
        {"D\xcc\x87\xcc\xa3", "\xe1\xb8\x8c\xcc\x87"},            /* accents are put in order */
        {"q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"},               /* also where nothing composes */
        {"\xe1\xba\x9b\xcc\xa3", "\xe1\xba\x9b\xcc\xa3"},         /* excluded from composition */
        {"\xef\xac\x81", "\xef\xac\x81"},                         /* a ligature is no spelling */
        {"\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"}, /* Hangul */
        {"\xf0\x9d\x85\x97\xf0\x9d\x85\xa5", "\xf0\x9d\x85\x97\xf0\x9d\x85\xa5"},
        {"", ""},
    };
    fct_error e;
    char *out;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fct_status s = fct_text_nfc(pairs[i].text, &out, &e);
        CHECK_MSG(!s && (!fct_text_has_nfc() || strcmp(out, pairs[i].nfc) == 0), "%zu: %s", i, s ? e.text : out);
        fct_free(out);
    }
    CHECK(fct_text_nfc("M\xc3", &out, &e) == FCT_ERR_ARG && !out);
    char *large = malloc(5000);
    memset(large, 'x', 4999);
    large[4999] = 0;
    CHECK(fct_text_nfc(large, &out, &e) == FCT_ERR_LIMIT && !out);
    free(large);
}

TEST(names_that_may_be_meant_to_be_one) {
    static const char *const pairs[][2] = {{"ADA  Lovelace", " ada\xc2\xa0lovelace\t"},
                                           {"M\xc3\x9cLLER", "mu\xcc\x88ller"},
                                           {"Stra\xc3\x9f"
                                            "e",
                                            "STRASSE"}};
    fct_error e;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *a = NULL, *b = NULL;
        if (i > 0 && !fct_text_has_nfc()) continue;
        REQUIRE(!fct_text_folded(pairs[i][0], &a, &e) && !fct_text_folded(pairs[i][1], &b, &e));
        CHECK_MSG(strcmp(a, b) == 0, "%zu: '%s', '%s'", i, a, b);
        fct_free(a);
        fct_free(b);
    }
    char *out;
    CHECK(!fct_text_folded("  ", &out, &e) && !*out);
    fct_free(out);
    CHECK(fct_text_folded("\xff", &out, &e) == FCT_ERR_ARG && !out);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
