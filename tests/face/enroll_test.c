/* Enrollment on make_pack's "faces", and on real ones where there are some. */
#include "test.h"
#include "../tools/discs.h"
#include "base/alloc.h"
#include "facet/facet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static fct_error e;
static char folder[100];

typedef struct enroll_rig {
    fct_pack *pack;
    fct_analyzer *an;
    fct_gallery *g;
    fct_image *im;
    fct_faces *faces;
} enroll_rig;

static const char *in_folder(const char *name) {
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The pack that MAKE_PACK writes, in a folder that is removed at the end. */
static void make_folder(void) {
    char command[1200];
    const char *tool = getenv("MAKE_PACK");
    snprintf(folder, sizeof folder, "/tmp/facet-enroll-%ld", (long)getpid());
    snprintf(command, sizeof command, "cd / && mkdir -p %s/pack %s/other %s/blind %s/headless && '%s' %s >/dev/null",
             folder, folder, folder, folder, tool ? tool : "", folder);
    if (!tool || system(command)) folder[0] = 0;
}

static void remove_folder(void) {
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (folder[0] && system(command)) printf("%s: not removed\n", folder);
}

static void look_at(enroll_rig *r, fct_image *im) {
    fct_faces_free(r->faces);
    fct_image_free(r->im);
    r->im = im;
    REQUIRE(!fct_analyze(r->an, fct_image_view(im), &r->faces, &e));
}

/* One disc in 320 x 240, as in make_pack's photos. */
static fct_image *one_face(int person, int cx, int cy, int radius) {
    fct_image *im = disc_photo(320, 240);
    disc_draw(im, cx, cy, radius, person, true);
    return im;
}

static enroll_rig open_rig(const char *pack) {
    enroll_rig r = {0};
    if (!folder[0]) SKIP("no MAKE_PACK");
    remove(in_folder("g.db"));
    remove(in_folder("g.db-wal"));
    remove(in_folder("g.db-shm"));
    if (fct_gallery_open(in_folder("g.db"), NULL, &r.g, &e) == FCT_ERR_UNSUPPORTED) SKIP("no gallery in this build");
    if (fct_pack_open(pack ? pack : in_folder("pack"), NULL, &r.pack, &e)) {
        fct_gallery_free(r.g);
        SKIP("no such pack");
    }
    REQUIRE(r.g && !fct_analyzer_create(r.pack, NULL, &r.an, &e));
    return r;
}

static void close_rig(enroll_rig *r) {
    fct_faces_free(r->faces);
    fct_image_free(r->im);
    fct_analyzer_free(r->an);
    fct_pack_free(r->pack);
    fct_gallery_free(r->g);
}

static fct_enroll_result enroll(enroll_rig *r, const char *name, const fct_enroll_opts *o) {
    fct_enroll_result out;
    if (fct_enroll_photo(r->g, r->pack, name, fct_image_view(r->im), r->faces, o, &out, &e)) printf("%s\n", e.text);
    return out;
}

static const fct_warning *find_warning(const fct_enroll_result *r, fct_flaw flaw) {
    for (int i = 0; i < r->n_warnings; i++)
        if (r->warnings[i].flaw == flaw) return &r->warnings[i];
    return NULL;
}

static int count_faces(fct_gallery *g) {
    fct_gallery_info info;
    return fct_gallery_stat(g, &info, &e) ? -1 : info.faces;
}

TEST(what_is_stored) {
    enroll_rig r = open_rig(NULL);
    fct_quality q;
    fct_stored_face *faces;
    fct_image *crop;
    fct_enroll_opts o;
    void *jpeg;
    size_t len;
    int n;
    look_at(&r, one_face(ADA, 160, 112, 24));
    fct_enroll_opts_init(&o);
    o.source = "a note";
    fct_enroll_result out = enroll(&r, "Ada", &o);
    const fct_face *f = fct_faces_at(r.faces, 0);
    REQUIRE(out.outcome == FCT_ENROLL_STORED && out.face_id > 0 && out.face == 0);
    CHECK(!fct_face_quality(fct_image_view(r.im), f, &q, &e) && q.score == out.quality.score);
    REQUIRE(!fct_gallery_faces(r.g, 1, &faces, &n, &e) && n == 1);
    CHECK_MSG(faces[0].quality == q.score && q.score > 0, "%g, %g", (double)faces[0].quality, (double)q.score);
    CHECK(faces[0].score == f->score && !memcmp(faces[0].box, f->box, sizeof f->box));
    CHECK(faces[0].crop_cut == FCT_CROP_ALIGNED && !strcmp(faces[0].source, "a note"));
    REQUIRE(!fct_gallery_crop(r.g, out.face_id, &jpeg, &len, &e));
    REQUIRE(!fct_image_decode(jpeg, len, NULL, NULL, &crop, &e));
    CHECK(fct_image_view(crop).width == 112 && fct_image_view(crop).height == 112);
    float again[64];
    CHECK(!fct_embed_crop(r.pack, r.an, jpeg, len, FCT_CROP_ALIGNED, again, &e));
    CHECK_MSG(fct_cosine(again, f->embedding, 64) > 0.99f, "%g", (double)fct_cosine(again, f->embedding, 64));
    fct_image_free(crop);
    fct_buffer_free(jpeg);
    fct_gallery_faces_free(faces);
    /* Once more: known. Without a crop: none. */
    CHECK(enroll(&r, "Ada", NULL).outcome == FCT_ENROLL_KNOWN && count_faces(r.g) == 1);
    o.no_crop = true;
    out = enroll(&r, "Zoe", &o);
    CHECK(out.outcome == FCT_ENROLL_STORED && fct_gallery_crop(r.g, out.face_id, &jpeg, &len, &e) == FCT_ERR_NOT_FOUND);
    close_rig(&r);
}

TEST(people_are_compared) {
    enroll_rig r = open_rig(NULL);
    fct_enroll_opts o;
    fct_enroll_opts_init(&o);
    look_at(&r, one_face(ADA, 160, 112, 24));
    CHECK(enroll(&r, "Ada", NULL).outcome == FCT_ENROLL_STORED);
    /* The same face under another name is like Ada, and refused only where that is asked for. */
    o.refuse = FCT_FLAW_LIKE_OTHER;
    fct_enroll_result out = enroll(&r, "Eve", &o);
    const fct_warning *w = find_warning(&out, FCT_FLAW_LIKE_OTHER);
    CHECK(out.outcome == FCT_ENROLL_REFUSED && !out.face_id && w && w->person_id == 1 && w->value > 0.999f);
    CHECK(w && !strncmp(w->text, "like Ada (cosine 1.00)", 30) && w->limit == fct_pack_threshold(r.pack));
    CHECK(count_faces(r.g) == 1);
    o.refuse = FCT_FLAW_UNLIKE;
    CHECK(enroll(&r, "Eve", &o).outcome == FCT_ENROLL_STORED);
    /* Somebody else's face for Ada. */
    look_at(&r, one_face(BOB, 160, 112, 24));
    out = enroll(&r, "Ada", &o);
    w = find_warning(&out, FCT_FLAW_UNLIKE);
    CHECK(out.outcome == FCT_ENROLL_REFUSED && w && w->value < 0.2f && !find_warning(&out, FCT_FLAW_LIKE_OTHER));
    /* A wider duplicate: another photo of the same face counts as known. */
    look_at(&r, one_face(ADA, 96, 144, 22));
    o.duplicate = 0.8f;
    out = enroll(&r, "Ada", &o);
    CHECK(out.outcome == FCT_ENROLL_KNOWN && out.face_id == 1);
    o.duplicate = 1.5f;
    CHECK(fct_enroll_photo(r.g, r.pack, "Ada", fct_image_view(r.im), r.faces, &o, &out, &e) == FCT_ERR_ARG);
    close_rig(&r);
}

TEST(checking_stores_nothing) {
    enroll_rig r = open_rig(NULL);
    fct_enroll_result out;
    look_at(&r, one_face(ADA, 160, 112, 24));
    fct_face f = *fct_faces_at(r.faces, 0);
    fct_view v = fct_image_view(r.im);
    CHECK(!fct_enroll_check(r.g, r.pack, "Ada", v, &f, NULL, &out, &e) && out.outcome == FCT_ENROLL_STORED);
    CHECK(count_faces(r.g) == 0 && out.face_id == 0);
    CHECK(!fct_enroll_check(NULL, r.pack, NULL, v, &f, NULL, &out, &e) && out.outcome == FCT_ENROLL_STORED);
    f.box[0] -= 200; /* cut off by the left edge */
    CHECK(!fct_enroll_check(NULL, r.pack, NULL, v, &f, NULL, &out, &e) && find_warning(&out, FCT_FLAW_CUT_OFF));
    f.embedding = NULL;
    CHECK(!fct_enroll_check(r.g, r.pack, "Ada", v, &f, NULL, &out, &e));
    CHECK(fct_enroll(r.g, r.pack, "Ada", v, &f, NULL, &out, &e) == FCT_ERR_ARG && strstr(e.text, "embedding"));
    CHECK(fct_enroll(r.g, r.pack, "", v, &f, NULL, &out, &e) == FCT_ERR_ARG);
    CHECK(fct_enroll(NULL, r.pack, "Ada", v, &f, NULL, &out, &e) == FCT_ERR_ARG && count_faces(r.g) == 0);
    close_rig(&r);
}

TEST(several_in_one_photo) {
    enroll_rig r = open_rig(NULL);
    fct_enroll_opts o;
    fct_enroll_opts_init(&o);
    fct_image *im = disc_photo(320, 240);
    disc_draw(im, 80, 96, 24, BOB, true);
    disc_draw(im, 160, 56, 12, EVE, true);
    look_at(&r, im);
    REQUIRE(fct_faces_count(r.faces) == 2);
    o.refuse = FCT_FLAW_SEVERAL;
    fct_enroll_result out = enroll(&r, "Bob", &o);
    CHECK(out.outcome == FCT_ENROLL_REFUSED && out.n_warnings && out.warnings[0].flaw == FCT_FLAW_SEVERAL);
    o.refuse = 0;
    out = enroll(&r, "Bob", &o);
    const float *b = fct_faces_at(r.faces, out.face)->box;
    CHECK(out.outcome == FCT_ENROLL_STORED && b[0] < 80 && b[2] > 80 && out.warnings[0].value == 2);
    o.face = 3;
    out = enroll(&r, "Bob", &o);
    CHECK(out.outcome == FCT_ENROLL_NO_FACE && out.face == -1);
    o.face = 1;
    o.refuse = FCT_FLAW_SEVERAL; /* chosen: nothing to warn of */
    out = enroll(&r, "Somebody", &o);
    CHECK(out.outcome == FCT_ENROLL_STORED && !find_warning(&out, FCT_FLAW_SEVERAL));
    close_rig(&r);
}

TEST(a_batch_is_one_transaction) {
    enroll_rig r = open_rig(NULL);
    fct_enroll_result out[4];
    fct_enroll_opts o;
    fct_enroll_opts_init(&o);
    o.refuse = FCT_FLAW_UNLIKE;
    fct_image *im = disc_photo(320, 240);
    disc_draw(im, 80, 96, 24, ADA, true);
    disc_draw(im, 240, 144, 22, BOB, true);
    look_at(&r, im);
    REQUIRE(fct_faces_count(r.faces) == 2);
    fct_view v = fct_image_view(im);
    const fct_face *a = fct_faces_at(r.faces, 0), *b = fct_faces_at(r.faces, 1);
    fct_enroll_item items[4] = {{v, a, NULL}, {v, b, "other"}, {v, a, NULL}, {v, a, NULL}};
    REQUIRE(!fct_enroll_batch(r.g, r.pack, "Ada", items, 3, &o, out, &e));
    CHECK(out[0].outcome == FCT_ENROLL_STORED && out[1].outcome == FCT_ENROLL_REFUSED);
    CHECK(out[2].outcome == FCT_ENROLL_KNOWN && out[2].face_id == out[0].face_id && out[0].face_id > 0);
    CHECK(count_faces(r.g) == 1);
    fct_face bad = *a;
    bad.has_kps = false;
    items[3].face = &bad;
    items[0].face = b;
    CHECK(fct_enroll_batch(r.g, r.pack, "Bob", items, 4, NULL, out, &e) == FCT_ERR_ARG && count_faces(r.g) == 1);
    CHECK(!fct_enroll_batch(r.g, r.pack, "Bob", NULL, 0, NULL, NULL, &e));
    close_rig(&r);
}

/* A square of side around the face as the camera stored it: not aligned. Owned JPEG. */
static uint8_t *loose_crop(fct_view v, const float box[4], size_t *len) {
    uint8_t *data = NULL;
    fct_image *im;
    int side = (int)(1.5f * fmaxf(box[2] - box[0], box[3] - box[1]));
    fct_view c = fct_view_crop(v, (int)(box[0] + box[2] - (float)side) / 2, (int)(box[1] + box[3] - (float)side) / 2,
                               side, side);
    REQUIRE(c.data && !fct_image_resize(c, 160 * c.width / c.height, 160, &im, &e));
    REQUIRE(!fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, 82, &data, len, &e));
    fct_image_free(im);
    return data;
}

static float cosine_of_crop(enroll_rig *r, const uint8_t *jpeg, size_t len, fct_crop_cut cut, const fct_face *f) {
    float v[512];
    fct_status s = fct_embed_crop(r->pack, r->an, jpeg, len, cut, v, &e);
    return s ? -2 : fct_cosine(v, f->embedding, f->embedding_dim);
}

/* On real faces: an aligned crop is known as such, a loose one is aligned first. */
TEST(crops_of_unknown_cut_are_aligned_where_they_are_not) {
    char path[1200];
    fct_image *photo;
    snprintf(path, sizeof path, "%s/photos/insightface/t1.jpg", test_shared());
    if (fct_image_read(path, NULL, &photo, &e)) SKIP("no photos, or no JPEG decoder");
    snprintf(path, sizeof path, "%s/weights", test_shared());
    enroll_rig r = open_rig(path);
    look_at(&r, photo);
    REQUIRE(fct_faces_count(r.faces) == 6);
    for (int i = 0; i < 6; i++) {
        const fct_face *f = fct_faces_at(r.faces, i);
        fct_image *aligned;
        uint8_t *jpeg;
        size_t len;
        REQUIRE(!fct_align(fct_image_view(r.im), f->kps, 112, &aligned, &e));
        REQUIRE(!fct_image_encode(fct_image_view(aligned), FCT_FILE_JPEG, 90, &jpeg, &len, &e));
        float known = cosine_of_crop(&r, jpeg, len, FCT_CROP_ALIGNED, f);
        float unknown = cosine_of_crop(&r, jpeg, len, FCT_CROP_UNKNOWN, f);
        CHECK_MSG(known > 0.97f && unknown == known, "face %d: %g known, %g unknown", i, (double)known,
                  (double)unknown);
        fct_buffer_free(jpeg);
        fct_image_free(aligned);
        jpeg = loose_crop(fct_image_view(r.im), f->box, &len);
        float taken_for_aligned = cosine_of_crop(&r, jpeg, len, FCT_CROP_ALIGNED, f);
        float found = cosine_of_crop(&r, jpeg, len, FCT_CROP_UNKNOWN, f);
        CHECK_MSG(found > 0.85f && found > taken_for_aligned + 0.1f, "face %d: %g, taken for aligned %g", i,
                  (double)found, (double)taken_for_aligned);
        fct_buffer_free(jpeg);
    }
    close_rig(&r);
}

/* The same without real data: what the camera of the first galleries stored, 160 pixels high,
 * the face off the middle. Taken for aligned, it gives somebody else's embedding. */
TEST(a_loose_crop_is_aligned_first) {
    enroll_rig r = open_rig(NULL);
    fct_image *part;
    uint8_t *jpeg;
    size_t len;
    look_at(&r, one_face(ADA, 160, 112, 24));
    const fct_face *f = fct_faces_at(r.faces, 0);
    fct_view v = fct_view_crop(fct_image_view(r.im), 96, 32, 160, 160);
    REQUIRE(!fct_image_convert(v, FCT_PIX_RGB, &part, &e));
    REQUIRE(!fct_image_encode(fct_image_view(part), FCT_FILE_JPEG, 90, &jpeg, &len, &e));
    float aligned = cosine_of_crop(&r, jpeg, len, FCT_CROP_ALIGNED, f);
    for (int cut = 0; cut < 3; cut += 2) {
        float found = cosine_of_crop(&r, jpeg, len, (fct_crop_cut)cut, f);
        CHECK_MSG(found > 0.95f && aligned < 0.8f, "cut %d: %g, taken for aligned %g", cut, (double)found,
                  (double)aligned);
    }
    fct_buffer_free(jpeg);
    fct_image_free(part);
    close_rig(&r);
}

/* Enrolls somebody new while allocation n fails; whether it came to that. */
static bool enroll_without_memory(enroll_rig *r, long n) {
    char name[20];
    fct_enroll_result out;
    snprintf(name, sizeof name, "Ada %ld", n);
    int before = count_faces(r->g);
    fct_alloc_fail_at(n);
    fct_status s = fct_enroll(r->g, r->pack, name, fct_image_view(r->im), fct_faces_at(r->faces, 0), NULL, &out, &e);
    bool failed = fct_alloc_has_failed();
    fct_alloc_fail_at(0);
    int stored = count_faces(r->g) - before;
    CHECK_MSG(s == FCT_OK || s == FCT_ERR_NOMEM, "allocation %ld: %d %s", n, (int)s, e.text);
    CHECK_MSG(!s || (!stored && !out.face_id && !out.n_warnings), "allocation %ld: half done", n);
    return failed;
}

/* Every allocation of an enrollment fails once: an error, nothing half done. What stays
 * allocated is the gallery's copy in memory, which was due anyway: another failure adds nothing. */
TEST(memory_runs_out) {
    enroll_rig r = open_rig(NULL);
    look_at(&r, one_face(ADA, 160, 112, 24));
    CHECK(enroll(&r, "Bob", NULL).outcome == FCT_ENROLL_STORED);
    for (long n = 1; n < 1000 && enroll_without_memory(&r, n); n++) {
        int faces = count_faces(r.g);
        long live = fct_alloc_live();
        enroll_without_memory(&r, n);
        if (count_faces(r.g) == faces) CHECK_MSG(fct_alloc_live() == live, "allocation %ld leaks", n);
    }
    CHECK(count_faces(r.g) > 1);
    close_rig(&r);
}

TEST(a_crop_without_a_face) {
    enroll_rig r = open_rig(NULL);
    float v[64];
    uint8_t *jpeg;
    size_t len;
    look_at(&r, disc_photo(112, 112));
    REQUIRE(!fct_image_encode(fct_image_view(r.im), FCT_FILE_JPEG, 90, &jpeg, &len, &e));
    CHECK(fct_embed_crop(r.pack, r.an, jpeg, len, FCT_CROP_UNKNOWN, v, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_embed_crop(r.pack, r.an, "no picture", 10, FCT_CROP_ALIGNED, v, &e) == FCT_ERR_UNSUPPORTED);
    fct_buffer_free(jpeg);
    close_rig(&r);
}

int main(int argc, char **argv) {
    make_folder();
    int code = test_main(argc, argv);
    remove_folder();
    return code;
}
