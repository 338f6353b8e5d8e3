/* The pipeline on real networks and photos (development data, else skipped). */
#include "test.h"
#include "facet/facet.h"

#include <math.h>

typedef struct rig {
    fct_pack *pack;
    fct_analyzer *an;
    fct_image *im; /* t1.jpg: six people */
} rig;

static char path_buf[4][1024];

static const char *shared(const char *rest) {
    static int next;
    char *p = path_buf[next++ % 4];
    snprintf(p, sizeof path_buf[0], "%s/%s", test_shared(), rest);
    return p;
}

static fct_analyzer *analyzer(const fct_pack *p, int size, bool rotations, int tile) {
    fct_analyzer_opts o;
    fct_analyzer *a;
    fct_error e;
    fct_analyzer_opts_init(&o);
    o.n_det_sizes = size > 0;
    o.det_sizes[0].width = o.det_sizes[0].height = size;
    o.rotations = rotations;
    o.tile = tile;
    if (fct_analyzer_create(p, &o, &a, &e)) printf("%s\n", e.text);
    REQUIRE(a);
    return a;
}

static rig open_rig(void) {
    rig r;
    fct_error e;
    if (fct_pack_open(shared("weights"), NULL, &r.pack, &e)) {
        printf("%s\n", e.text);
        SKIP("no weights");
    }
    if (fct_image_read(shared("photos/insightface/t1.jpg"), NULL, &r.im, &e)) SKIP("no photos, or no JPEG decoder");
    r.an = analyzer(r.pack, 640, false, 0);
    return r;
}

static void close_rig(rig *r) {
    fct_image_free(r->im);
    fct_analyzer_free(r->an);
    fct_pack_free(r->pack);
}

static double iou(const float *a, const float *b) {
    double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]);
    double h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]);
    double inter = fmax(w, 0) * fmax(h, 0);
    double area_a = (double)((a[2] - a[0]) * (a[3] - a[1])), area_b = (double)((b[2] - b[0]) * (b[3] - b[1]));
    return inter / (area_a + area_b - inter);
}

static const fct_face *overlapping(const fct_faces *fs, const float box[4], double least) {
    for (int i = 0; i < fct_faces_count(fs); i++)
        if (iou(fct_faces_at(fs, i)->box, box) > least) return fct_faces_at(fs, i);
    return NULL;
}

TEST(a_folder_of_networks_is_sorted_into_tasks) {
    rig r = open_rig();
    /* What is known of the folder's files; others may join them, and are not used. */
    static const struct {
        const char *name, *note;
        uint32_t task;
    } known[] = {{"scrfd_2.5g_kps.onnx", "", FCT_TASK_DETECT}, {"mfnet_y1.onnx", "", FCT_TASK_EMBED},
                 {"scrfd_500m_kps.onnx", "a second", 0},       {"mobileface_v2.onnx", "a second", 0},
                 {"yunet_n_640_640.onnx", "12 outputs", 0},    {"yunet_n_dynamic.onnx", "12 outputs", 0}};
    size_t seen = 0;
    for (int i = 0; i < fct_pack_file_count(r.pack); i++) {
        fct_pack_file f;
        REQUIRE(fct_pack_file_info(r.pack, i, &f, NULL) == FCT_OK);
        uint32_t task = 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (!strstr(f.path, known[k].name)) continue;
            seen++;
            task = known[k].task;
            CHECK_MSG(strstr(f.note, known[k].note), "%s: %s", f.path, f.note);
        }
        CHECK_MSG(f.task == task && (f.task || *f.note), "%s: task %u, %s", f.path, f.task, f.note);
        CHECK(f.task == 0 || strlen(f.id) == 16);
    }
    CHECK(seen == sizeof known / sizeof *known);
    CHECK(fct_pack_tasks(r.pack) == (FCT_TASK_DETECT | FCT_TASK_EMBED) && fct_pack_embedding_dim(r.pack) == 128);
    close_rig(&r);
    fct_pack_opts o;
    fct_pack *p;
    fct_error e;
    fct_pack_opts_init(&o);
    o.tasks = FCT_TASK_EMBED;
    REQUIRE(fct_pack_open(shared("weights/mobileface_v2.onnx"), &o, &p, &e) == FCT_OK);
    CHECK(fct_pack_embedding_dim(p) == 256);
    fct_pack_free(p);
    CHECK(fct_pack_open(shared("weights/mobileface_v2.onnx"), NULL, &p, &e) == FCT_ERR_NOT_FOUND && !p);
}

/* Found by another engine at 640 x 640; each line x1 y1 x2 y2 score and ten numbers. */
TEST(faces_equal_the_reference_s) {
    rig r = open_rig();
    fct_faces *fs;
    FILE *f = fopen(shared("weights/scrfd_2.5g_kps.t1_dets.txt"), "r");
    char line[1024];
    int n = 0;
    REQUIRE(f);
    REQUIRE(fct_analyze(r.an, fct_image_view(r.im), &fs, NULL) == FCT_OK);
    while (fgets(line, sizeof line, f)) {
        float box[4], score;
        if (sscanf(line, "%f %f %f %f %f", &box[0], &box[1], &box[2], &box[3], &score) != 5) continue;
        const fct_face *face = overlapping(fs, box, 0.97);
        CHECK_MSG(face && fabsf(face->score - score) < 0.01f, "no face like %s", line);
        n++;
    }
    fclose(f);
    CHECK(n == 6 && fct_faces_count(fs) == 6);
    for (int i = 0; i < fct_faces_count(fs); i++) {
        const fct_face *a = fct_faces_at(fs, i);
        CHECK(a->has_kps && a->embedding_dim == 128 && a->embedding_norm > 0 && a->age == -1 && !a->has_pose);
        CHECK(i == 0 || a->score <= fct_faces_at(fs, i - 1)->score);
    }
    CHECK(!fct_faces_at(fs, -1) && !fct_faces_at(fs, 6));
    fct_faces_free(fs);
    close_rig(&r);
}

TEST(batches_known_faces_and_crops_agree) {
    rig r = open_rig();
    fct_view v = fct_image_view(r.im), two[2] = {v, v};
    fct_faces *one, *both[2], *known;
    fct_image *crop;
    REQUIRE(fct_analyze(r.an, v, &one, NULL) == FCT_OK);
    REQUIRE(fct_analyze_batch(r.an, two, 2, both, NULL) == FCT_OK);
    REQUIRE(fct_faces_count(one) == fct_faces_count(both[1]));
    for (int i = 0; i < fct_faces_count(one); i++) {
        const fct_face *a = fct_faces_at(one, i), *b = fct_faces_at(both[1], i);
        CHECK(memcmp(a->box, b->box, sizeof a->box) == 0 && fct_cosine(a->embedding, b->embedding, 128) > 0.99999f);
    }
    const fct_face *a = fct_faces_at(one, 0);
    float e[128];
    REQUIRE(fct_analyze_known(r.an, v, 1, NULL, &a->kps[0][0], &known, NULL) == FCT_OK);
    CHECK(fct_cosine(fct_faces_at(known, 0)->embedding, a->embedding, 128) > 0.99999f);
    CHECK(iou(fct_faces_at(known, 0)->box, a->box) > 0.4);
    float kps[5][2];
    memcpy(kps, a->kps, sizeof kps);
    REQUIRE(fct_align(v, (const float(*)[2])kps, 112, &crop, NULL) == FCT_OK);
    fct_view c = fct_image_view(crop);
    REQUIRE(fct_embed_aligned(r.an, &c, 1, e, NULL) == FCT_OK);
    CHECK_MSG(fct_cosine(e, a->embedding, 128) > 0.999f, "%g", (double)fct_cosine(e, a->embedding, 128));
    CHECK(fct_embed_aligned(r.an, &v, 1, e, NULL) == FCT_ERR_ARG);
    fct_image_free(crop);
    fct_faces_free(known);
    fct_faces_free(both[0]);
    fct_faces_free(both[1]);
    fct_faces_free(one);
    close_rig(&r);
}

/* An input as narrow as the photo finds the same faces as a square one, in both directions. */
TEST(a_fitted_input_finds_the_same_faces) {
    rig r = open_rig();
    fct_analyzer_opts o;
    fct_analyzer *fitted;
    fct_image *turned;
    fct_faces *square, *narrow;
    fct_analyzer_opts_init(&o);
    o.n_det_sizes = 1;
    o.det_sizes[0].width = o.det_sizes[0].height = 640;
    o.fit = true;
    REQUIRE(!fct_analyzer_create(r.pack, &o, &fitted, NULL));
    REQUIRE(!fct_image_resize(fct_image_view(r.im), 500, 900, &turned, NULL));
    fct_view views[] = {fct_image_view(r.im), fct_image_view(turned)};
    for (int k = 0; k < 2; k++) {
        REQUIRE(!fct_analyze(r.an, views[k], &square, NULL) && !fct_analyze(fitted, views[k], &narrow, NULL));
        CHECK(fct_faces_count(square) && fct_faces_count(square) == fct_faces_count(narrow));
        for (int i = 0; i < fct_faces_count(narrow); i++) {
            const fct_face *f = fct_faces_at(narrow, i), *same = overlapping(square, f->box, 0.9);
            CHECK(same && fct_cosine(f->embedding, same->embedding, 128) > 0.98f &&
                  fabsf(f->score - same->score) < 0.03f);
        }
        fct_faces_free(square);
        fct_faces_free(narrow);
    }
    fct_image_free(turned);
    fct_analyzer_free(fitted);
    close_rig(&r);
}

static fct_faces *enlarged(const rig *r, fct_view v, int enlarge, float least) {
    fct_analyzer_opts o;
    fct_analyzer *a;
    fct_faces *faces;
    fct_analyzer_opts_init(&o);
    o.n_det_sizes = 1;
    o.det_sizes[0].width = o.det_sizes[0].height = 640;
    o.enlarge = enlarge;
    o.det_thresh = least;
    REQUIRE(!fct_analyzer_create(r->pack, &o, &a, NULL) && !fct_analyze(a, v, &faces, NULL));
    fct_analyzer_free(a);
    return faces;
}

/* Of a small picture that is enlarged less, the large face is the same one; where it is not found so, it is found as
 * without the bound. */
TEST(a_small_picture_is_enlarged_less) {
    rig r = open_rig();
    fct_faces *all;
    fct_analyzer *a;
    fct_analyzer_opts o;
    int only_in_the_whole = 0;
    fct_analyzer_opts_init(&o);
    o.enlarge = -1;
    CHECK(fct_analyzer_create(r.pack, &o, &a, NULL) == FCT_ERR_ARG);
    REQUIRE(!fct_analyze(r.an, fct_image_view(r.im), &all, NULL) && fct_faces_count(all) == 6);
    for (int i = 0; i < 6; i++) {
        const float *b = fct_faces_at(all, i)->box, side = b[3] - b[1];
        fct_image *small;
        fct_view part = fct_view_crop(fct_image_view(r.im), (int)(b[0] - side / 2), (int)(b[1] - side / 2),
                                      (int)(2 * side), (int)(2 * side));
        REQUIRE(part.data && !fct_image_resize(part, 140, 140, &small, NULL));
        fct_faces *full = enlarged(&r, fct_image_view(small), 0, 0.5f);
        fct_faces *less = enlarged(&r, fct_image_view(small), 3, 0.5f), *found;
        REQUIRE(fct_faces_count(full) && fct_faces_count(less));
        const fct_face *f = fct_faces_at(full, 0), *g = overlapping(less, f->box, 0.8);
        CHECK(g && g->score != f->score && fct_cosine(f->embedding, g->embedding, 128) > 0.85f);
        if (g && f->score > g->score) {
            only_in_the_whole++;
            found = enlarged(&r, fct_image_view(small), 3, (f->score + g->score) / 2);
            CHECK(fct_faces_count(found) == 1 && fct_faces_at(found, 0)->score == f->score);
            fct_faces_free(found);
        }
        fct_faces_free(full);
        fct_faces_free(less);
        fct_image_free(small);
    }
    CHECK(only_in_the_whole > 0);
    fct_faces_free(all);
    close_rig(&r);
}

static int count_faces(const fct_pack *p, fct_view v, bool second_look, int size, fct_faces **out) {
    fct_analyzer_opts o;
    fct_analyzer *a;
    fct_analyzer_opts_init(&o);
    o.tasks = FCT_TASK_DETECT;
    o.second_look = second_look;
    o.n_det_sizes = size > 0;
    o.det_sizes[0].width = o.det_sizes[0].height = size;
    REQUIRE(!fct_analyzer_create(p, &o, &a, NULL) && !fct_analyze(a, v, out, NULL));
    fct_analyzer_free(a);
    return fct_faces_count(*out);
}

/* The default pack on a picture of four people, and on the same made very small in a corner of a gray one: there the
 * second look finds people whom the first misses, and all are where the picture's people are. */
TEST(a_second_look_finds_small_faces_and_is_only_taken_for_them) {
    enum { WIDTH = 640, HEIGHT = 480, SMALL = 62, AT = 60 };
    static uint8_t gray[WIDTH * HEIGHT * 3];
    const char *source = getenv("FCT_SOURCE");
    char pack[1024], photo[1024];
    if (!source) SKIP("FCT_SOURCE names no source");
    snprintf(pack, sizeof pack, "%s/models/ibex", source);
    snprintf(photo, sizeof photo, "%s/docs/pictures/demo.png", source);
    fct_pack *p;
    fct_image *im, *small;
    fct_faces *large, *first, *both;
    REQUIRE(!fct_pack_open(pack, NULL, &p, NULL));
    if (fct_image_read(photo, NULL, &im, NULL)) SKIP("no PNG decoder");
    fct_view v = fct_image_view(im);
    CHECK(count_faces(p, v, true, 0, &large) == 4 && count_faces(p, v, false, 0, &first) == 4);
    for (int i = 0; i < 4; i++) CHECK(fct_faces_at(large, i)->score == fct_faces_at(first, i)->score);
    fct_faces_free(first);
    REQUIRE(!fct_image_resize(v, SMALL, v.height * SMALL / v.width, &small, NULL));
    fct_view s = fct_image_view(small), whole = {gray, WIDTH, HEIGHT, WIDTH * 3, v.format};
    memset(gray, 120, sizeof gray);
    for (int y = 0; y < s.height; y++)
        memcpy(gray + ((AT + y) * WIDTH + AT) * 3, s.data + y * s.stride, (size_t)s.width * 3);
    int n = count_faces(p, whole, false, 0, &first);
    CHECK_MSG(count_faces(p, whole, true, 0, &both) > n, "%d and %d", fct_faces_count(both), n);
    float k = (float)v.width / SMALL;
    for (int i = 0; i < fct_faces_count(both); i++) {
        const float *b = fct_faces_at(both, i)->box;
        const float box[4] = {(b[0] - AT) * k, (b[1] - AT) * k, (b[2] - AT) * k, (b[3] - AT) * k};
        CHECK(overlapping(large, box, 0.4));
    }
    fct_faces_free(both);
    CHECK(count_faces(p, whole, true, 640, &both) <= n); /* who gives sizes gets those */
    fct_faces_free(both);
    fct_faces_free(first);
    fct_faces_free(large);
    fct_image_free(small);
    fct_image_free(im);
    fct_pack_free(p);
}

/* Faces that are found in half the size and embedded in the whole are those of the whole. */
TEST(faces_at_another_size) {
    rig r = open_rig();
    fct_view v = fct_image_view(r.im);
    fct_image *half;
    fct_faces *whole, *found, *again;
    fct_error e;
    REQUIRE(!fct_image_resize(v, v.width / 2, v.height / 2, &half, &e));
    REQUIRE(!fct_analyze(r.an, v, &whole, &e) && !fct_analyze(r.an, fct_image_view(half), &found, &e));
    REQUIRE(!fct_analyze_again(r.an, v, found, 2, 2, &again, &e));
    REQUIRE(fct_faces_count(again) == fct_faces_count(found) && fct_faces_count(found));
    fct_faces_scale(found, 2, 2);
    for (int i = 0; i < fct_faces_count(again); i++) {
        const fct_face *a = fct_faces_at(again, i), *f = fct_faces_at(found, i), *w = overlapping(whole, a->box, 0.8);
        CHECK(memcmp(a->box, f->box, sizeof a->box) == 0 && memcmp(a->kps, f->kps, sizeof a->kps) == 0);
        CHECK(a->score == f->score && a->has_kps);
        CHECK_MSG(w && fct_cosine(w->embedding, a->embedding, 128) > 0.95f, "%g",
                  w ? (double)fct_cosine(w->embedding, a->embedding, 128) : 0.0);
    }
    fct_faces_free(again);
    CHECK(fct_analyze_again(r.an, v, found, 0, 1, &again, &e) == FCT_ERR_ARG && !again);
    fct_faces_free(whole);
    fct_faces_free(found);
    fct_image_free(half);
    close_rig(&r);
}

/* Faces of the upright photo that are found, with the same embedding, in one that is
 * turned clockwise by quarter turns. */
static int found_turned(rig *r, fct_analyzer *turning, int turns) {
    fct_faces *up, *down;
    fct_image *turned;
    int right = 0;
    REQUIRE(fct_analyze(r->an, fct_image_view(r->im), &up, NULL) == FCT_OK);
    REQUIRE(fct_image_rotate(fct_image_view(r->im), turns, &turned, NULL) == FCT_OK);
    REQUIRE(fct_analyze(turning, fct_image_view(turned), &down, NULL) == FCT_OK);
    for (int i = 0; i < fct_faces_count(up); i++) {
        const fct_face *a = fct_faces_at(up, i);
        float box[4];
        memcpy(box, a->box, sizeof box);
        int height = fct_image_view(r->im).height, width = fct_image_view(r->im).width;
        for (int k = 0; k < turns; k++) {
            /* (x, y) of a picture lies at (height - 1 - y, x) of the turned one. */
            float last = (float)((k % 2 ? width : height) - 1);
            float next[4] = {last - box[3], box[0], last - box[1], box[2]};
            memcpy(box, next, sizeof box);
        }
        const fct_face *b = overlapping(down, box, 0.9);
        right += b && b->turns == (4 - turns) % 4 && fct_cosine(a->embedding, b->embedding, 128) > 0.95f;
    }
    fct_faces_free(up);
    fct_faces_free(down);
    fct_image_free(turned);
    return right;
}

/* Detectors find faces that lie on their side or stand on their head, too, with
 * landmarks that no embedding survives: those do not count as a find. */
TEST(turned_photos_give_faces_where_they_are) {
    rig r = open_rig();
    fct_analyzer *turning = analyzer(r.pack, 640, true, 0);
    for (int turns = 0; turns < 4; turns++) {
        int right = found_turned(&r, turning, turns);
        CHECK_MSG(right == 6, "%d turns: %d of 6", turns, right);
    }
    fct_analyzer_free(turning);
    close_rig(&r);
}

/* In a huge picture, faces too large for the tile and too small in the whole. */
TEST(tiles_find_faces_between_tile_and_whole) {
    rig r = open_rig();
    fct_image *wide;
    REQUIRE(fct_image_create(12000, 1400, FCT_PIX_RGB, &wide, NULL) == FCT_OK);
    fct_draw_image(wide, fct_image_view(r.im), 7000, 300);
    for (int tile = 160; tile <= 640; tile *= 2) {
        fct_analyzer *tiled = analyzer(r.pack, 160, false, tile);
        fct_faces *all, *found;
        int n = 0;
        REQUIRE(fct_analyze(r.an, fct_image_view(r.im), &all, NULL) == FCT_OK);
        REQUIRE(fct_analyze(tiled, fct_image_view(wide), &found, NULL) == FCT_OK);
        for (int i = 0; i < fct_faces_count(all); i++) {
            const float *b = fct_faces_at(all, i)->box;
            n += overlapping(found, (float[4]){b[0] + 7000, b[1] + 300, b[2] + 7000, b[3] + 300}, 0.5) != NULL;
        }
        CHECK_MSG(n == 6 && fct_faces_count(found) == 6, "tiles of %d: %d of 6", tile, n);
        fct_faces_free(all);
        fct_faces_free(found);
        fct_analyzer_free(tiled);
    }
    fct_image_free(wide);
    close_rig(&r);
}

TEST(tiles_find_faces_that_are_too_small_for_the_whole) {
    rig r = open_rig();
    fct_analyzer *plain = analyzer(r.pack, 160, false, 0), *tiled = analyzer(r.pack, 160, false, 320);
    fct_faces *few, *many, *all;
    REQUIRE(fct_analyze(plain, fct_image_view(r.im), &few, NULL) == FCT_OK);
    REQUIRE(fct_analyze(tiled, fct_image_view(r.im), &many, NULL) == FCT_OK);
    REQUIRE(fct_analyze(r.an, fct_image_view(r.im), &all, NULL) == FCT_OK);
    int found = 0;
    for (int i = 0; i < fct_faces_count(all); i++) found += overlapping(many, fct_faces_at(all, i)->box, 0.5) != NULL;
    CHECK_MSG(found == 6 && fct_faces_count(many) == 6, "%d found in tiles, %d without", fct_faces_count(many),
              fct_faces_count(few));
    fct_faces_free(few);
    fct_faces_free(many);
    fct_faces_free(all);
    fct_analyzer_free(plain);
    fct_analyzer_free(tiled);
    close_rig(&r);
}

TEST(wrong_options_are_named) {
    rig r = open_rig();
    fct_analyzer_opts o;
    fct_error e;
    fct_analyzer_opts_init(&o);
    o.n_det_sizes = 1;
    o.det_sizes[0].width = o.det_sizes[0].height = 100;
    CHECK(fct_analyzer_configure(r.an, &o, &e) == FCT_ERR_ARG && strstr(e.text, "100 x 100"));
    fct_analyzer_opts_init(&o);
    o.det_thresh = 1.5f;
    CHECK(fct_analyzer_configure(r.an, &o, &e) == FCT_ERR_ARG && strstr(e.text, "1.5"));
    fct_faces *fs;
    fct_view empty = {NULL, 0, 0, 0, FCT_PIX_RGB};
    CHECK(fct_analyze(r.an, empty, &fs, &e) == FCT_ERR_ARG && !fs);
    close_rig(&r);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
