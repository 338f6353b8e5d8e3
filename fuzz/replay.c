/* A plain main for fuzz targets: runs every file of the folders given.
 *
 * Prints, last, "N passed, 0 failed, 0 skipped"; a file that breaks something
 * ends the process, its name is on the line before. */
#include "fuzz.h"

#include "base/file.h"

static int passed;

static int replay_file(const char *path) {
    fct_map m;
    fct_error e;
    if (fct_map_open(path, &m, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    printf("%s\n", path);
    fflush(stdout);
    /* A copy of the exact size, so that sanitizers see reads past its end. */
    uint8_t *copy = malloc(m.size ? m.size : 1);
    if (!copy) return 1;
    memcpy(copy, m.data, m.size);
    LLVMFuzzerTestOneInput(copy, m.size);
    free(copy);
    fct_map_close(&m);
    passed++;
    return 0;
}

static int replay_folder(const char *folder) {
    char **names;
    size_t n;
    fct_error e;
    int faults = 0;
    if (fct_dir_list(folder, &names, &n, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        char *path = fct_path_join(folder, names[i]);
        faults += path ? replay_file(path) : 1;
        fct_free(path);
    }
    fct_dir_list_free(names, n);
    return faults;
}

int main(int argc, char **argv) {
    int failed = 0;
    for (int i = 1; i < argc; i++) failed += replay_folder(argv[i]);
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed || !passed;
}
