/* facet compare: are two photos of one person? */
#include "photos/annotate.h"
#include "photos/face_csv.h"
#include "photos/outputs.h"
#include "photos/report.h"

#include <stdlib.h>

/* The pair of faces that was compared. */
typedef struct compare_verdict {
    int a, b; /* indices of the faces */
    float cosine;
    bool same;
} compare_verdict;

/* Finds the face of a photo to compare: the one --face names, else the largest; -1 where there is none. */
static int choose_face(const cli_settings *s, const cli_photo *p) {
    int n = fct_faces_count(p->faces), i = s->face ? s->face - 1 : cli_largest_face(p->faces);
    if (n == 0) cli_error("%s: no face", p->name);
    else if (i >= n) cli_error("%s: no face %d, there %s %d", p->name, s->face, n == 1 ? "is" : "are", n);
    else {
        if (n > 1 && !s->face && !s->all_faces) cli_warn("%s: %d faces; the largest is compared", p->name, n);
        return i;
    }
    return -1;
}

static float cosine_of(const cli_photo *a, int i, const cli_photo *b, int j) {
    const fct_face *x = fct_faces_at(a->faces, i), *y = fct_faces_at(b->faces, j);
    return fct_cosine(x->embedding, y->embedding, x->embedding_dim);
}

/* Chooses the pair of faces that counts: with --all-faces the most similar one. */
static bool find_verdict(const cli_engine *e, const cli_photo *a, const cli_photo *b, compare_verdict *v) {
    v->a = choose_face(e->set, a);
    v->b = choose_face(e->set, b);
    if (v->a < 0 || v->b < 0) return false;
    v->cosine = cosine_of(a, v->a, b, v->b);
    for (int i = 0; e->set->all_faces && i < fct_faces_count(a->faces); i++)
        for (int j = 0; j < fct_faces_count(b->faces); j++) {
            float c = cosine_of(a, i, b, j);
            if (c > v->cosine) *v = (compare_verdict){i, j, c, false};
        }
    v->same = v->cosine >= e->threshold;
    return true;
}

static void json_side(fct_json_writer *j, const char *key, const cli_photo *p, int face) {
    fct_json_object(j, key);
    cli_json_photo(j, p);
    fct_json_int(j, "faces", fct_faces_count(p->faces));
    fct_json_object(j, "face");
    fct_json_int(j, "number", face + 1);
    cli_json_face(j, fct_faces_at(p->faces, face));
    fct_json_close_object(j);
    fct_json_close_object(j);
}

static void print_csv(const cli_engine *e, const cli_photo *a, const cli_photo *b, const compare_verdict *v) {
    puts("file_a,face_a,file_b,face_b,cosine,threshold,same");
    cli_csv_text(stdout, a->name);
    printf(",%d,", v->a + 1);
    cli_csv_text(stdout, b->name);
    printf(",%d,%.6f,%.4f,%s\n", v->b + 1, v->cosine, e->threshold, v->same ? "true" : "false");
}

static void print_json(const cli_engine *e, const cli_outputs *o, const cli_written *w, const cli_photo *a,
                       const cli_photo *b, const compare_verdict *v) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_bool(&j, "same", v->same);
    fct_json_number(&j, "cosine", v->cosine, 6);
    fct_json_number(&j, "threshold", e->threshold, 4);
    fct_json_text(&j, "model", fct_pack_embedder_id(e->pack));
    json_side(&j, "a", a, v->a);
    json_side(&j, "b", b, v->b);
    cli_json_drawn(&j, o, w);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* ---- The picture: both photos side by side, equally high ---------------------------- */

/* One photo as a side of the picture: its boxes drawn, the compared face's in color, and scaled to the common
 * height. */
static fct_status draw_side(const cli_photo *p, int face, uint32_t color, int height, fct_image **out, fct_error *err) {
    int n = fct_faces_count(p->faces);
    cli_label *labels = cli_alloc((size_t)n, sizeof *labels);
    for (int i = 0; i < n; i++) labels[i].color = i == face ? color : CLI_COLOR_UNKNOWN;
    fct_image *drawn;
    fct_status s = cli_draw_faces(fct_image_view(p->image), p->faces, labels, &drawn, err);
    free(labels);
    *out = NULL;
    if (s) return s;
    fct_view v = fct_image_view(drawn);
    int width = (int)((int64_t)v.width * height / v.height);
    s = fct_image_resize(v, width > 0 ? width : 1, height, out, err);
    fct_image_free(drawn);
    return s;
}

static fct_status join_sides(fct_view a, fct_view b, const char *caption, uint32_t color, fct_image **out,
                             fct_error *err) {
    int gap = a.height / 100 + 1, foot = a.height / 12 + 30;
    fct_status s = fct_image_create(a.width + gap + b.width, a.height + foot, FCT_PIX_RGB, out, err);
    if (s) return s;
    fct_draw_image(*out, a, 0, 0);
    fct_draw_image(*out, b, a.width + gap, 0);
    cli_draw_caption(*out, a.height, caption, color);
    return FCT_OK;
}

static int draw_pair(cli_outputs *o, const cli_engine *e, const cli_photo *a, const cli_photo *b,
                     const compare_verdict *v, cli_written *w) {
    char caption[120];
    snprintf(caption, sizeof caption, "%s: cosine %.2f, threshold %.2f", v->same ? "same person" : "different people",
             v->cosine, e->threshold);
    uint32_t color = v->same ? CLI_COLOR_FOUND : 0xFF8A65;
    int ha = fct_image_view(a->image).height, hb = fct_image_view(b->image).height, height = ha > hb ? ha : hb;
    height = height < 400 ? 400 : height > 1200 ? 1200 : height;
    fct_image *left = NULL, *right = NULL, *both = NULL;
    fct_error err;
    fct_status s = draw_side(a, v->a, color, height, &left, &err);
    if (!s) s = draw_side(b, v->b, color, height, &right, &err);
    if (!s) s = join_sides(fct_image_view(left), fct_image_view(right), caption, color, &both, &err);
    int code = s ? cli_fail(&err) : cli_outputs_write_drawn(o, a->input, fct_image_view(both), w);
    fct_image_free(left);
    fct_image_free(right);
    fct_image_free(both);
    return code;
}

/* ---- The command ------------------------------------------------------------------------ */

/* Writes the result in the form that was asked for, and the picture where there is to be one. */
static int tell(cli_engine *e, cli_outputs *o, const cli_photo *a, const cli_photo *b, const compare_verdict *v) {
    cli_written w = {0};
    int code = o->draw ? draw_pair(o, e, a, b, v, &w) : CLI_DONE;
    if (e->set->json) print_json(e, o, &w, a, b, v);
    else if (e->set->csv) print_csv(e, a, b, v);
    else {
        cli_print_styled(v->same ? STYLE_GOOD : STYLE_WARNING, v->same ? "same person" : "different people");
        printf(": cosine %.3f, threshold %.2f\n", v->cosine, e->threshold);
    }
    cli_written_free(&w);
    if (code) return code;
    return v->same ? CLI_DONE : CLI_NONE;
}

static int compare_photos(cli_engine *e, const cli_inputs *in, cli_outputs *o) {
    cli_photo a, b = {0};
    compare_verdict v;
    int code = cli_photo_load(e, &in->at[0], &a);
    int second = cli_photo_load(e, &in->at[1], &b); /* so that both files' faults are told */
    if (!code) code = second;
    if (!code) code = find_verdict(e, &a, &b, &v) ? tell(e, o, &a, &b, &v) : CLI_NONE;
    cli_photo_free(&a);
    cli_photo_free(&b);
    return code;
}

static int run_compare(cli_args *a) {
    cli_inputs in = {0};
    cli_engine engine = {0};
    cli_outputs outputs = {0};
    int code = cli_check_formats("compare", &a->set);
    if (!code && a->set.face && a->set.all_faces) {
        cli_error("compare: --face and --all-faces contradict each other");
        code = CLI_USE;
    }
    if (!code) code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (in.n != 2 && !code) {
        cli_error("compare: two photos are needed, these are %zu", in.n);
        code = CLI_USE;
    }
    in.several = false; /* the pair is drawn as one picture */
    if (!code) code = cli_outputs_setup(&a->set, &in, &outputs);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_EMBED, &engine);
    if (!code) code = compare_photos(&engine, &in, &outputs);
    cli_outputs_free(&outputs);
    cli_engine_close(&engine);
    cli_inputs_free(&in);
    return code;
}

const cli_command cmd_compare = {
    .name = "compare",
    .synopsis = "PHOTO PHOTO",
    .summary = "tell whether two photos show the same person",
    .description = "Compares the largest face of each photo (or --face N of both, or with --all-faces the most similar "
                   "pair): the same person where the cosine of the embeddings reaches the threshold.\n\n"
                   "Exit code 0 for the same person, 1 for different people or a photo without a face.",
    .options = {CLI_FINDER_OPTIONS, CLI_OPT(OPT_CSV), CLI_OPT(OPT_DRAW), CLI_OPT(OPT_THRESHOLD), CLI_OPT(OPT_FACE),
                CLI_OPT(OPT_ALL_FACES)},
    .examples = "facet compare passport.jpg selfie.jpg\n"
                "facet compare --threshold 0.5 --draw pair.jpg a.jpg b.jpg\n"
                "Is she somewhere in this photo?\n"
                "facet compare --all-faces ada.jpg party.jpg",
    .min_words = 2,
    .max_words = 2,
    .run = run_compare,
};
