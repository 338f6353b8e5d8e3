/* facet camera: who is in front of a camera, live. */
#include "watch/enroll_live.h"
#include "watch/watch.h"
#include "watch/window.h"

#include "base/file.h"

#include <string.h>

typedef struct live {
    cli_watch watch;
    cli_window *window; /* NULL = in the terminal, or no frame yet */
    bool windowed;
    cli_enroll enroll;
    fct_image *shown; /* the same, drawn; the watch's */
    fct_image *copy;  /* the same with the caption */
    bool paused;
    double rate; /* frames per second, smoothed */
    uint64_t last;
    uint64_t file_start; /* of a file: the moment at which its time was 0 */
} live;

/* Smooths the rate over about ten frames, so that the number in the window can be read. */
static void measure_rate(live *l) {
    uint64_t now = fct_time_ns();
    if (l->last) {
        double r = 1e9 / (double)(now - l->last + 1);
        l->rate = l->rate > 0 ? 0.9 * l->rate + 0.1 * r : r;
    }
    l->last = now;
}

/* The line over the picture: what the enrollment asks for, else rate, delay and keys. */
static void caption(live *l, char *out, size_t cap) {
    const char *prompt = cli_enroll_prompt(&l->enroll);
    if (prompt) snprintf(out, cap, "%s", prompt);
    else
        snprintf(out, cap, "%.0f fps  %.0f ms   E enroll  S save  B blur  Space %s  Q quit", l->rate,
                 l->watch.latency_ms, l->paused ? "go on" : "pause");
}

/* Draws the caption on a copy, since the picture itself may be saved. */
static void show(live *l) {
    char text[256];
    if (!l->window || !l->shown || cli_picture_copy(fct_image_view(l->shown), &l->copy, NULL)) return;
    fct_view v = fct_image_view(l->copy);
    float h = (float)(v.width > v.height ? v.width : v.height) / 50;
    caption(l, text, sizeof text);
    fct_draw_fill(l->copy, 0, 0, fct_draw_text(NULL, 0, 0, h, text, 0) + h, h * 1.5f, 0x50000000u);
    fct_draw_text(l->copy, h / 2, h / 4, h, text, 0xFFFFFF);
    cli_window_show(l->window, fct_image_view(l->copy));
}

static void save_picture(live *l) {
    char name[64];
    fct_error e;
    fct_file_stat st;
    if (!l->shown) return;
    long long now = (long long)fct_time_unix();
    snprintf(name, sizeof name, "facet-%lld.jpg", now);
    fct_file_get_stat(name, &st);
    for (int i = 2; st.exists && i < 1000; i++) { /* several in one second */
        snprintf(name, sizeof name, "facet-%lld-%d.jpg", now, i);
        fct_file_get_stat(name, &st);
    }
    if (fct_image_write(fct_image_view(l->shown), name, FCT_FILE_JPEG, 92, &e)) cli_fail(&e);
    else cli_note("saved %s", name);
}

/* Turns blurring on or off at once, also in the picture that is shown, since it may be saved next. */
static void switch_blur(live *l) {
    l->watch.blur.all = !l->watch.blur.all;
    cli_watch_redraw(&l->watch);
}

/* Obeys a key. Returns whether to quit. */
static bool take_keys(live *l) {
    cli_keys k;
    if (!l->window) return false;
    cli_window_poll(l->window, &k);
    if (k.quit) return true;
    for (const char *c = k.text; *c; c++) {
        if (l->enroll.state != ENROLL_OFF) {
            cli_enroll_keys(&l->enroll, c);
            return false;
        }
        if (*c == '\033') return true;
        switch (*c | 32) {
        case 'q':
            return true;
        case ' ':
            l->paused = !l->paused;
            break;
        case 's':
            save_picture(l);
            break;
        case 'b':
            switch_blur(l);
            break;
        case 'e':
            if (l->watch.gallery) cli_enroll_start(&l->enroll);
            break;
        default:
            break;
        }
    }
    return false;
}

/* The window is as large as the first frame. */
static void show_first(live *l) {
    fct_error e;
    fct_view v = fct_image_view(l->shown);
    if (l->windowed && !l->window && cli_window_open("facet camera", v.width, v.height, &l->window, &e)) {
        cli_note("%s; lines in the terminal instead", e.text);
        l->windowed = false;
    }
}

/* Waits until a frame is due, so that a file is shown in its own time. Where the machine is slower than the file,
 * and after a pause, time starts anew from that frame. */
static void keep_pace(live *l, double time) {
    uint64_t now = fct_time_ns(), due = l->file_start + (uint64_t)(time * 1e9);
    if (l->watch.info.live) return;
    if (!l->file_start || now > due + 500000000u) l->file_start = now - (uint64_t)(time * 1e9);
    else if (due > now) fct_sleep_ms((int)((due - now) / 1000000u));
}

/* One frame from the source to the window, and whatever the keys asked for in between. */
static int step(live *l, bool *ended) {
    fct_frame frame;
    fct_image *drawn;
    int code = cli_watch_step(&l->watch, l->windowed, &frame, &drawn, ended);
    if (code || *ended) return code;
    keep_pace(l, frame.time);
    measure_rate(l);
    code = cli_enroll_frame(&l->enroll, &l->watch, frame.view);
    if (drawn) {
        l->shown = drawn;
        show_first(l);
        show(l);
    }
    return code;
}

static int list_cameras(void) {
    fct_camera cameras[32];
    fct_error e;
    int n = fct_camera_list(cameras, 32);
    if (!n && fct_video_available(&e)) cli_note("no camera was found; %s", e.text);
    else if (!n) cli_note("no camera was found");
    for (int i = 0; i < n; i++) cli_print("%-14s %s\n", cameras[i].address, cameras[i].name);
    return n ? CLI_DONE : CLI_NONE;
}

/* Runs until the camera ends, the window is closed, a key or Ctrl-C says so. What is closed last may still
 * fail: its code counts when it is worse. */
static int run_camera(cli_args *a) {
    if (a->set.list) return list_cameras();
    live l = {0};
    bool ended = false;
    cli_catch_interrupt();
    int code = cli_watch_open(&l.watch, &a->set, a->n_words ? a->words[0] : "camera:0", !a->set.terminal), last;
    l.windowed = !a->set.terminal;
    if (!code) {
        l.watch.keep_visits = a->set.sheet != NULL; /* a camera may run for months */
        while (!code && !ended && !cli_interrupted() && !take_keys(&l)) {
            if (l.paused) {
                fct_sleep_ms(20);
                show(&l);
                continue;
            }
            code = step(&l, &ended);
            if (a->set.stop_after > 0 && l.watch.duration >= a->set.stop_after) break;
        }
        last = cli_watch_finish(&l.watch);
        if (last > code) code = last;
        cli_watch_report_speed(&l.watch);
    }
    cli_enroll_free(&l.enroll);
    cli_window_close(l.window);
    fct_image_free(l.copy);
    last = cli_watch_close(&l.watch);
    return last > code ? last : code;
}

const cli_command cmd_camera = {
    .name = "camera",
    .synopsis = "[SOURCE]",
    .summary = "tell who is in front of a camera, live",
    .description =
        "Shows the picture of a camera with boxes and names, and prints a line when a face appears, is recognized and "
        "has "
        "left. Without a display, or with --terminal, only the lines.\n\n"
        "SOURCE is camera:0 (the default), the name of a camera (\"camera:Integrated Webcam\"), /dev/video1, "
        "rtsp://user:password@host/path, http://..., or anything 'facet "
        "video' takes; --list names the cameras. The newest frame is always the one that is shown; a stream that is "
        "lost is opened again. A file plays in its own time.\n\n"
        "Keys: E enrolls the face in front (type the name, press Enter, follow the hints), S saves the picture, B "
        "blurs "
        "all faces, Space pauses, Q quits.",
    .options = {CLI_PACK_OPTIONS, CLI_VIDEO_OPTIONS, CLI_OPT(OPT_TERMINAL), CLI_OPT(OPT_LIST)},
    .examples = "facet camera\n"
                "facet camera --frame-size 1280x720 --record today.mp4 /dev/video1\n"
                "A camera at the door, watched for months; pictures stay for a week\n"
                "facet camera --terminal --json --snapshot-dir faces/ --keep-days 7 rtsp://10.0.0.5/stream1",
    .min_words = 0,
    .max_words = 1,
    .run = run_camera,
};
