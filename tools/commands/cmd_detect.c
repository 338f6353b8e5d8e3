/* facet detect: finds faces. */
#include "photos/annotate.h"
#include "photos/face_csv.h"
#include "photos/html_report.h"
#include "photos/outputs.h"
#include "photos/report.h"

#include <stdlib.h>

typedef struct detect_run {
    const cli_settings *set;
    cli_outputs outputs;
    cli_html *html; /* NULL = not asked for */
    long faces;
} detect_run;

/* Draws the photo for --draw and --html. */
static int draw_photo(detect_run *r, const cli_photo *p, cli_written *w) {
    int n = fct_faces_count(p->faces), code;
    cli_label *labels = cli_alloc((size_t)n, sizeof *labels);
    cli_html_face *faces = cli_alloc((size_t)n, sizeof *faces);
    for (int i = 0; i < n; i++) {
        const fct_face *f = fct_faces_at(p->faces, i);
        char person[32];
        cli_format_person(f, person, sizeof person);
        snprintf(labels[i].text, sizeof labels[i].text, "%s%s%.2f", person, *person ? "  " : "", f->score);
        labels[i].color = CLI_COLOR_FOUND;
        faces[i].detail = labels[i].text;
    }
    fct_image *drawn;
    fct_error e;
    code = cli_draw_faces(fct_image_view(p->image), p->faces, labels, &drawn, &e) ? cli_fail(&e) : CLI_DONE;
    if (!code && r->html) code = cli_html_photo(r->html, p, fct_image_view(drawn), faces);
    if (!code && r->outputs.draw) code = cli_outputs_write_drawn(&r->outputs, p->input, fct_image_view(drawn), w);
    free(faces);
    free(labels);
    fct_image_free(drawn);
    return code;
}

static void print_json(const detect_run *r, const cli_photo *p, const cli_written *w) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    cli_json_photo(&j, p);
    cli_json_drawn(&j, &r->outputs, w);
    fct_json_array(&j, "faces");
    for (int i = 0; i < fct_faces_count(p->faces); i++) {
        fct_json_object(&j, NULL);
        cli_json_face(&j, fct_faces_at(p->faces, i));
        cli_json_crop(&j, &r->outputs, w, i);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void print_csv(const cli_photo *p) {
    for (int i = 0; i < fct_faces_count(p->faces); i++) {
        const fct_face *f = fct_faces_at(p->faces, i);
        cli_csv_face(stdout, p, i);
        printf(",%s,", f->gender < 0 ? "" : f->gender ? "male" : "female");
        if (f->age >= 0) printf("%d", f->age);
        for (int k = 0; k < 3; k++) {
            putchar(',');
            if (f->has_pose) printf("%.2f", f->pose[k]);
        }
        putchar('\n');
    }
}

static void print_text(const cli_photo *p) {
    int n = fct_faces_count(p->faces);
    cli_print_styled(STYLE_STRONG, p->name);
    cli_print(": %s\n", n ? cli_count(n, "face", "faces") : "no face");
    for (int i = 0; i < n; i++) {
        printf("  %d  ", i + 1);
        cli_print_face(stdout, fct_faces_at(p->faces, i));
        putchar('\n');
    }
}

/* Everything that is done with one photo: crops, drawing, page, and the line on standard output. */
static int detect_photo(void *user, const cli_photo *p) {
    detect_run *r = user;
    cli_written w = {0};
    int code = CLI_DONE;
    r->faces += fct_faces_count(p->faces);
    if (r->outputs.crop_dir) code = cli_outputs_write_crops(&r->outputs, p, &w);
    if ((r->outputs.draw || r->html) && draw_photo(r, p, &w)) code = CLI_INPUT;
    if (r->set->json) print_json(r, p, &w);
    else if (r->set->csv) print_csv(p);
    else print_text(p);
    cli_written_free(&w);
    return code;
}

static void detect_failed(void *user, const char *name, const fct_error *e) {
    detect_run *r = user;
    if (r->set->json) cli_json_failure(stdout, name, e);
    if (r->html) cli_html_failure(r->html, name, e);
}

/* Leaves the embedder out, since no embedding is shown. */
static int run_detect(cli_args *a) {
    cli_inputs in = {0};
    cli_engine engine = {0};
    detect_run r = {.set = &a->set};
    int code = cli_check_formats("detect", &a->set);
    if (!code) code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code) code = cli_outputs_setup(&a->set, &in, &r.outputs);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_ALL & ~FCT_TASK_EMBED, &engine);
    if (!code && a->set.html) code = cli_html_open(a->set.html, false, &r.html);
    if (!code) {
        if (a->set.csv) puts(CLI_CSV_FACE ",gender,age,pitch,yaw,roll");
        code = cli_photos_run(&engine, &in, &(cli_photo_calls){detect_photo, detect_failed, &r});
        if (!code && r.faces == 0) code = CLI_NONE;
    }
    int closed = cli_html_close(r.html, code != CLI_STOPPED);
    cli_outputs_free(&r.outputs);
    cli_engine_close(&engine);
    cli_inputs_free(&in);
    return closed > code ? closed : code;
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
    .options = {CLI_ANALYSIS_OPTIONS, CLI_OPT(OPT_CSV), CLI_OPT(OPT_HTML), CLI_OPT(OPT_DRAW), CLI_OPT(OPT_CROP_DIR)},
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
