/* facet detect: finds faces. */
#include "photos/annotate.h"
#include "photos/outputs.h"
#include "photos/report.h"

#include <stdlib.h>

typedef struct detect_run {
    const cli_settings *set;
    cli_outputs outputs;
    long faces;
} detect_run;

static int draw_photo(detect_run *r, const cli_photo *p) {
    int n = fct_faces_count(p->faces);
    cli_label *labels = cli_alloc((size_t)n, sizeof *labels);
    for (int i = 0; i < n; i++) {
        const fct_face *f = fct_faces_at(p->faces, i);
        char person[32];
        cli_format_person(f, person, sizeof person);
        snprintf(labels[i].text, sizeof labels[i].text, "%s%s%.2f", person, *person ? "  " : "", f->score);
        labels[i].color = CLI_COLOR_FOUND;
    }
    fct_image *drawn;
    fct_error e;
    int code = cli_draw_faces(fct_image_view(p->image), p->faces, labels, &drawn, &e) ? cli_fail(&e) : CLI_DONE;
    free(labels);
    if (!code) code = cli_outputs_write_drawn(&r->outputs, p->input, fct_image_view(drawn));
    fct_image_free(drawn);
    return code;
}

static void print_json(const cli_photo *p) {
    cli_json j;
    cli_json_line(&j, stdout);
    cli_json_photo(&j, p);
    cli_json_array(&j, "faces");
    for (int i = 0; i < fct_faces_count(p->faces); i++) {
        cli_json_object(&j, NULL);
        cli_json_face(&j, fct_faces_at(p->faces, i));
        cli_json_close_object(&j);
    }
    cli_json_close_array(&j);
    cli_json_close_object(&j);
    cli_json_end(&j);
}

static void print_text(const cli_photo *p) {
    int n = fct_faces_count(p->faces);
    printf("%s: %s\n", p->name, n ? cli_count(n, "face", "faces") : "no face");
    for (int i = 0; i < n; i++) {
        printf("  %d  ", i + 1);
        cli_print_face(stdout, fct_faces_at(p->faces, i));
        putchar('\n');
    }
}

static int detect_photo(void *user, const cli_photo *p) {
    detect_run *r = user;
    int code = CLI_DONE;
    r->faces += fct_faces_count(p->faces);
    if (r->set->json) print_json(p);
    else print_text(p);
    if (r->outputs.crop_dir) code = cli_outputs_write_crops(&r->outputs, p);
    if (r->outputs.draw && draw_photo(r, p)) code = CLI_INPUT;
    return code;
}

static void detect_failed(void *user, const char *name, const fct_error *e) {
    detect_run *r = user;
    if (r->set->json) cli_json_failure(stdout, name, e);
}

static int run_detect(cli_args *a) {
    cli_inputs in;
    cli_engine engine = {0};
    detect_run r = {.set = &a->set};
    int code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code) code = cli_outputs_setup(&a->set, &in, &r.outputs);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_ALL & ~FCT_TASK_EMBED, &engine);
    if (!code) code = cli_photos_run(&engine, &in, &(cli_photo_calls){detect_photo, detect_failed, &r});
    if (!code && r.faces == 0) code = CLI_NONE;
    cli_engine_close(&engine);
    cli_inputs_free(&in);
    return code;
}

const cli_command cmd_detect = {
    .name = "detect",
    .synopsis = "PHOTO...",
    .summary = "find the faces in photos",
    .description =
        "Prints for every photo its faces, best score first: detection score, box (left,top widthxheight in pixels of "
        "the photo), and, with packs that have the networks, gender, age and pose. PHOTO is a file, a folder, a "
        "pattern or - ('facet help inputs').\n\n"
        "Exit code 1 when no photo has a face.",
    .options = CLI_ANALYSIS_OPTIONS | CLI_OPT(OPT_DRAW) | CLI_OPT(OPT_CROP_DIR),
    .examples = "facet detect party.jpg\n"
                "facet detect --draw marked.jpg party.jpg\n"
                "Faces of all photos of a folder, for a script\n"
                "facet detect --json --files-from list.txt photos/ > faces.jsonl\n"
                "Small faces in a crowd\n"
                "facet detect --det-size 1280x1280 --det-thresh 0.4 stadium.jpg",
    .min_words = 0,
    .max_words = -1,
    .run = run_detect,
};
