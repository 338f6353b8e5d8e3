#include "video/frame_detector.h"
#include "face/crop.h"

#define STRIDE 32 /* the detector's coarsest */

/* The part of the detector's square that is computed: what the picture fills, and one stride of black beyond. The
 * scale stays, and the rest of the black is left out (for 16:9 a third of the square). Without that stride, scores
 * at the picture's edge rise by up to 0.08. */
static int fit_side(int filled, int side) {
    int n = (filled + 2 * STRIDE - 1) / STRIDE * STRIDE;
    return n < side ? n : side;
}

/* Adds a size at which pictures of v's shape are searched. */
static void add_size(fct_analyzer_opts *o, int side, int width, int height) {
    int w = side, h = side;
    float scale;
    if (width > 0) fct_letterbox_size(width, height, side, side, &w, &h, &scale);
    o->det_sizes[o->n_det_sizes].width = width > 0 ? fit_side(w, side) : side;
    o->det_sizes[o->n_det_sizes++].height = width > 0 ? fit_side(h, side) : side;
}

/* Options for pictures of one size; 0 = not yet known. */
static fct_analyzer_opts options(const fct_tracker_opts *t, int width, int height) {
    fct_analyzer_opts o;
    fct_analyzer_opts_init(&o);
    o.tasks = FCT_TASK_DETECT;
    o.det_thresh = t->low_thresh;
    o.second_look = t->careful;
    if (t->det_size) add_size(&o, t->det_size, width, height);
    if (t->det_size && t->careful && t->det_size <= 4096) add_size(&o, 2 * t->det_size, width, height);
    return o;
}

fct_status fct_frame_detector_open(fct_frame_detector *s, const fct_pack *pack, const fct_tracker_opts *opts,
                                   fct_error *err) {
    *s = (fct_frame_detector){.opts = opts};
    fct_analyzer_opts o = options(opts, 0, 0);
    return fct_analyzer_create(pack, &o, &s->analyzer, err);
}

/* Fits the detector's input to the picture's shape. */
static fct_status fit(fct_frame_detector *s, fct_view v, fct_error *err) {
    if (!s->opts->det_size || v.width < 1 || v.height < 1 || (v.width == s->width && v.height == s->height))
        return FCT_OK;
    fct_analyzer_opts o = options(s->opts, v.width, v.height);
    fct_status st = fct_analyzer_configure(s->analyzer, &o, err);
    if (!st) s->width = v.width, s->height = v.height;
    return st;
}

fct_status fct_frame_detector_run(fct_frame_detector *s, fct_view picture, fct_faces **out, fct_error *err) {
    *out = NULL;
    fct_status st = fit(s, picture, err);
    return st ? st : fct_analyze(s->analyzer, picture, out, err);
}

void fct_frame_detector_close(fct_frame_detector *s) {
    fct_analyzer_free(s->analyzer);
    *s = (fct_frame_detector){0};
}
