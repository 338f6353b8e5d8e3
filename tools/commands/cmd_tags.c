/* facet tags: who is where in a photo, as other programs wrote it down. */
#include "photos/inputs.h"
#include "shell/json.h"

#include "base/file.h"

#include <math.h>

static const char *const kinds[] = {"face", "pet", "focus", "barcode", "other"};
static const char *const sources[] = {"sidecar", "photo", "picasa"};

/* A side of the region's box in pixels of the photo as it is shown. */
static int pixels(float part, int whole) { return (int)lroundf(part * (float)whole); }

static void print_region(const fct_tags *t, int i) {
    const fct_region *r = fct_tags_region(t, i);
    int w = fct_tags_width(t), h = fct_tags_height(t);
    int x1 = pixels(r->box[0], w), y1 = pixels(r->box[1], h);
    cli_print("  %d  ", i + 1);
    cli_print_styled(r->name[0] ? STYLE_GOOD : STYLE_FAINT, r->name[0] ? r->name : "without a name");
    cli_print("  %s  box %d,%d %dx%d  %s%s\n", kinds[r->kind], x1, y1, pixels(r->box[2], w) - x1,
              pixels(r->box[3], h) - y1, sources[r->source], r->doubtful ? ", of a picture of another shape" : "");
}

static void print_tags(const char *name, const fct_tags *t) {
    int n = fct_tags_count(t);
    cli_print_styled(STYLE_STRONG, name);
    cli_print(": %d region%s", n, n == 1 ? "" : "s");
    if (fct_tags_sidecar(t)) cli_print(", sidecar %s", fct_path_base(fct_tags_sidecar(t)));
    cli_print("\n");
    for (int i = 0; i < n; i++) print_region(t, i);
}

static void print_json(const char *name, const fct_tags *t) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "file", name);
    fct_json_int(&j, "width", fct_tags_width(t));
    fct_json_int(&j, "height", fct_tags_height(t));
    fct_json_int(&j, "orientation", fct_tags_orientation(t));
    fct_json_text(&j, "sidecar", fct_tags_sidecar(t));
    fct_json_array(&j, "regions");
    for (int i = 0; i < fct_tags_count(t); i++) {
        const fct_region *r = fct_tags_region(t, i);
        fct_json_object(&j, NULL);
        fct_json_text(&j, "name", r->name[0] ? r->name : NULL);
        fct_json_text(&j, "kind", kinds[r->kind]);
        fct_json_numbers(&j, "area", r->box, 4, 6);
        fct_json_text(&j, "source", sources[r->source]);
        fct_json_bool(&j, "doubtful", r->doubtful);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* A file that cannot be read is told and does not stop the rest. */
static int run_tags(cli_args *a) {
    cli_inputs in = {0};
    fct_tags_reader *reader = NULL;
    fct_error e;
    int regions = 0, code = cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code && fct_tags_reader_create(&reader, &e)) code = cli_fail(&e);
    if (!code && in.failed) code = CLI_INPUT;
    for (size_t i = 0; reader && i < in.n; i++) {
        fct_tags *t;
        if (fct_tags_read(reader, in.at[i].path, &t, &e)) {
            code = cli_fail(&e);
            continue;
        }
        regions += fct_tags_count(t);
        if (a->set.json) print_json(in.at[i].path, t);
        else print_tags(in.at[i].path, t);
        fct_tags_free(t);
    }
    fct_tags_reader_free(reader);
    cli_inputs_free(&in);
    return !code && regions == 0 ? CLI_NONE : code;
}

const cli_command cmd_tags = {
    .name = "tags",
    .synopsis = "PHOTO...",
    .summary = "show who is where in photos, as other programs wrote it down",
    .description =
        "Reads face regions in XMP (those of digiKam, Lightroom, Picasa and Immich, and Microsoft's), from the photos "
        "and from sidecars beside them (photo.jpg.xmp, photo.xmp), and Picasa's .picasa.ini. A region that several of "
        "them have is shown once, as the sidecar has it, else the photo, else Picasa.\n\n"
        "Boxes are in pixels of the photo as it is shown, turned by its EXIF orientation; with --json they are parts "
        "of its width and height: left, top, right, bottom.\n\n"
        "'facet album tags' takes such names over into an album, and writes the album's names so.",
    .options = {CLI_COMMON_OPTIONS, CLI_OPT(OPT_FILES_FROM)},
    .examples = "facet tags ada.jpg\n"
                "facet tags --json photos/ > regions.jsonl",
    .max_words = -1,
    .run = run_tags,
};
