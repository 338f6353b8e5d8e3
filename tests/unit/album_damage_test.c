/* A damaged album: for each kind of page that SQLite has, a page is damaged, and the album is refused, or its check
 * fails, with the file's name and the way to recover; nothing else happens to anybody. */
#include "album/album_scan_store.h"
#include "base/alloc.h"
#include "scratch.h"

enum { DIM = 128, PHOTOS = 300, GONE = 60, CROP = 12000, EACH = 4, MOST_SIZE = 1 << 24 };
static fct_error e;
static uint8_t *sound;
static size_t size, page_size, pages;

/* Kinds of pages, from SQLite's file format. */
typedef enum page_kind {
    HEADER,
    INNER_INDEX,
    INNER_TABLE,
    LEAF_INDEX,
    LEAF_TABLE,
    OVERFLOW_PAGE,
    FREE_TRUNK
} page_kind;
static const char *const kind_names[] = {
    "header",          "inner page of an index", "inner page of a table", "leaf of an index",
    "leaf of a table", "rest of a long value",   "list of free pages"};

static void store(fct_album *a, int64_t folder, int i) {
    static uint8_t crop[CROP];
    float unit[DIM] = {0};
    char name[20];
    int64_t photo;
    unit[i % DIM] = 1;
    snprintf(name, sizeof name, "%d.jpg", i);
    fct_new_face face = {.box = {0.1, 0.1, 0.4, 0.5}, .embedding = unit, .norm = 1, .crop = crop, .crop_size = CROP};
    fct_new_photo p = {.width = 40, .height = 30, .orientation = 1, .faces = &face, .n_faces = 1};
    for (int k = 0; k < 32; k++) p.hash[k] = (uint8_t)(i * 31 + k * (i >> 3));
    p.hash[0] = (uint8_t)i, p.hash[1] = (uint8_t)(i >> 8);
    REQUIRE(!fct_album_photo_put(a, &p, 0, &photo, &e));
    fct_placed_file file = {.name = name, .size = i, .photo_id = photo};
    REQUIRE(!fct_album_file_put(a, folder, &file, NULL, &e));
}

/* An album that has pages of all kinds: those of the photos that are gone are free. */
static void make_sound(void) {
    fct_album *a;
    int64_t root_id, folder, n;
    new_root("album-pages");
    REQUIRE(!fct_album_open(at("sound.db"), NULL, &a, &e));
    REQUIRE(!fct_album_begin(a, &e) && !fct_album_model_put(a, "network", DIM, &e));
    REQUIRE(!fct_album_root_add(a, "/photos", &root_id, &e));
    for (int part = 0; part < 2; part++) {
        REQUIRE(!fct_album_folder_put(a, root_id, part ? "gone" : "", false, &folder, &e));
        for (int i = part ? PHOTOS : 0; i < PHOTOS + part * GONE; i++) store(a, folder, i);
    }
    REQUIRE(!fct_album_end(a, FCT_OK, &e));
    REQUIRE(!fct_album_begin(a, &e) && !fct_album_files_remove(a, folder, &n, &e) && n == GONE);
    REQUIRE(!fct_album_end(a, fct_album_tidy(a, &e), &e));
    REQUIRE(!fct_album_check(a, &e));
    fct_album_free(a);
    REQUIRE(!fct_file_read(at("sound.db"), MOST_SIZE, &sound, &size, &e));
    page_size = (size_t)sound[16] << 8 | sound[17];
    REQUIRE(page_size >= 512 && size % page_size == 0);
    pages = size / page_size;
}

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Whether a page, from 1, is free; *trunk: it lists free pages. */
static bool is_free(size_t page, bool *trunk) {
    *trunk = false;
    for (size_t t = big_endian(sound + 32); t; t = big_endian(sound + (t - 1) * page_size)) {
        const uint8_t *p = sound + (t - 1) * page_size;
        REQUIRE(t <= pages);
        if (t == page) return *trunk = true;
        for (uint32_t i = 0; i < big_endian(p + 4); i++)
            if (big_endian(p + 8 + 4 * (size_t)i) == page) return true;
    }
    return false;
}

/* -1: a free page whose bytes mean nothing. */
static int kind_of(size_t page) {
    bool trunk;
    if (page == 1) return HEADER;
    if (is_free(page, &trunk)) return trunk ? FREE_TRUNK : -1;
    switch (sound[(page - 1) * page_size]) {
    case 2:
        return INNER_INDEX;
    case 5:
        return INNER_TABLE;
    case 10:
        return LEAF_INDEX;
    case 13:
        return LEAF_TABLE;
    default:
        return OVERFLOW_PAGE;
    }
}

/* Damages a page in one of three ways. */
static void damage(uint8_t *p, page_kind kind, int way) {
    static const uint8_t beyond[4] = {0x7f, 0xff, 0xff, 0xff};
    if (kind == HEADER && way == 0) memset(p, 'x', 16);                /* no SQLite */
    else if (kind == HEADER && way == 1) memset(p + 100, 0xff, 12);    /* the list of tables */
    else if (kind == HEADER) memset(p + 108, 0, 200);                  /* where its rows begin */
    else if (kind == OVERFLOW_PAGE) memcpy(p, beyond, 4);              /* the page that goes on */
    else if (kind == FREE_TRUNK) memcpy(p + 4 * (way % 2), beyond, 4); /* the next one; how many are free */
    else if (way == 0) p[0] = 0x77;                                    /* what kind of page it is */
    else if (way == 1) p[3] = p[4] = 0xff;                             /* how many rows it has */
    else memset(p + 8, 0xff, page_size / 8);                           /* where they are */
}

static void check_refused(page_kind kind, size_t page, int way) {
    fct_album *a = NULL;
    fct_album_info info;
    uint8_t *bad = fct_alloc(size);
    REQUIRE(bad);
    memcpy(bad, sound, size);
    damage(bad + (page - 1) * page_size, kind, way);
    (void)fct_file_remove(at("bad.db-wal"), NULL);
    (void)fct_file_remove(at("bad.db-shm"), NULL);
    REQUIRE(!fct_file_write_private(at("bad.db"), bad, size, &e));
    fct_free(bad);
    fct_status s = fct_album_open(at("bad.db"), NULL, &a, &e);
    if (!s) (void)fct_album_stat(a, &info, NULL); /* may or may not come upon the page */
    if (!s) s = fct_album_check(a, &e);
    CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "bad.db: damaged") && strstr(e.text, "facet album backup"),
              "%s, page %zu, way %d: %d, %s", kind_names[kind], page, way, s, s ? e.text : "sound");
    fct_album_free(a);
}

TEST(every_kind_of_page) {
    int seen[FREE_TRUNK + 1] = {0};
    make_sound();
    for (size_t page = 1; page <= pages; page++) {
        int kind = kind_of(page);
        if (kind < 0 || seen[kind]++ >= EACH) continue;
        for (int way = 0; way < 3; way++) check_refused((page_kind)kind, page, way);
    }
    for (int k = 0; k <= FREE_TRUNK; k++) CHECK_MSG(seen[k], "there is no %s", kind_names[k]);
    fct_free(sound);
}

/* A file that ends early, at every page and within the last. */
TEST(cut_off) {
    make_sound();
    for (size_t end = page_size / 2; end < size; end += size / 12) {
        fct_album *a = NULL;
        REQUIRE(!fct_file_write_private(at("bad.db"), sound, end, &e));
        fct_status s = fct_album_open(at("bad.db"), NULL, &a, &e);
        if (!s) s = fct_album_check(a, &e);
        CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "bad.db"), "%zu of %zu bytes: %d", end, size, s);
        fct_album_free(a);
    }
    fct_free(sound);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
