/* facet embed: embeddings of faces. */
#include "photos/embed_file.h"
#include "photos/outputs.h"
#include "photos/report.h"

#include "base/file.h"

typedef struct embed_run {
    const cli_settings *set;
    cli_outputs outputs;
    cli_embed_file file;
} embed_run;

/* Prints one row: the name as it is for a script, but made safe for a terminal, which would obey what a name may
 * hold. */
static void print_row(long row, int face, const char *name) {
    printf("%ld\t%d\t", row, face);
    if (fct_term_is_tty(stdout)) cli_print("%s", name);
    else fputs(name, stdout);
    putchar('\n');
}

/* A .npy file holds numbers alone, so standard output says whose row is whose. */
static int embed_photo(void *user, const cli_photo *p) {
    embed_run *r = user;
    int n = fct_faces_count(p->faces);
    if (r->file.format == EMBED_NPY)
        for (int i = 0; i < n; i++) print_row(r->file.rows + i, i + 1, p->name);
    cli_written w = {0};
    int code = r->outputs.crop_dir ? cli_outputs_write_crops(&r->outputs, p, &w) : CLI_DONE;
    cli_embed_write(&r->file, p, &r->outputs, &w, r->set->normalize);
    cli_written_free(&w);
    if (n == 0) cli_warn("%s: no face", p->name);
    return code;
}

static void embed_failed(void *user, const char *name, const fct_error *e) {
    embed_run *r = user;
    if (r->file.format == EMBED_JSON) cli_json_failure(r->file.file, name, e);
}

/* Where no form is asked for, the file's ending says it: JSON in a file called faces.npy would help nobody. */
static void choose_format(cli_args *a) {
    if (a->given[OPT_FORMAT] || a->set.json || !a->set.out) return;
    if (cli_has_ending(a->set.out, (const char *const[]){"csv", NULL})) a->set.format = EMBED_CSV;
    if (cli_has_ending(a->set.out, (const char *const[]){"npy", NULL})) a->set.format = EMBED_NPY;
}

static int check_options(cli_args *a) {
    if (a->set.json && a->set.format != EMBED_JSON) {
        cli_error("embed: --json and --format contradict each other");
        return CLI_USE;
    }
    if (a->set.format == EMBED_NPY && !a->set.out) {
        cli_error("embed: --format npy needs --out FILE");
        return CLI_USE;
    }
    return CLI_DONE;
}

static int run_embed(cli_args *a) {
    cli_inputs in = {0};
    cli_engine engine = {0};
    embed_run r = {.set = &a->set};
    choose_format(a);
    int code = check_options(a);
    if (!code) code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code) code = cli_outputs_setup(&a->set, &in, &r.outputs);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_EMBED, &engine);
    if (!code)
        code = cli_embed_open(a->set.out, (cli_embed_format)a->set.format, fct_pack_embedding_dim(engine.pack),
                              fct_pack_embedder_id(engine.pack), &r.file);
    if (!code) {
        code = cli_photos_run(&engine, &in, &(cli_photo_calls){embed_photo, embed_failed, &r});
        if (!code && r.file.rows == 0) code = CLI_NONE;
    }
    int closed = cli_embed_close(&r.file, code != CLI_STOPPED);
    cli_outputs_free(&r.outputs);
    cli_engine_close(&engine);
    cli_inputs_free(&in);
    return closed > code ? closed : code;
}

const cli_command cmd_embed = {
    .name = "embed",
    .synopsis = "PHOTO...",
    .summary = "compute the embeddings of the faces in photos",
    .description =
        "An embedding is a vector of numbers (128 to 512, by the pack) that is nearly the same for all photos of one "
        "person. Two faces are compared by the cosine of their embeddings; those of different networks do not "
        "compare.\n\n"
        "json: one object a photo. csv: one line a face with the columns file, face, x1, y1, x2, y2, score, e0, e1, "
        "... npy: a float32 array of one row a face for NumPy, to --out; standard output then lists row, face and "
        "file.\n\n"
        "Numbers are as the network gives them; --normalize scales each vector to length 1.",
    .options = {CLI_ANALYSIS_OPTIONS, CLI_OPT(OPT_FORMAT), CLI_OPT(OPT_OUT), CLI_OPT(OPT_NORMALIZE),
                CLI_OPT(OPT_CROP_DIR)},
    .examples = "facet embed ada.jpg\n"
                "facet embed --out faces.csv photos/\n"
                "facet embed --out faces.npy --normalize photos/ > rows.tsv",
    .max_words = -1,
    .run = run_embed,
};
