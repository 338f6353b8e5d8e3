/* facet album report: pages about the people in a photo library. */
#include "commands/album_report.h"
#include "commands/cmd_album.h"
#include "photos/album_page.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* A folder may be written to where it is new, empty, or holds an earlier report. */
static int check_folder(const char *folder) {
    char *index = fct_path_join(folder, "index.html"), **names = NULL;
    uint8_t *text = NULL;
    size_t n = 0, size = 0;
    fct_error e;
    fct_file_stat st;
    fct_file_get_stat(folder, &st);
    bool mine = !st.exists;
    if (st.is_dir && !fct_dir_list(folder, &names, &n, &e)) mine = n == 0;
    if (n && index && !fct_file_read(index, 1 << 26, &text, &size, &e))
        mine = strstr((const char *)text, ALBUM_PAGE_MARK) != NULL;
    fct_dir_list_free(names, n);
    fct_buffer_free(text);
    fct_free(index);
    if (mine) return CLI_DONE;
    cli_error("%s: is there already and is no report; name a new folder", folder);
    return CLI_INPUT;
}

static int run_report(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    report_book book = {0};
    const char *folder = a->words[0];
    int code = check_folder(folder);
    if (!code) code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code) code = cli_report_read(album, &book);
    if (!code) code = cli_report_write(album, &book, folder, a->set.quiet);
    if (!code && a->set.json) {
        fct_json_writer j;
        cli_album_json_begin(&j, &info);
        fct_json_text(&j, "report", folder);
        fct_json_int(&j, "people", (int64_t)book.n_people);
        fct_json_int(&j, "photos", (int64_t)book.n_photos);
        cli_album_json_end(&j);
    } else if (!code) cli_note("%s/index.html: %zu people", folder, book.n_people);
    cli_report_free(&book);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_report = {
    .name = "album report",
    .synopsis = "OUT",
    .summary = "make pages to look through: people, their faces and photos",
    .description =
        "Makes a folder OUT of pages for a browser: index.html with everybody, and a page for each person with the "
        "best "
        "faces, who is often on the same photos, and all photos by year. It needs no network and can be used with the "
        "keyboard alone. It holds small copies of the photos and links to the originals where they are now.\n\n"
        "Groups that nobody has named are shown from two photos on, ignored people are not. Another time the folder is "
        "brought up to date. It is for you alone (0700), for it shows faces and names.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album report ~/people",
    .words = COMPLETE_FOLDER,
    .min_words = 1,
    .max_words = 1,
    .run = run_report,
};
