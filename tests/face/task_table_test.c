/* A new kind of network is one row of the task table. A toy one, which no rule of InsightFace's knows,
 * is registered here in one place and seen in the pack, in faces and in the command's JSON. And
 * the points of a landmark network may take the place of the detector's. */
#include "test.h"
#include "../golden/onnx_writer.h"
#include "../tools/discs.h"
#include "base/file.h"
#include "facet/facet.h"
#include "photos/report.h"
#include "tasks/task_table.h"
#include <math.h>
#include <stdarg.h>
#include <unistd.h>

/* ---- The toy: what is the mean color around a face? -------------------------------------- */

static void decode_colors(const float *values, int n, const fct_crop_frame *frame, float *kept) {
    for (int i = 0; i < n; i++) kept[i] = values[i] * 100 + 127.5f;
}

static const fct_task_row colors = {.name = "colors",
                                    .noun = "color network",
                                    .key = "colors",
                                    .crop = FCT_TASK_CROP_BOX,
                                    .values = 3,
                                    .rows = 1,
                                    .columns = 3,
                                    .std = 100,
                                    .decode = decode_colors};

/* ---- A pack with it ------------------------------------------------------------------------ */

static fct_error e;
static char folder[100];

static const char *in_pack(const char *name) {
    static char path[300];
    snprintf(path, sizeof path, "%s/pack/%s", folder, name);
    return path;
}

static void write_net(ow *w, const char *name) {
    size_t len;
    const uint8_t *bytes = ow_end(w, &len);
    REQUIRE(!fct_file_write_atomic(in_pack(name), bytes, len, &e));
    ow_free(w);
}

/* Means of the three channels; times weights [n][3] plus bias [n] where there are some. */
static void write_means(const char *name, int side, int n, const float *weights, const float *bias) {
    ow w;
    ow_begin(&w, 11);
    ow_input(&w, "x", 4, (int64_t[]){-1, 3, side, side});
    ow_output(&w, "y");
    ow_node(&w, "GlobalAveragePool", "x", "m");
    ow_node(&w, "Flatten", "m", weights ? "f" : "y");
    if (weights) {
        ow_f32(&w, "w", 2, (int64_t[]){n, 3}, weights, OW_RAW);
        ow_f32(&w, "b", 1, (int64_t[]){n}, bias, OW_RAW);
        ow_node(&w, "Gemm", "f,w,b", "y");
        ow_int(&w, "transB", 1);
    }
    write_net(&w, name);
}

/* Where the landmark network sees eyes, nose and mouth, as shares of its square. */
static const float five[5][2] = {{0.36f, 0.41f}, {0.63f, 0.4f}, {0.5f, 0.55f}, {0.4f, 0.7f}, {0.61f, 0.71f}};

/* Always gives the same 1103 points, of which the last 68 count; the six of an eye lie around its center. */
static void write_landmarks(void) {
    static float weights[3309 * 3], bias[3309];
    static const int first[5] = {36, 42, 30, 48, 54}, count[5] = {6, 6, 1, 1, 1};
    float *p = bias + 3309 - 68 * 3;
    for (int i = 0; i < 3309; i++) bias[i] = 0.001f * (float)(i % 700);
    for (int k = 0; k < 5; k++)
        for (int q = 0; q < count[k]; q++)
            for (int d = 0; d < 2; d++)
                p[(first[k] + q) * 3 + d] = five[k][d] * 2 - 1 + (count[k] == 6 ? 0.02f * (float)(q % 2 * 2 - 1) : 0);
    write_means("landmarks.onnx", 192, 3309, weights, bias);
}

/* aligned: of the network that gives colors. */
static void write_manifest(const char *colors_task, bool refine, bool aligned) {
    char text[1000];
    int n = snprintf(text, sizeof text,
                     "{\"facet_pack\": 1, \"name\": \"toys\", \"files\": [{\"file\": \"detector.onnx\"}, "
                     "{\"file\": \"embedder.onnx\", \"task\": \"recognition\"}, "
                     "{\"file\": \"landmarks.onnx\", \"task\": \"landmark_3d_68\", \"mean\": 0, \"std\": 1%s}, "
                     "{\"file\": \"colors.onnx\"%s%s%s%s}]}",
                     refine ? ", \"refine\": true" : "", colors_task ? ", \"task\": \"" : "",
                     colors_task ? colors_task : "", colors_task ? "\"" : "", aligned ? ", \"aligned\": true" : "");
    REQUIRE(!fct_file_write_atomic(in_pack("pack.json"), text, (size_t)n, &e));
}

static void make_folder(void) {
    char command[1200];
    const char *tool = getenv("MAKE_PACK");
    if (!tool) SKIP("no MAKE_PACK");
    if (folder[0]) return;
    snprintf(folder, sizeof folder, "/tmp/facet-tasks-%ld", (long)getpid());
    snprintf(command, sizeof command, "cd / && mkdir -p %s/pack %s/other %s/blind %s/headless && '%s' %s >/dev/null",
             folder, folder, folder, folder, tool, folder);
    REQUIRE(!system(command));
    write_means("colors.onnx", 32, 0, NULL, NULL);
    write_landmarks();
}

static fct_image *photo(void) {
    fct_image *im = disc_photo(320, 240);
    disc_draw(im, 240, 96, 24, ADA, false);
    disc_draw(im, 80, 144, 24, BOB, false);
    return im;
}

/* The mean color of the square that a crop of the face shows, by a loop over its pixels. */
static void mean_around(fct_view v, const float box[4], double mean[3]) {
    const float side = 0.75f * fmaxf(box[2] - box[0], box[3] - box[1]);
    const float cx = (box[0] + box[2]) / 2, cy = (box[1] + box[3]) / 2;
    double n = 0;
    mean[0] = mean[1] = mean[2] = 0;
    for (int y = (int)ceilf(cy - side); y < cy + side; y++)
        for (int x = (int)ceilf(cx - side); x < cx + side; x++, n++)
            for (int c = 0; c < 3; c++)
                if (x >= 0 && y >= 0 && x < v.width && y < v.height)
                    mean[c] += ((const uint8_t *)v.data)[y * v.stride + x * 3 + c];
    for (int c = 0; c < 3; c++) mean[c] /= n;
}

void cli_error(const char *format, ...) { CHECK_MSG(false, "%s", format); }

/* ---- Tests ------------------------------------------------------------------------------------ */

TEST(the_list_is_the_library_s) {
    fct_task_info t;
    uint32_t all = 0;
    int n = 0;
    for (; fct_task_at(n, &t); n++) {
        CHECK(t.task == (fct_task)(1u << n) && fct_task_find(t.name) == t.task && fct_task_name(t.task) == t.name);
        all |= (uint32_t)t.task;
    }
    CHECK(n == 5 && all == 31 && !t.name);
    CHECK(fct_task_at(3, &t) && !strcmp(t.name, "landmark_3d_68") && t.rows == 68 && t.columns == 3);
    CHECK(!strcmp(t.key, "landmark_68") && !fct_task_find("colors") && !fct_task_find(NULL));
}

/* Programs keep arrays of faces; a later version of the library must not read past theirs. */
TEST(a_face_keeps_its_size) {
    if (sizeof(void *) == 8) CHECK_MSG(sizeof(fct_face) == 136, "%zu bytes", sizeof(fct_face));
    fct_face own = {.gender = -1, .age = -1};
    CHECK(!fct_face_values(&own, FCT_TASK_EMBED) && !fct_face_values(&own, FCT_TASK_ALL));
}

TEST(a_toy_task_is_one_row) {
    fct_pack *pack;
    fct_pack_file info;
    fct_analyzer *an;
    fct_faces *faces;
    make_folder();
    write_manifest(colors.name, false, false);
    CHECK(fct_pack_open(in_pack(""), NULL, &pack, &e) == FCT_ERR_FORMAT && strstr(e.text, "task")); /* not yet */
    fct_task_extra = &colors;
    REQUIRE(!fct_pack_open(in_pack(""), NULL, &pack, &e));
    const fct_task task = fct_task_find("colors");
    CHECK(task == 32 && fct_pack_tasks(pack) & task && fct_pack_model(pack, task));
    REQUIRE(!fct_pack_file_info(pack, 3, &info, &e));
    CHECK(info.task == task && info.mean == 127.5 && info.std == 100 && info.input_width == 32);
    REQUIRE(!fct_analyzer_create(pack, NULL, &an, &e));
    fct_image *im = photo();
    fct_status s = fct_analyze(an, fct_image_view(im), &faces, &e);
    CHECK_MSG(!s, "%s", e.text);
    REQUIRE(!s && fct_faces_count(faces) == 2);
    char line[20000], want[100];
    FILE *f = tmpfile();
    REQUIRE(f);
    for (int i = 0; i < 2; i++) {
        const fct_face *a = fct_faces_at(faces, i);
        const float *v = fct_face_values(a, task);
        double mean[3];
        REQUIRE(v);
        mean_around(fct_image_view(im), a->box, mean);
        for (int c = 0; c < 3; c++) CHECK_MSG(fabs(v[c] - mean[c]) < 6, "%g, not %g", (double)v[c], mean[c]);
        CHECK(fct_face_values(a, FCT_TASK_EMBED) == a->embedding && a->embedding_dim == 64);
        CHECK(fct_face_values(a, FCT_TASK_LANDMARK_68) == a->landmark_68 && a->landmark_68 && a->has_pose);
        CHECK(!fct_face_values(a, FCT_TASK_GENDER_AGE) && !fct_face_values(a, FCT_TASK_DETECT));
        fct_json_writer j;
        rewind(f);
        fct_json_to_file(&j, f);
        fct_json_object(&j, NULL);
        cli_json_face(&j, a);
        fct_json_close_object(&j);
        fct_json_end(&j);
        long len = ftell(f);
        rewind(f);
        REQUIRE(len > 0 && len < (long)sizeof line && fread(line, 1, (size_t)len, f) == (size_t)len);
        line[len] = 0;
        snprintf(want, sizeof want, "\"colors\": [%.1f", (double)v[0]);
        want[strlen(want) - 2] = 0; /* up to the point */
        CHECK_MSG(strstr(line, want) && strstr(line, "\"landmark_68\": [["), "no %s in %s", want, line);
    }
    fclose(f);
    fct_faces_free(faces);
    fct_analyzer_free(an);
    fct_pack_free(pack);
    fct_image_free(im);
    fct_task_extra = NULL;
}

/* InsightFace's rules take a network for nothing, or for another thing; the manifest's word counts. */
TEST(the_manifest_s_word_goes_before_the_guess) {
    fct_pack *pack;
    fct_pack_file info;
    make_folder();
    fct_task_extra = &colors;
    write_manifest(NULL, false, false);
    REQUIRE(!fct_pack_open(in_pack(""), NULL, &pack, &e));
    REQUIRE(!fct_pack_file_info(pack, 3, &info, &e));
    CHECK(info.task == 0 && strstr(info.note, "unknown signature"));
    fct_pack_free(pack);
    write_manifest("genderage", false, false); /* by the rules it would have to be 96 x 96 */
    REQUIRE(!fct_pack_open(in_pack(""), NULL, &pack, &e));
    CHECK(fct_pack_tasks(pack) & FCT_TASK_GENDER_AGE);
    fct_pack_free(pack);
    write_manifest("recognition", false, false); /* a crop of 32 x 32 cannot be aligned */
    CHECK(fct_pack_open(in_pack(""), NULL, &pack, &e) == FCT_ERR_MISMATCH);
    CHECK_MSG(strstr(e.text, "colors.onnx") && strstr(e.text, "recognition") && strstr(e.text, "32"), "%s", e.text);
    write_manifest("landmark_2d_106", false, false);              /* three values are no points */
    CHECK(fct_pack_open(in_pack(""), NULL, &pack, &e) == FCT_OK); /* the file does not declare how many */
    fct_pack_free(pack);
    write_manifest("detection", false, false);
    CHECK(fct_pack_open(in_pack(""), NULL, &pack, &e) == FCT_ERR_MISMATCH && strstr(e.text, "1 outputs"));
    fct_task_extra = NULL;
}

/* The faces of the photo, their embedding always, of a pack opened for those tasks. */
static fct_faces *analyze(fct_image *im, uint32_t tasks, fct_pack **pack, fct_analyzer **an) {
    fct_pack_opts o;
    fct_faces *faces;
    fct_pack_opts_init(&o);
    o.tasks = tasks;
    REQUIRE(!fct_pack_open(in_pack(""), &o, pack, &e) && !fct_analyzer_create(*pack, NULL, an, &e));
    REQUIRE(!fct_analyze(*an, fct_image_view(im), &faces, &e) && fct_faces_count(faces) == 2);
    return faces;
}

/* With "refine" the points of the landmark network replace the detector's, whatever else is asked for. */
TEST(landmarks_refine_the_alignment) {
    static const uint32_t sets[] = {FCT_TASK_ALL, FCT_TASK_DETECT | FCT_TASK_EMBED,
                                    FCT_TASK_DETECT | FCT_TASK_LANDMARK_68, FCT_TASK_DETECT};
    make_folder();
    fct_task_extra = &colors;
    fct_image *im = photo(), *crop;
    for (int refine = 0; refine < 2; refine++)
        for (int k = 0; k < 4; k++) {
            fct_pack *pack;
            fct_analyzer *an;
            write_manifest("colors", refine, false);
            fct_faces *faces = analyze(im, sets[k], &pack, &an);
            CHECK(fct_pack_tasks(pack) == (sets[k] & (FCT_TASK_DETECT | FCT_TASK_EMBED | FCT_TASK_LANDMARK_68 | 32)));
            for (int i = 0; i < 2; i++) {
                const fct_face *a = fct_faces_at(faces, i);
                const float side = 1.5f * fmaxf(a->box[2] - a->box[0], a->box[3] - a->box[1]);
                float most = 0, embedding[64];
                for (int p = 0; p < 5; p++)
                    for (int d = 0; d < 2; d++)
                        most = fmaxf(
                            most, fabsf(a->kps[p][d] - ((a->box[d] + a->box[d + 2]) / 2 + (five[p][d] - 0.5f) * side)));
                CHECK_MSG((most < 0.05f) == (refine && k < 3), "set %d, refine %d: %g pixels", k, refine, (double)most);
                CHECK(!a->landmark_68 == !(sets[k] & FCT_TASK_LANDMARK_68) && !a->has_pose == !a->landmark_68);
                if (!a->embedding) continue;
                REQUIRE(!fct_align(fct_image_view(im), (const float(*)[2])a->kps, 112, &crop, &e));
                fct_view v = fct_image_view(crop);
                REQUIRE(!fct_embed_aligned(an, &v, 1, embedding, &e));
                CHECK(fct_cosine(embedding, a->embedding, 64) > 0.999f);
                fct_image_free(crop);
            }
            fct_faces_free(faces);
            fct_analyzer_free(an);
            fct_pack_free(pack);
        }
    fct_image_free(im);
    fct_task_extra = NULL;
}

/* The mean color of an aligned face with a fourteenth of the template's side around it, by a loop over points of the
 * crop of 112 pixels. */
static double mean_aligned(fct_view v, const float kps[5][2], int channel) {
    double m[6], sum = 0, n = 0;
    REQUIRE(!fct_align_matrix(kps, 112, m, &e));
    const double det = m[0] * m[4] - m[1] * m[3];
    for (double y = -8; y < 120; y += 0.5)
        for (double x = -8; x < 120; x += 0.5, n++) {
            const double dx = x - m[2], dy = y - m[5];
            const int px = (int)lround((m[4] * dx - m[1] * dy) / det), py = (int)lround((m[0] * dy - m[3] * dx) / det);
            if (px >= 0 && py >= 0 && px < v.width && py < v.height)
                sum += ((const uint8_t *)v.data)[py * v.stride + px * 3 + channel];
        }
    return sum / n;
}

/* With "aligned" the network of age and gender sees the face aligned, else the square around its box; its third value,
 * a hundredth of the age, is the mean of blue. */
TEST(attributes_of_aligned_faces) {
    make_folder();
    fct_image *im = photo();
    for (int aligned = 0; aligned < 2; aligned++) {
        fct_pack *pack;
        fct_analyzer *an;
        write_manifest("genderage", false, aligned);
        fct_faces *faces = analyze(im, FCT_TASK_ALL, &pack, &an);
        for (int i = 0; i < 2; i++) {
            const fct_face *a = fct_faces_at(faces, i);
            const double blue = mean_aligned(fct_image_view(im), (const float(*)[2])a->kps, 2);
            const double want = (blue - 127.5) / 128 * 100;
            CHECK_MSG((fabs(a->age - want) < 2) == aligned, "aligned %d: age %d, %g", aligned, a->age, want);
        }
        fct_faces_free(faces);
        fct_analyzer_free(an);
        fct_pack_free(pack);
    }
    fct_image_free(im);
}

int main(int argc, char **argv) {
    char command[200];
    int code = test_main(argc, argv);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (folder[0] && system(command)) printf("%s: not removed\n", folder);
    return code;
}
