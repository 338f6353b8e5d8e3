/* The detector over a picture: sizes, tiles, one suppression. */
#include "face/finder.h"
#include "face/crop.h"
#include "pack/pack.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>

enum { max_sizes = 2 * FCT_MAX_DET_SIZES + 2, tile_overlap = 4 /* a quarter of the tile */ };

typedef struct net_size {
    int width, height;
} net_size;

/* What can be changed between pictures. */
typedef struct settings {
    net_size sizes[max_sizes];
    int n_sizes;
    float det_thresh, nms_thresh;
    int max_faces, tile, enlarge;
    fct_metric metric;
    bool fit, second_look;
} settings;

struct fct_finder {
    const fct_pack_net *net;
    fct_session *session;
    fct_scrfd_form form;
    settings set;
    float *input; /* of the largest size so far */
    size_t input_bytes;
};

/* Adds an input size unless it is in the list already, so that no size runs twice. */
static void add_size(settings *set, int width, int height) {
    for (int i = 0; i < set->n_sizes; i++)
        if (set->sizes[i].width == width && set->sizes[i].height == height) return;
    set->sizes[set->n_sizes++] = (net_size){width, height};
}

enum { AUTO_SIZE = 640 };

static void add_auto(settings *set) {
    add_size(set, 128, 128);
    add_size(set, AUTO_SIZE, AUTO_SIZE);
    set->second_look = true;
}

/* With more pixels than this, the first layers of InsightFace's detectors have outputs that no tensor holds. */
enum { MOST_PIXELS = 4096 * 4096 };

static bool side_ok(int n) { return n >= 32 && n <= 8192 && n % 32 == 0; }

/* The fixed input size of a network takes precedence over the sizes that the caller asks for. */
static fct_status read_sizes(settings *set, const fct_pack_net *net, const fct_analyzer_opts *o, fct_error *err) {
    if (o->n_det_sizes < 0 || o->n_det_sizes > FCT_MAX_DET_SIZES)
        return fct_fail(err, FCT_ERR_ARG, "%d detection sizes (0 to %d)", o->n_det_sizes, FCT_MAX_DET_SIZES);
    for (int i = 0; i < o->n_det_sizes; i++) {
        int w = o->det_sizes[i].width, h = o->det_sizes[i].height;
        if (w == 0 && h == 0) add_auto(set);
        else if (!side_ok(w) || !side_ok(h) || w * h > MOST_PIXELS)
            return fct_fail(err, FCT_ERR_ARG,
                            "detection size %d x %d: multiples of 32 from 32 to 8192 are possible, and at most 4096 x "
                            "4096 pixels in all",
                            w, h);
        else add_size(set, w, h);
    }
    if (net->width > 0 && net->height > 0) {
        set->n_sizes = 0;
        add_size(set, net->width, net->height);
    }
    if (!set->n_sizes) add_auto(set);
    set->second_look &= net->second_look && o->second_look && !o->tile && !net->width && !net->height;
    for (int i = 0; i < set->n_sizes; i++)
        set->second_look &= set->sizes[i].width <= AUTO_SIZE && set->sizes[i].height <= AUTO_SIZE;
    return FCT_OK;
}

/* Checks the caller's options and turns them into settings; leaves the finder as it was when one is out of range. */
static fct_status read_settings(settings *set, const fct_pack_net *net, const fct_analyzer_opts *o, fct_error *err) {
    *set = (settings){.det_thresh = o->det_thresh,
                      .nms_thresh = o->nms_thresh,
                      .max_faces = o->max_faces,
                      .metric = o->metric,
                      .tile = o->tile,
                      .enlarge = net->width || net->height ? 0 : o->enlarge,
                      .fit = o->fit && !net->width && !net->height};
    if (!(o->det_thresh >= 0 && o->det_thresh <= 1))
        return fct_fail(err, FCT_ERR_ARG, "detection threshold %g (0 to 1)", (double)o->det_thresh);
    if (!(o->nms_thresh >= 0 && o->nms_thresh <= 1))
        return fct_fail(err, FCT_ERR_ARG, "overlap threshold %g (0 to 1)", (double)o->nms_thresh);
    if (o->max_faces < 0) return fct_fail(err, FCT_ERR_ARG, "at most %d faces (0 = all)", o->max_faces);
    if (o->metric != FCT_METRIC_DEFAULT && o->metric != FCT_METRIC_MAX)
        return fct_fail(err, FCT_ERR_ARG, "unknown metric %d", (int)o->metric);
    if (o->enlarge < 0) return fct_fail(err, FCT_ERR_ARG, "pictures enlarged %d times (0 = any)", o->enlarge);
    if (o->tile && (o->tile < 64 || o->tile > 65536))
        return fct_fail(err, FCT_ERR_ARG, "tiles of %d pixels (0 = none, or 64 to 65536)", o->tile);
    return read_sizes(set, net, o, err);
}

/* Makes the input large enough for a size. */
static fct_status grow_input(fct_finder *f, net_size size, fct_error *err) {
    size_t bytes = (size_t)size.width * (size_t)size.height * 3 * sizeof(float);
    if (bytes <= f->input_bytes) return FCT_OK;
    float *input = fct_aligned_alloc(bytes);
    if (!input) return fct_fail_nomem(err, "the detector's input", bytes);
    fct_aligned_free(f->input);
    f->input = input;
    f->input_bytes = bytes;
    return FCT_OK;
}

/* Allocates the input for all sizes before it takes over the settings, so that a failure changes nothing. The second
 * look's comes when there is one. */
fct_status fct_finder_configure(fct_finder *f, const fct_analyzer_opts *o, fct_error *err) {
    settings set;
    fct_status s = read_settings(&set, f->net, o, err);
    if (s) return s;
    for (int i = 0; i < set.n_sizes && !s; i++) s = grow_input(f, set.sizes[i], err);
    if (!s) f->set = set;
    return s;
}

fct_status fct_finder_create(const fct_pack *p, const fct_analyzer_opts *o, fct_arena *arena, fct_finder **out,
                             fct_error *err) {
    *out = NULL;
    const fct_pack_net *net = fct_pack_get_net(p, FCT_TASK_DETECT);
    if (!net) return fct_fail(err, FCT_ERR_NOT_FOUND, "pack %s has no detector", fct_pack_name(p));
    fct_finder *f = fct_calloc(1, sizeof *f);
    if (!f) return fct_fail_nomem(err, "detector", sizeof *f);
    f->net = net;
    fct_status s = fct_scrfd_get_form(fct_model_output_count(net->model), &f->form, err);
    if (!s) s = fct_finder_configure(f, o, err);
    if (!s) s = fct_session_create_in(net->model, arena, &f->session, err);
    if (s) {
        fct_finder_free(f);
        return s;
    }
    *out = f;
    return FCT_OK;
}

void fct_finder_free(fct_finder *f) {
    if (!f) return;
    fct_session_free(f->session);
    fct_aligned_free(f->input);
    fct_free(f);
}

/* A square becomes a rectangle in the shape of the picture, in steps that networks take: of a large square wider ones,
 * or there would be a plan for each of many shapes. At least MARGIN pixels of black are left beside it: where a picture
 * ends at the edge of the input, faces at its edge are found worse. */
static net_size fit_size(net_size size, fct_view v) {
    enum { STEP = 32, STEPS = 20, MARGIN = 16 };
    if (size.width != size.height) return size;
    int longer = v.width > v.height ? v.width : v.height, shorter = v.width > v.height ? v.height : v.width;
    int side = (int)((int64_t)size.width * shorter / longer);
    int step = size.width < 2 * STEP * STEPS ? STEP : size.width / STEPS / STEP * STEP;
    int fitted = (side + MARGIN + step - 1) / step * step;
    if (fitted >= size.width) return size;
    return v.width > v.height ? (net_size){size.width, fitted} : (net_size){fitted, size.height};
}

/* A square that enlarges the picture no more than so many times, or a thirtieth beyond: one of two, or there would be
 * a plan for each of many sizes. */
static net_size bound_size(net_size size, fct_view v, int enlarge) {
    enum { LEAST = 448, STEP = 128, SPARE = 30 };
    int64_t wanted = (int64_t)enlarge * (v.width > v.height ? v.width : v.height), side = LEAST;
    while (side + side / SPARE < wanted && side < size.width) side += STEP;
    return size.width == size.height && side < size.width ? (net_size){(int)side, (int)side} : size;
}

bool fct_finder_has_kps(const fct_finder *f) { return f->form.has_kps; }

/* The score from which candidates are wanted. */
static float least_score(const fct_finder *f) {
    return f->net->agreement ? fminf(f->set.det_thresh, FCT_DET_AGREE_FROM) : f->set.det_thresh;
}

/* Finds the candidates in one view at one input size; (left, top) is where the view lies in the picture. */
static fct_status run_size(fct_finder *f, fct_view v, net_size size, int left, int top, fct_det_list *list,
                           fct_error *err) {
    fct_scrfd_frame frame = {size.width, size.height, 1, (float)left, (float)top};
    int w, h;
    fct_letterbox_size(v.width, v.height, size.width, size.height, &w, &h, &frame.scale);
    fct_status s = fct_letterbox_tensor(v, w, h, size.width, size.height, f->net->norm, f->input, err);
    if (s) return s;
    fct_tensor in = {f->input, 4, {1, 3, size.height, size.width}}, outs[15];
    int n = f->form.levels * (f->form.has_kps ? 3 : 2);
    s = fct_session_run(f->session, &in, 1, outs, n, err);
    if (s) return s;
    return fct_scrfd_decode(&f->form, outs, 1, 0, &frame, least_score(f), list, err);
}

/* ---- The second look ----------------------------------------------------------------- */

/* Whether the first look has seen small faces, which the detector sees better in a larger picture, even where that
 * is only enlarged: one of 20 pixels at most where the picture's longer side has 640. */
static bool sees_small_faces(const fct_det_list *list, fct_view v) {
    const float width = 20, score = 0.35f;
    float most = width * (float)(v.width > v.height ? v.width : v.height) / AUTO_SIZE;
    for (int i = 0; i < list->n; i++)
        if (list->items[i].score >= score && list->items[i].box[2] - list->items[i].box[0] < most) return true;
    return false;
}

/* Adds the candidates of the picture at one and a half times and twice the size, without most of the black beside
 * it. */
static fct_status look_again(fct_finder *f, fct_view picture, fct_det_list *list, fct_error *err) {
    fct_status s = FCT_OK;
    for (int look = FCT_DET_LOOKS - 1; look > 0 && !s; look--) { /* the largest first: the input grows once */
        int side = AUTO_SIZE / 2 * (look + 2), before = list->n;
        net_size size = fit_size((net_size){side, side}, picture);
        s = grow_input(f, size, err);
        if (!s) s = run_size(f, picture, size, 0, 0, list, err);
        if (!s) fct_det_from_look(list, before, look, least_score(f));
    }
    return s;
}

/* ---- Tiles --------------------------------------------------------------------- */

/* A face cut by a tile's edge gives a wrong box; a neighbor or the pass over the
 * whole picture sees it complete. Edges of the picture itself do not cut. */
static bool cut_by_edge(const fct_det *d, fct_view picture, int left, int top, int width, int height) {
    const float margin = 2;
    return (left > 0 && d->box[0] < (float)left + margin) || (top > 0 && d->box[1] < (float)top + margin) ||
           (left + width < picture.width && d->box[2] > (float)(left + width) - margin) ||
           (top + height < picture.height && d->box[3] > (float)(top + height) - margin);
}

static fct_status run_tile(fct_finder *f, fct_view picture, int left, int top, int tile, fct_det_list *list,
                           fct_error *err) {
    fct_view v = fct_view_crop(picture, left, top, tile, tile);
    int before = list->n;
    if (!v.data) return FCT_OK;
    fct_status s = run_size(f, v, f->set.sizes[f->set.n_sizes - 1], left, top, list, err);
    if (s) return s;
    int n = before;
    for (int i = before; i < list->n; i++)
        if (!cut_by_edge(&list->items[i], picture, left, top, v.width, v.height)) list->items[n++] = list->items[i];
    list->n = n;
    return FCT_OK;
}

/* The number of tiles along a side. Neighbors overlap by at least a quarter, and the last one ends where the picture
 * ends. */
static int tile_count(int side, int tile) {
    int step = tile - tile / tile_overlap;
    return side <= tile ? 1 : (side - tile + step - 1) / step + 1;
}

static int tile_start(int side, int tile, int i) {
    int n = tile_count(side, tile);
    return n == 1 ? 0 : (int)((int64_t)(side - tile) * i / (n - 1));
}

/* Runs the detector over one grid of tiles. */
static fct_status run_grid(fct_finder *f, fct_view picture, int tile, fct_det_list *list, fct_error *err) {
    int nx = tile_count(picture.width, tile), ny = tile_count(picture.height, tile);
    for (int y = 0; y < ny; y++)
        for (int x = 0; x < nx; x++) {
            fct_status s = run_tile(f, picture, tile_start(picture.width, tile, x), tile_start(picture.height, tile, y),
                                    tile, list, err);
            if (s) return s;
        }
    return FCT_OK;
}

/* Runs grids from the tile that was asked for up to the whole picture, each twice as large as the one before, so
 * that a face too large for a small tile and too small in the whole picture is found in between. All the larger
 * grids together have a third as many tiles as the first. */
static fct_status run_tiles(fct_finder *f, fct_view picture, fct_det_list *list, fct_error *err) {
    int side = picture.width > picture.height ? picture.width : picture.height;
    fct_status s = FCT_OK;
    for (int tile = f->set.tile; tile < side && !s; tile *= 2) s = run_grid(f, picture, tile, list, err);
    return s;
}

/* Collects the faces of every input size and every tile before it suppresses overlaps, since one face is often found
 * several times. enlarge: see fct_analyzer_opts. */
static fct_status look(fct_finder *f, fct_view picture, int enlarge, fct_det_list *list, fct_error *err) {
    list->n = 0;
    for (int i = 0; i < f->set.n_sizes; i++) {
        net_size size = f->set.sizes[i];
        if (enlarge) size = bound_size(size, picture, enlarge);
        if (f->set.fit) size = fit_size(size, picture);
        fct_status s = run_size(f, picture, size, 0, 0, list, err);
        if (s) return s;
    }
    bool again = f->set.second_look && sees_small_faces(list, picture);
    fct_status s = f->set.tile ? run_tiles(f, picture, list, err) : again ? look_again(f, picture, list, err) : FCT_OK;
    if (s) return s;
    if (f->net->agreement) fct_det_agree(list, f->set.nms_thresh, f->set.det_thresh, again ? FCT_DET_LOOKS : 1);
    else fct_det_nms(list, f->set.nms_thresh);
    fct_det_select(list, picture.width, picture.height, f->set.max_faces, f->set.metric);
    return FCT_OK;
}

/* Whether a size is made smaller for the picture. */
static bool is_bound(const fct_finder *f, fct_view picture) {
    bool bound = false;
    for (int i = 0; f->set.enlarge && i < f->set.n_sizes; i++)
        bound |= bound_size(f->set.sizes[i], picture, f->set.enlarge).width != f->set.sizes[i].width;
    return bound;
}

fct_status fct_finder_run(fct_finder *f, fct_view picture, fct_det_list *list, fct_error *err) {
    fct_status s = look(f, picture, f->set.enlarge, list, err);
    return s || list->n || !is_bound(f, picture) ? s : look(f, picture, 0, list, err);
}
