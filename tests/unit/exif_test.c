/* Dates in EXIF. The seconds are what 'date -u -d ... +%s' gives. */
#include "test.h"
#include "image/image_internal.h"

typedef struct exif_file {
    uint8_t data[400];
    size_t n;
    bool big;
} exif_file;

static void put(exif_file *f, uint32_t v, int bytes) {
    for (int i = 0; i < bytes; i++) f->data[f->n++] = (uint8_t)(v >> 8 * (f->big ? bytes - 1 - i : i));
}

static void entry(exif_file *f, uint32_t tag, uint32_t type, uint32_t count, uint32_t value) {
    put(f, tag, 2), put(f, type, 2), put(f, count, 4), put(f, value, 4);
}

/* Two directories: orientation, date of the file, EXIF with the date of the photo; texts at 80 and 100. */
static exif_file make(bool big, const char *made, const char *taken) {
    exif_file f = {.big = big};
    f.n = 2;
    memcpy(f.data, big ? "MM" : "II", 2);
    put(&f, 42, 2), put(&f, 8, 4), put(&f, 3, 2);
    entry(&f, 0x0112, 3, 1, big ? 6u << 16 : 6);
    entry(&f, 0x0132, 2, 20, 80);
    entry(&f, 0x8769, 4, 1, 54);
    f.n = 54;
    put(&f, 1, 2);
    entry(&f, 0x9003, 2, 20, 100);
    memcpy(f.data + 80, made, 20);
    memcpy(f.data + 100, taken, 20);
    f.n = 120;
    return f;
}

/* INT64_MIN where there is no date. */
static int64_t date(const exif_file *f, size_t n) {
    fct_image_facts facts = {.width = 1};
    uint8_t *exact = malloc(n ? n : 1); /* a reader beyond the end is seen by the sanitizers */
    REQUIRE(exact);
    memcpy(exact, f->data, n);
    fct_exif_read(exact, n, &facts);
    free(exact);
    CHECK(n < f->n || facts.orientation == 6);
    return facts.has_taken ? facts.taken : INT64_MIN;
}

static int64_t date_of(const char *made, const char *taken) {
    exif_file little = make(false, made, taken), big = make(true, made, taken);
    int64_t a = date(&little, little.n), b = date(&big, big.n);
    CHECK(a == b);
    return a;
}

#define NONE "                   "

TEST(dates) {
    CHECK(date_of(NONE, "2019:07:30 14:05:09") == 1564495509);
    CHECK(date_of("2019:07:30 14:05:09", "2000:02:29 23:59:59") == 951868799);
    CHECK(date_of("2019:07:30 14:05:09", "0000:00:00 00:00:00") == 1564495509);
    CHECK(date_of("2019:07:30 14:05:09", NONE) == 1564495509);
    CHECK(date_of(NONE, "1900:03:01 00:00:00") == -2203891200);
    CHECK(date_of(NONE, "2019:13:30 14:05:09") == INT64_MIN && date_of(NONE, "2019:07:30 24:05:09") == INT64_MIN);
    CHECK(date_of(NONE, "2019-07-3x 14:05:09") == INT64_MIN && date_of(NONE, NONE) == INT64_MIN);
}

TEST(a_block_that_is_cut_or_points_anywhere) {
    exif_file f = make(false, NONE, "2019:07:30 14:05:09");
    for (size_t n = 0; n < f.n; n++) CHECK(date(&f, n) == INT64_MIN);
    for (size_t at = 0; at < 80; at++)
        for (int v = 0; v < 256; v += 5) {
            exif_file g = f;
            g.data[at] = (uint8_t)v;
            fct_image_facts facts;
            uint8_t *exact = malloc(g.n);
            REQUIRE(exact);
            memcpy(exact, g.data, g.n);
            fct_exif_read(exact, g.n, &facts);
            CHECK(facts.orientation >= 1 && facts.orientation <= 8);
            free(exact);
        }
}

int main(int argc, char **argv) { return test_main(argc, argv); }
