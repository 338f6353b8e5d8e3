/* One call into the pack store, for store_test.py:
 *
 *   store_run get NAME ROOT URL [option...]
 *   store_run import PATH NAME ROOT [option...]
 *   store_run verify NAME ROOT | remove NAME ROOT | list ROOT
 *
 * Options: sha256=HEX retries=N stall=N replace refuse (do not accept the terms)
 * cancel=BYTES impatient (do not wait for another installation) proxy=URL filesize=BYTES (no file may grow beyond that:
 * a full disk). Prints "STATUS TEXT" and what the call gave; exit status 0 if it could be made. */
#include "facet/image.h"
#include "facet/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <signal.h>
#include <sys/resource.h>
#endif

static uint64_t cancel_at;
static bool impatient, waited;

static bool progress(const char *step, uint64_t done, uint64_t total, void *user) {
    (void)user, (void)total;
    if (strcmp(step, "wait") == 0) {
        if (!waited) fprintf(stderr, "waiting\n");
        waited = true;
        return !impatient;
    }
    return !cancel_at || strcmp(step, "download") != 0 || done < cancel_at;
}

/* A write beyond the limit fails, as on a full disk. */
static void limit_files(const char *bytes) {
#ifndef _WIN32
    struct rlimit r = {(rlim_t)strtoull(bytes, NULL, 10), RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &r);
#else
    (void)bytes;
#endif
}

static void read_option(fct_store_opts *o, const char *a) {
    if (strncmp(a, "sha256=", 7) == 0) o->sha256 = a + 7;
    if (strncmp(a, "retries=", 8) == 0) o->retries = atoi(a + 8);
    if (strncmp(a, "stall=", 6) == 0) o->stall_seconds = atoi(a + 6);
    if (strncmp(a, "proxy=", 6) == 0) o->proxy = a + 6;
    if (strncmp(a, "cancel=", 7) == 0) cancel_at = strtoull(a + 7, NULL, 10);
    if (strncmp(a, "filesize=", 9) == 0) limit_files(a + 9);
    if (strcmp(a, "impatient") == 0) impatient = true;
    if (strcmp(a, "replace") == 0) o->replace = true;
    if (strcmp(a, "refuse") == 0) o->accept_license = false;
}

static fct_status list(const char *root, fct_error *e) {
    fct_store_pack *packs;
    int n;
    fct_status s = fct_store_list(root, &packs, &n, e);
    for (int i = 0; i < n; i++)
        printf("pack %s %s %d %" PRIu64 "\n", packs[i].name, packs[i].path[0] ? "installed" : "known", packs[i].files,
               packs[i].bytes);
    fct_buffer_free(packs);
    return s;
}

static fct_status verify(const char *name, const fct_store_opts *o, fct_error *e) {
    fct_store_file *files;
    int n;
    fct_status s = fct_store_verify(name, o, &files, &n, e);
    for (int i = 0; i < n; i++) printf("file %s %d\n", files[i].name, (int)files[i].state);
    fct_buffer_free(files);
    return s;
}

int main(int argc, char **argv) {
    fct_store_opts o;
    fct_store_result r = {.files = 0};
    fct_error e = {FCT_OK, ""};
    fct_status s = FCT_ERR_ARG;
    if (argc < 3) return 2;
    fct_store_opts_init(&o);
    o.accept_license = true;
    o.progress = progress;
    for (int i = 3; i < argc; i++) read_option(&o, argv[i]);
    if (strcmp(argv[1], "list") == 0) s = list(argv[2], &e);
    if (argc > 3) o.root = argv[3];
    if (strcmp(argv[1], "verify") == 0) s = verify(argv[2], &o, &e);
    if (strcmp(argv[1], "remove") == 0) s = fct_store_remove(o.root, argv[2], &e);
    if (argc > 4 && strcmp(argv[1], "get") == 0) {
        o.url = strcmp(argv[4], "-") ? argv[4] : NULL;
        s = fct_store_get(argv[2], &o, &r, &e);
    }
    if (argc > 4 && strcmp(argv[1], "import") == 0) {
        o.root = argv[4];
        s = fct_store_import(argv[2], strcmp(argv[3], "-") ? argv[3] : NULL, &o, &r, &e);
    }
    printf("%d %s\n", (int)s, e.text);
    if (!s && r.path[0]) printf("checked=%d files=%d sha256=%s\n", r.checked, r.files, r.sha256);
    return 0;
}
