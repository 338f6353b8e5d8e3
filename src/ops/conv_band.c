/* Convolution of some rows of an image: the plan's algorithm sees an image that consists of the band alone. */
#include "ops/conv_int.h"

bool fct_conv_has_bands(const fct_conv_plan *p, int *step) {
    const fct_conv_spec *s = &p->c->s;
    const int tile = p->algo->tile;
    *step = tile ? tile : 1;
    /* 9 rows as three tiles of 3: their tiles depend on where the image ends (fct_wino_split()) */
    if (tile == 4 && p->oh % 4 == 1 && p->oh > 8) return false;
    /* the stem has one stride for output and addend; coarse addends would have to begin at even rows */
    return p->algo->bands && s->act.kind != FCT_ACT_SIGMOID && !(s->add && (s->add_up2 || s->planar_in));
}

bool fct_conv_can_pool(const fct_conv_plan *p) {
    int step;
    return fct_conv_has_bands(p, &step) && step == 4 && p->oh % 2 == 0 && p->ow % 2 == 0 && !p->c->s.add;
}

/* Input rows *a .. *b - 1 are under the windows of output rows y0 .. y1 - 1. */
static void rows_under(const fct_conv_plan *p, int y0, int y1, int *a, int *b) {
    const fct_conv_spec *s = &p->c->s;
    *a = y0 * s->sh - s->pad_top;
    *b = (y1 - 1) * s->sh - s->pad_top + (s->kh - 1) * s->dh + 1;
    if (*a < 0 || s->planar_in) *a = 0;
    if (*b > p->ih || s->planar_in) *b = p->ih;
    if (*a > *b) *a = *b;
}

/* The plan of the little image that output rows y0 .. y1 - 1 and the input rows from *first on are. Rows outside of
 * it are outside the whole image too, so that padding is what it was. */
static fct_conv_plan band_plan(const fct_conv_plan *p, int y0, int y1, int *first) {
    int end;
    fct_conv_plan v = *p;
    rows_under(p, y0, y1, first, &end);
    v.n = v.threads = 1;
    v.ih = end - *first;
    v.oh = y1 - y0;
    v.pad_top = p->c->s.pad_top + *first - y0 * p->c->s.sh;
    fct_conv_set_planes(&v);
    p->algo->prepare(p->c, &v);
    return v;
}

size_t fct_conv_band_scratch(const fct_conv_plan *p, int y0, int y1) {
    int first;
    return band_plan(p, y0, y1, &first).scratch;
}

void fct_conv_run_band(const fct_conv_plan *p, const fct_band *in, const float *add, const fct_band *out, int y0,
                       int y1, bool pool2, void *scratch) {
    int first;
    fct_conv_plan v = band_plan(p, y0, y1, &first);
    const size_t cb = (size_t)p->c->cb, row_in = (size_t)p->iw * cb, row_out = (size_t)(p->ow >> pool2) * cb;
    v.pool2 = pool2;
    v.in_plane = in->plane;
    v.out_plane = out->plane;
    v.add_plane = p->add_plane;
    const float *from = p->c->s.planar_in ? in->data : in->data + (size_t)(first - in->first) * row_in;
    if (!p->c->s.add) add = NULL;
    v.algo->run(&v, from, add ? add + y0 * row_out : NULL, out->data + (size_t)((y0 >> pool2) - out->first) * row_out,
                scratch);
}
