/* Archives of packs: whatever an archive says, files come into being in the
 * folder it is unpacked to and nowhere else, under names that a pack's files may
 * have, and each is listed with the hash of what was written. */
#include "fuzz.h"

#include "base/file.h"
#include "base/hash.h"
#include "pack/store.h"

#define MOST_UNPACKED (1 << 20)

static char room[1100]; /* a folder of this process, in TMPDIR or here */

static void leave_room(void) {
    fct_error e;
    (void)fct_dir_remove(room, &e);
}

static char *in_room(const char *name) {
    char *path = fct_path_join(room, name);
    FUZZ_REQUIRE(path);
    return path;
}

/* A bomb is a matter of the disk, not of this fuzzer. */
static bool enough(const char *step, uint64_t done, uint64_t total, void *user) {
    (void)step, (void)total, (void)user;
    return done <= MOST_UNPACKED;
}

static void write_file(const char *path, const uint8_t *data, size_t size) {
    FILE *f = fct_fopen(path, "wb");
    FUZZ_REQUIRE(f && fwrite(data, 1, size, f) == size);
    FUZZ_REQUIRE(fclose(f) == 0);
}

static void check_file(const char *folder, const char *name, const fct_sums *sums) {
    uint8_t *data;
    size_t size;
    char sha256[65], *path = fct_path_join(folder, name);
    fct_file_stat st;
    fct_error e;
    const char *listed = fct_sums_get(sums, name);
    FUZZ_REQUIRE(path && listed && fct_store_file_ok(name));
    fct_file_get_stat(path, &st);
    FUZZ_REQUIRE(st.is_file && !st.is_symlink);
    FUZZ_REQUIRE(fct_file_read(path, (size_t)2 << 20, &data, &size, &e) == FCT_OK);
    fct_sha256_hex(data, size, sha256);
    FUZZ_REQUIRE(!strcmp(sha256, listed));
    fct_free(data);
    fct_free(path);
}

static void check_room(const char *into, const fct_sums *sums, fct_status s) {
    char **names;
    size_t n;
    fct_error e;
    FUZZ_REQUIRE(fct_dir_list(room, &names, &n, &e) == FCT_OK);
    FUZZ_REQUIRE(n == 2 && !strcmp(names[0], "into") && !strcmp(names[1], "pack.zip"));
    fct_dir_list_free(names, n);
    FUZZ_REQUIRE(fct_dir_list(into, &names, &n, &e) == FCT_OK);
    /* Files of an archive that failed later are the caller's to remove. */
    if (!s) FUZZ_REQUIRE(n == (size_t)sums->n);
    for (size_t i = 0; !s && i < n; i++) check_file(into, names[i], sums);
    for (size_t i = 0; s && i < n; i++) FUZZ_REQUIRE(fct_store_file_ok(names[i]));
    fct_dir_list_free(names, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_store_opts o;
    fct_sums sums = {0};
    fct_error e;
    long live = fct_alloc_live();
    if (!*room) {
        const char *temp = getenv("TMPDIR");
        snprintf(room, sizeof room, "%.1000s/zip-fuzz-%llu", temp && *temp ? temp : ".",
                 (unsigned long long)fct_time_ns());
        atexit(leave_room);
    }
    char *zip = in_room("pack.zip"), *into = in_room("into");
    FUZZ_REQUIRE(fct_dir_make(into, &e) == FCT_OK);
    write_file(zip, data, size);
    fct_store_opts_init(&o);
    o.progress = enough;
    fct_status s = fct_unzip(zip, into, &o, &sums, &e);
    fuzz_check_result(s, &e, s ? NULL : &sums);
    check_room(into, &sums, s);
    FUZZ_REQUIRE(fct_dir_remove(into, &e) == FCT_OK);
    fct_sums_clear(&sums);
    fct_free(zip);
    fct_free(into);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}
