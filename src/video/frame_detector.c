#include "video/frame_detector.h"
#include "face/crop.h"

#define STRIDE 32 /* the detector's coarsest */

static fct_analyzer_opts options(const fct_tracker_opts *t, int width, int height) {
    fct_analyzer_opts o;
    fct_analyzer_opts_init(&o);
    o.tasks = FCT_TASK_DETECT;
    o.det_thresh = t->low_thresh;
    if (t->det_size) o.n_det_sizes = 1, o.det_sizes[0].width = width, o.det_sizes[0].height = height;
    return o;
}

fct_status fct_frame_detector_open(fct_frame_detector *s, const fct_pack *pack, const fct_tracker_opts *opts,
                                   fct_error *err) {
    *s = (fct_frame_detector){.opts = opts};
    fct_analyzer_opts o = options(opts, opts->det_size, opts->det_size);
    return fct_analyzer_create(pack, &o, &s->analyzer, err);
}

/* Of the detector's square what the picture fills and one stride of black beyond:
 * the scale stays, and the rest of the black is not computed (for 16:9 a third of
 * the square). Without that stride, scores at the picture's edge rise by up to 0.08. */
static int fit_side(int filled, int side) {
    int n = (filled + 2 * STRIDE - 1) / STRIDE * STRIDE;
    return n < side ? n : side;
}

static fct_status fit(fct_frame_detector *s, fct_view v, fct_error *err) {
    int side = s->opts->det_size, w, h;
    float scale;
    if (!side || v.width < 1 || v.height < 1 || (v.width == s->width && v.height == s->height)) return FCT_OK;
    fct_letterbox_size(v.width, v.height, side, side, &w, &h, &scale);
    fct_analyzer_opts o = options(s->opts, fit_side(w, side), fit_side(h, side));
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
