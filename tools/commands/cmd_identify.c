/* facet identify: who is in the photos? */
#include "photos/annotate.h"
#include "photos/face_csv.h"
#include "photos/html_report.h"
#include "photos/outputs.h"
#include "photos/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct identify_run {
    cli_engine engine;
    fct_gallery *gallery;
    cli_outputs outputs;
    cli_html *html; /* NULL = not asked for */
    long recognized;
} identify_run;

/* Nearest people of each face of one photo, best first, also those below the threshold. */
typedef struct candidates {
    int n, k;         /* faces, room per face */
    fct_match *named; /* [n]: who they are; person_id 0 = unknown */
    fct_match *at;    /* [n][k] */
    int *found;       /* [n] */
    float threshold;
} candidates;

static const fct_match *match_of(const candidates *c, int face) {
    return c->named[face].person_id ? &c->named[face] : NULL;
}

/* Searches for all faces of a photo at once, which reads the gallery's rows once. */
static fct_status search(identify_run *r, const cli_photo *p, candidates *c, fct_error *err) {
    int n = fct_faces_count(p->faces), dim = fct_pack_embedding_dim(r->engine.pack);
    *c = (candidates){.n = n, .k = r->engine.set->top, .threshold = r->engine.threshold};
    c->at = cli_alloc((size_t)n * (size_t)c->k, sizeof *c->at);
    c->found = cli_alloc((size_t)n, sizeof *c->found);
    c->named = cli_alloc((size_t)n, sizeof *c->named);
    if (n == 0) return FCT_OK;
    float *e = cli_alloc((size_t)n * (size_t)dim, sizeof *e);
    for (int i = 0; i < n; i++)
        memcpy(e + (size_t)i * (size_t)dim, fct_faces_at(p->faces, i)->embedding, (size_t)dim * sizeof *e);
    fct_search_opts o;
    fct_search_opts_init(&o);
    const char *model = fct_pack_embedder_id(r->engine.pack);
    o.templates = r->engine.set->means ? FCT_TEMPLATE_MEAN : FCT_TEMPLATE_BEST;
    o.repeats = r->engine.set->repeats;
    o.fallback = r->engine.threshold;
    if (!isnan(r->engine.set->threshold)) o.threshold = r->engine.threshold;
    fct_status s = fct_gallery_identify(r->gallery, model, e, n, dim, &o, c->named, err);
    o.k = c->k;
    o.threshold = -1;
    if (!s) s = fct_gallery_search_with(r->gallery, model, e, n, dim, &o, c->at, c->found, err);
    free(e);
    return s;
}

static void free_candidates(candidates *c) {
    free(c->at);
    free(c->named);
    free(c->found);
}

/* The name is null below the threshold, while the nearest people are listed in any case. */
static void json_candidates(fct_json_writer *j, const candidates *c, int face) {
    const fct_match *m = match_of(c, face);
    fct_json_text(j, "name", m ? m->name : NULL);
    fct_json_array(j, "nearest");
    for (int k = 0; k < c->found[face]; k++) {
        const fct_match *near = &c->at[(size_t)face * (size_t)c->k + (size_t)k];
        fct_json_object(j, NULL);
        fct_json_text(j, "name", near->name);
        fct_json_number(j, "cosine", near->score, 4);
        fct_json_int(j, "person_id", near->person_id);
        fct_json_int(j, "face_id", near->face_id);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

static void print_json(const identify_run *r, const cli_photo *p, const candidates *c, const cli_written *w) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    cli_json_photo(&j, p);
    cli_json_drawn(&j, &r->outputs, w);
    fct_json_number(&j, "threshold", c->threshold, 4);
    fct_json_array(&j, "faces");
    for (int i = 0; i < c->n; i++) {
        fct_json_object(&j, NULL);
        json_candidates(&j, c, i);
        cli_json_face(&j, fct_faces_at(p->faces, i));
        cli_json_crop(&j, &r->outputs, w, i);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void print_csv(const cli_photo *p, const candidates *c) {
    for (int i = 0; i < c->n; i++) {
        const fct_match *m = match_of(c, i);
        cli_csv_face(stdout, p, i);
        putchar(',');
        if (m) {
            cli_csv_text(stdout, m->name);
            printf(",%.4f,%lld\n", m->score, (long long)m->person_id);
        } else puts(",,");
    }
}

/* Names in one column, as wide as the longest; with --top the next candidates under each face. */
static void print_text(const cli_photo *p, const candidates *c, int top) {
    cli_print_styled(STYLE_STRONG, p->name);
    cli_print(": %s\n", c->n ? cli_count(c->n, "face", "faces") : "no face");
    int width = 7; /* of "unknown" */
    for (int i = 0; i < c->n; i++) {
        const fct_match *m = match_of(c, i);
        if (m && cli_text_columns(m->name) > width) width = cli_text_columns(m->name);
    }
    for (int i = 0; i < c->n; i++) {
        const fct_match *m = match_of(c, i);
        const char *name = m ? m->name : "unknown";
        printf("  %d  ", i + 1);
        cli_print_styled(m ? STYLE_GOOD : STYLE_FAINT, name);
        printf("%*s", width - cli_text_columns(name) + 2, "");
        if (m) printf("%.2f  ", m->score);
        else printf("      ");
        cli_print_face(stdout, fct_faces_at(p->faces, i));
        putchar('\n');
        for (int k = 0; top > 1 && k < c->found[i]; k++) {
            const fct_match *near = &c->at[(size_t)i * (size_t)c->k + (size_t)k];
            cli_print("       %5.2f  %s\n", near->score, near->name);
        }
    }
}

/* Draws the photo for --draw and --html. */
static int draw_photo(identify_run *r, const cli_photo *p, const candidates *c, cli_written *w) {
    cli_label *labels = cli_alloc((size_t)c->n, sizeof *labels);
    cli_html_face *faces = cli_alloc((size_t)c->n, sizeof *faces);
    char(*details)[80] = cli_alloc((size_t)c->n, sizeof *details);
    for (int i = 0; i < c->n; i++) {
        const fct_match *m = match_of(c, i);
        float score = fct_faces_at(p->faces, i)->score;
        if (m) snprintf(labels[i].text, sizeof labels[i].text, "%s  %.2f", m->name, m->score);
        else snprintf(labels[i].text, sizeof labels[i].text, "unknown");
        labels[i].color = m ? cli_color_of(m->name) : CLI_COLOR_UNKNOWN;
        if (m) snprintf(details[i], sizeof details[i], "cosine %.2f, face %.2f", m->score, score);
        else snprintf(details[i], sizeof details[i], "face %.2f", score);
        faces[i] = (cli_html_face){m ? m->name : NULL, details[i]};
    }
    fct_image *drawn;
    fct_error e;
    int code = cli_draw_faces(fct_image_view(p->image), p->faces, labels, &drawn, &e) ? cli_fail(&e) : CLI_DONE;
    if (!code && r->html) code = cli_html_photo(r->html, p, fct_image_view(drawn), faces);
    if (!code && r->outputs.draw) code = cli_outputs_write_drawn(&r->outputs, p->input, fct_image_view(drawn), w);
    free(details);
    free(faces);
    free(labels);
    fct_image_free(drawn);
    return code;
}

static void print_photo(const identify_run *r, const cli_photo *p, const candidates *c, const cli_written *w) {
    if (r->engine.set->json) print_json(r, p, c, w);
    else if (r->engine.set->csv) print_csv(p, c);
    else print_text(p, c, r->engine.set->top);
}

/* Searches for the faces of one photo, draws where asked, and writes the result. */
static int identify_photo(void *user, const cli_photo *p) {
    identify_run *r = user;
    candidates c;
    cli_written w = {0};
    fct_error e;
    int code = CLI_DONE;
    if (search(r, p, &c, &e)) code = cli_fail(&e);
    else {
        for (int i = 0; i < c.n; i++) r->recognized += match_of(&c, i) != NULL;
        if (r->outputs.crop_dir) code = cli_outputs_write_crops(&r->outputs, p, &w);
        if ((r->outputs.draw || r->html) && draw_photo(r, p, &c, &w)) code = CLI_INPUT;
        print_photo(r, p, &c, &w);
    }
    cli_written_free(&w);
    free_candidates(&c);
    return code;
}

static void identify_failed(void *user, const char *name, const fct_error *e) {
    identify_run *r = user;
    if (r->engine.set->json) cli_json_failure(stdout, name, e);
    if (r->html) cli_html_failure(r->html, name, e);
}

/* Everything that can be wrong with the options is found before the first photo is read. */
static int run_identify(cli_args *a) {
    cli_inputs in = {0};
    identify_run r = {0};
    int code = cli_check_formats("identify", &a->set);
    if (!code && a->set.csv && a->set.top > 1) {
        cli_error("identify: --top has no place in --csv, which has a line per face; --json lists the nearest people");
        code = CLI_USE;
    }
    if (!code) code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code) code = cli_outputs_setup(&a->set, &in, &r.outputs);
    if (!code) code = cli_gallery_open(&a->set, GALLERY_READ, &r.gallery);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_EMBED, &r.engine);
    if (!code) code = cli_gallery_check_model(r.gallery, &r.engine);
    if (!code && a->set.html) code = cli_html_open(a->set.html, true, &r.html);
    if (!code) {
        if (a->set.csv) puts(CLI_CSV_FACE ",name,cosine,person_id");
        code = cli_photos_run(&r.engine, &in, &(cli_photo_calls){identify_photo, identify_failed, &r});
        if (!code && r.recognized == 0) code = CLI_NONE;
    }
    int closed = cli_html_close(r.html, code != CLI_STOPPED);
    fct_gallery_free(r.gallery);
    cli_outputs_free(&r.outputs);
    cli_engine_close(&r.engine);
    cli_inputs_free(&in);
    return closed > code ? closed : code;
}

const cli_command cmd_identify = {
    .name = "identify",
    .synopsis = "PHOTO...",
    .summary = "tell who is in photos",
    .description =
        "Names every face with the nearest person of the gallery whose cosine reaches the threshold, else 'unknown'; "
        "nobody is in a photo twice, unless --repeats is given. "
        "--top K also lists the K nearest people, below the threshold too.\n\n"
        "A lower threshold recognizes more faces and mistakes more of them; the right one depends on the pack and on "
        "how many people the gallery holds.\n\n"
        "Exit code 1 when nobody was recognized.",
    .options = {CLI_ANALYSIS_OPTIONS, CLI_OPT(OPT_CSV), CLI_OPT(OPT_HTML), CLI_GALLERY_OPTIONS, CLI_OPT(OPT_DRAW),
                CLI_OPT(OPT_CROP_DIR), CLI_OPT(OPT_THRESHOLD), CLI_OPT(OPT_MEANS), CLI_OPT(OPT_REPEATS),
                CLI_OPT(OPT_SEARCH), CLI_OPT(OPT_SERVER_FROM), CLI_OPT(OPT_TOP)},
    .examples = "facet identify party.jpg\n"
                "facet identify --draw named.jpg party.jpg\n"
                "facet identify --json --threshold 0.45 inbox/ > who.jsonl\n"
                "facet identify --draw named/ 'holiday/**/*.jpg'",
    .max_words = -1,
    .run = run_identify,
};
