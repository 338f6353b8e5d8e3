/* A training run: everything is opened and checked before the first step, then the loop takes a batch from the
 * loader, makes one step of it, and now and then reports, evaluates and saves. All that a step changes is in the
 * state, which the checkpoint holds; a run that was stopped goes on from there as if it had not been. */
#include "train/train.h"
#include "train/checkpoint.h"
#include "train/curves.h"
#include "train/export.h"
#include "train/loader.h"
#include "train/runlog.h"
#include "train/teacher.h"
#include "base/alloc.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/file.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { EVAL_BATCH = 64 };

typedef struct run {
    const fct_recipe *r;
    fct_train_hooks hooks;
    fct_net_spec spec;
    fct_net *net, *eval_net;
    fct_dataset *data, *eval_data;
    fct_teacher teacher;
    fct_teacher_net *teacher_net; /* NULL: its embeddings come from a file */
    fct_pairs pairs;
    fct_loader *loader;
    fct_margin *margin;
    fct_train_state state;
    fct_optim optim;
    long margin_start; /* step from which the margin loss is on */
    int frozen_below;
    float *unit, *norm, *target, *grad, *grads, *center_grads;
    float *like_pictures, *like_classes; /* what fct_margin_like points to; NULL where "alike" is off */
    bool *used;
    char *checkpoint;
    /* since the last report */
    fct_train_progress sum;
    long summed;
    uint64_t since;
} run;

/* Tells the caller a line for people. */
static void note(const run *t, const char *format, ...) FCT_PRINTF(2, 3);
static void note(const run *t, const char *format, ...) {
    char text[600];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (t->hooks.note) t->hooks.note(t->hooks.user, text);
}

/* ---- Opening ------------------------------------------------------------------- */

/* Says how far the teacher is; false = the caller wants to stop. */
static bool teacher_progress(void *user, size_t done) {
    run *t = user;
    if (done % 2048 == 0) note(t, "teacher: %zu of %zu pictures", done, t->data->n);
    return !t->hooks.stop || !t->hooks.stop(t->hooks.user);
}

/* Gets the teacher's embeddings from a file, or computes them by the network and keeps them in the folder out. */
static fct_status open_teacher(run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    fct_file_stat fs;
    size_t bad = 0, unread = 0;
    if (strcmp(fct_path_ext(r->teacher), "onnx")) {
        if (r->teacher_view > 0)
            return fct_fail(err, FCT_ERR_ARG,
                            "teacher_view needs the teacher's network: \"teacher\" must be an .onnx file");
        fct_status s = fct_teacher_read(r->teacher, t->data, &t->teacher, &bad, err);
        if (bad) note(t, "%zu teacher embeddings are not finite: left out", bad);
        return s;
    }
    char *kept = fct_path_join(r->out, r->teacher_shifts ? "teacher-shifts.fct" : "teacher.fct");
    if (!kept) return fct_fail_nomem(err, "path", 0);
    fct_file_get_stat(kept, &fs);
    fct_status s = FCT_OK;
    if (!fs.exists || r->teacher_view > 0) s = fct_teacher_net_open(r->teacher, r->teacher_raw, &t->teacher_net, err);
    if (!s)
        s = fs.exists ? fct_teacher_read(kept, t->data, &t->teacher, &bad, err)
                      : fct_teacher_compute(t->teacher_net, t->data, r->teacher_shifts, teacher_progress, t,
                                            &t->teacher, &unread, err);
    if (!s && !fs.exists) s = fct_teacher_write(kept, &t->teacher, err);
    if (unread) note(t, "%zu pictures could not be read for the teacher", unread);
    fct_free(kept);
    return s;
}

/* Checks what the settings alone tell, before anything is read or written. */
static fct_status check_settings(const fct_recipe *r, fct_error *err) {
    bool distilling = r->teacher && (r->distill.cosine > 0 || r->distill.gram > 0);
    if (!r->data) return fct_fail(err, FCT_ERR_ARG, "no training data: set \"data\"");
    if (!distilling && !(r->margin_weight > 0))
        return fct_fail(err, FCT_ERR_ARG, "no loss: set \"teacher\" and distill_*, or \"margin_weight\"");
    if (!distilling && r->margin_from > 0) return fct_fail(err, FCT_ERR_ARG, "margin_from needs a teacher until then");
    if (r->margin_weight > 0 && r->margin.m1 > 1 &&
        r->margin.branch == FCT_MARGIN_LINEAR) /* beyond pi / m1 no margin is left */
        return fct_fail(err, FCT_ERR_ARG, "m1 above 1 needs margin_branch = monotonic");
    if (r->mix > 0 && !(r->teacher_view > 0)) return fct_fail(err, FCT_ERR_ARG, "mix needs teacher_view");
    if (r->margin.alike < 1 && (!r->teacher || !(r->margin_weight > 0)))
        return fct_fail(err, FCT_ERR_ARG, "alike needs a teacher and margin_weight");
    if (r->grow && !r->init) return fct_fail(err, FCT_ERR_ARG, "grow needs a network to grow: set \"init\"");
    return FCT_OK;
}

/* Opens the pictures to train on, the teacher's embeddings of them, and what to evaluate on. */
static fct_status open_data(run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    fct_status s = fct_dataset_open(r->data, r->min_images, &t->data, err);
    if (s) return s;
    note(t, "%s: %zu pictures, %d identities with %d pictures or more", r->data, t->data->n, t->data->classes,
         r->min_images);
    if (t->data->missing) note(t, "%zu pictures of the index are missing: left out", t->data->missing);
    if (t->data->empty) note(t, "%zu identities have no picture: left out", t->data->empty);
    if (t->data->skipped_shards) note(t, "%d shards break off: what follows is left out", t->data->skipped_shards);
    if (r->single_classes) fct_dataset_single_classes(t->data);
    s = fct_dir_make(r->out, err);
    if (!s && r->teacher) s = open_teacher(t, err);
    if (!s && r->eval_data) s = fct_dataset_open(r->eval_data, 1, &t->eval_data, err);
    if (!s && r->eval_data && r->eval_pairs) s = fct_pairs_read(r->eval_pairs, t->eval_data, &t->pairs, err);
    return s;
}

/* Checks what can be told only after network and data are open: whether they fit together. */
static fct_status check(const run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    if (t->spec.channels != 3) return fct_fail(err, FCT_ERR_ARG, "the network must take 3 channels");
    if (t->teacher.rows && t->teacher.dim != t->spec.dim)
        return fct_fail(err, FCT_ERR_MISMATCH, "the teacher has %d dimensions, the network %d", t->teacher.dim,
                        t->spec.dim);
    if (r->teacher_view > 0 && t->teacher_net && fct_teacher_net_size(t->teacher_net) != t->spec.size)
        return fct_fail(err, FCT_ERR_MISMATCH, "teacher_view: the teacher takes %d pixels, the network %d",
                        fct_teacher_net_size(t->teacher_net), t->spec.size);
    if (r->margin_weight > 0 && t->data->classes < 2)
        return fct_fail(err, FCT_ERR_ARG, "%s: a margin loss needs two identities or more", r->data);
    return FCT_OK;
}

/* Scales n rows of dim to unit length. */
static void unit_rows(size_t n, int dim, float *rows) {
    float norm;
    for (size_t i = 0; i < n; i++) fct_unit_rows(1, dim, dim, rows + i * dim, rows + i * dim, &norm);
}

/* Allocates what tells pictures and classes that may show one person, and fills in the classes. */
static fct_status allocate_like(run *t, fct_error *err) {
    size_t classes = (size_t)t->data->classes * t->spec.dim, pictures = (size_t)t->r->batch * fct_pad(t->spec.dim);
    t->like_pictures = fct_aligned_alloc(pictures * sizeof(float));
    t->like_classes = fct_aligned_alloc(classes * sizeof(float));
    if (!t->like_pictures || !t->like_classes) return fct_fail_nomem(err, "training", classes * sizeof(float));
    memset(t->like_pictures, 0, pictures * sizeof(float));
    memset(t->like_classes, 0, classes * sizeof(float));
    fct_teacher_add_classes(&t->teacher, t->data, t->like_classes);
    unit_rows((size_t)t->data->classes, t->spec.dim, t->like_classes);
    return FCT_OK;
}

/* Allocates the memory of a step. Rows are padded to whole vectors; the padding of the target stays zero. */
static fct_status allocate(run *t, fct_error *err) {
    size_t n = (size_t)t->r->batch, ld = (size_t)fct_pad(t->spec.dim);
    t->unit = fct_aligned_alloc(n * ld * sizeof(float));
    t->target = fct_aligned_alloc(n * ld * sizeof(float));
    t->grad = fct_aligned_alloc(n * ld * sizeof(float));
    t->norm = fct_aligned_alloc(n * sizeof(float));
    t->grads = fct_aligned_alloc(t->spec.n_params * sizeof(float));
    t->center_grads = fct_aligned_alloc((t->state.n_centers + 1) * sizeof(float));
    t->used = fct_calloc(n, sizeof *t->used);
    if (!t->unit || !t->target || !t->grad || !t->norm || !t->grads || !t->center_grads || !t->used)
        return fct_fail_nomem(err, "training", 0);
    memset(t->target, 0, n * ld * sizeof(float));
    return t->r->margin.alike < 1 ? allocate_like(t, err) : FCT_OK;
}

static void on_bad(void *user, const char *text) { note(user, "left out: %s", text); }

/* Takes weights and step from the checkpoint where there is one, else draws the weights. */
static fct_status open_state(run *t, fct_error *err) {
    fct_file_stat fs;
    size_t centers = t->r->margin_weight > 0 ? (size_t)t->data->classes * t->r->margin.subcenters * t->spec.dim : 0;
    fct_status s = fct_train_state_create(&t->spec, centers, &t->state, err);
    if (s) return s;
    fct_file_get_stat(t->checkpoint, &fs);
    if (fs.exists) {
        s = fct_checkpoint_read(t->checkpoint, t->spec.text, &t->state, err);
        if (!s) note(t, "going on from step %llu", (unsigned long long)t->state.step);
        if (!s) fct_runlog_trim(t->r->out, "log.csv", (long)t->state.step);
        if (!s) fct_runlog_trim(t->r->out, "eval.csv", (long)t->state.step);
        return s;
    }
    fct_rng rng = fct_rng_for((uint64_t)t->r->seed, FCT_RNG_INIT, 0);
    fct_net_init(&t->spec, &rng, t->state.params, t->state.stats);
    if (t->r->init) s = fct_import_onnx(t->r->init, &t->spec, t->state.params, t->state.stats, err);
    if (s) return s;
    memcpy(t->state.ema, t->state.params, t->spec.n_params * sizeof(float));
    memcpy(t->state.ema_stats, t->state.stats, t->spec.n_stats * sizeof(float));
    return FCT_OK;
}

/* How many pictures of a batch the teacher sees as the network does. */
static int teacher_views(const run *t) { return (int)(t->r->teacher_view * t->r->batch + 0.5); }

/* Starts the loader of batches and, from the length of an epoch, sets the schedule: steps in all, steps of warming
 * up, the step from which the margin loss is on. */
static fct_status open_loader(run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    fct_loader_opts o = {.batch = r->batch,
                         .out_size = t->spec.size,
                         .workers = r->workers,
                         .seed = (uint64_t)r->seed,
                         .augment = r->augment,
                         .ramp = r->ramp,
                         .balance = r->balance,
                         .labeled = !t->teacher.rows,
                         .mixed = (int)(r->mix * teacher_views(t)),
                         .on_bad = on_bad,
                         .user = t};
    fct_status s = fct_loader_create(t->data, &o, (long)t->state.step, &t->loader, err);
    if (s) return s;
    double steps = (double)fct_loader_epoch_size(t->loader) / r->batch;
    t->optim = r->optim;
    t->optim.total = (long)(r->epochs * steps + 0.5);
    t->optim.warmup = (long)(r->warmup_epochs * steps + 0.5);
    t->margin_start = r->margin_weight > 0 ? (long)(r->margin_from * (double)t->optim.total) : t->optim.total;
    return FCT_OK;
}

/* Creates the network of the recipe, or of the file to start from unless it grows. With train_stages only the units
 * of the last spatial stages are trained. */
static fct_status open_network(run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    char *text = NULL;
    fct_status s = r->init && !r->grow ? fct_import_network(r->init, &text, err) : FCT_OK;
    if (!s) s = fct_net_spec_parse(text ? text : r->network, &t->spec, err);
    fct_free(text);
    if (s || !r->train_stages) return s;
    int stages = t->spec.unit[t->spec.n_units - 1].stage + 1;
    while (t->frozen_below < t->spec.n_units && t->spec.unit[t->frozen_below].stage < stages - r->train_stages)
        t->frozen_below++;
    return FCT_OK;
}

/* Opens everything, in the order in which each part needs the ones before it. */
static fct_status open_run(run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    t->checkpoint = fct_train_checkpoint_path(r->out);
    if (!t->checkpoint) return fct_fail_nomem(err, "path", 0);
    fct_status s = check_settings(r, err);
    if (!s) s = open_network(t, err);
    if (!s) s = open_data(t, err);
    if (!s) s = check(t, err);
    if (!s) s = open_state(t, err);
    if (!s) s = allocate(t, err);
    if (!s) s = open_loader(t, err);
    if (!s) s = fct_net_create(&t->spec, r->batch, true, NULL, &t->net, err);
    if (!s && t->eval_data) s = fct_net_create(&t->spec, EVAL_BATCH, false, NULL, &t->eval_net, err);
    if (!s && r->margin_weight > 0)
        s = fct_margin_create(&r->margin, t->data->classes, t->spec.dim, r->batch, &t->margin, err);
    if (!s)
        note(t, "network: %.1f MMAC, %zu parameters; %ld steps of %d", t->spec.macs * 1e-6, t->spec.n_params,
             t->optim.total, r->batch);
    return s;
}

/* Frees what was opened, however far that came. */
static void close_run(run *t) {
    fct_loader_free(t->loader);
    fct_net_free(t->net);
    fct_net_free(t->eval_net);
    fct_margin_free(t->margin);
    fct_train_state_clear(&t->state);
    fct_teacher_clear(&t->teacher);
    fct_teacher_net_free(t->teacher_net);
    fct_pairs_clear(&t->pairs);
    fct_dataset_free(t->data);
    fct_dataset_free(t->eval_data);
    fct_net_spec_clear(&t->spec);
    fct_aligned_free(t->unit);
    fct_aligned_free(t->target);
    fct_aligned_free(t->grad);
    fct_aligned_free(t->norm);
    fct_aligned_free(t->grads);
    fct_aligned_free(t->center_grads);
    fct_aligned_free(t->like_pictures);
    fct_aligned_free(t->like_classes);
    fct_free(t->used);
    fct_free(t->checkpoint);
}

/* ---- One step -------------------------------------------------------------------- */

/* Class centers start as the mean of the teacher's embeddings of the class (with
 * a little noise between sub-centers), or at random without a teacher. */
static void init_centers(run *t) {
    int dim = t->spec.dim, k = t->r->margin.subcenters;
    float *c = t->state.centers;
    fct_rng rng = fct_rng_for((uint64_t)t->r->seed, FCT_RNG_CENTERS, 0);
    float noise = t->teacher.rows ? (k > 1 ? 0.02f : 0) : 1 / sqrtf((float)dim);
    for (size_t i = 0; i < t->state.n_centers; i++) c[i] = noise > 0 ? noise * (float)fct_rng_normal(&rng) : 0;
    for (size_t i = 0; t->teacher.rows && i < t->data->n; i++) {
        int label = t->data->sample[i].label;
        for (int q = 0; label >= 0 && q < k; q++)
            for (int d = 0; d < dim; d++) c[((size_t)label * k + q) * dim + d] += t->teacher.rows[i * dim + d];
    }
    unit_rows(t->state.n_centers / dim, dim, c);
    memset(t->state.center_momentum, 0, t->state.n_centers * sizeof(float));
}

/* The class centers are not used before they were set: a schedule that was changed may skip the step that sets them. */
static bool centers_ready(const run *t) {
    float sq = 0;
    for (int d = 0; d < t->spec.dim; d++) sq += t->state.centers[d] * t->state.centers[d];
    return sq > 0;
}

/* The weight of the margin loss, which rises in a line over its first steps: at once it would tear apart what
 * the teacher has taught. */
static double margin_weight(const run *t, long step) {
    double ramp = t->r->margin_ramp * (double)t->optim.total, since = (double)(step - t->margin_start + 1);
    return t->r->margin_weight * (ramp > since ? since / ramp : 1);
}

/* The target of a picture is the teacher's embedding of the very view the network
 * sees for the first pictures of a batch (Beyer et al., "Knowledge distillation: a
 * good teacher is patient and consistent", CVPR 2022, section 3), and of the
 * picture without changes for the others. */
static fct_status distill(run *t, const fct_batch *b, double *loss, fct_error *err) {
    int dim = t->spec.dim, ld = fct_pad(dim), views = teacher_views(t);
    double parts[2];
    *loss = 0;
    if (!t->teacher.rows) return FCT_OK;
    fct_status s = views ? fct_teacher_net_embed(t->teacher_net, b->pixels, views, dim, ld, t->target, err) : FCT_OK;
    if (s) return s;
    for (int i = views; i < b->n; i++)
        memcpy(t->target + (size_t)i * ld, t->teacher.rows + (size_t)b->sample[i] * dim, (size_t)dim * sizeof(float));
    *loss = fct_loss_distill(&t->r->distill, b->n, dim, ld, t->unit, t->target, t->grad, parts, t->used);
    t->sum.cosine += parts[0];
    t->sum.gram += parts[1];
    return FCT_OK;
}

/* The margin loss of a batch and its gradients; see fct_loss_margin(). */
static double margin_loss(run *t, const fct_batch *b, long step, double weight, const int **chosen, int *n_chosen) {
    int dim = t->spec.dim, ld = fct_pad(dim);
    fct_margin_like like = {t->like_pictures, t->like_classes};
    fct_rng rng = fct_rng_for((uint64_t)t->r->seed, FCT_RNG_CLASSES, (uint64_t)step);
    if (step == t->margin_start || !centers_ready(t)) init_centers(t);
    for (int i = 0; t->like_pictures && i < b->n; i++)
        memcpy(t->like_pictures + (size_t)i * ld, t->teacher.rows + (size_t)b->sample[i] * dim,
               (size_t)dim * sizeof(float));
    return fct_loss_margin(t->margin, weight, b->n, ld, t->unit, b->label, t->like_pictures ? &like : NULL,
                           t->state.centers, t->grad, t->center_grads, &rng, chosen, n_chosen);
}

/* Makes a step of the classes in use. The weight is taken out of their gradient, so that centers learn as fast as in
 * a margin loss alone. */
static void step_centers(run *t, const int *chosen, int n, double lr, double weight) {
    size_t row = (size_t)t->r->margin.subcenters * t->spec.dim;
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)chosen[i] * row;
        fct_sgd_step(&t->optim, lr * t->r->margin_lr, t->optim.decay, 1 / weight, row, t->center_grads + at,
                     t->state.centers + at, t->state.center_momentum + at);
    }
}

/* False: the step was not finite and nothing was changed but the statistics,
 * which are put back. */
static bool apply(run *t, long step, double loss, const int *chosen, int n_chosen, double weight) {
    double lr = fct_optim_lr(&t->optim, step), gain = 1;
    fct_net_backward(t->net, t->state.params, t->grad, t->grads);
    double norm = fct_grad_norm(t->grads, t->spec.n_params);
    if (!isfinite(loss) || !isfinite(norm)) return false;
    if (t->optim.clip > 0 && norm > t->optim.clip) gain = t->optim.clip / norm;
    fct_sgd_step_net(&t->optim, lr, gain, &t->spec, t->frozen_below, t->grads, t->state.params, t->state.momentum);
    if (n_chosen > 0) step_centers(t, chosen, n_chosen, lr, weight);
    fct_ema_step(t->optim.ema, step, t->spec.n_params, t->state.params, t->state.ema);
    fct_ema_step(t->optim.ema, step, t->spec.n_stats, t->state.stats, t->state.ema_stats);
    t->sum.grad_norm += norm;
    t->sum.lr = lr;
    t->sum.loss += loss;
    return true;
}

/* Takes one batch through the network forward, to the losses and their gradients with respect to unit embeddings,
 * back through the normalization and the network, and makes the step. A step that is not finite is skipped, and the
 * statistics of the batch norms are put back. */
static fct_status train_step(run *t, const fct_batch *b, long step, float *stats_before, fct_error *err) {
    int dim = t->spec.dim, ld = fct_pad(dim), n_chosen = 0;
    const int *chosen = NULL;
    double weight = margin_weight(t, step), margin = 0, loss;
    memcpy(stats_before, t->state.stats, t->spec.n_stats * sizeof(float));
    const float *z = fct_net_forward(t->net, t->state.params, t->state.stats, b->input, b->n,
                                     (fct_net_mode){.train = true, .momentum = 0.1, .frozen_below = t->frozen_below});
    fct_unit_rows(b->n, dim, ld, z, t->unit, t->norm);
    memset(t->grad, 0, (size_t)b->n * ld * sizeof(float));
    fct_status s = distill(t, b, &loss, err);
    if (s) return s;
    if (t->margin && step >= t->margin_start) {
        margin = margin_loss(t, b, step, weight, &chosen, &n_chosen);
        t->sum.margin += margin / weight;
    }
    fct_unit_rows_back(b->n, dim, ld, t->unit, t->norm, t->grad, t->grad);
    if (!apply(t, step, loss + margin, chosen, n_chosen, weight)) {
        memcpy(t->state.stats, stats_before, t->spec.n_stats * sizeof(float));
        t->state.skipped++;
        note(t, "step %ld skipped: its loss or gradient is not finite", step);
    }
    t->summed++;
    return FCT_OK;
}

/* ---- The loop ---------------------------------------------------------------------- */

/* Reports the means since the last report to the log and to the caller. */
static void report(run *t) {
    fct_train_progress p = t->sum;
    double n = t->summed ? (double)t->summed : 1, seconds = (double)(fct_time_ns() - t->since) * 1e-9;
    char line[200];
    p.step = (long)t->state.step;
    p.total = t->optim.total;
    p.epoch = (double)p.step * t->r->batch / (double)fct_loader_epoch_size(t->loader);
    p.loss /= n, p.cosine /= n, p.gram /= n, p.margin /= n, p.grad_norm /= n;
    p.images_per_second = seconds > 0 ? n * t->r->batch / seconds : 0;
    p.seconds_left = p.images_per_second > 0 ? (double)(p.total - p.step) * t->r->batch / p.images_per_second : 0;
    p.bad_pictures = fct_loader_bad(t->loader);
    p.skipped_steps = t->state.skipped;
    snprintf(line, sizeof line, "%ld,%.4f,%.6g,%.6g,%.6g,%.6g,%.6g,%.4g,%.1f", p.step, p.epoch, p.lr, p.loss, p.cosine,
             p.gram, p.margin, p.grad_norm, p.images_per_second);
    fct_runlog_append(t->r->out, "log.csv", "step,epoch,lr,loss,cosine,gram,margin,grad_norm,images_per_second", line);
    if (t->hooks.progress) t->hooks.progress(t->hooks.user, &p);
    t->sum = (fct_train_progress){0};
    t->summed = 0;
    t->since = fct_time_ns();
}

/* Embeds the evaluation set with the averaged weights and measures it; a run without one has no such step. */
static fct_status evaluate(run *t, fct_error *err) {
    fct_eval_result r;
    size_t bad;
    char line[300];
    if (!t->eval_data) return FCT_OK;
    fct_curves_write_loss(t->r->out);
    float *rows = fct_aligned_alloc(t->eval_data->n * (size_t)t->spec.dim * sizeof *rows);
    if (!rows) return fct_fail_nomem(err, "evaluation", 0);
    fct_status s = fct_eval_embed(t->eval_data, &t->spec, t->eval_net, EVAL_BATCH, t->state.ema, t->state.ema_stats,
                                  false, rows, &bad, err);
    if (!s) s = fct_eval_measure(t->eval_data, rows, t->spec.dim, &t->pairs, &r, err);
    if (!s) fct_curves_write_roc(t->r->out, t->eval_data, rows, t->spec.dim);
    fct_aligned_free(rows);
    if (s) return s;
    snprintf(line, sizeof line, "%llu,%.5f,%.5f,%.5f,%.5f,%.5f,%.5f", (unsigned long long)t->state.step, r.accuracy,
             r.deviation, r.tar[0], r.tar[1], r.tar[2], r.tar[3]);
    fct_runlog_append(t->r->out, "eval.csv", "step,accuracy,deviation,tar_1e-2,tar_1e-3,tar_1e-4,tar_1e-5", line);
    if (t->hooks.evaluated) t->hooks.evaluated(t->hooks.user, (long)t->state.step, &r);
    t->since = fct_time_ns();
    return FCT_OK;
}

/* Writes the checkpoint, whole or not at all. */
static fct_status save(run *t, fct_error *err) {
    return fct_checkpoint_write(t->checkpoint, t->spec.text, &t->state, err);
}

static bool every(long step, int n) { return n > 0 && step % n == 0; }

/* Takes steps until the schedule ends or the caller stops it. What is saved is saved before it is evaluated, so that
 * a stop during an evaluation loses nothing. */
static fct_status loop(run *t, fct_error *err) {
    const fct_recipe *r = t->r;
    fct_status s = FCT_OK;
    float *stats = fct_aligned_alloc((t->spec.n_stats + 1) * sizeof *stats);
    if (!stats) return fct_fail_nomem(err, "training", 0);
    t->since = fct_time_ns();
    while (!s && (long)t->state.step < t->optim.total) {
        if ((s = train_step(t, fct_loader_next(t->loader), (long)t->state.step, stats, err))) break;
        long step = (long)++t->state.step;
        bool last = step == t->optim.total, stop = t->hooks.stop && t->hooks.stop(t->hooks.user);
        if (every(step, r->log_every) || last) report(t);
        if (every(step, r->checkpoint_every) || last || stop) s = save(t, err);
        if (!s && (every(step, r->eval_every) || last)) s = evaluate(t, err);
        if (!s && stop && !last) s = fct_fail(err, FCT_ERR_CANCELLED, "stopped at step %ld; run again to go on", step);
    }
    fct_aligned_free(stats);
    return s;
}

fct_status fct_train_run(const fct_recipe *recipe, const fct_train_hooks *hooks, fct_error *err) {
    run t = {.r = recipe};
    if (hooks) t.hooks = *hooks;
    fct_status s = open_run(&t, err);
    if (!s) s = loop(&t, err);
    close_run(&t);
    return s;
}
