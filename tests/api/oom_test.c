/* Out of memory at every single allocation of typical calls: each must return
 * FCT_ERR_NOMEM (or do without), leave its out-parameters empty and leak nothing.
 * The files are the fuzzers' seeds. */
#include "base/alloc.h"
#include "base/file.h"
#include "facet/facet.h"

#include "test.h"

static char root[512]; /* fuzz/corpus */
static fct_error e;

/* Path of a seed. Borrowed until the fourth call after. */
static const char *seed(const char *kind, const char *name) {
    static char path[4][700];
    static int turn;
    char *p = path[turn++ % 4];
    const char *source = getenv("FCT_SOURCE");
    snprintf(root, sizeof root, "%s/fuzz/corpus", source ? source : ".");
    snprintf(p, sizeof path[0], "%s/%s/seed-%s", root, kind, name);
    return p;
}

/* What a flow does with one file or folder. Returns the first failing status. */
typedef fct_status flow(const char *path);

/* Runs a flow with the n-th allocation failing, for every n until it comes
 * through without reaching it. */
static void fail_everywhere(flow *run, const char *path) {
    REQUIRE(run(path) == FCT_OK); /* fills what the process keeps: kernel table, pool */
    long live = fct_alloc_live();
    for (long n = 1;; n++) {
        fct_alloc_fail_at(n);
        memset(&e, 0, sizeof e);
        fct_status s = run(path);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == FCT_OK || s == FCT_ERR_NOMEM, "%s, allocation %ld: %s", path, n, e.text);
        if (s) CHECK_MSG(e.code == s && e.text[0], "%s, allocation %ld: no error text", path, n);
        CHECK_MSG(fct_alloc_live() == live, "%s, allocation %ld: %ld blocks leak", path, n, fct_alloc_live() - live);
        live = fct_alloc_live(); /* one report a leak */
        if (!reached) {
            CHECK_MSG(n > 1, "%s allocates nothing", path);
            return;
        }
        if (n > 200000) {
            CHECK_MSG(0, "%s does not end", path);
            return;
        }
    }
}

/* ---- Networks --------------------------------------------------------------------- */

static fct_status run_session(fct_session *s, const fct_model *m, int64_t size) {
    fct_tensor in = {0}, out[16];
    fct_tensor_info info;
    static float pixels[3 * 112 * 112];
    fct_status st = fct_model_input(m, 0, &info, &e);
    if (st) return st;
    in.data = pixels;
    in.rank = info.rank;
    for (int d = 0; d < info.rank; d++) in.dims[d] = info.dims[d] > 0 ? info.dims[d] : d == 0 ? 1 : size;
    return fct_session_run(s, &in, 1, out, fct_model_output_count(m), &e);
}

static fct_status model_flow(const char *path) {
    fct_model *m = (fct_model *)1;
    fct_session *s = NULL;
    fct_status st = fct_model_load(path, NULL, &m, &e);
    CHECK((st == FCT_OK) == (m != NULL));
    if (st) return st;
    st = fct_session_create(m, &s, &e);
    CHECK((st == FCT_OK) == (s != NULL));
    if (!st) st = run_session(s, m, 32);
    if (!st) st = run_session(s, m, 64);
    /* A session is usable after a run that failed. */
    if (st && s) {
        fct_alloc_fail_at(0);
        CHECK(run_session(s, m, 32) == FCT_OK);
        fct_alloc_fail_at(0);
    }
    fct_session_free(s);
    fct_model_free(m);
    return st;
}

TEST(models) {
    static const char *const names[] = {"conv", "conv-dynamic", "detector", "operators", "half", "scrfd", "arcface"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) fail_everywhere(model_flow, seed("onnx", names[i]));
}

/* ---- Pictures ----------------------------------------------------------------------- */

static fct_status image_flow(const char *path) {
    fct_image *im = (fct_image *)1;
    fct_status s = fct_image_read(path, NULL, &im, &e);
    CHECK((s == FCT_OK) == (im != NULL));
    fct_image_free(im);
    return s;
}

TEST(picture_files) {
    static const char *const names[] = {"jpeg",       "jpeg-progressive", "jpeg-gray",   "jpeg-cmyk", "jpeg-exif6",
                                        "png-rgb",    "png-rgba",         "png-palette", "png-16bit", "webp",
                                        "webp-alpha", "webp-exif"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = seed("image", names[i]);
        if (image_flow(path) == FCT_ERR_UNSUPPORTED) SKIP("a picture format is off in this build");
        fail_everywhere(image_flow, path);
    }
}

static fct_status geometry_flow(const char *unused) {
    static const double turn[6] = {0.8, -0.6, 10, 0.6, 0.8, -3};
    fct_image *im = NULL, *out[4] = {NULL};
    fct_status s = fct_image_create(40, 30, FCT_PIX_RGBA, &im, &e);
    (void)unused;
    if (!s) s = fct_image_resize(fct_image_view(im), 60, 20, &out[0], &e);
    if (!s) s = fct_image_warp(fct_image_view(im), turn, 25, 25, &out[1], &e);
    if (!s) s = fct_image_rotate(fct_image_view(im), 1, &out[2], &e);
    if (!s) s = fct_image_convert(fct_image_view(im), FCT_PIX_GRAY, &out[3], &e);
    if (im) {
        fct_draw_box(im, 2, 2, 30, 20, 2, 0xFF0000); /* cannot fail, must not crash */
        fct_draw_text(im, 1, 1, 10, "Zo\xc3\xab", 0xFFFFFF);
    }
    for (int i = 0; i < 4; i++) fct_image_free(out[i]);
    fct_image_free(im);
    return s;
}

TEST(geometry) { fail_everywhere(geometry_flow, "geometry"); }

static fct_status encode_flow(const char *unused) {
    fct_image *im = NULL;
    fct_status s = fct_image_create(40, 30, FCT_PIX_RGB, &im, &e);
    (void)unused;
    for (int format = FCT_FILE_JPEG; !s && format <= FCT_FILE_WEBP; format++) {
        uint8_t *data = NULL;
        size_t len;
        s = fct_image_encode(fct_image_view(im), (fct_file_format)format, 80, &data, &len, &e);
        CHECK((s == FCT_OK) == (data != NULL));
        fct_buffer_free(data);
    }
    fct_image_free(im);
    return s;
}

TEST(encoding) {
    if (encode_flow(NULL) == FCT_ERR_UNSUPPORTED) SKIP("a picture format is off in this build");
    fail_everywhere(encode_flow, "encoding");
}

/* ---- Rates ---------------------------------------------------------------------------- */

/* Eighty pictures of ten people, so few places for comparisons that a sample is made. */
static fct_status rate_flow(const char *path) {
    static float rows[80][4];
    static uint32_t people[80];
    static const double false_accept[] = {0.1, 0.01};
    fct_scores_opts o;
    fct_operating_point p[2];
    fct_interval_opts i;
    fct_scores *s = (fct_scores *)1;
    fct_identification *x = NULL;
    fct_curve_point *curve = NULL;
    size_t n;
    (void)path;
    fct_scores_opts_init(&o);
    o.keep = 400;
    fct_interval_opts_init(&i);
    i.replicates = 5;
    for (int k = 0; k < 80; k++) {
        people[k] = (uint32_t)k % 10;
        for (int d = 0; d < 4; d++) rows[k][d] = (float)((k % 10 * 7 + d * 5 + k / 10) % 11) - 5;
    }
    fct_status st = fct_scores_create(&o, &s, &e);
    CHECK((st == FCT_OK) == (s != NULL));
    if (!st) st = fct_scores_add_all(s, rows[0], people, 80, 4, &e);
    if (!st) st = fct_scores_at_far(s, false_accept, 2, &i, p, &e);
    if (!st) st = fct_scores_curve(s, 50, &curve, &n, &e);
    if (!st) st = fct_identification_run(rows[0], people, 80, 4, NULL, &x, &e);
    if (!st) st = fct_identification_at_fpir(x, false_accept, 2, &i, p, &e);
    if (!st) st = fct_identification_at_rank(x, 1, &i, &p[0].false_accept, &e);
    fct_curve_free(curve);
    fct_scores_free(s);
    fct_identification_free(x);
    return st;
}

TEST(rates) { fail_everywhere(rate_flow, "rates"); }

/* ---- Faces ------------------------------------------------------------------------------ */

static void copy_file(const char *from, const char *to) {
    uint8_t *data;
    size_t size;
    REQUIRE(fct_file_read(from, 1 << 20, &data, &size, &e) == FCT_OK);
    REQUIRE(fct_file_write_atomic(to, data, size, &e) == FCT_OK);
    fct_free(data);
}

static fct_status analyze(const fct_pack *p, fct_image *im) {
    fct_analyzer_opts o;
    fct_analyzer *a = NULL;
    fct_faces *faces = NULL;
    fct_analyzer_opts_init(&o);
    o.n_det_sizes = 1;
    o.det_sizes[0].width = o.det_sizes[0].height = 64;
    fct_status s = fct_analyzer_create(p, &o, &a, &e);
    CHECK((s == FCT_OK) == (a != NULL));
    if (!s) s = fct_analyze(a, fct_image_view(im), &faces, &e);
    CHECK((s == FCT_OK) == (faces != NULL));
    if (!s) {
        const fct_face *f = fct_faces_at(faces, 0);
        CHECK(fct_faces_count(faces) > 0 && f && f->embedding && f->embedding_dim == 16);
    }
    fct_faces_free(faces);
    fct_analyzer_free(a);
    return s;
}

static fct_status face_flow(const char *dir) {
    fct_pack *p = NULL;
    fct_image *im = NULL;
    fct_status s = fct_pack_open(dir, NULL, &p, &e);
    CHECK((s == FCT_OK) == (p != NULL));
    if (!s) s = fct_image_create(64, 48, FCT_PIX_RGB, &im, &e);
    if (!s) {
        uint8_t *pixel = fct_image_pixels(im);
        for (int i = 0; i < 64 * 48 * 3; i++) pixel[i] = (uint8_t)(i * 37 + i / 192 * 11);
        s = analyze(p, im);
    }
    fct_image_free(im);
    fct_pack_free(p);
    return s;
}

TEST(faces) {
    char dir[600], path[700];
    const char *base = getenv("FCT_TEST_DIR");
    snprintf(dir, sizeof dir, "%s/oom-pack", base ? base : ".");
    REQUIRE(fct_dir_make(dir, &e) == FCT_OK);
    snprintf(path, sizeof path, "%s/det.onnx", dir);
    copy_file(seed("onnx", "scrfd"), path);
    snprintf(path, sizeof path, "%s/embed.onnx", dir);
    copy_file(seed("onnx", "arcface"), path);
    fail_everywhere(face_flow, dir);
    fct_dir_remove(dir, NULL);
}

int main(int argc, char **argv) {
    fct_set_threads(2, NULL);
    return test_main(argc, argv);
}
