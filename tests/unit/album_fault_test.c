/* The album on a disk that fails, and on one that loses power: photos that were reported as stored are there
 * afterwards with their faces and decisions, and the file is sound. */
#include "scratch.h"
#include "album/album_scan_store.h"
#include "fault_vfs.h"
#include "gallery_util.h"

enum { DIM = 64, MOST = 400 };
static fct_error e;
static const char *db;
static bool stored[MOST], tried[MOST], deferred;

/* A photo with one face, its place, and a decision about the face, as a scan and a command store them. */
static fct_status store_number(fct_album *a, int i) {
    float unit[DIM] = {0};
    char name[20];
    int64_t root_id, folder, photo = 0, person;
    const char *below;
    unit[i % DIM] = 1;
    snprintf(name, sizeof name, "%d.jpg", i);
    fct_new_face face = {
        .box = {0.1, 0.1, 0.2, 0.2}, .embedding = unit, .norm = 1, .crop = (uint8_t *)unit, .crop_size = 100};
    fct_new_photo p = {.hash = {(uint8_t)i, (uint8_t)(i >> 8), 1},
                       .width = 10,
                       .height = 10,
                       .orientation = 1,
                       .faces = &face,
                       .n_faces = 1};
    fct_placed_file file = {.name = name, .size = i};
    tried[i] = true;
    fct_status s = fct_album_begin(a, &e);
    if (s) return s;
    s = fct_album_root_of(a, "/photos", &root_id, &below, &e);
    if (!s && !root_id) s = fct_album_root_add(a, "/photos", &root_id, &e);
    if (!s) s = fct_album_folder_put(a, root_id, "", false, &folder, &e);
    if (!s) s = fct_album_photo_put(a, &p, 0, &photo, &e);
    file.photo_id = photo;
    if (!s) s = fct_album_file_put(a, folder, &file, NULL, &e);
    if (!s) s = fct_album_operation_begin(a, name, &e);
    if (!s) s = fct_album_person_add(a, name, &person, &e);
    fct_album_operation_end(a);
    s = fct_album_end(a, s, &e);
    if (!s) stored[i] = !deferred;
    return s;
}

/* Some photos as a scan stores them, which waits for the disk once: until then a power failure may undo the last. */
static fct_status store_some(fct_album *a, int *next) {
    const int first = *next, end = first + 8 < MOST ? first + 8 : MOST;
    fct_status s = fct_db_file_defer(&a->file, true, &e);
    deferred = true;
    while (!s && *next < end) s = store_number(a, (*next)++);
    deferred = false;
    if (!s) s = fct_db_file_defer(&a->file, false, &e);
    for (int i = first; i < end && !s; i++) stored[i] = true;
    return s;
}

static fct_status open_fault_album(fct_album **a) {
    fct_status s = fct_album_open(db, NULL, a, &e);
    if (!s) s = fct_album_model_put(*a, "network", DIM, &e);
    if (s) fct_album_free(*a), *a = NULL;
    return s;
}

static void check_stored(fct_album *a, const char *when, long n) {
    char name[20];
    if (fct_album_check(a, &e)) CHECK_MSG(0, "%s %ld: %s", when, n, e.text);
    for (int i = 0; i < MOST; i++) {
        fct_known_photo k;
        int64_t person = 0;
        uint8_t hash[32] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        if (!tried[i]) continue;
        snprintf(name, sizeof name, "%d.jpg", i);
        CHECK(!fct_album_photo_find(a, hash, &k, &e) && !fct_album_person_find(a, name, &person, &e));
        CHECK_MSG(!stored[i] || (k.id && k.places == 1 && person), "%s %ld: photo %d is lost", when, n, i);
        CHECK_MSG(!k.id == !person && (!k.id || k.places == 1), "%s %ld: photo %d is there in part", when, n, i);
    }
}

static bool one_fault(fault_kind kind, long n) {
    fct_album *a;
    fault_vfs_clear();
    memset(stored, 0, sizeof stored);
    memset(tried, 0, sizeof tried);
    fault_vfs_fail(kind, n);
    if (!open_fault_album(&a)) {
        for (int i = 0; i < 4; i++) {
            fct_status s = store_number(a, i);
            CHECK_MSG(!s || s == FCT_ERR_IO || s == FCT_ERR_BUSY, "kind %d, %ld: %s", kind, n, e.text);
        }
        if (fault_vfs_fired()) check_stored(a, "same handle after fault", n);
    } else CHECK_MSG(e.code == FCT_ERR_IO && strstr(e.text, db), "kind %d, %ld: %s", kind, n, e.text);
    fct_album_free(a);
    bool fired = fault_vfs_fired();
    fault_vfs_fail(FAULT_NONE, 0);
    REQUIRE(!open_fault_album(&a));
    check_stored(a, "reopened after fault", n);
    for (int i = 5; i < 8; i++) CHECK(!store_number(a, i));
    check_stored(a, "written after fault", n);
    fct_album_free(a);
    return fired;
}

TEST(every_operation_fails_once) {
    new_root("album-faults");
    db = at("album-fault.db");
    for (int kind = FAULT_WRITE_FULL; kind < FAULT_POWER; kind++) {
        long n = 1;
        while (one_fault((fault_kind)kind, n) && !test_failures) n++;
        CHECK_MSG(n > 3, "kind %d never came up", kind);
    }
}

/* Power fails at a random operation, again and again, on one growing file. */
TEST(power_failures) {
    new_root("album-power");
    db = at("album-fault.db");
    uint64_t rnd = 17;
    for (int life = 0; life < 6 && !test_failures; life++) {
        int next = 0;
        long cut = 0;
        fault_vfs_clear();
        memset(stored, 0, sizeof stored);
        memset(tried, 0, sizeof tried);
        while (next < MOST && !test_failures) {
            fct_album *a = NULL;
            fault_vfs_fail(FAULT_POWER, 1 + (long)(util_random(&rnd) % 600));
            if (!open_fault_album(&a))
                while (next < MOST && !(life % 2 ? store_some(a, &next) : store_number(a, next++))) {}
            fct_album_free(a);
            fault_vfs_power_cycle(&rnd);
            if (open_fault_album(&a)) CHECK_MSG(0, "after power failure %ld: %s", cut, e.text);
            REQUIRE(a);
            if (cut++ % 4 == 0 || next == MOST) check_stored(a, "after power failure", cut);
            fct_album_free(a);
        }
        CHECK(cut > 10);
    }
}

int main(int argc, char **argv) {
    if (!fault_vfs_install()) {
        puts("SKIP album_fault: this SQLite takes no file system of the test's");
        return 77;
    }
    int rc = test_main(argc, argv);
    fault_vfs_clear();
    return rc;
}
