/* facet forget: people leave the gallery without a trace. */
#include "photos/report.h"

#include <stdlib.h>

/* Finds all before anybody is asked about, so that a wrong name changes nothing. */
static int run_forget(cli_args *a) {
    fct_gallery *g;
    fct_error e;
    int64_t *ids = cli_alloc((size_t)a->n_words, sizeof *ids);
    int faces = 0, code = cli_gallery_open(&a->set, GALLERY_WRITE, &g);
    for (int i = 0; i < a->n_words && !code; i++) {
        fct_person p;
        code = cli_gallery_find(g, a->words[i], &p);
        ids[i] = p.id;
        faces += p.faces;
    }
    if (!code) {
        char *question = cli_format("Forget %s%s, with %s, for ever?", a->words[0], a->n_words > 1 ? " and others" : "",
                                    cli_count(faces, "face", "faces"));
        code = cli_confirm(&a->set, question);
        free(question);
    }
    if (!code && fct_gallery_forget(g, ids, a->n_words, NULL, &e)) code = cli_fail(&e);
    for (int i = 0; i < a->n_words && !code; i++) cli_note("%s forgotten", a->words[i]);
    fct_gallery_free(g);
    free(ids);
    return code;
}

const cli_command cmd_forget = {
    .name = "forget",
    .synopsis = "NAME...",
    .summary = "remove people so that no file holds anything of them",
    .description =
        "Removes people with their faces, details and negatives, overwrites what they took, and writes the gallery's "
        "file anew; nothing of them can be found in it or beside it afterwards. Asks before, unless --yes is "
        "given.\n\n"
        "Copies of the gallery are not touched, unless it is encrypted: then copies cannot be read for people "
        "whose key is not in the newest file of keys ('facet gallery --help').\n\n"
        "Exit code 1 when there is nobody of that name, or the answer was no; 3 when somebody who has the gallery open "
        "kept it from being written anew: close it there, and forget again.",
    .options = {CLI_GALLERY_OPTIONS, CLI_OPT(OPT_YES), CLI_OPT(OPT_QUIET), CLI_OPT(OPT_VERBOSE)},
    .examples = "facet forget 'Ada Lovelace'\n"
                "Everybody whose retention date has passed:\n"
                "facet gallery expire",
    .words = COMPLETE_PEOPLE,
    .min_words = 1,
    .max_words = -1,
    .run = run_forget,
};
