/* The loop over photos. */
#include "photos/engine.h"
#include "photos/prefetch.h"
#include "shell/progress.h"

#include "base/file.h"

#include <string.h>

static const char *shown_name(const cli_input *input) {
    return strcmp(input->path, "-") ? input->path : "standard input";
}

static int highest(int a, int b) { return a > b ? a : b; }

static void tell_time(const cli_engine *e, const cli_photo *p, uint64_t start) {
    if (!e->set->verbose) return;
    fct_view v = fct_image_view(p->image);
    cli_note("%s: %dx%d, %d faces, analyzed in %.1f ms", p->name, v.width, v.height, fct_faces_count(p->faces),
             (double)(fct_time_ns() - start) / 1e6);
}

/* Faces of a huge photo are a few pixels large where the detector sees it whole. */
static void hint_at_tiles(const cli_engine *e, const cli_photo *p) {
    enum { HUGE_SIDE = 4000 };
    fct_view v = fct_image_view(p->image);
    if (fct_faces_count(p->faces) || e->set->tile || (v.width < HUGE_SIDE && v.height < HUGE_SIDE)) return;
    cli_note("%s: nothing was found in %dx%d pixels; --tile 640 also searches parts of the photo", p->name, v.width,
             v.height);
}

/* An error of analyzing names the network or the memory, not the photo: it is put before it. */
static fct_status analyze(cli_engine *e, cli_photo *p, fct_error *err) {
    uint64_t start = fct_time_ns();
    fct_error inner;
    fct_status s = fct_analyze(e->analyzer, fct_image_view(p->image), &p->faces, &inner);
    if (s) {
        err->code = s;
        snprintf(err->text, sizeof err->text, "%.200s: %.290s", p->name, inner.text);
    } else {
        tell_time(e, p, start);
        hint_at_tiles(e, p);
    }
    return s;
}

void cli_photo_free(cli_photo *p) {
    fct_faces_free(p->faces);
    fct_image_free(p->image);
    memset(p, 0, sizeof *p);
}

int cli_photo_load(cli_engine *e, const cli_input *input, cli_photo *out) {
    fct_error err;
    *out = (cli_photo){.input = input, .name = shown_name(input)};
    if (cli_load_image(input, e->set, &out->image, &err) || analyze(e, out, &err)) {
        cli_error("%s", err.text);
        return CLI_INPUT;
    }
    return CLI_DONE;
}

static int run_one(cli_engine *e, cli_prefetch *loader, const cli_input *input, const cli_photo_calls *calls) {
    cli_photo p = {.input = input, .name = shown_name(input)};
    fct_error err;
    int code;
    bool failed = cli_prefetch_next(loader, &p.image, &err) || analyze(e, &p, &err);
    if (fct_term_is_tty(stdout)) cli_progress_hide(); /* results go over the line */
    if (failed) {
        cli_error("%s", err.text);
        if (calls->failed) calls->failed(calls->user, p.name, &err);
        code = CLI_INPUT;
    } else code = calls->done(calls->user, &p);
    cli_photo_free(&p);
    return code;
}

int cli_photos_run(cli_engine *e, const cli_inputs *in, const cli_photo_calls *calls) {
    int code = in->failed ? CLI_INPUT : CLI_DONE;
    size_t done = 0;
    cli_catch_interrupt();
    cli_prefetch *loader = cli_prefetch_start(in, e->set, fct_threads() > 1);
    cli_progress_start((int)in->n, "photos", e->set->quiet);
    while (done < in->n && !cli_interrupted() && !ferror(stdout)) {
        code = highest(code, run_one(e, loader, &in->at[done], calls));
        cli_progress_step((int)++done);
    }
    cli_progress_end();
    cli_prefetch_free(loader);
    if (done == in->n) return code;
    if (!cli_interrupted()) return CLI_INPUT; /* output has failed; main() says so */
    cli_error("interrupted after %zu of %zu photos", done, in->n);
    return CLI_STOPPED;
}
