/* facet info: the machine, the build, the pack, the gallery. */
#include "photos/engine.h"
#include "photos/report.h"

#include "base/file.h"

#include <string.h>

/* What the command alone is built with, in addition to fct_build_features(). */
static const char *command_features(void) {
    return ""
#ifdef CLI_HAVE_TRAIN
           " train"
#endif
#ifdef CLI_HAVE_WINDOW
           " window"
#endif
        ;
}

/* ---- The machine and the build ------------------------------------------------------- */

static void print_machine(void) {
    fct_cpu_info c;
    fct_cpu(&c);
    printf("facet      %s\n", fct_version());
    printf("processor  %s%s%s\n", c.brand, *c.brand ? ", " : "", c.arch);
    printf("kernels    %s (%s)\n", c.level, c.level_why);
    printf("CPUs       %d, of which this process may use %d", c.cpus_online, c.cpus_affinity);
    if (c.cpus_cgroup > 0) printf("; its control group allows %.2f", c.cpus_cgroup);
    printf("\nthreads    %d\n", fct_threads());
    printf("built with %s%s\n", fct_build_features(), command_features());
}

/* Adds words divided by blanks as members of an open array. */
static void json_words(fct_json_writer *j, const char *words) {
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, " ");
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)n, p);
        if (n) fct_json_text(j, NULL, word);
        p += n + (p[n] == ' ');
    }
}

static void json_machine(fct_json_writer *j) {
    fct_cpu_info c;
    fct_cpu(&c);
    fct_json_text(j, "version", fct_version());
    fct_json_object(j, "cpu");
    fct_json_text(j, "arch", c.arch);
    fct_json_text(j, "brand", c.brand);
    fct_json_text(j, "level", c.level);
    fct_json_text(j, "level_max", c.level_max);
    fct_json_text(j, "level_why", c.level_why);
    fct_json_int(j, "online", c.cpus_online);
    fct_json_int(j, "affinity", c.cpus_affinity);
    if (c.cpus_cgroup > 0) fct_json_number(j, "cgroup", c.cpus_cgroup, 2);
    else fct_json_null(j, "cgroup");
    fct_json_close_object(j);
    fct_json_int(j, "threads", fct_threads());
    fct_json_array(j, "features");
    json_words(j, fct_build_features());
    json_words(j, command_features());
    fct_json_close_array(j);
}

/* ---- The pack -------------------------------------------------------------------------- */

static void print_input_size(const fct_pack_file *f) {
    if (f->input_width) printf("  %dx%d", f->input_width, f->input_height);
    else printf("  any size");
    if (f->embedding_dim) printf(", %d numbers", f->embedding_dim);
    printf(", (x - %g) / %g", f->mean, f->std);
}

static void print_pack(const fct_pack *p) {
    cli_print("pack       %s, threshold %.2f\n", fct_pack_name(p), fct_pack_threshold(p));
    for (int i = 0; i < fct_pack_file_count(p); i++) {
        fct_pack_file f;
        fct_error e;
        if (fct_pack_file_info(p, i, &f, &e)) continue;
        cli_print("  %-24s ", fct_path_base(f.path));
        if (f.task) {
            printf("%-16s %s", fct_task_name((fct_task)f.task), f.id);
            print_input_size(&f);
        } else cli_print("not used: %s", f.note);
        putchar('\n');
    }
}

static void json_pack_file(fct_json_writer *j, const fct_pack_file *f) {
    fct_json_object(j, NULL);
    fct_json_text(j, "path", f->path);
    fct_json_text(j, "task", f->task ? fct_task_name((fct_task)f->task) : NULL);
    if (f->task) {
        fct_json_text(j, "id", f->id);
        fct_json_int(j, "input_width", f->input_width);
        fct_json_int(j, "input_height", f->input_height);
        fct_json_number(j, "mean", f->mean, 3);
        fct_json_number(j, "std", f->std, 3);
    } else fct_json_text(j, "note", f->note);
    if (f->embedding_dim) fct_json_int(j, "embedding_dim", f->embedding_dim);
    fct_json_close_object(j);
}

static void json_pack(fct_json_writer *j, const fct_pack *p) {
    fct_json_object(j, "pack");
    fct_json_text(j, "name", fct_pack_name(p));
    fct_json_number(j, "threshold", fct_pack_threshold(p), 4);
    fct_json_array(j, "files");
    for (int i = 0; i < fct_pack_file_count(p); i++) {
        fct_pack_file f;
        fct_error e;
        if (!fct_pack_file_info(p, i, &f, &e)) json_pack_file(j, &f);
    }
    fct_json_close_array(j);
    fct_json_close_object(j);
}

/* ---- The gallery ------------------------------------------------------------------------ */

/* Looks for the gallery's file without opening it, since opening could create it. */
static bool gallery_exists(const cli_settings *s, char *path, size_t cap) {
    fct_file_stat fs;
    if (s->gallery) snprintf(path, cap, "%s", s->gallery);
    else if (fct_gallery_default_path(path, cap, NULL)) return false;
    if (fct_gallery_is_address(path)) return true;
    fct_file_get_stat(path, &fs);
    return fs.exists;
}

/* A default gallery that does not exist yet is told of, while one that --gallery names must exist. */
static int describe_gallery(const cli_settings *s, fct_json_writer *j) {
    char path[4096];
    fct_gallery *g;
    fct_gallery_info info;
    fct_error e;
    if (!gallery_exists(s, path, sizeof path) && !s->gallery) {
        if (j) fct_json_null(j, "gallery");
        else cli_print("gallery    none yet; the default is %s\n", path);
        return CLI_DONE;
    }
    int code = cli_gallery_open(s, GALLERY_READ, &g);
    if (code) return code;
    if (fct_gallery_stat(g, &info, &e) || fct_gallery_check(g, &e)) code = cli_fail(&e);
    else if (j) {
        fct_json_object(j, "gallery");
        fct_json_text(j, "path", info.path);
        fct_json_int(j, "people", info.people);
        fct_json_int(j, "faces", info.faces);
        fct_json_text(j, "model", info.model_id[0] ? info.model_id : NULL);
        fct_json_int(j, "embedding_dim", info.dim);
        fct_json_int(j, "format", info.schema);
        fct_json_close_object(j);
    } else {
        cli_print("gallery    %s\n", info.path);
        cli_print("  %d people, %s, network %s\n", info.people, cli_count(info.faces, "face", "faces"),
                  info.model_id[0] ? info.model_id : "none yet");
    }
    fct_gallery_free(g);
    return code;
}

/* ---- The command -------------------------------------------------------------------------- */

/* Opens the pack. Without --models, a missing one is worth a line but not an error. */
static int open_pack(const cli_settings *s, fct_pack **out) {
    fct_pack_opts o;
    fct_error e;
    if (s->models) return cli_pack_open(s, FCT_TASK_ALL, out);
    fct_pack_opts_init(&o);
    fct_status st = fct_pack_open(NULL, &o, out, &e);
    return st == FCT_OK || st == FCT_ERR_NOT_FOUND ? CLI_DONE : cli_fail(&e);
}

/* A missing pack or gallery is told and counts in the exit code, but the rest is shown all the same. */
static int run_info(cli_args *a) {
    fct_pack *pack = NULL;
    fct_json_writer j;
    bool json = a->set.json;
    int pack_code = open_pack(&a->set, &pack);
    if (json) {
        cli_json_line(&j, stdout);
        json_machine(&j);
        if (pack) json_pack(&j, pack);
        else fct_json_null(&j, "pack");
    } else {
        print_machine();
        if (pack) print_pack(pack);
        else printf("pack       none; 'facet help packs' says where to get one\n");
    }
    int code = describe_gallery(&a->set, json ? &j : NULL);
    if (json) {
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
    fct_pack_free(pack);
    return code > pack_code ? code : pack_code;
}

const cli_command cmd_info = {
    .name = "info",
    .synopsis = "",
    .summary = "tell what this machine, build, pack and gallery are",
    .description =
        "The processor and the kernel level chosen for it, with the reason; the CPUs that this process may use "
        "(affinity, control group) and the number of threads; what the build supports; each network of the pack with "
        "its task, identity and input; the gallery, after a full check of its file.",
    .options = {CLI_PACK_OPTIONS, CLI_GALLERY_OPTIONS},
    .examples = "facet info\n"
                "facet info --models ~/.insightface/models/buffalo_l --json",
    .run = run_info,
};
