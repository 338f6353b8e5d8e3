/* Sources and the writer: files made here, damaged ones, folders, a camera-like
 * HTTP server that hangs up again and again. */
#include "test.h"
#include "video/camera_list.h"
#include "video/source_internal.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"
#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#define W 160
#define H 120

/* Frame i: its number as five gray blocks (bits) on a moving gradient. */
static void paint(uint8_t *p, int i) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            uint8_t v = (uint8_t)(60 + (x + 2 * i) % 64);
            if (y < 40) v = i >> (x / 20) & 1 ? 230 : 20;
            memset(p + 3 * (y * W + x), v, 3);
        }
}

static int number_of(fct_view v) {
    int n = 0;
    for (int b = 0; b < 8; b++) n |= (fct_view_row(v, 20)[(b * 20 + 10) * 3] > 128) << b;
    return n;
}

static void make_video(const char *path, int frames) {
    static uint8_t p[W * H * 3];
    fct_writer *w;
    fct_error e;
    fct_status s = fct_writer_open(path, W, H, 25, &w, &e);
    if (s == FCT_ERR_UNSUPPORTED) SKIP("built without video");
    REQUIRE(!s);
    for (int i = 0; i < frames; i++) {
        paint(p, i);
        REQUIRE(!fct_writer_add(w, (fct_view){p, W, H, W * 3, FCT_PIX_RGB}, i / 25.0, &e));
    }
    REQUIRE(!fct_writer_finish(w, &e));
    CHECK(fct_writer_add(w, (fct_view){p, W, H, W * 3, FCT_PIX_RGB}, 99, &e) == FCT_ERR_ARG);
    fct_writer_free(w);
}

/* Reads to the end: number of frames; *last_status is the error before it. */
static int read_all(const char *name, const fct_source_opts *o, fct_status *status, fct_error *e) {
    fct_source *s;
    fct_frame f;
    int n = 0;
    *status = fct_source_open(name, o, &s, e);
    if (*status) return -1;
    while (!(*status = fct_source_next(s, &f, e)) && f.view.data) n++;
    if (*status) CHECK(!fct_source_next(s, &f, NULL) && !f.view.data); /* an error is told once */
    fct_source_free(s);
    return n;
}

TEST(every_frame_of_a_file_in_order) {
    fct_source *s;
    fct_frame f;
    fct_source_info info;
    fct_error e;
    make_video("source_test.mp4", 100);
    long live = fct_alloc_live();
    REQUIRE(!fct_source_open("source_test.mp4", NULL, &s, &e));
    fct_source_get_info(s, &info);
    CHECK(info.width == W && info.height == H && fabs(info.fps - 25) < 0.01 && !info.live && info.frames == 100);
    CHECK(fabs(info.duration - 4) < 0.1 && !strcmp(info.name, "source_test.mp4"));
    for (int i = 0; i < 100; i++) {
        REQUIRE(!fct_source_next(s, &f, &e) && f.view.data);
        if (i == 50) fct_sleep_ms(100); /* a slow consumer misses nothing */
        CHECK_MSG(f.index == i && number_of(f.view) == i && fabs(f.time - i / 25.0) < 1e-3 && !f.dropped,
                  "frame %d: index %d, number %d, time %g", i, (int)f.index, number_of(f.view), f.time);
    }
    CHECK(!fct_source_next(s, &f, &e) && !f.view.data && !fct_source_next(s, &f, &e) && !f.view.data);
    fct_source_free(s);
    REQUIRE(!fct_source_open("source_test.mp4", NULL, &s, &e)); /* freed with frames under way */
    REQUIRE(!fct_source_next(s, &f, &e));
    fct_source_free(s);
    CHECK(fct_alloc_live() == live);
    remove("source_test.mp4");
}

TEST(damaged_files_say_so) {
    uint8_t *data;
    size_t n;
    fct_status st;
    fct_error e;
    make_video("damaged_test.mp4", 100);
    REQUIRE(!fct_file_read("damaged_test.mp4", 1 << 24, &data, &n, &e));
    for (int i = 1; i < 16; i++) { /* the index is at the end: cut files have none */
        REQUIRE(!fct_file_write_atomic("damaged_test.mp4", data, n * (size_t)i / 16, &e));
        CHECK_MSG(read_all("damaged_test.mp4", NULL, &st, &e) < 100 && st == FCT_ERR_FORMAT &&
                      strstr(e.text, "damaged_test.mp4"),
                  "%d/16: %d %s", i, st, e.text);
    }
    int told = 0;
    for (int i = 0; i < 12; i++) { /* noise in the middle */
        uint8_t *copy = malloc(n);
        memcpy(copy, data, n);
        for (size_t k = 0; k < 400; k++) copy[n / 4 + n / 32 * (size_t)i + k] = (uint8_t)(k * 71 + (size_t)i);
        REQUIRE(!fct_file_write_atomic("damaged_test.mp4", copy, n, &e));
        free(copy);
        int got = read_all("damaged_test.mp4", NULL, &st, &e);
        CHECK(st == FCT_OK || st == FCT_ERR_FORMAT || st == FCT_ERR_IO || st == FCT_ERR_UNSUPPORTED);
        told += st != FCT_OK || got == 100;
    }
    CHECK_MSG(told == 12, "only %d of 12 noticed", told);
    REQUIRE(!fct_file_write_atomic("damaged_test.mp4", "not a video, just text\n", 23, &e));
    CHECK(read_all("damaged_test.mp4", NULL, &st, &e) == -1 && st == FCT_ERR_FORMAT);
    CHECK(read_all("no_such_file.mp4", NULL, &st, &e) == -1 && st == FCT_ERR_NOT_FOUND);
    fct_free(data);
    remove("damaged_test.mp4");
}

TEST(held_frames_stay) {
    fct_source *s;
    fct_frame f[3];
    fct_error e;
    long live = fct_alloc_live();
    make_video("held_test.mp4", 20);
    REQUIRE(!fct_source_open("held_test.mp4", NULL, &s, &e) && !fct_source_hold(s, 3, &e));
    for (int i = 0; i < 20; i++) {
        REQUIRE(!fct_source_next(s, &f[i % 3], &e) && f[i % 3].view.data);
        for (int k = i < 2 ? 0 : i - 2; k <= i; k++) CHECK(number_of(f[k % 3].view) == k);
    }
    fct_source_free(s);
    remove("held_test.mp4");
    CHECK(fct_alloc_live() == live);
}

/* A local playlist must not reach the network or other files. */
TEST(playlists_stay_inside) {
    fct_status st;
    fct_error e;
    const char *m3u = "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n";
    make_video("probe_test.mp4", 2);
    REQUIRE(!fct_file_write_atomic("list_test.m3u8", m3u, strlen(m3u), &e));
    CHECK(read_all("list_test.m3u8", NULL, &st, &e) <= 0 && st != FCT_OK && st != FCT_ERR_NETWORK);
    CHECK(read_all("concat:probe_test.mp4|probe_test.mp4", NULL, &st, &e) == -1 && st == FCT_ERR_NOT_FOUND);
    remove("list_test.m3u8");
    remove("probe_test.mp4");
}

TEST(limits_and_options) {
    fct_source_opts o;
    fct_status st;
    fct_error e;
    fct_source_opts_init(&o);
    make_video("limit_test.mp4", 3);
    o.max_pixels = W * H - 1;
    CHECK(read_all("limit_test.mp4", &o, &st, &e) == -1 && st == FCT_ERR_LIMIT);
    o.max_pixels = W * H;
    CHECK(read_all("limit_test.mp4", &o, &st, &e) == 3 && st == FCT_OK);
    o.timeout_ms = 0;
    CHECK(read_all("limit_test.mp4", &o, &st, &e) == -1 && st == FCT_ERR_ARG);
    CHECK(read_all("", NULL, &st, &e) == -1 && st == FCT_ERR_ARG);
    CHECK(read_all("-", NULL, &st, &e) == -1 && st == FCT_ERR_ARG);
    fct_writer *w;
    CHECK(fct_writer_open("no/such/folder/x.mp4", W, H, 25, &w, &e) < 0 && !w);
    CHECK(fct_writer_open("x.mp4", 0, H, 25, &w, &e) == FCT_ERR_ARG && !w);
    remove("limit_test.mp4");
}

/* ---- Pictures ------------------------------------------------------------------------- */

static void write_numbered(const char *format, int from, int n, int w, int h) {
    for (int i = 0; i < n; i++) {
        char path[200];
        fct_image *im;
        REQUIRE(fct_address_numbered(format, from + i, path, sizeof path));
        REQUIRE(!fct_image_create(i == 2 ? w / 2 : w, h, FCT_PIX_RGB, &im, NULL));
        memset(fct_image_pixels(im), 10 * i, (size_t)(fct_image_view(im).stride * h));
        fct_status s = fct_image_write(fct_image_view(im), path, FCT_FILE_AUTO, 0, NULL);
        fct_image_free(im);
        if (s == FCT_ERR_UNSUPPORTED) SKIP("the format of its pictures is off in this build");
        REQUIRE(!s);
    }
}

TEST(folders_and_numbered_pictures) {
    static const char *const names[] = {"frames_test", "frames_test/img_%03d.png"};
    fct_error e;
    fct_status st;
    REQUIRE(!fct_dir_make("frames_test", &e));
    write_numbered("frames_test/img_%03d.png", 1, 12, 40, 30);
    REQUIRE(!fct_file_write_atomic("frames_test/img_000.txt", "x", 1, &e));
    for (int k = 0; k < 2; k++) {
        fct_source *s;
        fct_frame f;
        REQUIRE(!fct_source_open(names[k], NULL, &s, &e));
        for (int i = 0; i < 12; i++) {
            REQUIRE(!fct_source_next(s, &f, &e) && f.view.data);
            CHECK(f.view.data[0] == 10 * i && f.view.width == 40 && f.view.height == 30 && f.index == i);
            CHECK(fabs(f.time - i / 25.0) < 1e-9);
        }
        CHECK(!fct_source_next(s, &f, &e) && !f.view.data);
        fct_source_free(s);
    }
    REQUIRE(!fct_file_write_atomic("frames_test/img_005.png", "damaged", 7, &e));
    CHECK(read_all("frames_test", NULL, &st, &e) == 4 && st < 0 && strstr(e.text, "img_005.png"));
    REQUIRE(!fct_dir_remove("frames_test", &e));
    REQUIRE(!fct_dir_make("frames_test", &e));
    CHECK(read_all("frames_test", NULL, &st, &e) == -1 && st == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_dir_remove("frames_test", &e));
}

/* ---- Addresses --------------------------------------------------------------------------- */

TEST(credentials_are_removed) {
    static const char *const pairs[][2] = {
        {"rtsp://admin:secret@10.0.0.5:554/stream1?token=abc", "rtsp://10.0.0.5:554/stream1"},
        {"rtsp://admin:p@ss/w@cam/x", "rtsp://cam/x"},
        {"http://host/path#frag", "http://host/path"},
        {"http://host?key=1", "http://host"},
        {"https://user@host", "https://host"},
        {"holiday@home.mp4", "holiday@home.mp4"},
        {"/dev/video0", "/dev/video0"}};
    char out[256];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fct_address_redact(pairs[i][0], out, sizeof out);
        CHECK_MSG(!strcmp(out, pairs[i][1]), "%s: %s", pairs[i][0], out);
    }
    fct_address_redact(pairs[0][0], out, 12);
    CHECK(strlen(out) < 12);
}

TEST(kinds_of_addresses) {
    CHECK(fct_address_kind_of("-") == FCT_ADDRESS_RAW && fct_address_kind_of("rtsp://x/y") == FCT_ADDRESS_STREAM);
    CHECK(fct_address_kind_of("/dev/video3") == FCT_ADDRESS_CAMERA &&
          fct_address_kind_of("camera:1") == FCT_ADDRESS_CAMERA);
    CHECK(fct_address_kind_of("x/img%04d.jpg") == FCT_ADDRESS_PATTERN &&
          fct_address_kind_of(".") == FCT_ADDRESS_FOLDER);
    CHECK(fct_address_kind_of("C:\\x.mp4") == FCT_ADDRESS_FILE && fct_address_kind_of("100%.mp4") == FCT_ADDRESS_FILE);
    char out[32];
    CHECK(fct_address_numbered("a%5db", 7, out, sizeof out) && !strcmp(out, "a00007b"));
    CHECK(!fct_address_numbered("a%sb", 7, out, sizeof out) && !fct_address_numbered("%d%d", 7, out, sizeof out));
    CHECK(!fct_address_numbered("%99999999d", 7, out, sizeof out) && !fct_address_numbered("%20d", 7, out, 10));
}

/* ---- A camera that hangs up ------------------------------------------------------------------ */

typedef struct fake_camera {
    int socket, port, connections, frames_each;
    atomic_bool stop;
    fct_thread thread;
} fake_camera;

static void send_all(int fd, const void *p, size_t n) {
    for (const char *c = p; n > 0;) {
        ssize_t k = send(fd, c, n, MSG_NOSIGNAL);
        if (k <= 0) return;
        c += k, n -= (size_t)k;
    }
}

/* Every connection gets some frames of a motion JPEG stream, then is closed. */
static void serve(void *arg) {
    fake_camera *s = arg;
    static uint8_t p[W * H * 3];
    for (int fd; (fd = accept(s->socket, NULL, NULL)) >= 0; close(fd)) {
        char request[2048];
        if (atomic_load(&s->stop)) continue;
        if (recv(fd, request, sizeof request, 0) <= 0) continue;
        s->connections++;
        const char *head = "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";
        send_all(fd, head, strlen(head));
        for (int i = 0; i < s->frames_each && !atomic_load(&s->stop); i++) {
            uint8_t *jpeg;
            size_t n;
            char part[200];
            paint(p, i);
            if (fct_image_encode((fct_view){p, W, H, W * 3, FCT_PIX_RGB}, FCT_FILE_JPEG, 90, &jpeg, &n, NULL)) break;
            snprintf(part, sizeof part, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n", n);
            send_all(fd, part, strlen(part));
            send_all(fd, jpeg, n);
            send_all(fd, "\r\n", 2);
            fct_buffer_free(jpeg);
            fct_sleep_ms(4);
        }
        shutdown(fd, SHUT_WR);
    }
}

static void server_start(fake_camera *s, int frames_each) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    *s = (fake_camera){.frames_each = frames_each};
    s->socket = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(s->socket >= 0 && !bind(s->socket, (struct sockaddr *)&a, sizeof a) && !listen(s->socket, 5));
    REQUIRE(!getsockname(s->socket, (struct sockaddr *)&a, &len));
    s->port = ntohs(a.sin_port);
    REQUIRE(!fct_thread_start(&s->thread, serve, s, NULL));
}

static void server_stop(fake_camera *s) {
    atomic_store(&s->stop, true);
    shutdown(s->socket, SHUT_RDWR);
    close(s->socket);
    fct_thread_join(&s->thread);
}

static bool have_video(void) {
    fct_error e;
    fct_source *s;
    fct_source_open("no_such_file.mp4", NULL, &s, &e);
    return e.code != FCT_ERR_UNSUPPORTED;
}

TEST(ten_cuts_of_a_stream) {
    fake_camera server;
    char url[100];
    fct_source *s;
    fct_frame f;
    fct_source_info info;
    fct_error e;
    if (!have_video()) SKIP("built without video");
    long live = fct_alloc_live();
    server_start(&server, 25);
    snprintf(url, sizeof url, "http://user:secret@127.0.0.1:%d/video", server.port);
    REQUIRE(!fct_source_open(url, NULL, &s, &e));
    int n = 0;
    int64_t last = -1;
    double last_time = -1;
    do {
        REQUIRE(!fct_source_next(s, &f, &e) && f.view.data);
        CHECK(f.index > last && f.time > last_time);
        last = f.index, last_time = f.time, n++;
        fct_source_get_info(s, &info);
        CHECK(!strstr(info.name, "secret") && !strstr(info.name, "user") && info.live);
    } while (info.reconnects < 10 && n < 5000);
    CHECK_MSG(info.reconnects == 10 && n > 50, "%d reconnects, %d frames", info.reconnects, n);
    fct_source_free(s);
    server_stop(&server);
    CHECK(fct_alloc_live() == live);
}

TEST(a_live_source_never_lags) {
    fake_camera server;
    char url[100];
    fct_source *s;
    fct_frame f;
    fct_error e;
    if (!have_video()) SKIP("built without video");
    server_start(&server, 200);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/video", server.port);
    REQUIRE(!fct_source_open(url, NULL, &s, &e));
    for (int64_t i = 0; i < 6; i++) { /* a consumer ten times slower than the camera */
        REQUIRE(!fct_source_next(s, &f, &e) && f.view.data);
        CHECK(f.index == i + f.dropped);
        fct_sleep_ms(60);
    }
    CHECK(f.dropped > 10 && f.index >= f.dropped);
    fct_source_free(s);
    server_stop(&server);
}

TEST(a_lost_stream_is_given_up) {
    fake_camera server;
    char url[100];
    fct_source *s;
    fct_frame f;
    fct_source_opts o;
    fct_error e;
    if (!have_video()) SKIP("built without video");
    fct_source_opts_init(&o);
    o.reconnect = 1;
    server_start(&server, 25);
    snprintf(url, sizeof url, "http://user:secret@127.0.0.1:%d/video", server.port);
    REQUIRE(!fct_source_open(url, &o, &s, &e));
    REQUIRE(!fct_source_next(s, &f, &e));
    server_stop(&server);
    fct_status st;
    while (!(st = fct_source_next(s, &f, &e)) && f.view.data) {}
    CHECK_MSG(st == FCT_ERR_NETWORK && !strstr(e.text, "secret"), "%d %s", st, e.text);
    CHECK(!fct_source_next(s, &f, &e) && !f.view.data);
    fct_source_free(s);
    CHECK(fct_source_open(url, &o, &s, &e) < 0 && !s && !strstr(e.text, "secret"));
}

static void cancel_soon(void *s) {
    fct_sleep_ms(80);
    fct_source_cancel(s);
}

TEST(waiting_can_be_cancelled) {
    fake_camera server;
    char url[100];
    fct_source *s;
    fct_frame f;
    fct_error e;
    fct_thread t;
    fct_status st;
    if (!have_video()) SKIP("built without video");
    server_start(&server, 1000000);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/video", server.port);
    REQUIRE(!fct_source_open(url, NULL, &s, &e));
    REQUIRE(!fct_thread_start(&t, cancel_soon, s, NULL));
    while (!(st = fct_source_next(s, &f, &e))) REQUIRE(f.view.data);
    CHECK(st == FCT_ERR_CANCELLED);
    fct_thread_join(&t);
    fct_source_free(s);
    server_stop(&server);
}

/* What the system's folder of cameras looks like: device 0 delivers pictures, 1 belongs to it and does not. */
static void put_device(const char *folder, const char *device, const char *index, const char *name) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, device);
    REQUIRE(!fct_dir_make(path, NULL));
    snprintf(path, sizeof path, "%s/%s/index", folder, device);
    REQUIRE(!fct_file_write_atomic(path, index, strlen(index), NULL));
    snprintf(path, sizeof path, "%s/%s/name", folder, device);
    REQUIRE(!fct_file_write_atomic(path, name, strlen(name), NULL));
}

TEST(cameras_are_listed) {
    char folder[512];
    fct_camera c[8];
    snprintf(folder, sizeof folder, "%s/cameras", getenv("FCT_TEST_DIR") ? getenv("FCT_TEST_DIR") : ".");
    fct_dir_remove(folder, NULL);
    CHECK(fct_camera_list_in(folder, c, 8) == 0);
    put_device(folder, "video10", "0\n", "Second Camera\n");
    put_device(folder, "video2", "0\n", "First Camera\n");
    put_device(folder, "video3", "1\n", "First Camera\n");
    put_device(folder, "vbi0", "0\n", "no camera\n");
    REQUIRE(fct_camera_list_in(folder, c, 8) == 2);
    CHECK(!strcmp(c[0].address, "/dev/video2") && !strcmp(c[0].name, "First Camera"));
    CHECK(!strcmp(c[1].address, "/dev/video10") && !strcmp(c[1].name, "Second Camera"));
    CHECK(fct_camera_list_in(folder, c, 1) == 1);
    fct_dir_remove(folder, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
