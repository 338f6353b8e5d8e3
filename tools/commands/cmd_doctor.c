/* facet doctor: is all well with machine, packs and gallery? */
#include "photos/engine.h"
#include "shell/json.h"
#include "watch/window.h"

#include "base/alloc.h"
#include "base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How far outputs may differ from those of the portable operators, relative to their length: fast arithmetic stores
 * some weights in fp16. */
#define TOLERANCE 0.02

typedef struct doctor {
    const cli_settings *set;
    fct_json_writer *json; /* NULL = for people */
    int faults;
} doctor;

/* One line of the report. */
static void report(doctor *d, const char *what, bool good, const char *text) {
    if (!good) d->faults++;
    if (!d->json) {
        cli_print_styled(good ? STYLE_GOOD : STYLE_BAD, good ? "ok  " : "BAD ");
        cli_print(" %-10s %s\n", what, text);
        return;
    }
    fct_json_object(d->json, NULL);
    fct_json_text(d->json, "what", what);
    fct_json_bool(d->json, "ok", good);
    fct_json_text(d->json, "text", text);
    fct_json_close_object(d->json);
}

static void check_machine(doctor *d) {
    fct_cpu_info c;
    char text[600];
    fct_cpu(&c);
    snprintf(text, sizeof text, "%s%s%s", c.brand, *c.brand ? ", " : "", c.arch);
    report(d, "processor", true, text);
    snprintf(text, sizeof text, "%s: %s", c.level, c.level_why);
    report(d, "kernels", true, text);
    int n = snprintf(text, sizeof text, "%d in use; %d CPUs online, affinity %d", fct_threads(), c.cpus_online,
                     c.cpus_affinity);
    if (c.cpus_cgroup > 0) snprintf(text + n, sizeof text - (size_t)n, ", control group %.2f", c.cpus_cgroup);
    report(d, "threads", true, text);
}

/* Reports the libraries that are loaded when they are needed. One that is missing is no fault, since all else works. */
static void check_libraries(doctor *d) {
    fct_error e;
    report(d, "video", true, fct_video_available(&e) ? e.text : "FFmpeg can be loaded");
    report(d, "window", true, cli_window_available(&e) ? e.text : "SDL2 can be loaded");
}

/* ---- Self-test -------------------------------------------------------------------------- */

typedef struct doctor_outputs {
    int n;
    float *data[32];
    int64_t count[32];
} doctor_outputs;

static void free_outputs(doctor_outputs *o) {
    for (int i = 0; i < o->n; i++) free(o->data[i]);
}

/* A smooth picture, the same everywhere. */
static void fill_input(float *x, int64_t h, int64_t w, double mean, double std) {
    for (int64_t c = 0; c < 3; c++)
        for (int64_t i = 0; i < h * w; i++) {
            double v = 127.5 + 80 * sin((double)(i % w) * 0.09 + (double)c) + 40 * cos((double)(i / w) * 0.07);
            x[c * h * w + i] = (float)((v - mean) / std);
        }
}

/* Runs the network in a session of its own and keeps copies of its outputs. */
static fct_status run_once(const fct_model *m, fct_tensor *in, doctor_outputs *out, fct_error *e) {
    fct_session *session;
    fct_tensor t[32];
    int n = fct_model_output_count(m);
    fct_status s = fct_session_create(m, &session, e);
    if (!s && n <= 32) s = fct_session_run(session, in, 1, t, n, e);
    for (int i = 0; i < n && i < 32 && !s; i++) {
        out->count[i] = 1;
        for (int k = 0; k < t[i].rank; k++) out->count[i] *= t[i].dims[k];
        out->data[i] = cli_alloc((size_t)out->count[i] + 1, sizeof(float));
        memcpy(out->data[i], t[i].data, (size_t)out->count[i] * sizeof(float));
        out->n++;
    }
    fct_session_free(session);
    return s;
}

/* Largest relative distance of an output; NAN or infinite where it is not finite. */
static double distance(const doctor_outputs *a, const doctor_outputs *b) {
    double worst = a->n == b->n && a->n > 0 ? 0 : INFINITY;
    for (int i = 0; i < a->n && i < b->n; i++) {
        double diff = 0, sum = 0;
        if (a->count[i] != b->count[i]) return INFINITY;
        for (int64_t k = 0; k < a->count[i]; k++) {
            double x = (double)a->data[i][k], y = (double)b->data[i][k];
            diff += (x - y) * (x - y);
            sum += y * y;
        }
        double r = sqrt(diff) / (sqrt(sum) + 1e-6);
        if (!(r <= worst)) worst = r;
    }
    return worst;
}

/* Compares the network as the pack loaded it with the same one in portable C. */
static fct_status self_test(const fct_model *fast, const fct_model *judge, const fct_pack_file *f, double *error,
                            fct_error *e) {
    int h = f->input_height ? f->input_height : 160, w = f->input_width ? f->input_width : 160;
    float *x = cli_alloc((size_t)h * (size_t)w * 3, sizeof *x);
    fill_input(x, h, w, f->mean, f->std);
    fct_tensor in = {x, 4, {1, 3, h, w}};
    doctor_outputs a = {.n = 0}, b = {.n = 0};
    fct_status s = run_once(fast, &in, &a, e);
    if (!s) s = run_once(judge, &in, &b, e);
    *error = s ? 0 : distance(&a, &b);
    free_outputs(&a);
    free_outputs(&b);
    free(x);
    return s;
}

/* ---- Packs ------------------------------------------------------------------------------------ */

/* Describes a file of the pack and compares what it computes with the same network in portable C. */
static void check_file(doctor *d, const fct_pack *p, const fct_pack *judge, const fct_pack_file *f) {
    char text[700], size[48] = "any size";
    double error = 0;
    fct_error e;
    fct_file_stat fs;
    if (!f->task) {
        snprintf(text, sizeof text, "%s is not used: %s", fct_path_base(f->path), f->note);
        report(d, "file", true, text);
        return;
    }
    fct_file_get_stat(f->path, &fs);
    if (f->input_width) snprintf(size, sizeof size, "%dx%d", f->input_width, f->input_height);
    int n = snprintf(text, sizeof text, "%s, ", fct_path_base(f->path));
    if (fs.is_file) n += snprintf(text + n, sizeof text - (size_t)n, "%.1f MB, ", (double)fs.size / 1e6);
    n += snprintf(text + n, sizeof text - (size_t)n, "%s, %s, %s; ", f->id, fct_task_name((fct_task)f->task), size);
    fct_task task = (fct_task)f->task;
    fct_status s = self_test(fct_pack_model(p, task), fct_pack_model(judge, task), f, &error, &e);
    if (s) snprintf(text + n, sizeof text - (size_t)n, "self-test: %s", e.text);
    else snprintf(text + n, sizeof text - (size_t)n, "self-test: %.1e off the portable operators", error);
    report(d, "file", !s && error <= TOLERANCE, text);
}

static void check_hashes(doctor *d, const char *name) {
    fct_store_file *files;
    fct_error e;
    char text[600];
    int n, bad = 0, unknown = 0;
    if (fct_store_verify(name, NULL, &files, &n, &e)) return; /* a folder that is not in the store */
    for (int i = 0; i < n; i++) {
        bad += files[i].state >= FCT_STORE_DIFFERS;
        unknown += files[i].state == FCT_STORE_UNKNOWN;
    }
    snprintf(text, sizeof text, "%d files: %d differ or are missing, %d without a hash to compare with", n, bad,
             unknown);
    report(d, "hashes", bad == 0, text);
    fct_buffer_free(files);
}

/* Opens the pack twice, as the user would and with the reference operators, to compare the two. */
static void check_pack(doctor *d) {
    fct_pack *p, *judge = NULL;
    fct_pack_opts o;
    fct_error e;
    char text[600];
    fct_pack_opts_init(&o);
    fct_status s = fct_pack_open(d->set->models, &o, &p, &e);
    o.precision = FCT_PRECISION_REFERENCE;
    if (!s) s = fct_pack_open(d->set->models, &o, &judge, &e);
    if (s) {
        report(d, "pack", false, e.text);
        fct_pack_free(p);
        return;
    }
    snprintf(text, sizeof text, "%s, %d files, threshold %.2f", fct_pack_name(p), fct_pack_file_count(p),
             (double)fct_pack_threshold(p));
    report(d, "pack", true, text);
    for (int i = 0; i < fct_pack_file_count(p); i++) {
        fct_pack_file f;
        if (!fct_pack_file_info(p, i, &f, &e)) check_file(d, p, judge, &f);
    }
    if (!d->set->models || !strpbrk(d->set->models, "/\\")) check_hashes(d, fct_pack_name(p));
    fct_pack_free(judge);
    fct_pack_free(p);
}

/* ---- Cache ------------------------------------------------------------------------------------ */

static void check_cache(doctor *d) {
    fct_cache_info c;
    char text[600], *dir = cli_cache_dir(d->set);
    fct_cache_stat(dir, &c);
    if (dir)
        snprintf(text, sizeof text, "%s: %d files, %.1f of at most %.0f MB", dir, c.files, (double)c.bytes / 1e6,
                 (double)c.max_bytes / 1e6);
    else snprintf(text, sizeof text, "off");
    report(d, "cache", true, text);
    fct_free(dir);
}

/* ---- Gallery ------------------------------------------------------------------------------------- */

/* A gallery that does not exist yet is no fault. */
static void check_gallery(doctor *d) {
    char path[4096] = "", text[5000];
    fct_gallery *g = NULL;
    fct_gallery_opts o;
    fct_gallery_info info;
    fct_error e;
    fct_file_stat fs = {.exists = true};
    if (d->set->gallery) snprintf(path, sizeof path, "%s", d->set->gallery);
    else if (fct_gallery_default_path(path, sizeof path, &e)) {
        report(d, "gallery", true, "none");
        return;
    }
    if (!fct_gallery_is_address(path)) fct_file_get_stat(path, &fs);
    if (!fs.exists && !d->set->gallery) {
        report(d, "gallery", true, "none yet");
        return;
    }
    fct_gallery_opts_init(&o);
    o.read_only = o.must_exist = true;
    bool good = !fct_gallery_open(path, &o, &g, &e) && !fct_gallery_check(g, &e) && !fct_gallery_stat(g, &info, &e);
    if (good) snprintf(text, sizeof text, "%s: %d people, %d faces", info.path, info.people, info.faces);
    else snprintf(text, sizeof text, "%s", e.text);
    report(d, "gallery", good, text);
    fct_gallery_free(g);
}

static int run_doctor(cli_args *a) {
    fct_json_writer j;
    doctor d = {.set = &a->set, .json = a->set.json ? &j : NULL};
    if (d.json) {
        cli_json_line(&j, stdout);
        fct_json_array(&j, "checks");
    }
    check_machine(&d);
    check_libraries(&d);
    check_pack(&d);
    check_cache(&d);
    check_gallery(&d);
    if (d.json) {
        fct_json_close_array(&j);
        fct_json_int(&j, "faults", d.faults);
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
    return d.faults ? CLI_INPUT : CLI_DONE;
}

const cli_command cmd_doctor = {
    .name = "doctor",
    .synopsis = "",
    .summary = "check that machine, networks and gallery are in order",
    .description =
        "What was found of the processor, its limits and the threads, and why the kernel level was chosen; whether the "
        "libraries for videos and windows can be loaded; each file of "
        "the pack with its size, identity, task and input, and a self-test that runs it on a built-in picture and "
        "compares the result with that of the portable operators (half a minute for large networks); the hashes of an "
        "installed pack; the gallery's integrity. "
        "Exit code 3 when something is wrong.",
    .options = {CLI_COMMON_OPTIONS, CLI_OPT(OPT_MODELS), CLI_GALLERY_OPTIONS, CLI_OPT(OPT_THREADS)},
    .examples = "facet doctor\n"
                "facet doctor --models buffalo_l --json",
    .run = run_doctor,
};
