/* The server with memory running out everywhere: each request of a list is answered
 * again and again while its first, second, third ... allocation fails. It gets an answer,
 * a failure that says so or the right one; nothing leaks, and the next request is answered
 * as before. Without the transport: the requests come as http.c hands them over.
 *
 *   server_oom_test MAKE_PACK */
#include "test.h"

#include "../tools/discs.h"
#include "../unit/scratch.h"

#include "base/alloc.h"
#include "server/app.h"
#include "text/base64.h"

#include <math.h>

enum { ALL_UP_TO = 60, STEP = 37, MOST = 4000 };

static const char *make_pack;
static fct_error e;

static int none(void *user) { return 0; }

/* Opens an app without keys over the small pack. */
static void open_app(srv_app *app) {
    char command[2000];
    new_root("server-oom");
    for (int i = 0; i < 4; i++) {
        static const char *const folders[] = {"pack", "other", "blind", "headless"};
        REQUIRE(!fct_dir_make(at(folders[i]), &e));
    }
    snprintf(command, sizeof command, "'%s' '%s'", make_pack, root);
    REQUIRE(system(command) == 0);
    memset(app, 0, sizeof *app);
    srv_core_opts o = {.pack = at("pack"),
                       .gallery = at("gallery.db"),
                       .threads = 1,
                       .batch = 4,
                       .max_pixels = 1000000,
                       .threshold = NAN,
                       .audit = "searches"};
    if (srv_core_open(&o, &app->core, &e)) printf("%s\n", e.text);
    REQUIRE(app->core.infer);
    fct_mutex_init(&app->keys_lock);
    fct_mutex_init(&app->change_lock);
    srv_metrics_init(&app->metrics);
    srv_rate_init(&app->rate, 0, 1);
    srv_rate_init(&app->failures, 1, 20);
    REQUIRE(!srv_idempotency_init(&app->once, &e));
    app->dialects[0] = &srv_facet_dialect;
    app->dialects[1] = &srv_immich_dialect;
    app->dialects[2] = &srv_deepstack_dialect;
    app->dialects[3] = &srv_compreface_dialect;
    app->dialects[4] = &srv_rekognition_dialect;
    app->connections = app->waiting = none;
    static const srv_jobs_calls calls = {.idle_every = 3600}; /* no threads: jobs only wait */
    REQUIRE(!srv_jobs_start(&app->jobs, app, &calls, NULL, true, &e));
}

static void close_app(srv_app *app) {
    srv_jobs_stop(&app->jobs);
    srv_core_close(&app->core);
    srv_idempotency_free(&app->once);
    srv_rate_free(&app->rate);
    srv_rate_free(&app->failures);
    srv_metrics_free(&app->metrics);
    fct_mutex_destroy(&app->keys_lock);
    fct_mutex_destroy(&app->change_lock);
    fct_dir_remove(root, NULL);
}

/* A request; a %s of the body is where a picture goes. At "/", Rekognition's path, type is the operation, and pictures
 * are in base 64. */
typedef struct asked {
    srv_method method;
    const char *path, *type, *body, *picture;
} asked;

#define PERSON "/v1/collections/_default/persons/1"
static const char json[] = "application/json";
static const char form[] = "multipart/form-data; boundary=b";
#define PICTURE(name)    "--b\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"a.png\"\r\n\r\n%s\r\n"
#define TEXT(name, text) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" text "\r\n"

#define COLLECTION "\"CollectionId\":\"_default\""
#define IMAGE      "\"Image\":{\"Bytes\":\"%s\"}"
#define REKOGNITION(name, body, picture)                                                                               \
    { SRV_POST, "/", "RekognitionService." name, "{" body "}", picture }

static const asked list[] = {
    {SRV_GET, "/v1/health", NULL, NULL, NULL},
    {SRV_GET, "/v1/openapi.json", NULL, NULL, NULL},
    {SRV_GET, "/v1/system", NULL, NULL, NULL},
    {SRV_GET, "/v1/models", NULL, NULL, NULL},
    {SRV_GET, "/metrics", NULL, NULL, NULL},
    {SRV_GET, "/v1/none", NULL, NULL, NULL},
    {SRV_POST, "/v1/collections/_default/persons", form, PICTURE("images") TEXT("name", "Ada") "--b--", "ada.png"},
    {SRV_GET, "/v1/collections/_default/persons", NULL, NULL, NULL},
    {SRV_POST, "/v1/collections/_default/persons/1/faces", form, PICTURE("images") "--b--", "ada2.jpg"},
    {SRV_GET, "/v1/collections/_default/persons/1/faces", NULL, NULL, NULL},
    {SRV_GET, "/v1/collections/_default/persons/1/faces/1/image", NULL, NULL, NULL},
    {SRV_PATCH, "/v1/collections/_default/persons/1", "application/json", "{\"name\":\"Ann\"}", NULL},
    {SRV_POST, "/v1/detect", "image/png", "%s", "three.png"},
    {SRV_POST, "/v1/embeddings", form, PICTURE("image") "--b--", "ada.png"},
    {SRV_POST, "/v1/compare", form, PICTURE("source") PICTURE("target") "--b--", "ada.png"},
    {SRV_POST, "/v1/collections/_default/search", form, PICTURE("image") "--b--", "ada2.jpg"},
    {SRV_POST, "/v1/collections/_default/identify", form, PICTURE("image") "--b--", "three.png"},
    {SRV_POST, "/v1/collections/_default/persons/1/verify", form, PICTURE("image") "--b--", "ada2.jpg"},
    {SRV_POST, "/v1/detect", "application/json", "{\"image\":\"bm8gcGljdHVyZQ==\"}", NULL},
    {SRV_POST, "/predict", form, TEXT("entries", "{\"facial-recognition\":{}}") PICTURE("image") "--b--", "ada.png"},
    {SRV_POST, "/v1/vision/face/recognize", form, PICTURE("image") "--b--", "ada.png"},
    {SRV_POST, "/v1/vision/face/register", form, PICTURE("image") TEXT("userid", "Bob") "--b--", "bob.png"},
    {SRV_POST, "/v1/vision/face/list", form, "--b--", NULL},
    {SRV_POST, "/api/v1/recognition/recognize", form, PICTURE("file") "--b--", "ada.png"},
    {SRV_GET, "/api/v1/recognition/faces", NULL, NULL, NULL},
    {SRV_PUT, "/api/v1/recognition/subjects/Bob", NULL, "{\"subject\":\"Bobby\"}", NULL},
    {SRV_POST, "/v1/collections", json, "{\"id\":\"x\",\"metadata\":{\"a\":[1]},\"threshold\":0.5}", NULL},
    {SRV_GET, "/v1/collections", NULL, NULL, NULL},
    {SRV_PATCH, PERSON, json, "{\"external_id\":\"E\",\"metadata\":{\"a\":1},\"consent\":{\"text\":\"x\"}}", NULL},
    {SRV_POST, PERSON "/negatives", form, PICTURE("image") "--b--", "bob.png"},
    {SRV_GET, PERSON "/negatives", NULL, NULL, NULL},
    {SRV_GET, PERSON "/image", NULL, NULL, NULL},
    {SRV_POST, PERSON "/merge", json, "{\"from\":[\"9\"]}", NULL},
    {SRV_POST, PERSON "/split", json, "{\"faces\":[\"2\"],\"name\":\"Part\"}", NULL},
    {SRV_GET, "/v1/collections/_default/scores", NULL, NULL, NULL},
    {SRV_PATCH, "/v1/collections/_default", json, "{\"keep_unknown\":true}", NULL},
    {SRV_POST, "/v1/collections/_default/identify", form, PICTURE("image") TEXT("source", "door") "--b--", "three.png"},
    {SRV_GET, "/v1/collections/_default/unknown", NULL, NULL, NULL},
    {SRV_GET, "/v1/settings", NULL, NULL, NULL},
    {SRV_PATCH, "/v1/settings", json, "{\"removed_days\":3,\"rate\":0}", NULL},
    {SRV_GET, "/v1/audit", NULL, NULL, NULL},
    {SRV_GET, "/v1/audit/check", NULL, NULL, NULL},
    {SRV_GET, "/v1/keys", NULL, NULL, NULL},
    {SRV_POST, "/v1/jobs", json, "{\"kind\":\"duplicates\"}", NULL},
    {SRV_POST, "/v1/collections/_default/batch/enroll", form, PICTURE("images") TEXT("names", "[\"A\"]") "--b--",
     "ada.png"},
    {SRV_GET, "/v1/jobs", NULL, NULL, NULL},
    {SRV_DELETE, PERSON, NULL, NULL, NULL},
    {SRV_GET, "/v1/collections/_default/removed", NULL, NULL, NULL},
    {SRV_POST, "/v1/collections/_default/removed/1/restore", NULL, NULL, NULL},
    {SRV_DELETE, "/v1/collections/_default/persons/1", NULL, NULL, NULL},
    REKOGNITION("IndexFaces", COLLECTION ",\"ExternalImageId\":\"eve\"," IMAGE, "ada.png"),
    REKOGNITION("SearchFacesByImage", COLLECTION ",\"FaceMatchThreshold\":0," IMAGE, "ada2.jpg"),
    REKOGNITION("ListFaces", COLLECTION ",\"MaxResults\":1", NULL),
    REKOGNITION("DetectFaces", IMAGE, "three.png"),
    REKOGNITION("CreateUser", COLLECTION ",\"UserId\":\"user\"", NULL),
    REKOGNITION("AssociateFaces", COLLECTION ",\"UserId\":\"eve\",\"FaceIds\":[\"x\"]", NULL),
    REKOGNITION("ListUsers", COLLECTION, NULL),
    REKOGNITION("ListCollections", "\"MaxResults\":1", NULL),
};

/* Puts a picture into base 64. */
static void encode(uint8_t **picture, size_t *size) {
    size_t n = fct_base64_size(*size);
    char *text = fct_alloc(n);
    REQUIRE(text);
    fct_base64_encode(*picture, *size, text);
    fct_free(*picture);
    *picture = (uint8_t *)text;
    *size = n;
}

/* Fills the request in as http.c does. */
static void make_request(const asked *a, srv_request *r) {
    *r = (srv_request){.method = a->method, .loopback = true, .path = fct_strdup(a->path)};
    strcpy(r->id, "test");
    strcpy(r->peer, "127.0.0.1");
    r->began = fct_time_ns();
    r->deadline = r->began + 60000000000u;
    bool is_aws = strcmp(a->path, "/") == 0;
    if (a->type) srv_pair_add(r->fields, &r->n_fields, is_aws ? "X-Amz-Target" : "Content-Type", a->type);
    srv_pair_add(r->fields, &r->n_fields, "Idempotency-Key", "not-used");
    r->fields[r->n_fields - 1].name[0] = 'X'; /* a field of no meaning */
    uint8_t *picture = NULL;
    size_t size = 0;
    if (a->picture) REQUIRE(!fct_file_read(at(a->picture), 1 << 20, &picture, &size, &e));
    if (a->picture && is_aws) encode(&picture, &size);
    for (const char *p = a->body; p && *p;) {
        const char *here = strstr(p, "%s");
        fct_buf_add(&r->body, p, here ? (size_t)(here - p) : strlen(p));
        if (here) fct_buf_add(&r->body, picture, size);
        p = here ? here + 2 : NULL;
    }
    fct_free(picture);
}

/* Answers it; n: which allocation fails, 0 = none. Returns the status; *failed: it came to that. */
static int answer(srv_app *app, const asked *a, long n, bool *failed) {
    srv_request r;
    srv_reply out = {0};
    make_request(a, &r);
    fct_alloc_fail_at(n);
    if (srv_app_begin(app, &r, &out)) srv_app_handle(app, &r, &out);
    *failed = fct_alloc_has_failed();
    fct_alloc_fail_at(0);
    int status = out.status;
    srv_app_done(app, &r, &out);
    srv_request_free(&r);
    srv_reply_free(&out);
    return status;
}

/* Blocks that a request may leave: what is made at the first use and kept (analyzers, plans, the index). Only what
 * grows with every failure is a leak. */
TEST(every_request_with_every_allocation_failing) {
    srv_app app;
    open_app(&app);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        bool failed = true;
        int wanted = list[i].method == SRV_GET || list[i].picture ? answer(&app, &list[i], 0, &failed) : 0;
        failed = true;
        for (long n = 1; failed && n < MOST; n += n < ALL_UP_TO ? 1 : STEP) {
            int status = answer(&app, &list[i], n, &failed);
            CHECK_MSG(status >= 200 && status < 600, "%s, allocation %ld: status %d", list[i].path, n, status);
            if (status == wanted || status >= 400 || wanted == 0) continue;
            CHECK_MSG(status / 100 == 2, "%s, allocation %ld: %d instead of %d", list[i].path, n, status, wanted);
        }
        CHECK_MSG(!failed || wanted == 0, "%s: more than %d allocations", list[i].path, MOST);
    }
    /* After all that, the same requests over and over leave nothing behind. */
    static const size_t again[] = {0, 2, 7, 12, 13, 16, 18, 23};
    for (size_t k = 0; k < sizeof again / sizeof *again; k++) {
        bool failed;
        const asked *a = &list[again[k]];
        for (int i = 0; i < 3; i++) answer(&app, a, 0, &failed);
        long live = fct_alloc_live();
        for (int i = 0; i < 10; i++) CHECK(answer(&app, a, 0, &failed) == answer(&app, a, 0, &failed));
        for (long n = 1; n < 40; n++) answer(&app, a, n, &failed);
        CHECK_MSG(fct_alloc_live() <= live + 2, "%s: %ld blocks more", a->path, fct_alloc_live() - live);
    }
    close_app(&app);
}

/* A photo of one person as JPEG; *jpeg is owned: fct_buffer_free(). */
static void make_photo(int radius, uint8_t **jpeg, size_t *size) {
    fct_image *photo = disc_photo(1000, 960);
    disc_draw(photo, 520, 460, radius, ADA, false);
    REQUIRE(!fct_image_encode(fct_image_view(photo), FCT_FILE_JPEG, 95, jpeg, size, &e));
    fct_image_free(photo);
}

/* Faces of a photo that is decoded at half its size are those of the whole, in its pixels; where they are too small for
 * that they are taken from the whole. */
TEST(large_pictures_are_decoded_smaller) {
    srv_app app;
    open_app(&app);
    static const struct {
        int radius, width; /* of the disc; of the picture that is looked at in the end */
    } cases[] = {{75, 1000}, {180, 500}};
    for (int i = 0; i < 2; i++) {
        uint8_t *jpeg;
        size_t size;
        srv_seen whole, small;
        srv_look look = {.tasks = FCT_TASK_EMBED, .det_thresh = 0.5f, .deadline = UINT64_MAX};
        make_photo(cases[i].radius, &jpeg, &size);
        REQUIRE(!srv_core_look(&app.core, jpeg, size, "whole", &look, &whole, &e));
        look.reduce = true;
        REQUIRE(!srv_core_look(&app.core, jpeg, size, "small", &look, &small, &e));
        const fct_face *a = srv_largest(whole.faces), *b = srv_largest(small.faces);
        REQUIRE(a && b);
        fct_face here = srv_seen_face(&small, b);
        for (int k = 0; k < 4; k++) {
            CHECK_MSG(fabsf(a->box[k] - b->box[k]) < 6, "%g, %g", (double)a->box[k], (double)b->box[k]);
            CHECK(fabsf(here.box[k] * 1000 / (float)cases[i].width - b->box[k]) < 1);
        }
        CHECK_MSG(fct_cosine(a->embedding, b->embedding, a->embedding_dim) > 0.99f, "radius %d", cases[i].radius);
        CHECK_MSG(fct_image_view(small.image).width == cases[i].width, "%d", fct_image_view(small.image).width);
        CHECK(small.width == 1000 && small.height == 960 && whole.width == 1000 && whole.height == 960);
        srv_seen_free(&whole);
        srv_seen_free(&small);
        bool failed = true;
        for (long n = 1; failed && n < MOST; n += n < ALL_UP_TO ? 1 : STEP) {
            fct_alloc_fail_at(n);
            srv_core_look(&app.core, jpeg, size, "small", &look, &small, &e);
            failed = fct_alloc_has_failed();
            fct_alloc_fail_at(0);
            srv_seen_free(&small);
        }
        fct_buffer_free(jpeg);
    }
    close_app(&app);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    make_pack = argv[1];
    return test_main(1, argv);
}
