/* facet album duplicates. */
#include "commands/cmd_album.h"

typedef struct shown_groups {
    const cli_settings *set;
    const fct_album_info *info;
    int64_t groups;
} shown_groups;

static void print_group(const fct_duplicate_group *g) {
    cli_print("%s\n", g->kind == FCT_DUPLICATE_BYTES ? "the same file:" : "the same picture:");
    for (int i = 0; i < g->n; i++)
        cli_print("  %5d x %-5d %11lld bytes  %s\n", g->sizes[i][0], g->sizes[i][1], (long long)g->files[i].size,
                  g->files[i].path);
}

static void json_group(const fct_album_info *info, const fct_duplicate_group *g) {
    fct_json_writer j;
    cli_album_json_begin(&j, info);
    fct_json_text(&j, "same", g->kind == FCT_DUPLICATE_BYTES ? "file" : "picture");
    fct_json_array(&j, "files");
    for (int i = 0; i < g->n; i++) {
        fct_json_object(&j, NULL);
        fct_json_text(&j, "file", g->files[i].path);
        fct_json_int(&j, "photo", g->files[i].photo_id);
        fct_json_int(&j, "width", g->sizes[i][0]);
        fct_json_int(&j, "height", g->sizes[i][1]);
        fct_json_int(&j, "size", g->files[i].size);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    cli_album_json_end(&j);
}

static fct_status show_group(void *user, const fct_duplicate_group *g, fct_error *err) {
    shown_groups *shown = user;
    (void)err;
    shown->groups++;
    if (shown->set->json) json_group(shown->info, g);
    else print_group(g);
    return FCT_OK;
}

static int run_duplicates(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_error e;
    shown_groups shown = {&a->set, &info, 0};
    int code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code && fct_album_duplicates(album, show_group, &shown, &e)) code = cli_fail(&e);
    if (!code && !shown.groups) {
        cli_note("no duplicates");
        code = CLI_NONE;
    }
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_duplicates = {
    .name = "album duplicates",
    .synopsis = "",
    .summary = "list photos that are there more than once",
    .description = "Lists files with the same bytes, then photos that show the same picture though their bytes differ: "
                   "saved in another format or quality, resized, a little cropped. The largest comes first. Photos of "
                   "one burst are different pictures. Nothing is removed. Exit code 1 where there are none.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album duplicates",
    .run = run_duplicates,
};
