/* facet blur: makes faces in photos unrecognizable. */
#include "photos/outputs.h"
#include "photos/report.h"

#include "base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How faces are searched unless the user says otherwise: covering what is no face is better than showing one. */
#define CAREFUL_THRESHOLD 0.3
#define SURE              0.5f
enum { CAREFUL_SIZE = 1280, CAREFUL_TILE = 640 };

typedef struct blur_run {
    cli_engine engine;
    cli_outputs outputs;
    fct_gallery *gallery; /* NULL = nobody is looked up */
    const char *whom;     /* "all", "unknown" or a name */
    fct_cover style;
    long faces;
} blur_run;

/* What is decided about one face. */
typedef struct blur_face {
    char name[sizeof((fct_match *)0)->name]; /* "" = unknown */
    bool covered;
} blur_face;

static bool hides(const blur_run *r, const char *name) {
    const char *keep = r->engine.set->keep;
    if (keep) return strcmp(name, keep) != 0;
    if (!strcmp(r->whom, "all")) return true;
    if (!strcmp(r->whom, "unknown")) return !*name;
    return !*name || !strcmp(name, r->whom); /* who is not recognized may be that person */
}

/* Names the faces that the gallery recognizes; without a gallery nobody is looked up. */
static int recognize(blur_run *r, const cli_photo *p, blur_face *out) {
    int n = fct_faces_count(p->faces), dim = fct_pack_embedding_dim(r->engine.pack), code = CLI_DONE;
    for (int i = 0; i < n && r->gallery && !code; i++) {
        fct_match m;
        int found = 0;
        fct_error e;
        const float *v = fct_faces_at(p->faces, i)->embedding;
        if (v && fct_gallery_search_batch(r->gallery, fct_pack_embedder_id(r->engine.pack), v, 1, dim, -1, 1, &m,
                                          &found, &e))
            code = cli_fail(&e);
        else if (v && found && m.score >= r->engine.threshold) snprintf(out[i].name, sizeof out[i].name, "%s", m.name);
    }
    return code;
}

static float area_of(const float b[4]) { return (b[2] - b[0]) * (b[3] - b[1]); }

static float overlap(const float a[4], const float b[4]) {
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    float both = w > 0 && h > 0 ? w * h : 0;
    return both / (area_of(a) + area_of(b) - both);
}

/* Whether a weak find is far larger than a sure face inside it. That is the detector's mistake about a group or a
 * body, and would cover half of the photo. */
static bool is_around_a_face(const fct_faces *faces, int i) {
    const fct_face *weak = fct_faces_at(faces, i);
    for (int k = 0; k < fct_faces_count(faces) && weak->score < SURE; k++) {
        const fct_face *f = fct_faces_at(faces, k);
        float x = (f->box[0] + f->box[2]) / 2, y = (f->box[1] + f->box[3]) / 2;
        bool inside = x > weak->box[0] && x < weak->box[2] && y > weak->box[1] && y < weak->box[3];
        if (inside && f->score >= SURE && area_of(weak->box) > 2.5f * area_of(f->box)) return true;
    }
    return false;
}

/* Whether a weak find of the careful search lies over a face that may be seen: it is that face again. */
static bool repeats_a_shown_face(const fct_faces *faces, const blur_face *f, int i) {
    const fct_face *weak = fct_faces_at(faces, i);
    for (int k = 0; k < fct_faces_count(faces) && weak->score < SURE; k++)
        if (!f[k].covered && *f[k].name && overlap(weak->box, fct_faces_at(faces, k)->box) > 0.5f) return true;
    return false;
}

/* Decides which faces to cover, then covers an area somewhat larger than each one's box. */
static void cover_faces(const blur_run *r, const cli_photo *p, blur_face *f) {
    int n = fct_faces_count(p->faces);
    for (int i = 0; i < n; i++) f[i].covered = hides(r, f[i].name) && !is_around_a_face(p->faces, i);
    for (int i = 0; i < n; i++) {
        float area[4];
        if (f[i].covered && !*f[i].name && repeats_a_shown_face(p->faces, f, i)) f[i].covered = false;
        if (!f[i].covered) continue;
        fct_cover_area(fct_faces_at(p->faces, i)->box, area);
        fct_draw_cover(p->image, area[0], area[1], area[2], area[3], r->style);
    }
}

/* Coordinates and names of what was covered are in the JSON alone. */
static void print_photo(const blur_run *r, const cli_photo *p, const blur_face *f, const cli_written *w) {
    int n = fct_faces_count(p->faces), covered = 0;
    for (int i = 0; i < n; i++) covered += f[i].covered;
    if (!r->engine.set->json) {
        cli_print("%s: %s, %d covered, written to %s\n", p->name, cli_count(n, "face", "faces"), covered, w->drawn);
        return;
    }
    fct_json_writer j;
    cli_json_line(&j, stdout);
    cli_json_photo(&j, p);
    fct_json_text(&j, "drawn", w->drawn);
    fct_json_array(&j, "faces");
    for (int i = 0; i < n; i++) {
        fct_json_object(&j, NULL);
        if (r->gallery) fct_json_text(&j, "name", *f[i].name ? f[i].name : NULL);
        fct_json_bool(&j, "covered", f[i].covered);
        cli_json_face(&j, fct_faces_at(p->faces, i));
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* Writes the file anew from its pixels, so that nothing that stood beside them is left. */
static int write_photo(blur_run *r, const cli_photo *p, cli_written *w) {
    fct_view v = fct_image_view(p->image);
    if (!r->engine.set->in_place) return cli_outputs_write_drawn(&r->outputs, p->input, v, w);
    w->drawn = cli_format("%s", p->input->path);
    return cli_write_picture(v, w->drawn);
}

static int blur_photo(void *user, const cli_photo *p) {
    blur_run *r = user;
    int n = fct_faces_count(p->faces);
    blur_face *f = cli_alloc((size_t)n, sizeof *f);
    cli_written w = {0};
    r->faces += n;
    int code = recognize(r, p, f);
    if (!code) cover_faces(r, p, f);
    if (!code) code = write_photo(r, p, &w);
    if (!code) print_photo(r, p, f, &w);
    cli_written_free(&w);
    free(f);
    return code;
}

static void blur_failed(void *user, const char *name, const fct_error *e) {
    blur_run *r = user;
    if (r->engine.set->json) cli_json_failure(stdout, name, e);
}

/* Refuses contradictions before anything is read, since a mistake here would show somebody's face. */
static int check_use(const cli_settings *s) {
    if (s->blur && s->keep) {
        cli_error("blur: --blur and --keep are two answers to whom to cover");
        return CLI_USE;
    }
    if (!s->draw == !s->in_place) {
        cli_error("blur: either --draw OUT or --in-place says where the photos are written");
        return CLI_USE;
    }
    return CLI_DONE;
}

/* Searches carefully unless the user has said otherwise. */
static void search_carefully(cli_args *a) {
    cli_settings *s = &a->set;
    if (!a->given[OPT_DET_THRESH]) s->det_thresh = CAREFUL_THRESHOLD;
    if (!a->given[OPT_TILE]) s->tile = CAREFUL_TILE;
    if (!a->given[OPT_DET_SIZE]) {
        s->det_size.n = 2; /* 0 x 0 = the automatic sizes */
        s->det_size.at[0].width = s->det_size.at[0].height = 0;
        s->det_size.at[1].width = s->det_size.at[1].height = CAREFUL_SIZE;
    }
}

/* Opens the gallery and checks that the person named is in it. */
static int open_people(blur_run *r, const cli_settings *s) {
    const char *name = s->keep ? s->keep : strcmp(r->whom, "unknown") && strcmp(r->whom, "all") ? r->whom : NULL;
    fct_person person;
    if (!s->keep && !strcmp(r->whom, "all")) return CLI_DONE;
    int code = cli_gallery_open(s, GALLERY_READ, &r->gallery);
    if (!code) code = cli_gallery_check_model(r->gallery, &r->engine);
    if (!code && name) code = cli_gallery_find(r->gallery, name, &person);
    return code;
}

static int run_blur(cli_args *a) {
    cli_inputs in = {0};
    blur_run r = {.whom = a->set.blur ? a->set.blur : "all", .style = (fct_cover)a->set.cover};
    bool people = a->set.keep || strcmp(r.whom, "all");
    int code = check_use(&a->set);
    if (!code) code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code) code = cli_outputs_setup(&a->set, &in, &r.outputs);
    search_carefully(a);
    if (!code) code = cli_engine_open(&a->set, people ? FCT_TASK_DETECT | FCT_TASK_EMBED : FCT_TASK_DETECT, &r.engine);
    if (!code) code = open_people(&r, &a->set);
    if (!code) {
        code = cli_photos_run(&r.engine, &in, &(cli_photo_calls){blur_photo, blur_failed, &r});
        if (!code && r.faces == 0) code = CLI_NONE;
    }
    fct_gallery_free(r.gallery);
    cli_outputs_free(&r.outputs);
    cli_engine_close(&r.engine);
    cli_inputs_free(&in);
    return code;
}

const cli_command cmd_blur = {
    .name = "blur",
    .synopsis = "PHOTO...",
    .summary = "make faces in photos unrecognizable",
    .description =
        "Covers faces and writes the photos anew, to --draw or, with --in-place, over themselves. Place, time, camera "
        "and small previews that a photo carries beside its pixels are not written. Without --blur and --keep all "
        "faces are covered.\n\n"
        "Faces are searched more carefully than by 'facet detect': from a score of 0.3, also at 1280x1280 and in "
        "tiles of 640 pixels and larger. Still no detector finds every face, least of all one turned away, half "
        "covered or a few pixels large: look at what must not be seen. Exit code 1 when no photo has a face.",
    .options = {CLI_ANALYSIS_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_THRESHOLD), CLI_OPT(OPT_SEARCH),
                CLI_OPT(OPT_SERVER_FROM), CLI_OPT(OPT_BLUR), CLI_OPT(OPT_KEEP), CLI_OPT(OPT_COVER), CLI_OPT(OPT_DRAW),
                CLI_OPT(OPT_IN_PLACE)},
    .examples = "facet blur --draw public/ photos/\n"
                "All but one person, who is enrolled\n"
                "facet blur --keep Ada --draw ada-only.jpg party.jpg\n"
                "Black boxes over everybody who is not enrolled\n"
                "facet blur --blur unknown --cover box --in-place street.jpg",
    .min_words = 0,
    .max_words = -1,
    .run = run_blur,
};
